import type { Id } from '../../state/index.ts'
import type { Zone } from '../config.ts'
import { PF_MEMALLOC_PIN } from '../constants.ts'
import type { Kernel } from '../kernel.ts'

type Pfn = Id<'pfn'>

/** Where memory for processes comes from. The kernel prefers ZONE_MOVABLE and CMA for it, but any will do: which one is a choice. */
export const GFP_HIGHUSER_MOVABLE: readonly Zone[] = ['normal', 'movable', 'cma']
export const GFP_USER: readonly Zone[] = ['normal']
export const VRAM: readonly Zone[] = ['vram']
const NOCMA: readonly Zone[] = ['normal', 'movable']

/** current_gfp_context(): memory for processes, but what is faulted in for FOLL_LONGTERM comes from where it may stay. */
export const user_gfp = (k: Kernel, flags: number): readonly Zone[] =>
  (flags & PF_MEMALLOC_PIN) === 0 ? GFP_HIGHUSER_MOVABLE : k.has('longterm-movable') ? GFP_USER : NOCMA

/**
 * Takes a free frame of one of these zones. Which one is a choice: of the frames of a zone that nobody remembers one is as good as another,
 * so only the first is offered, and beside it every one that something still names: that is how memory gets a
 * second owner under a stale look-up. Undefined: no memory.
 */
export function alloc_page(k: Kernel, zones: readonly Zone[], owner: Id<'owner'>): Pfn | undefined {
  const offered = k.scratch
  offered.length = 0
  for (const zone of zones) {
    let fresh = false
    for (const pfn of k.pfns) {
      const page = k.page(pfn)
      if (page.owner !== undefined || k.zone[pfn] !== zone) continue
      if (page.was === undefined && fresh) continue
      if (page.was === undefined) fresh = true
      offered.push(pfn)
    }
  }
  if (offered.length === 0) {
    k.violate(
      'model-bound',
      `no free frame is left (${zones.join(', ')}): the test has too few to tell what would happen`,
    )
    return undefined
  }
  const pfn = offered[k.choose(offered.length)] as Pfn
  const page = k.page(pfn)
  page.owner = owner
  // Device memory has no struct page, and so nothing that could be counted.
  page.refcount = k.zone[pfn] === 'vram' ? 0 : 1
  return pfn
}

/**
 * Gives a frame back. Whatever still names it is stale from here on: whoever gets the frame next is a stranger. What is in it goes, too,
 * so that states differ only in what can matter.
 */
export function free_page(k: Kernel, pfn: Pfn): void {
  const page = k.page(pfn)
  const was = page.owner
  page.owner = undefined
  page.refcount = 0
  page.mapcount = 0
  page.pins = 0
  page.longterm = 0
  page.gets = 0
  page.exclusive = false
  page.dirty = false
  page.data = 0
  page.pin_mm = undefined
  page.pin_addr = undefined
  page.get_mm = undefined
  page.lost = false
  page.was = k.markStale(pfn) ? was : undefined
}

/** page_count(): a pin counts 1024. */
export const page_count = (k: Kernel, pfn: Pfn): number => k.page(pfn).refcount + 1024 * k.page(pfn).pins

/** page_maybe_dma_pinned() */
export const maybe_dma_pinned = (k: Kernel, pfn: Pfn): boolean => page_count(k, pfn) >= 1024

/** Whether a frame has a struct page at all: device memory has none. */
export const pfn_valid = (k: Kernel, pfn: Pfn): boolean => k.zone[pfn] !== 'vram'

/** PageAnon(): the anonymous memory of some process. */
export const page_anon = (k: Kernel, pfn: Pfn): boolean => {
  const owner = k.page(pfn).owner
  return owner !== undefined && owner < k.config.mms.length
}

/** folio_put(): drops one reference, and frees the frame with the last. */
export function put(k: Kernel, pfn: Pfn): void {
  const page = k.page(pfn)
  if (page.refcount === 0) {
    k.violate('refcount-balance', `a reference to ${k.pfnName(pfn)} is dropped that nobody has`)
    return
  }
  page.refcount -= 1
  if (page_count(k, pfn) === 0) free_page(k, pfn)
}

/** Where a page was looked up: in whose memory, and at which address. */
type At = { readonly mm: Id<'mm'>; readonly addr: number }

/** try_grab_page() for FOLL_PIN. `longterm` is a ghost: the kernel does not count these apart. So is where it is pinned, the last time. */
export function grab_pin(k: Kernel, pfn: Pfn, longterm: boolean, at: At): void {
  const page = k.page(pfn)
  page.pins += 1
  page.pin_mm = at.mm
  page.pin_addr = at.addr as Id<'vpn'>
  if (longterm) page.longterm += 1
}

/** unpin_user_page() */
export function drop_pin(k: Kernel, pfn: Pfn, who: string): void {
  const page = k.page(pfn)
  if (page.pins === 0) {
    const why =
      page.gets > 0 ? ': a reference of get_user_pages() or get_page() is dropped by put_page()' : ''
    k.violate('refcount-balance', `${who} unpins ${k.pfnName(pfn)}, which is not pinned${why}`)
    return
  }
  page.pins -= 1
  if (page.pins === 0) page.pin_mm = page.pin_addr = undefined
  page.longterm = Math.min(page.longterm, page.pins)
  if (page_count(k, pfn) === 0) free_page(k, pfn)
}

/** try_grab_page() for FOLL_GET, get_page(). `gets` is a ghost: what the releases are matched with; so is of whom it is held. */
export function grab_ref(k: Kernel, pfn: Pfn, at?: At): void {
  const page = k.page(pfn)
  page.refcount += 1
  page.gets += 1
  if (at !== undefined) page.get_mm = at.mm
}

/** put_page() of a reference that kernel code took. */
export function drop_ref(k: Kernel, pfn: Pfn, who: string): void {
  const page = k.page(pfn)
  if (page.gets === 0) {
    const why = page.pins > 0 ? ': a pin is dropped by unpin_user_page()' : ''
    k.violate('refcount-balance', `${who} puts a reference to ${k.pfnName(pfn)} that it does not have${why}`)
  } else page.gets -= 1
  if (page.gets === 0) page.get_mm = undefined
  put(k, pfn)
}
