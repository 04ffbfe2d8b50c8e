import type { Id } from '../../state/index.ts'
import { lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { zap_range } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { canUnlink, unlink } from './munmap.ts'

export const exit_mm = op({
  name: 'exit_mm',
  source: 'mm/mmap.c:exit_mmap',
  doc: 'The process dies: notifiers are released, everything is unmapped. Waits until no other thread of the process is in the kernel.',
  needs: ['current mm', 'may sleep'],
  args: {},
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  steps: {
    // The last user of the mm tears it down. A daemon of the process dies where it is, unless it is inside a call.
    release(k, me) {
      const mm = k.currentMm(me.thread)!
      for (const [t, program] of k.config.threads.entries()) {
        if (t === me.thread || program.context.mm !== mm) continue
        const { depth } = k.thread(t as Id<'thread'>)
        if (depth > 0 && (program.daemon !== true || !k.canDie(t as Id<'thread'>))) return blocked
      }
      for (const [t, program] of k.config.threads.entries())
        if (t !== me.thread && program.context.mm === mm) k.kill(t as Id<'thread'>)
      if (!k.notified(mm)) return 'lock'
      return k.call(mmu_notifier_invalidate_range_start, 'released', mm, 0, k.config.vpns)
    },
    released: (k, me) =>
      k.call(mmu_notifier_invalidate_range_end, 'lock', k.currentMm(me.thread)!, 0, k.config.vpns),
    lock(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      if (!k.notified(mm)) return 'zap'
      return k.call(mmu_notifier_invalidate_range_start, 'zap', mm, 0, k.config.vpns)
    },
    zap(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      zap_range(k, mm, 0, k.config.vpns)
      if (!k.notified(mm)) return 'unlink'
      return k.call(mmu_notifier_invalidate_range_end, 'unlink', mm, 0, k.config.vpns)
    },
    unlink(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!canUnlink(k, me.thread, mm, 0, k.config.vpns)) return blocked
      unlink(k, mm, 0, k.config.vpns)
      k.mm(mm).alive = false
      mmap_unlock(k, mm, me.thread)
      return k.done()
    },
  },
})
