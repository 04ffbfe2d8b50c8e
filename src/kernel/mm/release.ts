import type { Id } from '../../state/index.ts'
import type { Ghosted, Kernel } from '../kernel.ts'
import { nth, type Out } from '../op.ts'
import { reach } from './access.ts'
import { drop_pin, drop_ref } from './frames.ts'
import type { ThreadId } from './locks.ts'

/** unpin_user_page(): pins of the zero page are not counted since 5.18. */
export function unpin(k: Kernel, thread: ThreadId, pfn: Id<'pfn'>, stale: boolean): void {
  const who = k.threadName(thread)
  reach(k, pfn, stale, `${who} drops a pin of`)
  if (!stale && !(pfn === k.zeroPage && k.has('zero-page-not-pinned'))) drop_pin(k, pfn, who)
}

/** put_page() */
export function put_user_page(k: Kernel, thread: ThreadId, pfn: Id<'pfn'>, stale: boolean): void {
  const who = k.threadName(thread)
  reach(k, pfn, stale, `${who} drops a reference of`)
  if (!stale) drop_ref(k, pfn, who)
}

/** pages[0], if a call with several pages has put one there; `what` does with it, and it is on to the next. */
export function first_page(
  k: Kernel,
  me: { readonly thread: ThreadId; pages: Out | undefined; npages: number },
  op: string,
): { readonly pfn: Id<'pfn'>; readonly cell: Ghosted } | undefined {
  const cell = k.at(me.pages!)
  me.pages = nth(me.pages, 1)
  me.npages -= 1
  if (cell.value !== 0) return { pfn: (cell.value - 1) as Id<'pfn'>, cell }
  k.violate('uninitialised', `${k.threadName(me.thread)} gives ${op} a page that nothing was put into`)
  return undefined
}
