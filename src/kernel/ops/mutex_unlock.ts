import { unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const mutex_unlock = op({
  name: 'mutex_unlock',
  source: 'kernel/locking/mutex.c',
  doc: 'Releases a mutex.',
  args: { lock: 'mutex' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      unlock(k, me.lock, me.thread)
      return k.done()
    },
  },
})
