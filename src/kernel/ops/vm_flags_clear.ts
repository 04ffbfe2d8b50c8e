import { vmFlags } from '../mm/driver.ts'
import { op } from '../op.ts'

export const vm_flags_clear = op({
  name: 'vm_flags_clear',
  source: 'include/linux/mm.h:vm_flags_clear',
  doc: 'A driver takes flags from a mapping that is being made.',
  args: { vma: 'vma', flags: 'flags' },
  steps: {
    clear(k, me) {
      const vma = k.vma(me.vma)
      for (const [name, bit] of vmFlags) if ((me.flags & bit) !== 0) vma[name] = false
      return k.done()
    },
  },
})
