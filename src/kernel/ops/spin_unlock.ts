import { unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const spin_unlock = op({
  name: 'spin_unlock',
  source: 'include/linux/spinlock.h',
  doc: 'Releases a spinlock.',
  args: { lock: 'spinlock' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      unlock(k, me.lock, me.thread)
      return k.done()
    },
  },
})
