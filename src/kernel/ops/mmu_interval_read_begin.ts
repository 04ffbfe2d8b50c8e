import type { Id } from '../../state/index.ts'
import { blocked, op } from '../op.ts'

export const mmu_interval_read_begin = op({
  name: 'mmu_interval_read_begin',
  source: 'mm/mmu_notifier.c:mmu_interval_read_begin',
  doc: 'Begins a look-up that a notifier protects: the sequence to check with mmu_interval_read_retry. Waits while an invalidation runs.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'seq',
  steps: {
    begin(k, me) {
      const mm = k.mm(k.config.notifiers[me.notifier]!.mm as Id<'mm'>)
      const seq = k.notifier(me.notifier).invalidate_seq
      return seq === mm.invalidate_seq ? blocked : k.done(seq)
    },
  },
})
