import { lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const spin_lock = op({
  name: 'spin_lock',
  source: 'include/linux/spinlock.h',
  doc: 'Takes a spinlock. Nothing that may sleep is allowed until it is released.',
  args: { lock: 'spinlock' },
  steps: {
    lock: (k, me) => (lock(k, me.lock, me.thread) ? k.done() : blocked),
  },
})
