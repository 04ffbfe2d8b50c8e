import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { page_anon, page_count } from './frames.ts'
import { is_cow_mapping } from './vmas.ts'

/** SetPageAnonExclusive(): the page is this process's alone. Kernels before 5.19 do not know. */
export function SetPageAnonExclusive(k: Kernel, pfn: Id<'pfn'>): void {
  if (k.has('anon-exclusive')) k.page(pfn).exclusive = true
}

/**
 * Whether do_wp_page() may make an anonymous page writable where it is. Since 5.19 that is what PageAnonExclusive says, whatever the
 * references; else, and before, any reference but the mapping's own forces a copy. LRU caches that hold references are not modelled.
 */
export function may_reuse(k: Kernel, pfn: Id<'pfn'>): boolean {
  if (k.policy.cow_reuse === 'mapcount') return k.page(pfn).mapcount === 1
  return k.page(pfn).exclusive || page_count(k, pfn) === 1
}

/** gup_must_unshare(): a read-only pin needs the page to stay what the process sees, which takes a copy first. */
export function must_unshare(k: Kernel, vma: Row<'vma'>, pfn: Id<'pfn'>, longterm: boolean): boolean {
  if (page_anon(k, pfn)) return k.has('gup-unshare') && !k.page(pfn).exclusive
  return k.has('gup-unshare-file') && longterm && is_cow_mapping(vma)
}
