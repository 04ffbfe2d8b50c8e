import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { put } from './frames.ts'

type Pte = Row<'pte'>

/**
 * vm_normal_page(): the page that a PTE owns a reference to, or undefined when the PTE is special: it owns nothing, then.
 * Needs an architecture with a special bit; the linear rule of the others is not modelled.
 */
export const vm_normal_page = (pte: Pte): Id<'pfn'> | undefined => (pte.special ? undefined : pte.pfn)

/** set_pte_at() of an entry that owns nothing. */
export function set_special(pte: Pte, pfn: Id<'pfn'>, write: boolean): void {
  pte.present = true
  pte.special = true
  pte.write = write
  pte.pfn = pfn
  pte.stale = false
}

/** set_pte_at() of a page: the reference that the entry owns is the caller's, the mapcount is counted here. */
export function set_normal(k: Kernel, pte: Pte, pfn: Id<'pfn'>, write: boolean): void {
  pte.present = true
  pte.special = false
  pte.write = write
  pte.pfn = pfn
  pte.stale = false
  k.page(pfn).mapcount += 1
}

export function pte_clear(pte: Pte): void {
  pte.present = false
  pte.special = false
  pte.write = false
  pte.pfn = undefined
  pte.stale = false
}

/** zap_pte(): clears an entry, and drops the reference and mapcount of a normal page. */
export function zap_pte(k: Kernel, pte: Pte): void {
  if (!pte.present) return
  const page = vm_normal_page(pte)
  const stale = pte.stale
  pte_clear(pte)
  if (page === undefined || stale) return
  k.page(page).mapcount -= 1
  put(k, page)
}
