import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const mmu_notifier_invalidate_range_end = op({
  name: 'mmu_notifier_invalidate_range_end',
  source: 'mm/mmu_notifier.c:mn_itree_inv_end',
  doc: 'Ends an invalidation: with the last one the sequence becomes even again, and whoever waits in read_begin goes on.',
  args: { mm: 'mm', start: 'addr', end: 'addr' },
  internal: true,
  steps: {
    end(k, me) {
      const mm = k.mm(me.mm)
      mm.active_invalidate_ranges -= 1
      if (mm.active_invalidate_ranges === 0 && (mm.invalidate_seq & 1) === 1) {
        mm.invalidate_seq = (mm.invalidate_seq + 1) & 127
        // Inserts and removals that came in between take effect now.
        for (const [i, n] of k.config.notifiers.entries()) {
          const row = k.notifier(i as Id<'notifier'>)
          if (n.mm !== me.mm || !row.deferred) continue
          row.registered = !row.registered
          row.deferred = false
        }
      }
      return k.done()
    },
  },
})
