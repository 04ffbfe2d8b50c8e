import { ENOMEM } from '../constants.ts'
import { ptlFree } from '../mm/locks.ts'
import { zap_range } from '../mm/ptes.ts'
import { split_to_unmap } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { canUnlink, overlaps, unlink } from './munmap.ts'

export const do_munmap = op({
  name: 'do_munmap',
  source: 'mm/mmap.c:__do_munmap',
  doc: 'Unmaps a range for a caller that holds the mmap_lock for writing.',
  args: { mm: 'mm', start: 'addr', end: 'addr' },
  returns: 'errno',
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  internal: true,
  takes: { vma: 2 },
  steps: {
    split(k, me) {
      if (!overlaps(k, me.mm, me.start, me.end)) return k.done(0)
      if (!split_to_unmap(k, me.mm, me.start, me.end)) return k.done(-ENOMEM)
      if (!k.notified(me.mm)) return 'zap'
      return k.call(mmu_notifier_invalidate_range_start, 'zap', me.mm, me.start, me.end)
    },
    zap(k, me) {
      if (!ptlFree(k, me.mm, me.thread)) return blocked
      zap_range(k, me.mm, me.start, me.end)
      if (!k.notified(me.mm)) return 'unlink'
      return k.call(mmu_notifier_invalidate_range_end, 'unlink', me.mm, me.start, me.end)
    },
    unlink(k, me) {
      if (!canUnlink(k, me.thread, me.mm, me.start, me.end)) return blocked
      unlink(k, me.mm, me.start, me.end)
      return k.done(0)
    },
  },
})
