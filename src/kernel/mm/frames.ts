import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Zone } from '../config.ts'

type Pfn = Id<'pfn'>

/**
 * Takes a free frame of one of these zones. Which one is a choice: a frame that nobody remembers is as good as another, so only the first of
 * them is offered, and beside it every one that something still names: that is how memory gets a second owner under a stale look-up.
 * Undefined: no memory.
 */
export function alloc_page(k: Kernel, zones: readonly Zone[], owner: Id<'owner'>): Pfn | undefined {
  let fresh: Pfn | undefined
  const offered: Pfn[] = k.scratch as Pfn[]
  offered.length = 0
  for (const pfn of k.pfns) {
    const page = k.page(pfn)
    if (page.owner !== undefined || !zones.includes(k.zone[pfn]!)) continue
    if (page.was !== undefined) offered.push(pfn)
    else if (fresh === undefined) {
      fresh = pfn
      offered.push(pfn)
    }
  }
  if (offered.length === 0) {
    k.violate(
      'model-bound',
      `no free frame is left (${zones.join(', ')}): the test declares too few to tell what would happen`,
    )
    return undefined
  }
  const pfn = offered[k.choose(offered.length)]!
  const page = k.page(pfn)
  page.owner = owner
  page.refcount = 1
  return pfn
}

/**
 * Gives a frame back. Whatever still names it is stale from here on: whoever gets the frame next is a stranger. Data goes, too, so that
 * states differ only in what can matter.
 */
export function free_page(k: Kernel, pfn: Pfn): void {
  const page = k.page(pfn)
  if (page.longterm !== 0 || page.pins !== 0) page.longterm = page.pins = 0
  const was = page.owner
  page.owner = undefined
  page.refcount = 0
  page.mapcount = 0
  page.gets = 0
  page.exclusive = false
  page.data = 0
  page.was = k.markStale(pfn) ? was : undefined
}

/** What its last reference is worth: pins count, too. */
const total = (k: Kernel, pfn: Pfn): number => {
  const page = k.page(pfn)
  return page.refcount + 1024 * page.pins
}

/** folio_get(): the caller knows that it is not free. */
export function get(k: Kernel, pfn: Pfn): void {
  k.page(pfn).refcount += 1
}

/** folio_put(): drops one reference, and frees the frame with the last. */
export function put(k: Kernel, pfn: Pfn): void {
  const page = k.page(pfn)
  if (page.refcount === 0) {
    k.violate('refcount-balance', `a reference to ${k.pfnName(pfn)} is dropped that nobody has`)
    return
  }
  page.refcount -= 1
  if (total(k, pfn) === 0) free_page(k, pfn)
}
