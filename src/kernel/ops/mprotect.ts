import type { Id } from '../../state/index.ts'
import { EACCES, EINVAL, ENOMEM, PROT_READ, PROT_WRITE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { needs_dirty_tracking } from '../mm/files.ts'
import { page_anon } from '../mm/frames.ts'
import { lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { type Pte, vm_normal_page } from '../mm/ptes.ts'
import { vma_modify } from '../mm/merge.ts'
import { find_vma, vm_flag, vm_flags, vma_is_anonymous } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { mm_populate } from './mm_populate.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const mprotect = op({
  name: 'mprotect',
  source: 'mm/mprotect.c:do_mprotect_pkey',
  doc: 'Changes what a process may do with pages that it maps: 0, or an errno; what comes before a mistake is changed all the same.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', pages: 'int', prot: 'flags' },
  returns: 'errno',
  locals: { vma: 'vma', at: 'addr', to: 'addr', cow: 'int' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end, mm_populate],
  takes: { vma: 2, each: 1 },
  dirty: true,
  steps: {
    lock(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.pages === 0) return k.done(0)
      if (me.pages < 0) return k.done(-ENOMEM)
      if (me.addr < 0) return k.done(-EINVAL)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      me.at = me.addr
      return 'next'
    },
    // One VMA after the other, or what of it is in the range; a hole ends it.
    next(k, me) {
      const mm = k.currentMm(me.thread)!
      const end = me.addr + me.pages
      const id = me.at < end ? find_vma(k, mm, me.at) : undefined
      const vma = id === undefined ? undefined : k.vma(id)
      const error =
        me.at >= end
          ? 0
          : vma === undefined || vma.vm_start > me.at
            ? -ENOMEM
            : (me.prot & PROT_WRITE) !== 0 && !vma.VM_MAYWRITE
              ? -EACCES
              : undefined
      if (error !== undefined || vma === undefined) {
        mmap_unlock(k, mm, me.thread)
        return k.done(error ?? -ENOMEM)
      }
      me.to = Math.min(vma.vm_end, end)
      if (vma.VM_READ === reads(me.prot) && vma.VM_WRITE === writes(me.prot)) {
        me.at = me.to
        return 'next'
      }
      // A private locked mapping that becomes writable is copied right away.
      me.cow = vma.VM_LOCKED && !vma.VM_WRITE && !vma.VM_SHARED && writes(me.prot) ? 1 : 0
      me.vma = vma_modify(k, id!, me.at, me.to, newflags(k, vma, me.prot))
      if (me.vma === undefined) {
        mmap_unlock(k, mm, me.thread)
        return k.done(-ENOMEM)
      }
      if (!notifies(k, mm)) return 'change'
      return k.call(mmu_notifier_invalidate_range_start, 'change', mm, me.at, me.to)
    },
    change(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      const vma = k.vma(me.vma!)
      for (let addr = me.at; addr < me.to; addr++) change_pte(k, vma, k.pte(mm, addr as Id<'vpn'>))
      if (!notifies(k, mm)) return 'changed'
      return k.call(mmu_notifier_invalidate_range_end, 'changed', mm, me.at, me.to)
    },
    changed(k, me) {
      const from = me.at
      me.at = me.to
      if (me.cow === 0) return 'next'
      const mm = k.currentMm(me.thread)!
      // populate_vma_page_range(): under the lock that is held. Here it is dropped for it.
      mmap_unlock(k, mm, me.thread)
      return k.call(mm_populate, 'relock', mm, from, me.to)
    },
    relock(k, me) {
      return lock(k, mmap_lock(k, k.currentMm(me.thread)!), me.thread) ? 'next' : blocked
    },
  },
})

const reads = (prot: number): boolean => (prot & PROT_READ) !== 0
const writes = (prot: number): boolean => (prot & PROT_WRITE) !== 0

/** Private memory that may be written to counts as committed, and goes on to when it may not any more, unless nothing was ever written. */
function newflags(k: Kernel, vma: Row<'vma'>, prot: number): number {
  let flags = vm_flags(vma) & ~vm_flag('VM_READ', 'VM_WRITE')
  if (reads(prot)) flags |= vm_flag('VM_READ')
  if (writes(prot)) {
    flags |= vm_flag('VM_WRITE')
    if (!vma.VM_WRITE && !vma.VM_SHARED) flags |= vm_flag('VM_ACCOUNT')
  } else if (k.has('mprotect-unaccounts') && vma_is_anonymous(vma) && vma.anon_vma === 0)
    flags &= ~vm_flag('VM_ACCOUNT')
  return flags
}

/** Only what has page tables is notified. Since 6.11 that is asked of whole gigabytes, in which every process has something. */
const notifies = (k: Kernel, mm: Id<'mm'>): boolean =>
  k.notified(mm) && (k.mm(mm).pgtable || k.has('mprotect-notifies-pud'))

/** change_pte_range(): the entry gets the protection of its VMA, whether it is special or not. */
function change_pte(k: Kernel, vma: Row<'vma'>, pte: Pte): void {
  if (!pte.present) return
  const notify = vma.vm_file !== undefined && needs_dirty_tracking(k, vma.vm_file)
  pte.write = vma.VM_WRITE && vma.VM_SHARED && !(notify && !pte.dirty)
  const page = vm_normal_page(pte)
  if (!vma.VM_WRITE || vma.VM_SHARED || page === undefined || pte.stale) return
  // can_change_pte_writable(): a write fault would do no more.
  pte.write =
    k.has('mprotect-exclusive') &&
    page_anon(k, page) &&
    k.page(page).exclusive &&
    (pte.dirty || k.has('mprotect-exclusive-clean'))
}
