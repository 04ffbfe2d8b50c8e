import { EBUSY, EFAULT, FAULT_FLAG_WRITE, VM_FAULT_OOM, ENOMEM } from '../constants.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'

export const hmm_range_fault = op({
  name: 'hmm_range_fault',
  source: 'mm/hmm.c:hmm_range_fault',
  doc: 'Faults a page in for writing and gives its PFN, without a reference: good only if mmu_interval_read_retry says so under the lock of the callback.',
  needs: ['current mm', 'mmap_lock', 'may sleep'],
  args: { notifier: 'notifier', seq: 'seq', addr: 'addr', pfn: '&pfn' },
  returns: 'errno',
  calls: () => [handle_mm_fault],
  takes: { pfn: 1 },
  steps: {
    // mmu_interval_check_retry(): no use in looking while the range is being invalidated.
    check(k, me) {
      if (k.notifier(me.notifier).invalidate_seq !== me.seq) return k.done(-EBUSY)
      const mm = k.currentMm(me.thread)!
      const id = vma_lookup(k, mm, me.addr)
      if (id === undefined) return k.done(-EFAULT)
      const vma = k.vma(id)
      // hmm_vma_walk_test(): memory of a driver has no pages to give.
      if (vma.VM_IO || vma.VM_PFNMAP || !vma.VM_WRITE) return k.done(-EFAULT)
      if (!ptlFree(k, mm, me.thread)) return blocked
      const pte = pte_offset(k, mm, me.addr)
      if (pte?.present !== true || !pte.write)
        return k.call(handle_mm_fault, 'faulted', id, me.addr, FAULT_FLAG_WRITE)
      k.outThing(me.pfn, pte.pfn)
      return k.done(0)
    },
    faulted(k, me) {
      if (me.ret === 0) return 'check'
      return k.done((me.ret & VM_FAULT_OOM) !== 0 ? -ENOMEM : -EFAULT)
    },
  },
})
