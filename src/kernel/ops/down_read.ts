import { down_read as take } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const down_read = op({
  name: 'down_read',
  source: 'kernel/locking/rwsem.c:down_read',
  doc: 'Takes a read-write semaphore for reading.',
  needs: ['may sleep'],
  args: { sem: 'rwsem' },
  steps: {
    lock: (k, me) => (take(k, me.sem, me.thread) ? k.done() : blocked),
  },
})
