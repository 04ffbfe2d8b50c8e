import { insert_interval, registering_locked } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const mmu_interval_notifier_insert_locked = op({
  name: 'mmu_interval_notifier_insert_locked',
  source: 'mm/mmu_notifier.c:mmu_interval_notifier_insert_locked',
  doc: 'Registers an interval notifier for a caller that holds the mmap_lock for writing.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'errno',
  steps: {
    insert(k, me) {
      registering_locked(k, me.notifier, me.thread)
      insert_interval(k, me.notifier)
      return k.done(0)
    },
  },
})
