import type { Id } from '../../state/index.ts'
import {
  EEXIST,
  EFAULT,
  ENOMEM,
  FAULT_FLAG_UNSHARE,
  FAULT_FLAG_WRITE,
  FOLL_FORCE,
  FOLL_LONGTERM,
  FOLL_NOFAULT,
  FOLL_WRITE,
  PF_MEMALLOC_PIN,
  VM_FAULT_OOM,
} from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { must_unshare } from '../mm/anon.ts'
import { needs_dirty_tracking } from '../mm/files.ts'
import { GFP_USER, grab_pin, grab_ref, page_anon } from '../mm/frames.ts'
import { ptlFree } from '../mm/locks.ts'
import { migrate_page, rmapFree } from '../mm/migrate.ts'
import { type Pte, pte_offset, vm_normal_page } from '../mm/ptes.ts'
import { is_cow_mapping, vma_lookup } from '../mm/vmas.ts'
import { blocked, type Out, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const __get_user_pages = op({
  name: '__get_user_pages',
  source: 'mm/gup.c:__get_user_pages',
  doc: 'The slow path of GUP, for one page: checks the VMA, faults the page in, takes a reference or a pin.',
  // pin: 1 for FOLL_PIN, 0 for FOLL_GET, -1 for neither; 3 and 2 for the first two when the page is returned, its number plus
  // one: 0 is then one that counts as done, and was not written; 5 and 4 when the caller looks where the pages lie itself.
  args: { mm: 'mm', addr: 'addr', flags: 'flags', pin: 'int', page: '&page?', vec: '&frames?' },
  returns: 'int',
  locals: { cowed: 'int', old: 'page' },
  calls: () => [handle_mm_fault, mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  internal: true,
  takes: { pfn: 1 },
  steps: {
    follow(k, me) {
      if (!ptlFree(k, me.mm, me.thread)) return blocked
      const id = vma_lookup(k, me.mm, me.addr)
      if (id === undefined) return k.done(-EFAULT)
      const vma = k.vma(id)
      const error = check_vma_flags(k, vma, me)
      if (error !== 0) return k.done(k.has('gup-errno') ? error : -EFAULT)
      const pte = pte_offset(k, me.mm, me.addr)!
      // Before 4.9: the copy has been made, and to get past the check for a writable entry FOLL_WRITE was forgotten.
      const forgotten = k.policy.foll_force === 'forget' && me.cowed > 0
      const write = (me.flags & FOLL_WRITE) !== 0 && !forgotten
      const longterm = (me.flags & FOLL_LONGTERM) !== 0
      const task = longterm ? PF_MEMALLOC_PIN : 0
      if (!pte.present || (write && !pte.write && !can_follow_write_pte(k, me, vma, pte))) {
        if ((me.flags & FOLL_NOFAULT) !== 0) return k.done(-EFAULT)
        me.cowed = (write || forgotten) && !vma.VM_WRITE ? 1 : 0
        return k.call(handle_mm_fault, 'faulted', id, me.addr, (write ? FAULT_FLAG_WRITE : 0) | task)
      }
      const zero = pte.special && pte.pfn === k.zeroPage
      const page = zero ? k.zeroPage : vm_normal_page(pte)
      if (page === undefined) return special(k, me)
      // Only to fault it in: whoever populates takes no reference.
      if (me.pin < 0) return k.done(1)
      if (pins(me) && !write && !pte.write && must_unshare(k, vma, page, longterm))
        return k.call(handle_mm_fault, 'faulted', id, me.addr, FAULT_FLAG_UNSHARE | task)
      const looks = me.pin < 4
      if (longterm && looks && !zero && !longterm_pinnable(k, page)) {
        // check_and_migrate_movable_pages(): what was pinned is unpinned, moved, and pinned again.
        me.old = page
        return 'migrate'
      }
      // Pins of the zero page are not counted since 6.5; references are.
      if (!zero || me.pin === 0 || me.pin === 4 || !k.has('zero-page-not-pinned'))
        take(k, me, page, longterm && looks)
      give(k, me, page, !write)
      return returned(me) ? k.give(page) : k.done(1)
    },
    faulted(k, me) {
      if (me.ret === 0) return 'follow'
      return k.done((me.ret & VM_FAULT_OOM) !== 0 ? -ENOMEM : -EFAULT)
    },

    migrate(k, me) {
      if (!k.notified(me.mm)) return 'move'
      return k.call(mmu_notifier_invalidate_range_start, 'move', me.mm, me.addr, me.addr + 1)
    },
    move(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      const moved = migrate_page(k, me.old!, GFP_USER)
      me.old = undefined
      me.cowed = moved === undefined ? -1 : 0
      if (!k.notified(me.mm)) return 'moved'
      return k.call(mmu_notifier_invalidate_range_end, 'moved', me.mm, me.addr, me.addr + 1)
    },
    moved(k, me) {
      if (me.cowed < 0) return k.done(-ENOMEM)
      return 'follow'
    },
  },
})

type Gup = {
  readonly thread: Id<'thread'>
  readonly flags: number
  readonly pin: number
  readonly page: Out | undefined
  readonly vec: Out | undefined
  readonly cowed: number
}

export const pins = (me: { readonly pin: number }): boolean => me.pin === 1 || me.pin === 3 || me.pin === 5
const returned = (me: { readonly pin: number }): boolean => me.pin === 2 || me.pin === 3

/** check_vma_flags(), in the kernel's order. */
export function check_vma_flags(
  k: Kernel,
  vma: Row<'vma'>,
  { flags, pin }: { readonly flags: number; readonly pin: number },
): number {
  if (vma.VM_IO || vma.VM_PFNMAP) return -EFAULT
  const force = (flags & FOLL_FORCE) !== 0
  if ((flags & FOLL_WRITE) !== 0) {
    // writable_file_mapping_allowed(): a file system that tracks who writes cannot follow a device for long.
    if (
      k.has('gup-longterm-files') &&
      pins({ pin }) &&
      (flags & FOLL_LONGTERM) !== 0 &&
      vma.VM_SHARED &&
      vma.VM_WRITE &&
      vma.vm_file !== undefined &&
      needs_dirty_tracking(k, vma.vm_file)
    )
      return -EFAULT
    if (!vma.VM_WRITE && (!force || !is_cow_mapping(vma))) return -EFAULT
  } else if (!vma.VM_READ && !force) return -EFAULT
  return 0
}

/** Whether FOLL_FORCE may write through an entry that is read-only: only to a copy that is this process's alone. */
function can_follow_write_pte(k: Kernel, me: Gup, vma: Row<'vma'>, pte: Pte): boolean {
  const page = vm_normal_page(pte)
  if ((me.flags & FOLL_FORCE) === 0 || vma.VM_WRITE || page === undefined || !page_anon(k, page)) return false
  // Before 5.19 FOLL_COW: a write fault has just made the copy.
  return k.has('anon-exclusive')
    ? !vma.VM_MAYSHARE && vma.VM_MAYWRITE && k.page(page).exclusive
    : me.cowed > 0
}

/** A special entry that is not the zero page: there is no page to take. */
function special(k: Kernel, me: Gup) {
  if (me.pin < 0) return k.done(1)
  if (k.has('gup-eexist')) return k.done(-EEXIST)
  if (!pins(me)) return k.done(-EFAULT)
  // The entry counts as done and pages[i] stays as it was: the caller reads whatever was there.
  return k.done(returned(me) ? 0 : 1)
}

/** folio_is_longterm_pinnable() */
export function longterm_pinnable(k: Kernel, pfn: Id<'pfn'>): boolean {
  const zone = k.zone[pfn]
  return zone !== 'cma' && !(zone === 'movable' && k.has('longterm-movable'))
}

export function take(
  k: Kernel,
  me: { readonly pin: number; readonly mm: Id<'mm'>; readonly addr: number },
  pfn: Id<'pfn'>,
  longterm: boolean,
): void {
  if (pins(me)) grab_pin(k, pfn, longterm, me)
  else grab_ref(k, pfn, me)
}

export function give(
  k: Kernel,
  me: { readonly page: Out | undefined; readonly vec: Out | undefined },
  pfn: Id<'pfn'>,
  readonly: boolean,
): void {
  k.outThing(me.page, pfn, readonly)
  k.outPinned(me.vec, pfn, readonly)
}
