import { EAGAIN, EFAULT } from '../constants.ts'
import { GFP_HIGHUSER_MOVABLE } from '../mm/frames.ts'
import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { migrate_page, rmapFree, untold } from '../mm/migrate.ts'
import { pte_offset, vm_normal_page } from '../mm/ptes.ts'
import { blocked, type Flow, op } from '../op.ts'
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
  locals: { error: 'errno', told: 'int' },
  steps: {
    start(k, me) {
      const pte = pte_offset(k, me.mm, me.addr)
      if (pte?.present !== true || vm_normal_page(pte) === undefined) return k.done(-EFAULT)
      return 'move'
    },
    // try_to_migrate(): whoever maps the page is told before it goes. Kernels do so one after the other, and let everybody wait who faults.
    move(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      const pte = pte_offset(k, me.mm, me.addr)
      const pfn = pte?.present === true && !pte.stale ? vm_normal_page(pte) : undefined
      if (pfn !== undefined && untold(k, pfn, me.told) !== undefined) return tell(k, me, pfn, 'move')
      const moved = pfn === undefined ? undefined : migrate_page(k, pfn, GFP_HIGHUSER_MOVABLE)
      me.error = moved === undefined ? -EAGAIN : 0
      return 'done'
    },
    done: (k, me) => (me.told === 0 ? k.done(me.error) : toldOf(k, me, 'done')),
  },
})

type Telling = { readonly thread: Id<'thread'>; told: number }

/** Begins an invalidation for the next process that maps the page; back at `step` there may be another. */
export function tell(k: Kernel, me: Telling, pfn: Id<'pfn'>, step: string): Flow {
  const { mm, start, end } = untold(k, pfn, me.told)!
  me.told |= 1 << mm
  return k.call(mmu_notifier_invalidate_range_start, step, mm, start, end)
}

/** Ends one of the invalidations that tell() began; back at `step` there may be another. */
export function toldOf(k: Kernel, me: Telling, step: string): Flow {
  const mm = 31 - Math.clz32(me.told)
  me.told &= ~(1 << mm)
  return k.call(mmu_notifier_invalidate_range_end, step, mm, 0, k.config.vpns)
}
