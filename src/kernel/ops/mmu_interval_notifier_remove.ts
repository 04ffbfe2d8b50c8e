import type { Id } from '../../state/index.ts'
import { registered_once } from '../mm/secondary.ts'
import { blocked, op } from '../op.ts'

export const mmu_interval_notifier_remove = op({
  name: 'mmu_interval_notifier_remove',
  source: 'mm/mmu_notifier.c:mmu_interval_notifier_remove',
  doc: 'Unregisters an interval notifier; waits until a running invalidation is over. No callback runs after it.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  locals: { seq: 'seq' },
  steps: {
    remove(k, me) {
      registered_once(k, me.notifier, me.thread)
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      const n = k.notifier(me.notifier)
      if ((mm.invalidate_seq & 1) === 0) {
        n.registered = false
        return k.done()
      }
      if (!n.registered) {
        n.deferred = false // it had not even been inserted
        return k.done()
      }
      n.deferred = true
      me.seq = mm.invalidate_seq
      return 'wait'
    },
    wait(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      return mm.invalidate_seq === me.seq ? blocked : k.done()
    },
  },
})
