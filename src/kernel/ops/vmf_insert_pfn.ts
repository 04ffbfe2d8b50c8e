import { VM_FAULT_SIGBUS } from '../constants.ts'
import { driver_frame, may_write } from '../mm/driver.ts'
import { pfn_valid } from '../mm/frames.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_alloc, pte_offset, set_special } from '../mm/ptes.ts'
import { is_cow_mapping } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const vmf_insert_pfn = op({
  name: 'vmf_insert_pfn',
  source: 'mm/memory.c:vmf_insert_pfn_prot',
  doc: "A driver's fault handler maps one page of its object, by its frame alone.",
  args: { vma: 'vma', addr: 'addr', bo: 'bo', index: 'int' },
  returns: 'int',
  steps: {
    insert(k, me) {
      const vma = k.vma(me.vma)
      if (!ptlFree(k, vma.vm_mm!, me.thread)) return blocked
      const pfn = driver_frame(k, me.bo, me.index)
      const wrong =
        vma.VM_PFNMAP === vma.VM_MIXEDMAP
          ? `${vma.VM_PFNMAP ? 'both' : 'neither'} VM_PFNMAP ${vma.VM_PFNMAP ? 'and' : 'nor'} VM_MIXEDMAP`
          : vma.VM_PFNMAP && is_cow_mapping(vma)
            ? 'VM_PFNMAP and private'
            : pfn !== undefined && vma.VM_MIXEDMAP && pfn_valid(k, pfn)
              ? 'VM_MIXEDMAP, of memory that has a struct page'
              : undefined
      if (wrong !== undefined) {
        k.violate(
          'kernel-bug',
          `${k.threadName(me.thread)} runs into the BUG of vmf_insert_pfn() with a mapping that is ${wrong}`,
        )
        return k.done(VM_FAULT_SIGBUS)
      }
      const pte = pte_offset(k, vma.vm_mm!, me.addr)
      if (pte === undefined || pfn === undefined) return k.done(VM_FAULT_SIGBUS)
      pte_alloc(k, vma.vm_mm!)
      if (!pte.present) set_special(pte, pfn, may_write(vma))
      return k.done(0)
    },
  },
})
