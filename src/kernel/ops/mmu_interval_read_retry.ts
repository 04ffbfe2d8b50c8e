import { op } from '../op.ts'

export const mmu_interval_read_retry = op({
  name: 'mmu_interval_read_retry',
  source: 'include/linux/mmu_notifier.h:mmu_interval_read_retry',
  doc: 'Whether an invalidation came since read_begin: what was looked up must then be thrown away. Under the lock that the callback takes.',
  args: { notifier: 'notifier', seq: 'seq' },
  returns: 'int',
  steps: {
    check: (k, me) => k.done(k.notifier(me.notifier).invalidate_seq === me.seq ? 0 : 1),
  },
})
