import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { page_anon } from '../mm/frames.ts'
import type { Invariant } from './invariant.ts'

/** Raised where a page is replaced by a copy at the address at which it is pinned. */
export const pinned_diverges = {
  code: 'pinned-diverges',
  promise: 'What is pinned stays what its process maps there, until the process itself maps something else.',
} as const satisfies Invariant

/**
 * A page is about to be replaced by a copy, on a write or to unshare it. That is against the promise when it is pinned there; pages of files and
 * the zero page are promised to pins with FOLL_LONGTERM only.
 */
export function check_pinned_diverges(
  k: Kernel,
  me: { readonly thread: Id<'thread'>; readonly addr: number },
  mm: Id<'mm'>,
  pfn: Id<'pfn'>,
): void {
  const page = k.page(pfn)
  if (page.pins === 0 || page.pin_mm !== mm || page.pin_addr !== me.addr) return
  if (!page_anon(k, pfn) && page.longterm === 0) return
  k.violate(
    'pinned-diverges',
    `${k.threadName(me.thread)} gets a copy at ${k.addrName(mm, me.addr)}; whoever has pinned ${k.pfnName(pfn)} there goes on with the old page`,
  )
}
