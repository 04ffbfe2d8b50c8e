import { unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const up_write = op({
  name: 'up_write',
  source: 'kernel/locking/rwsem.c:up_write',
  doc: 'Releases a read-write semaphore that was held for writing.',
  args: { sem: 'rwsem' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      unlock(k, me.sem, me.thread)
      return k.done()
    },
  },
})
