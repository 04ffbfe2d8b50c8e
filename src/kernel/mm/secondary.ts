import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'

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
