import type { Id } from '../../state/index.ts'
import { EAGAIN, ENOMEM } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { SetPageAnonExclusive } from '../mm/anon.ts'
import { alloc_page, GFP_HIGHUSER_MOVABLE, maybe_dma_pinned, page_anon } from '../mm/frames.ts'
import { lock, mmap_lock, mmap_unlock, ptl, ptlFree, unlock } from '../mm/locks.ts'
import { anon_vma_fork, unlink_anon_vmas } from '../mm/merge.ts'
import { anonOf } from '../mm/owners.ts'
import {
  type Pte,
  pte_alloc,
  pte_mkdirty,
  set_normal,
  set_special,
  vm_normal_page,
  zap_range,
} from '../mm/ptes.ts'
import { call_vm_op, find_vma, is_cow_mapping, vm_area_dup, vm_area_free, vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const fork = op({
  name: 'fork',
  source: 'kernel/fork.c:dup_mmap, mm/memory.c:copy_page_range',
  doc: 'Makes the child mm: the same mappings, private memory shared until somebody writes. Its processes can run from here on.',
  needs: ['current mm', 'may sleep'],
  args: { child: 'mm' },
  returns: 'errno',
  locals: { at: 'addr', vma: 'vma', early: 'int' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  takes: { pfn: 0 },
  steps: {
    lock(k, me) {
      const mm = k.currentMm(me.thread)!
      if (k.mm(me.child).born) return k.done(-EAGAIN)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      return k.notified(mm) || k.forkRaces ? 'next' : 'copy'
    },
    // Nobody is to be notified: all mappings in one step.
    copy(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      for (let id = find_vma(k, mm, 0); id !== undefined; id = find_vma(k, mm, k.vma(id).vm_end))
        if (!dup_vma(k, mm, me.child, k.vma(id))) return fail(k, me.thread, mm, me.child)
      return 'born'
    },

    // One mapping after the other. Only what is write-protected is notified: private mappings with page tables.
    next(k, me) {
      const mm = k.currentMm(me.thread)!
      me.vma = find_vma(k, mm, me.at)
      if (me.vma === undefined) return 'born'
      const vma = k.vma(me.vma)
      if (!k.notified(mm) || !protects(vma) || !track_pfn_copy(k, vma)) return 'copy_vma'
      return k.call(mmu_notifier_invalidate_range_start, 'copy_vma', mm, vma.vm_start, vma.vm_end)
    },
    copy_vma(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      const vma = k.vma(me.vma!)
      if (k.forkRaces && protects(vma)) {
        const ok = dup_vma(k, mm, me.child, vma, () => true)
        if (!ok) return fail(k, me.thread, mm, me.child)
        lock(k, ptl(k, mm), me.thread)
        bump_seq(k, mm)
        me.at = vma.vm_start
        return 'decide'
      }
      if (!dup_vma(k, mm, me.child, vma)) return fail(k, me.thread, mm, me.child)
      me.at = vma.vm_end
      if (!k.notified(mm) || !protects(vma)) return 'next'
      return k.call(mmu_notifier_invalidate_range_end, 'next', mm, vma.vm_start, vma.vm_end)
    },

    // Entry by entry, beside GUP-fast, which does not care for the page-table lock: first whether the page is to be copied at once.
    decide(k, me) {
      const mm = k.currentMm(me.thread)!
      const vma = k.vma(me.vma!)
      while (me.at < vma.vm_end && !k.pte(mm, me.at as Id<'vpn'>).present) me.at += 1
      if (me.at === vma.vm_end) {
        if (!k.has('fork-opens-first')) call_vm_op(k, 'open', k.vma(vma_lookup(k, me.child, vma.vm_start)!))
        bump_seq(k, mm)
        unlock(k, ptl(k, mm), me.thread)
        if (!k.notified(mm)) return 'next'
        return k.call(mmu_notifier_invalidate_range_end, 'next', mm, vma.vm_start, vma.vm_end)
      }
      const page = vm_normal_page(k.pte(mm, me.at as Id<'vpn'>))
      me.early = page !== undefined && needs_cow_for_dma(k, mm, page) ? 1 : 0
      if (me.early === 0 && page !== undefined && page_anon(k, page)) k.page(page).exclusive = false
      return 'apply'
    },
    // Then the copy, or both entries read-only.
    apply(k, me) {
      const mm = k.currentMm(me.thread)!
      const at = me.at as Id<'vpn'>
      if (!copy_pte(k, me.child, k.vma(me.vma!), k.pte(mm, at), k.pte(me.child, at), me.early !== 0)) {
        bump_seq(k, mm)
        unlock(k, ptl(k, mm), me.thread)
        return fail(k, me.thread, mm, me.child)
      }
      me.at += 1
      return 'decide'
    },

    born(k, me) {
      const child = k.mm(me.child)
      child.born = child.alive = true
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return k.done(0)
    },
  },
})

/** The half-made child is torn down. What was write-protected in the parent stays so. */
function fail(k: Kernel, thread: Id<'thread'>, mm: Id<'mm'>, child: Id<'mm'>) {
  zap_range(k, child, 0, k.config.vpns)
  for (let id = find_vma(k, child, 0); id !== undefined; id = find_vma(k, child, 0)) {
    call_vm_op(k, 'close', k.vma(id))
    vm_area_free(k, k.vma(id))
  }
  mmap_unlock(k, mm, thread)
  return k.done(-ENOMEM)
}

/** vma_needs_copy(): everything else is found again by faults. */
const needs_copy = (vma: Row<'vma'>): boolean => vma.VM_PFNMAP || vma.VM_MIXEDMAP || vma.anon_vma !== 0

const protects = (vma: Row<'vma'>): boolean =>
  !vma.VM_DONTCOPY && !vma.VM_WIPEONFORK && needs_copy(vma) && is_cow_mapping(vma)

/**
 * track_pfn_copy() of x86: the memory type of a mapping that remap_pfn_range() made is looked up through its first entry. When the process
 * has written there (a copy) or the driver has zapped it, it is not found, and fork fails.
 */
function track_pfn_copy(k: Kernel, vma: Row<'vma'>): boolean {
  if (!vma.VM_PAT || !k.has('pat-in-vma')) return true
  const first = k.pte(vma.vm_mm!, vma.vm_start as Id<'vpn'>)
  return first.present && first.special
}

/** write_protect_seq: odd while the page tables of private memory are copied. */
function bump_seq(k: Kernel, mm: Id<'mm'>): void {
  if (!k.has('fork-write-protect-seq')) return
  k.mm(mm).write_protect_seq = (k.mm(mm).write_protect_seq + 1) & 7
}

/** A mapping of the child, and its page tables, but those of `later`. False: no memory. */
function dup_vma(
  k: Kernel,
  mm: Id<'mm'>,
  child: Id<'mm'>,
  vma: Row<'vma'>,
  later?: (vma: Row<'vma'>) => boolean,
): boolean {
  if (vma.VM_DONTCOPY) return true
  const id = vm_area_dup(k, vma)
  if (id === undefined) return false
  const copy = k.vma(id)
  copy.vm_mm = child
  copy.VM_LOCKED = false
  // Nothing of it is inherited, and nothing has been faulted in yet.
  if (vma.VM_WIPEONFORK) unlink_anon_vmas(copy)
  else anon_vma_fork(k, copy)
  if (k.has('fork-opens-first')) call_vm_op(k, 'open', copy)
  let copied = true
  if (!vma.VM_WIPEONFORK && needs_copy(vma)) {
    copied = track_pfn_copy(k, vma)
    if (copied && k.mm(mm).pgtable) pte_alloc(k, child)
    if (copied && later?.(vma) === true) return true
    for (let addr = vma.vm_start; copied && addr < vma.vm_end; addr++) {
      const from = k.pte(mm, addr as Id<'vpn'>)
      if (!from.present) continue
      const page = vm_normal_page(from)
      const early = page !== undefined && needs_cow_for_dma(k, mm, page)
      copied = copy_pte(k, child, vma, from, k.pte(child, addr as Id<'vpn'>), early)
    }
  }
  // Also when that has failed: close will be called, too.
  if (!k.has('fork-opens-first')) call_vm_op(k, 'open', copy)
  return copied
}

/**
 * page_needs_cow_for_dma(), page_try_dup_anon_rmap(): a page that a device may write to must stay the parent's, and the child gets a copy at
 * once. Files are not copied, pinned or not.
 */
function needs_cow_for_dma(k: Kernel, mm: Id<'mm'>, page: Id<'pfn'>): boolean {
  if (k.policy.fork_pinned === 'share' || !page_anon(k, page) || !k.mm(mm).has_pinned) return false
  return maybe_dma_pinned(k, page) && (!k.has('anon-exclusive') || k.page(page).exclusive)
}

/** copy_present_pte() */
function copy_pte(k: Kernel, child: Id<'mm'>, vma: Row<'vma'>, from: Pte, to: Pte, early: boolean): boolean {
  const cow = is_cow_mapping(vma)
  const page = vm_normal_page(from)
  if (page === undefined || from.stale) {
    if (cow) from.write = false
    set_special(to, from.pfn!, from.write)
    to.special = from.special
    to.stale = from.stale
    return true
  }
  if (early && cow) {
    const copy = alloc_page(k, GFP_HIGHUSER_MOVABLE, anonOf(k, child))
    if (copy === undefined) return false
    k.page(copy).data = k.page(page).data
    SetPageAnonExclusive(k, copy)
    set_normal(k, to, copy, vma.VM_WRITE)
    pte_mkdirty(k, to)
    return true
  }
  if (page_anon(k, page)) k.page(page).exclusive = false
  if (cow) from.write = false
  k.page(page).refcount += 1
  set_normal(k, to, page, from.write)
  to.dirty = from.dirty && !vma.VM_SHARED
  return true
}
