import type { Id } from '../../state/index.ts'
import { EFAULT, EINVAL } from '../constants.ts'
import { driver_frame, may_write } from '../mm/driver.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_alloc, set_special } from '../mm/ptes.ts'
import { is_cow_mapping } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const remap_pfn_range = op({
  name: 'remap_pfn_range',
  source: 'mm/memory.c:remap_pfn_range',
  doc: 'A driver maps pages of its object, from the beginning of a mapping on. It is told how many, and does not know where the object ends.',
  args: { vma: 'vma', bo: 'bo', first: 'int', pages: 'int' },
  returns: 'errno',
  steps: {
    remap(k, me) {
      const vma = k.vma(me.vma)
      const mm = vma.vm_mm!
      if (!ptlFree(k, mm, me.thread)) return blocked
      // Of a private mapping it writes the PFN into vm_pgoff, which there is room for only once.
      if (is_cow_mapping(vma) && me.pages !== vma.vm_end - vma.vm_start) return k.done(-EINVAL)
      vma.VM_IO = vma.VM_PFNMAP = vma.VM_DONTEXPAND = vma.VM_PAT = true
      pte_alloc(k, mm)
      for (let i = 0; i < me.pages && vma.vm_start + i < vma.vm_end; i++) {
        const pfn = driver_frame(k, me.bo, me.first + i)
        if (pfn === undefined) return k.done(-EFAULT)
        set_special(k.pte(mm, (vma.vm_start + i) as Id<'vpn'>), pfn, may_write(vma))
      }
      return k.done(0)
    },
  },
})
