import { VM_FAULT_SIGBUS } from '../constants.ts'
import { driver_frame, may_write } from '../mm/driver.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_alloc, pte_offset, set_normal } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'

export const finish_fault = op({
  name: 'finish_fault',
  source: 'mm/memory.c:finish_fault',
  doc: "A driver's fault handler gives a page of its object (vmf->page), with a reference to it, and the kernel maps it.",
  args: { vma: 'vma', addr: 'addr', bo: 'bo', index: 'int' },
  returns: 'int',
  steps: {
    map(k, me) {
      const vma = k.vma(me.vma)
      if (!ptlFree(k, vma.vm_mm!, me.thread)) return blocked
      const pte = pte_offset(k, vma.vm_mm!, me.addr)
      const pfn = driver_frame(k, me.bo, me.index)
      if (pte === undefined || pfn === undefined) return k.done(VM_FAULT_SIGBUS)
      pte_alloc(k, vma.vm_mm!)
      if (pte.present) return k.done(0)
      k.page(pfn).refcount += 1
      set_normal(k, pte, pfn, may_write(vma))
      return k.done(0)
    },
  },
})
