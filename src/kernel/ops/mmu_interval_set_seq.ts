import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const mmu_interval_set_seq = op({
  name: 'mmu_interval_set_seq',
  source: 'include/linux/mmu_notifier.h:mmu_interval_set_seq',
  doc: "In the callback, under the driver's lock: from here on read_retry says that what was looked up before is void.",
  args: { notifier: 'notifier' },
  steps: {
    // The callback is handed the sequence of the running invalidation; it is that of the mm.
    set(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      k.notifier(me.notifier).invalidate_seq = mm.invalidate_seq
      return k.done()
    },
  },
})
