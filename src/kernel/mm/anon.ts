import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { alloc_page, GFP_HIGHUSER_MOVABLE, page_anon, page_count } from './frames.ts'
import { anonOf } from './owners.ts'
import { type Pte, set_normal, vm_normal_page } from './ptes.ts'

/** do_anonymous_page() for a write: a new zeroed page of the process. False: no memory. */
export function do_anonymous_page(k: Kernel, vma: Row<'vma'>, pte: Pte): boolean {
  const pfn = alloc_page(k, GFP_HIGHUSER_MOVABLE, anonOf(k, vma.vm_mm!))
  if (pfn === undefined) return false
  k.page(pfn).exclusive = true
  set_normal(k, pte, pfn, vma.VM_WRITE)
  vma.anon_vma = true
  return true
}

/**
 * Whether do_wp_page() may make an anonymous page writable where it is. Since 5.19 that is what PageAnonExclusive says, whatever the
 * references; before, any reference but the mapping's own forces a copy. Swap cache and LRU references are not modelled.
 */
export function wp_can_reuse(k: Kernel, pte: Pte): boolean {
  const pfn = vm_normal_page(pte)
  if (pfn === undefined || !page_anon(k, pfn)) return false
  if (k.has('anon-exclusive') && k.page(pfn).exclusive) return true
  return page_count(k, pfn) === 1
}

/** gup_must_unshare(): a read-only pin needs the page to stay what the process sees, which takes a copy first. */
export function must_unshare(k: Kernel, vma: Row<'vma'>, pfn: Id<'pfn'>, longterm: boolean): boolean {
  if (page_anon(k, pfn)) return k.has('gup-unshare') && !k.page(pfn).exclusive
  return k.has('gup-unshare-file') && longterm && vma.VM_MAYWRITE && !vma.VM_SHARED
}
