import { ptlFree } from '../mm/locks.ts'
import { zap_range } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const zap_vma_ptes = op({
  name: 'zap_vma_ptes',
  source: 'mm/memory.c:zap_vma_ptes',
  doc: 'A driver takes away what it has put into its own mapping (zap_special_vma_range in 7.2). A range that is not within one VM_PFNMAP mapping is passed over without a word.',
  needs: ['mmap_lock', 'may sleep'],
  args: { vma: 'vma?', addr: 'addr', pages: 'int' },
  locals: { mm: 'mm' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  steps: {
    check(k, me) {
      const id = me.vma ?? vma_lookup(k, k.currentMm(me.thread)!, me.addr)
      if (id === undefined) return k.done()
      const vma = k.vma(id)
      if (me.pages <= 0 || me.addr < vma.vm_start || me.addr + me.pages > vma.vm_end) return k.done()
      if (!vma.VM_PFNMAP && !(vma.VM_MIXEDMAP && k.has('zap-special'))) return k.done()
      me.vma = id
      me.mm = vma.vm_mm
      if (!k.notified(vma.vm_mm!)) return 'zap'
      return k.call(mmu_notifier_invalidate_range_start, 'zap', vma.vm_mm!, me.addr, me.addr + me.pages)
    },
    zap(k, me) {
      const mm = me.mm!
      if (!ptlFree(k, mm, me.thread)) return blocked
      k.vma(me.vma!).VM_PAT = false // untrack_pfn()
      zap_range(k, mm, me.addr, me.addr + me.pages)
      if (!k.notified(mm)) return k.done()
      return k.call(mmu_notifier_invalidate_range_end, 'done', mm, me.addr, me.addr + me.pages)
    },
    done: (k) => k.done(),
  },
})
