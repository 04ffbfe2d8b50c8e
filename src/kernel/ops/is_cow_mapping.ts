import { is_cow_mapping as isCow } from '../mm/vmas.ts'
import { op } from '../op.ts'

export const is_cow_mapping = op({
  name: 'is_cow_mapping',
  source: 'include/linux/mm.h:is_cow_mapping',
  doc: 'Whether a mapping is private and may become writable.',
  args: { vma: 'vma' },
  returns: 'int',
  steps: {
    asks(k, me) {
      return k.done(isCow(k.vma(me.vma)) ? 1 : 0)
    },
  },
})
