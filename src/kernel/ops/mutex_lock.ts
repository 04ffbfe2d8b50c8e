import { lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const mutex_lock = op({
  name: 'mutex_lock',
  source: 'kernel/locking/mutex.c',
  doc: 'Takes a mutex; waits for its holder.',
  needs: ['may sleep'],
  args: { lock: 'mutex' },
  steps: {
    lock: (k, me) => (lock(k, me.lock, me.thread) ? k.done() : blocked),
  },
})
