import { unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const up_read = op({
  name: 'up_read',
  source: 'kernel/locking/rwsem.c:up_read',
  doc: 'Releases a read-write semaphore that was held for reading.',
  args: { sem: 'rwsem' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      unlock(k, me.sem, me.thread)
      return k.done()
    },
  },
})
