import type { Id } from '../../state/index.ts'
import { registered_once } from '../mm/secondary.ts'
import { blocked, op } from '../op.ts'

export const mmu_notifier_unregister = op({
  name: 'mmu_notifier_unregister',
  source: 'mm/mmu_notifier.c:mmu_notifier_unregister',
  doc: 'Unregisters a notifier, and waits for its running callbacks. None runs after it.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  steps: {
    remove(k, me) {
      registered_once(k, me.notifier, me.thread)
      k.notifier(me.notifier).registered = false
      return 'synchronize'
    },
    // synchronize_srcu(): whoever runs a callback has begun an invalidation, and not ended it.
    synchronize(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      return mm.active_invalidate_ranges > 0 ? blocked : k.done()
    },
  },
})
