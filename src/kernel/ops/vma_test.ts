import { vmFlags } from '../mm/driver.ts'
import { op } from '../op.ts'

export const vma_test = op({
  name: 'vma_test',
  source: 'include/linux/mm.h:vma_test',
  doc: 'Whether a mapping has any of these flags (VM_WRITE, VM_MAYWRITE, VM_SHARED, VM_IO, VM_PFNMAP, VM_MIXEDMAP, VM_DONTEXPAND).',
  args: { vma: 'vma', flags: 'flags' },
  returns: 'int',
  steps: {
    asks(k, me) {
      const vma = k.vma(me.vma)
      return k.done(vmFlags.some(([name, bit]) => (me.flags & bit) !== 0 && vma[name]) ? 1 : 0)
    },
  },
})
