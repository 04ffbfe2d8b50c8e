import type { Id } from '../../state/index.ts'
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_UNSHARE,
  FAULT_FLAG_WRITE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
} from '../constants.ts'
import { check_pinned_diverges } from '../invariants/pinned_diverges.ts'
import type { Kernel } from '../kernel.ts'
import { reach } from '../mm/access.ts'
import { may_reuse, SetPageAnonExclusive } from '../mm/anon.ts'
import { filemap_fault, needs_dirty_tracking, page_cached } from '../mm/files.ts'
import { alloc_page, page_anon, pfn_valid, put, user_gfp } from '../mm/frames.ts'
import { canLock, mmap_unlock, ptlFree, resv } from '../mm/locks.ts'
import { anon_vma_prepare } from '../mm/merge.ts'
import { bo_frame } from '../mm/objects.ts'
import { anonOf } from '../mm/owners.ts'
import {
  type Pte,
  pte_alloc,
  pte_clear,
  pte_mkdirty,
  pte_protnone,
  set_normal,
  set_special,
  vm_normal_page,
} from '../mm/ptes.ts'
import { is_cow_mapping, linear_page_index, vma_is_anonymous } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const handle_mm_fault = op({
  name: 'handle_mm_fault',
  source: 'mm/memory.c:handle_mm_fault',
  doc: 'Makes a page present, or writable: a new page, the zero page, a page of a file, a page that the driver inserts, a copy.',
  args: { vma: 'vma', addr: 'addr', flags: 'flags' },
  locals: { copy: 'page', old: 'pfn', page: 'page', bo: 'bo' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  internal: true,
  takes: { pfn: 1 },
  steps: {
    // handle_pte_fault(): which kind of fault it is.
    fault(k, me) {
      const vma = k.vma(me.vma)
      if (vma.vm_mm === undefined) return vmaGone(k, me)
      if (!ptlFree(k, vma.vm_mm, me.thread)) return blocked
      const pte = k.pte(vma.vm_mm, me.addr as Id<'vpn'>)
      if (!pte.present)
        return vma_is_anonymous(vma) ? do_anonymous_page(k, me, vma, pte) : do_fault(k, me, vma, pte)
      if ((me.flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) === 0) return k.done()
      if (!pte.write) return do_wp_page(k, me, vma, pte)
      // It was writable all along; the entry is dirty before anything is written.
      if ((me.flags & FAULT_FLAG_WRITE) !== 0) pte_mkdirty(k, pte)
      return k.done()
    },
    // The driver dropped the mmap_lock and waits until the object is free; the fault starts again from the VMA.
    wait: (k, me) => (canLock(k, resv(k, me.bo!), me.thread) ? k.done(VM_FAULT_RETRY) : blocked),

    // wp_page_copy(): the copy is there, the entry still shows the old page, to which a reference is held.
    copied(k, me) {
      const mm = k.vma(me.vma).vm_mm
      if (mm === undefined) return vmaGone(k, me)
      if (!k.notified(mm)) return 'replace'
      return k.call(mmu_notifier_invalidate_range_start, 'replace', mm, me.addr, me.addr + 1)
    },
    replace(k, me) {
      const vma = k.vma(me.vma)
      const mm = vma.vm_mm
      if (mm === undefined) return vmaGone(k, me)
      if (!ptlFree(k, mm, me.thread)) return blocked
      const pte = k.pte(mm, me.addr as Id<'vpn'>)
      if (!pte.present || pte.write || pte.pfn !== me.old)
        put(k, me.copy!) // pte_same() no longer: somebody else was here; the access tries again
      else {
        const unshare = (me.flags & FAULT_FLAG_UNSHARE) !== 0
        if (me.page !== undefined) check_pinned_diverges(k, me, mm, me.page)
        const old = pte_clear(k, pte)
        set_normal(k, pte, me.copy!, vma.VM_WRITE && !unshare)
        SetPageAnonExclusive(k, me.copy!)
        if (!unshare) pte_mkdirty(k, pte)
        if (old !== undefined) put(k, old)
      }
      if (me.page !== undefined) put(k, me.page)
      me.copy = undefined
      me.old = undefined
      me.page = undefined
      if (!k.notified(mm)) return k.done()
      return k.call(mmu_notifier_invalidate_range_end, 'done', mm, me.addr, me.addr + 1)
    },
    // What the driver's ->fault has inserted is found when the access tries again.
    faulted: (k, me) => k.done(me.ret),
    done: (k) => k.done(),
  },
})

/** Nobody held the mmap_lock, and another thread has unmapped the range in the middle of the fault. */
function vmaGone(k: Kernel, me: Fault) {
  k.violate(
    'use-after-unlock',
    `${k.threadName(me.thread)} faults in a VMA that has been freed meanwhile: nothing held the mmap_lock`,
  )
  if (me.copy !== undefined) put(k, me.copy)
  if (me.page !== undefined) put(k, me.page)
  return k.done(VM_FAULT_SIGSEGV)
}

type Fault = {
  readonly thread: Id<'thread'>
  readonly vma: Id<'vma'>
  readonly addr: number
  readonly flags: number
  copy: Id<'pfn'> | undefined
  old: Id<'pfn'> | undefined
  page: Id<'pfn'> | undefined
  bo: Id<'bo'> | undefined
}

/** do_anonymous_page(): the zero page for a read, a new zeroed page for a write. */
function do_anonymous_page(k: Kernel, me: Fault, vma: Row<'vma'>, pte: Pte) {
  pte_alloc(k, vma.vm_mm!)
  if ((me.flags & FAULT_FLAG_WRITE) === 0 && k.zeroPage !== undefined) {
    set_special(pte, k.zeroPage, false)
    return k.done()
  }
  anon_vma_prepare(k, vma)
  const pfn = alloc_page(k, user_gfp(k, me.flags), anonOf(k, vma.vm_mm!))
  if (pfn === undefined) return k.done(VM_FAULT_OOM)
  set_normal(k, pte, pfn, vma.VM_WRITE)
  if (vma.VM_WRITE) pte_mkdirty(k, pte)
  SetPageAnonExclusive(k, pfn)
  return k.done()
}

/** do_fault(): what is mapped belongs to somebody who has a ->fault. */
function do_fault(k: Kernel, me: Fault, vma: Row<'vma'>, pte: Pte) {
  const bo = vma.vm_file!
  const { insert, driver } = k.config.bos[bo]!
  if (driver !== undefined) {
    if (driver.fault === undefined) return k.done(VM_FAULT_SIGBUS)
    if ((me.flags & FAULT_FLAG_WRITE) !== 0 && !vma.VM_SHARED) anon_vma_prepare(k, vma)
    return k.callback(driver.fault, 'faulted', [
      me.vma + 1,
      me.addr,
      linear_page_index(vma, me.addr),
      vma.vm_start,
    ])
  }
  if (insert === 'remap_pfn_range') return k.done(VM_FAULT_SIGBUS) // no ->fault: what was zapped is gone
  // do_cow_fault() prepares for a copy before it asks, whatever comes of it.
  if ((me.flags & FAULT_FLAG_WRITE) !== 0 && !vma.VM_SHARED) anon_vma_prepare(k, vma)
  if (insert === 'filemap_fault') return do_file_fault(k, me, vma, pte)

  // The driver takes the reservation lock of its object and inserts the page (ttm_bo_vm_fault).
  if (!canLock(k, resv(k, bo), me.thread)) {
    if ((me.flags & FAULT_FLAG_ALLOW_RETRY) === 0) return blocked
    mmap_unlock(k, vma.vm_mm!, me.thread)
    me.bo = bo
    k.forget(me, 'vma') // it may be gone when the wait is over
    return 'wait' as const
  }
  const pgoff = linear_page_index(vma, me.addr)
  k.onVmOp?.({ op: 'fault', mm: vma.vm_mm!, bo, pgoff, write: (me.flags & FAULT_FLAG_WRITE) !== 0 })
  const pfn = k.bo(bo).alive ? bo_frame(k, bo, pgoff) : undefined
  if (pfn === undefined) return k.done(VM_FAULT_SIGBUS)
  // vm_page_prot: a private mapping is never writable at first.
  const writable = vma.VM_WRITE && vma.VM_SHARED
  switch (insert) {
    case 'vmf_insert_pfn':
      if (vma.VM_PFNMAP === vma.VM_MIXEDMAP || (vma.VM_PFNMAP && is_cow_mapping(vma)))
        return bug(k, me, `vmf_insert_pfn() into a mapping that is ${flagsOf(vma)}`)
      if (vma.VM_MIXEDMAP && pfn_valid(k, pfn))
        return bug(k, me, 'vmf_insert_pfn() of a page into a VM_MIXEDMAP mapping')
      pte_alloc(k, vma.vm_mm!)
      set_special(pte, pfn, writable)
      return k.done()
    case 'vmf_insert_mixed':
      if (!vma.VM_MIXEDMAP)
        return k.has('insert-mixed-sigbus')
          ? k.done(VM_FAULT_SIGBUS)
          : bug(k, me, 'vmf_insert_mixed() into a mapping without VM_MIXEDMAP')
      pte_alloc(k, vma.vm_mm!)
      set_special(pte, pfn, writable)
      return k.done()
    case 'vm_insert_page':
      if (!vma.VM_MIXEDMAP)
        return bug(k, me, 'vm_insert_page() from a fault into a mapping without VM_MIXEDMAP')
      if (!pfn_valid(k, pfn)) return k.done(VM_FAULT_SIGBUS)
      pte_alloc(k, vma.vm_mm!)
      k.page(pfn).refcount += 1
      set_normal(k, pte, pfn, writable)
      return k.done()
    case 'finish_fault':
      if (!pfn_valid(k, pfn)) return bug(k, me, 'finish_fault() of memory that has no page')
      return finish_fault(k, me, vma, pte, pfn, writable)
  }
}

/** do_read_fault(), do_cow_fault(), do_shared_fault() behind ->fault: its page, to which it has taken a reference, or a copy of it. */
function finish_fault(k: Kernel, me: Fault, vma: Row<'vma'>, pte: Pte, page: Id<'pfn'>, writable: boolean) {
  const write = (me.flags & FAULT_FLAG_WRITE) !== 0
  pte_alloc(k, vma.vm_mm!)
  if (write && !vma.VM_SHARED) {
    const copy = alloc_page(k, user_gfp(k, me.flags), anonOf(k, vma.vm_mm!))
    if (copy === undefined) return k.done(VM_FAULT_OOM)
    k.page(copy).data = k.page(page).data
    set_normal(k, pte, copy, vma.VM_WRITE)
    SetPageAnonExclusive(k, copy)
  } else {
    k.page(page).refcount += 1
    set_normal(k, pte, page, writable)
  }
  if (write) pte_mkdirty(k, pte)
  return k.done()
}

/** do_read_fault(), do_cow_fault(), do_shared_fault() of a file: its page, or a copy of it. */
function do_file_fault(k: Kernel, me: Fault, vma: Row<'vma'>, pte: Pte) {
  const file = vma.vm_file!
  const write = (me.flags & FAULT_FLAG_WRITE) !== 0
  const tracked = needs_dirty_tracking(k, file)
  if (!write) fault_around(k, vma)
  if (pte.present) return k.done()
  const page = filemap_fault(k, file, linear_page_index(vma, me.addr), me.flags)
  if (page === 'oom') return k.done(VM_FAULT_OOM)
  if (page === 'sigbus') return k.done(VM_FAULT_SIGBUS)
  if (write && vma.VM_SHARED && tracked) k.page(page).dirty = true // ->page_mkwrite
  return finish_fault(k, me, vma, pte, page, vma.VM_WRITE && vma.VM_SHARED && (write || !tracked))
}

/** do_fault_around(): what of the file is cached is mapped in one go. A test's mappings are smaller than the window of 16 pages. */
function fault_around(k: Kernel, vma: Row<'vma'>): void {
  const file = vma.vm_file!
  for (let addr = vma.vm_start; addr < vma.vm_end; addr++) {
    const pte = k.pte(vma.vm_mm!, addr as Id<'vpn'>)
    const index = linear_page_index(vma, addr)
    const page = pte.present || index >= k.bo(file).size ? undefined : page_cached(k, file, index)
    if (page === undefined) continue
    pte_alloc(k, vma.vm_mm!)
    k.page(page).refcount += 1
    set_normal(k, pte, page, vma.VM_WRITE && vma.VM_SHARED && !needs_dirty_tracking(k, file))
  }
}

/** do_wp_page(): the entry is there, and may not be written. */
function do_wp_page(k: Kernel, me: Fault, vma: Row<'vma'>, pte: Pte) {
  const unshare = (me.flags & FAULT_FLAG_UNSHARE) !== 0
  const page = vm_normal_page(pte)
  const anon = page !== undefined && page_anon(k, page)
  const shared = k.has('wp-shared-mayshare')
    ? vma.VM_SHARED || vma.VM_MAYSHARE
    : vma.VM_SHARED && vma.VM_WRITE && !anon
  // Only anonymous pages could be unshared at first.
  if (unshare && !anon && !k.has('gup-unshare-file')) return k.done()
  if (shared) {
    if (unshare) return k.done()
    pte_mkdirty(k, pte)
    pte.write = true // wp_pfn_shared(), wp_page_shared(): no driver of a test has ->pfn_mkwrite
    if (page !== undefined && vma.vm_file !== undefined && needs_dirty_tracking(k, vma.vm_file))
      k.page(page).dirty = true // ->page_mkwrite
    return k.done()
  }
  if (anon && may_reuse(k, page)) {
    SetPageAnonExclusive(k, page)
    if (unshare) return k.done()
    pte.write = vma.VM_WRITE
    pte_mkdirty(k, pte)
    return k.done()
  }
  anon_vma_prepare(k, vma)
  const raw = page === undefined && pte.pfn !== k.zeroPage
  if (raw && k.has('cow-pfn-local') && k.currentMm(me.thread) !== vma.vm_mm) return k.done(VM_FAULT_SIGBUS)
  const copy = alloc_page(k, user_gfp(k, me.flags), anonOf(k, vma.vm_mm!))
  if (copy === undefined) return k.done(VM_FAULT_OOM)
  const from = raw ? users_entry(k, me) : pte
  if (from !== undefined) reach(k, from.pfn!, from.stale, `${k.threadName(me.thread)} copies on write from`)
  k.page(copy).data = from === undefined ? 0 : k.page(from.pfn!).data
  me.copy = copy
  me.old = pte.pfn
  if (page !== undefined && !pte.stale) {
    k.page(page).refcount += 1 // or it might be freed, and come back here as another page
    me.page = page
  }
  return 'copied' as const
}

/**
 * __wp_page_copy_user() of a raw PFN: it is copied from the user's address, by whoever faults, so from what that one has there itself. Where he
 * has nothing, or may not access it (PROT_NONE, a forced write), the kernel warns and gives a page of zeroes: undefined.
 */
function users_entry(k: Kernel, me: Fault): Pte | undefined {
  const mm = k.currentMm(me.thread)
  if (mm === undefined || pte_protnone(k, mm, me.addr)) return undefined
  const pte = k.pte(mm, me.addr as Id<'vpn'>)
  return pte.present ? pte : undefined
}

function bug(k: Kernel, me: Fault, what: string) {
  k.violate('kernel-bug', `${k.threadName(me.thread)} runs into the BUG of ${what}`)
  return k.done(VM_FAULT_SIGBUS)
}

function flagsOf(vma: Row<'vma'>): string {
  const names = (['VM_PFNMAP', 'VM_MIXEDMAP'] as const).filter((f) => vma[f])
  return `${names.length === 0 ? 'neither VM_PFNMAP nor VM_MIXEDMAP' : names.join(' and ')}${is_cow_mapping(vma) ? ', private' : ''}`
}
