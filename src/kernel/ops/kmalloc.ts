import { ENOMEM } from '../constants.ts'
import { op } from '../op.ts'

export const kmalloc = op({
  name: 'kmalloc',
  source: 'mm/slub.c:kmalloc',
  doc: 'Takes memory for the kernel itself, which may fail: 0 or -ENOMEM, both are explored.',
  needs: ['may sleep'],
  args: {},
  returns: 'errno',
  steps: {
    alloc: (k) => k.done(k.choose(2) === 0 ? 0 : -ENOMEM),
  },
})
