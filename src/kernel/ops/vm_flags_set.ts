import { vmFlags } from '../mm/driver.ts'
import { op } from '../op.ts'

export const vm_flags_set = op({
  name: 'vm_flags_set',
  source: 'include/linux/mm.h:vm_flags_set',
  doc: 'A driver gives flags to a mapping that is being made.',
  args: { vma: 'vma', flags: 'flags' },
  steps: {
    set(k, me) {
      const vma = k.vma(me.vma)
      for (const [name, bit] of vmFlags) if ((me.flags & bit) !== 0) vma[name] = true
      return k.done()
    },
  },
})
