import type { Id } from '../../state/index.ts'
import type { Zone } from '../config.ts'
import type { Kernel } from '../kernel.ts'
import { page_mapping } from './files.ts'
import { alloc_page, maybe_dma_pinned, page_anon, page_count, put } from './frames.ts'
import { canLock, ptl, type ThreadId } from './locks.ts'
import { pte_clear, set_normal } from './ptes.ts'

type Pfn = Id<'pfn'>

/** Whether the page tables of all processes can be looked into in one step, as a walk over all mappings of a page does. */
export const rmapFree = (k: Kernel, thread: ThreadId): boolean =>
  k.mms.every((mm) => canLock(k, ptl(k, mm), thread))

/** Every entry that maps a page: rmap_walk(). `each` may change the entry. */
export function rmap_walk(k: Kernel, pfn: Pfn, each: (mm: Id<'mm'>, addr: Id<'vpn'>) => void): void {
  for (const mm of k.mms)
    for (let v = 0; v < k.config.vpns; v++) {
      const pte = k.pte(mm, v as Id<'vpn'>)
      if (pte.present && !pte.special && !pte.stale && pte.pfn === pfn) each(mm, v as Id<'vpn'>)
    }
}

/**
 * A process with a notifier that maps the page and has not been told (a bit of `told` for each), and where: from the first to the last
 * address at which it has the page. Kernels tell those, too, that only might map it.
 */
export function untold(
  k: Kernel,
  pfn: Pfn,
  told: number,
): { readonly mm: Id<'mm'>; readonly start: number; readonly end: number } | undefined {
  let found: { mm: Id<'mm'>; start: number; end: number } | undefined
  rmap_walk(k, pfn, (mm, addr) => {
    if ((told & (1 << mm)) !== 0 || !k.notified(mm) || (found !== undefined && found.mm !== mm)) return
    found = { mm, start: found?.start ?? addr, end: addr + 1 }
  })
  return found
}

/**
 * migrate_pages() of one page: a new page takes the place of the old one in all page tables and in the page cache, if nobody else
 * refers to the old one (folio_migrate_mapping()). A pinned page of one process is not even unmapped since 5.19. Undefined: it stays.
 */
export function migrate_page(k: Kernel, old: Pfn, zones: readonly Zone[]): Pfn | undefined {
  const page = k.page(old)
  const file = page_mapping(k, old)
  if (file === undefined && !page_anon(k, old)) return undefined
  if (maybe_dma_pinned(k, old) || page_count(k, old) !== page.mapcount + (file === undefined ? 0 : 1))
    return undefined
  const pfn = alloc_page(k, zones, page.owner!)
  if (pfn === undefined) return undefined
  const copy = k.page(pfn)
  copy.data = page.data
  copy.exclusive = page.exclusive
  copy.dirty = page.dirty
  copy.lost = page.lost
  copy.refcount = 0
  rmap_walk(k, old, (mm, addr) => {
    const pte = k.pte(mm, addr)
    const { write, dirty } = pte
    pte_clear(k, pte)
    copy.refcount += 1
    set_normal(k, pte, pfn, write)
    pte.dirty = dirty
    // The last mapping of anonymous memory takes the page with it.
    put(k, old)
  })
  if (file === undefined) return pfn
  for (let i = 0; i < k.config.bos[file]!.pages; i++) {
    const row = k.bo_page(file, i as Id<'boPage'>)
    if (row.pfn !== old) continue
    row.pfn = pfn
    copy.refcount += 1
    put(k, old)
    break
  }
  return pfn
}
