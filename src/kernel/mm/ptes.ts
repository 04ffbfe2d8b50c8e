import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { put } from './frames.ts'

export type Pte = Row<'pte'>

/** The entry for an address, or undefined outside of what the test's address spaces can hold. */
export const pte_offset = (k: Kernel, mm: Id<'mm'>, addr: number): Pte | undefined =>
  addr >= 0 && addr < k.config.vpns ? k.pte(mm, addr as Id<'vpn'>) : undefined

/**
 * pte_protnone(): an entry of a mapping that may not be accessed at all. It is present for the kernel, and not for the processor, which
 * faults. Entries have the protection of their VMA, so it is asked.
 */
export function pte_protnone(k: Kernel, mm: Id<'mm'>, addr: number): boolean {
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm === mm && vma.vm_start <= addr && addr < vma.vm_end) return !vma.VM_READ && !vma.VM_WRITE
  }
  return false
}

/**
 * vm_normal_page(): the page that a PTE owns a reference to, or undefined when the PTE is special: it owns nothing, then.
 * For architectures with a special bit; the linear rule of the others is not modelled.
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

/** pte_alloc(): the process has a page table from here on. Only who is notified of what depends on it. */
export function pte_alloc(k: Kernel, mm: Id<'mm'>): void {
  if (k.config.notifiers.length > 0) k.mm(mm).pgtable = true
}

/** pte_mkdirty(), in tests that look. */
export function pte_mkdirty(k: Kernel, pte: Pte): void {
  if (k.dirtyTracked && !pte.special) pte.dirty = true
}

/** Clears an entry and hands the reference that it owned, if any, to the caller. */
export function pte_clear(k: Kernel, pte: Pte): Id<'pfn'> | undefined {
  // A stale entry names a frame that was freed under it by a bug: what it owned is gone already.
  const page = pte.stale ? undefined : vm_normal_page(pte)
  pte.present = false
  pte.special = false
  pte.write = false
  pte.dirty = false
  pte.pfn = undefined
  pte.stale = false
  if (page !== undefined) k.page(page).mapcount -= 1
  return page
}

/** move_ptes(): an entry goes to another address of the process with all that it owns; a pin of its page goes with it. */
export function move_pte(k: Kernel, mm: Id<'mm'>, from: Id<'vpn'>, to: Id<'vpn'>): void {
  const a = k.pte(mm, from)
  if (!a.present) return
  const b = k.pte(mm, to)
  b.present = true
  b.write = a.write
  b.special = a.special
  b.dirty = a.dirty
  b.pfn = a.pfn
  b.stale = a.stale
  if (!a.special && !a.stale) {
    const page = k.page(a.pfn!)
    if (page.pin_mm === mm && page.pin_addr === from) page.pin_addr = to
  }
  a.present = a.write = a.special = a.dirty = a.stale = false
  a.pfn = undefined
}

/**
 * zap_pte_range(): clears the entries of a range, and drops the references and mapcounts of normal pages. The TLB is flushed in the same
 * step. In the kernel the pages are freed after invalidate_range_end(); here with the entries, which differs only for a
 * notifier that is broken anyway.
 */
export function zap_range(
  k: Kernel,
  mm: Id<'mm'>,
  start: number,
  end: number,
  spare?: (pte: Pte) => boolean,
): void {
  for (let addr = start; addr < end; addr++) {
    const pte = k.pte(mm, addr as Id<'vpn'>)
    if (!pte.present || spare?.(pte) === true) continue
    const page = pte_clear(k, pte)
    if (page !== undefined) put(k, page)
  }
}
