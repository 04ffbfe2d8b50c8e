import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const mmu_interval_notifier_insert = op({
  name: 'mmu_interval_notifier_insert',
  source: 'mm/mmu_notifier.c:__mmu_interval_notifier_insert',
  doc: 'Registers an interval notifier. During an invalidation that is deferred, and the first read_begin waits.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'errno',
  steps: {
    insert(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      const n = k.notifier(me.notifier)
      if (mm.active_invalidate_ranges === 0) {
        n.registered = true
        n.invalidate_seq = (mm.invalidate_seq - 1) & 127
        return k.done(0)
      }
      if ((mm.invalidate_seq & 1) === 1) n.deferred = true
      else {
        mm.invalidate_seq |= 1
        n.registered = true
      }
      n.invalidate_seq = mm.invalidate_seq
      return k.done(0)
    },
  },
})
