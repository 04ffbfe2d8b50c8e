import type { Id } from '../../state/index.ts'
import { blocked, op } from '../op.ts'

export const mmu_notifier_synchronize = op({
  name: 'mmu_notifier_synchronize',
  source: 'mm/mmu_notifier.c:mmu_notifier_synchronize',
  doc: 'Waits for the callbacks that run: behind it ->free_notifier() has been called for what was put.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  steps: {
    synchronize(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      return mm.active_invalidate_ranges > 0 ? blocked : k.done()
    },
  },
})
