import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { holdsForWriting, mmap_lock } from './locks.ts'

/** The entry of a notifier's secondary MMU for an address, its first when none is given. Undefined, and said: the notifier does not cover it. */
export function secondary_entry(
  k: Kernel,
  notifier: Id<'notifier'>,
  addr: number,
): Row<'secondary'> | undefined {
  const n = k.config.notifiers[notifier]!
  const at = addr < 0 ? n.start : addr
  if (at >= n.start && at < n.start + n.pages) return k.secondary(notifier, at as Id<'vpn'>)
  k.violate(
    'model-bound',
    `page ${at} is outside of what ${n.name} covers: what happens to it nobody is told`,
  )
  return undefined
}

/** __mmu_interval_notifier_insert(): while an invalidation runs it takes effect at its end. */
export function insert_interval(k: Kernel, notifier: Id<'notifier'>): void {
  const mm = k.mm(k.config.notifiers[notifier]!.mm as Id<'mm'>)
  const n = k.notifier(notifier)
  if (mm.active_invalidate_ranges === 0) {
    n.registered = true
    n.invalidate_seq = (mm.invalidate_seq - 1) & 127
    return
  }
  if ((mm.invalidate_seq & 1) === 1) n.deferred = true
  else {
    mm.invalidate_seq |= 1
    n.registered = true
  }
  n.invalidate_seq = mm.invalidate_seq
}

/** Who unregisters what is not registered drops a reference to the mm that is not its own. */
export function registered_once(k: Kernel, notifier: Id<'notifier'>, thread: Id<'thread'>): void {
  const { registered, deferred } = k.notifier(notifier)
  if (!registered && !deferred)
    k.violate(
      'refcount-balance',
      `${k.threadName(thread)} unregisters ${k.config.notifiers[notifier]!.name}, which is not registered`,
    )
}

/** mmap_assert_write_locked(): the lock is that of the notifier's mm, whoever runs. */
export function registering_locked(k: Kernel, notifier: Id<'notifier'>, thread: Id<'thread'>): void {
  const mm = k.config.notifiers[notifier]!.mm as Id<'mm'>
  if (!holdsForWriting(k, mmap_lock(k, mm), thread))
    k.violate(
      'lock-context',
      `${k.threadName(thread)} registers ${k.config.notifiers[notifier]!.name} without ${k.mmName(mm)}'s mmap_lock for writing`,
    )
}
