import { insert_interval } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const mmu_interval_notifier_insert = op({
  name: 'mmu_interval_notifier_insert',
  source: 'mm/mmu_notifier.c:mmu_interval_notifier_insert',
  doc: 'Registers an interval notifier. During an invalidation that is deferred, and the first read_begin waits.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'errno',
  steps: {
    insert(k, me) {
      insert_interval(k, me.notifier)
      return k.done(0)
    },
  },
})
