import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Invariant, Report } from './invariant.ts'

/** What an operation needs is checked where it is called; here, that nobody goes away with a lock. */
export const lock_context = {
  code: 'lock-context',
  promise:
    'Every operation is called with the locks that it needs, without those that forbid it, and every lock is released.',
  atThreadEnd(k: Kernel, thread: Id<'thread'>, report: Report): void {
    for (const [id, lock] of k.locks.entries())
      if (k.hold(id as Id<'lock'>, thread).mode !== 0)
        report(`${k.threadName(thread)} returns and still holds ${lock.name}`)
  },
} as const satisfies Invariant
