import { EAGAIN, EFAULT } from '../constants.ts'
import { GFP_HIGHUSER_MOVABLE } from '../mm/frames.ts'
import { migrate_page, rmapFree } from '../mm/migrate.ts'
import { pte_offset, vm_normal_page } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const migrate_pages = op({
  name: 'migrate_pages',
  source: 'mm/migrate.c:migrate_pages',
  doc: 'Compaction or CMA moves what a process maps at an address to another frame: 0, or -EAGAIN when somebody else refers to the page.',
  args: { mm: 'mm', addr: 'addr' },
  returns: 'errno',
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  takes: { pfn: 1 },
  locals: { error: 'errno' },
  steps: {
    start(k, me) {
      const pte = pte_offset(k, me.mm, me.addr)
      if (pte?.present !== true || vm_normal_page(pte) === undefined) return k.done(-EFAULT)
      if (!k.notified(me.mm)) return 'move'
      return k.call(mmu_notifier_invalidate_range_start, 'move', me.mm, me.addr, me.addr + 1)
    },
    move(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      const pte = pte_offset(k, me.mm, me.addr)
      const pfn = pte?.present === true && !pte.stale ? vm_normal_page(pte) : undefined
      const moved = pfn === undefined ? undefined : migrate_page(k, pfn, GFP_HIGHUSER_MOVABLE)
      me.error = moved === undefined ? -EAGAIN : 0
      if (!k.notified(me.mm)) return 'done'
      return k.call(mmu_notifier_invalidate_range_end, 'done', me.mm, me.addr, me.addr + 1)
    },
    done: (k, me) => k.done(me.error),
  },
})
