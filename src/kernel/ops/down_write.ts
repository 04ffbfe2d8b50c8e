import { lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const down_write = op({
  name: 'down_write',
  source: 'kernel/locking/rwsem.c:down_write',
  doc: 'Takes a read-write semaphore for writing.',
  needs: ['may sleep'],
  args: { sem: 'rwsem' },
  steps: {
    lock: (k, me) => (lock(k, me.sem, me.thread) ? k.done() : blocked),
  },
})
