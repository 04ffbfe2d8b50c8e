import type { Id } from '../../state/index.ts'
import {
  EACCES,
  EAGAIN,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOMEM,
  FOLL_WRITE,
  MADV_COLD,
  MADV_DOFORK,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_KEEPONFORK,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WIPEONFORK,
} from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { is_file, page_mapping } from '../mm/files.ts'
import { page_anon } from '../mm/frames.ts'
import { down_read, lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { vma_modify } from '../mm/merge.ts'
import { pte_offset, vm_normal_page, zap_range } from '../mm/ptes.ts'
import {
  find_vma,
  linear_page_index,
  VM_SPECIAL,
  vm_flag,
  vm_flags,
  vma_is_anonymous,
  vma_lookup,
} from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages, check_vma_flags } from './__get_user_pages.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { punch_hole } from './punch_hole.ts'
import { reclaim } from './reclaim.ts'

export const madvise = op({
  name: 'madvise',
  source: 'mm/madvise.c:do_madvise',
  doc: 'A process says what becomes of its pages: thrown away, not inherited, faulted in. 0, or an errno; a hole is -ENOMEM in the end.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', pages: 'int', advice: 'int' },
  returns: 'errno',
  locals: { at: 'addr', to: 'addr', hole: 'int', done: 'int' },
  calls: () => [
    mmu_notifier_invalidate_range_start,
    mmu_notifier_invalidate_range_end,
    __get_user_pages,
    punch_hole,
    reclaim,
  ],
  takes: { vma: 2, each: 1 },
  steps: {
    lock(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!valid(k, me.advice) || me.addr < 0 || me.pages < 0) return k.done(-EINVAL)
      if (me.pages === 0) return k.done(0)
      const taken = changesFlags(me.advice)
        ? lock(k, mmap_lock(k, mm), me.thread)
        : down_read(k, mmap_lock(k, mm), me.thread)
      if (!taken) return blocked
      me.at = me.addr
      return 'next'
    },
    // One VMA after the other, or what of it is in the range. What is not mapped is passed over, and told in the end.
    next(k, me) {
      const mm = k.currentMm(me.thread)!
      const end = me.addr + me.pages
      const id = me.at < end ? find_vma(k, mm, me.at) : undefined
      const populates = me.advice === MADV_POPULATE_READ || me.advice === MADV_POPULATE_WRITE
      if (me.at < end && (id === undefined || k.vma(id).vm_start > me.at)) {
        me.hole = 1
        me.at = id === undefined ? end : Math.min(k.vma(id).vm_start, end)
        return populates && k.has('populate-range') ? finish(k, me, -ENOMEM) : 'next'
      }
      if (id === undefined) return finish(k, me, me.hole === 0 ? 0 : -ENOMEM)
      const vma = k.vma(id)
      me.to = Math.min(vma.vm_end, end)
      switch (me.advice) {
        case MADV_DONTNEED:
        case MADV_DONTNEED_LOCKED:
        case MADV_FREE: {
          const locked = vma.VM_LOCKED && me.advice !== MADV_DONTNEED_LOCKED
          if (vma.VM_PFNMAP || locked) return finish(k, me, -EINVAL)
          if (me.advice === MADV_FREE && !vma_is_anonymous(vma)) return finish(k, me, -EINVAL)
          if (!k.notified(mm)) return 'zap'
          return k.call(mmu_notifier_invalidate_range_start, 'zap', mm, me.at, me.to)
        }
        // Where there is no swap, anonymous memory stays, and being cold changes nothing.
        case MADV_COLD:
        case MADV_PAGEOUT:
          if (vma.VM_PFNMAP || vma.VM_LOCKED) return finish(k, me, -EINVAL)
          if (me.advice === MADV_PAGEOUT) return 'pageout'
          me.at = me.to
          return 'next'
        case MADV_REMOVE: {
          if (vma.VM_LOCKED || vma.vm_file === undefined) return finish(k, me, -EINVAL)
          if (!vma.VM_SHARED || !vma.VM_MAYWRITE) return finish(k, me, -EACCES)
          // vfs_fallocate(): a device is no file that could have holes.
          if (!is_file(k, vma.vm_file)) return finish(k, me, -ENODEV)
          const file = vma.vm_file
          const index = linear_page_index(vma, me.at)
          mmap_unlock(k, mm, me.thread)
          return k.call(punch_hole, 'relock', file, index, me.to - me.at)
        }
        case MADV_POPULATE_READ:
        case MADV_POPULATE_WRITE:
          if (me.at === vma.vm_start && !k.has('populate-range')) me.done = 0
          return me.at < me.to ? 'populate' : finish(k, me, 0)
        default:
          return change_flags(k, me, id)
      }
    },

    zap(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      if (me.advice === MADV_FREE) free_lazily(k, mm, me.at, me.to)
      else zap_range(k, mm, me.at, me.to)
      me.at = me.to
      if (!k.notified(mm)) return 'next'
      return k.call(mmu_notifier_invalidate_range_end, 'next', mm, me.addr, me.to)
    },
    // madvise_cold_or_pageout_pte_range(): a page of a file that nobody else maps.
    pageout(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      while (me.at < me.to) {
        const pte = pte_offset(k, mm, me.at)
        const page = pte?.present === true && !pte.stale ? vm_normal_page(pte) : undefined
        const file = page === undefined ? undefined : page_mapping(k, page)
        if (file !== undefined && k.page(page!).mapcount === 1) {
          const vma = k.vma(vma_lookup(k, mm, me.at)!)
          return k.call(reclaim, 'paged', file, linear_page_index(vma, me.at))
        }
        me.at += 1
      }
      return 'next'
    },
    paged(_, me) {
      me.at += 1
      return 'pageout'
    },
    relock(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.ret !== 0) return k.done(me.ret)
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      me.at = me.to
      return 'next'
    },
    populate(k, me) {
      const mm = k.currentMm(me.thread)!
      const id = vma_lookup(k, mm, me.at)
      const flags = me.advice === MADV_POPULATE_WRITE ? FOLL_WRITE : 0
      if (id === undefined || check_vma_flags(k, k.vma(id), { flags, pin: -1 }) !== 0)
        return finish(k, me, -EINVAL)
      return k.call(__get_user_pages, 'populated', mm, me.at, flags, -1)
    },
    populated(k, me) {
      // GUP says how many there are before the one that fails, which is then asked for once more.
      if (me.ret < 0 && me.done > 0) {
        me.done = 0
        return 'populate'
      }
      if (me.ret < 0) return finish(k, me, me.ret === -ENOMEM ? -ENOMEM : -EFAULT)
      me.at += 1
      me.done = 1
      return 'next'
    },
  },
})

type Madvise = {
  readonly thread: Id<'thread'>
  readonly advice: number
  at: number
  readonly to: number
}

function finish(k: Kernel, me: { readonly thread: Id<'thread'> }, error: number) {
  mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
  return k.done(error)
}

/** madvise_behavior_valid() */
function valid(k: Kernel, advice: number): boolean {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_COLD:
    case MADV_PAGEOUT:
      return true
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
      return k.has('madv-populate')
    case MADV_DONTNEED_LOCKED:
      return k.has('madv-dontneed-locked')
    default:
      return changesFlags(advice)
  }
}

const changesFlags = (advice: number): boolean =>
  advice === MADV_DONTFORK ||
  advice === MADV_DOFORK ||
  advice === MADV_WIPEONFORK ||
  advice === MADV_KEEPONFORK

/** madvise_vma_behavior() of what is a flag only. */
function change_flags(k: Kernel, me: Madvise, id: Id<'vma'>) {
  const vma = k.vma(id)
  const fork = me.advice === MADV_DONTFORK || me.advice === MADV_DOFORK
  const flag = fork ? 'VM_DONTCOPY' : 'VM_WIPEONFORK'
  const set = me.advice === MADV_DONTFORK || me.advice === MADV_WIPEONFORK
  if (me.advice === MADV_DOFORK && (k.has('madv-dofork-special') ? VM_SPECIAL(vma) : vma.VM_IO))
    return finish(k, me, -EINVAL)
  if (me.advice === MADV_WIPEONFORK && (vma.vm_file !== undefined || vma.VM_SHARED))
    return finish(k, me, -EINVAL)
  if (vma[flag] !== set) {
    const bits = set ? vm_flags(vma) | vm_flag(flag) : vm_flags(vma) & ~vm_flag(flag)
    if (vma_modify(k, id, me.at, me.to, bits) === undefined) return finish(k, me, -EAGAIN)
  }
  me.at = me.to
  return 'next' as const
}

/** madvise_free_pte_range(): entries of anonymous memory count as clean, and reclaim may drop their pages until they are written again. */
function free_lazily(k: Kernel, mm: Id<'mm'>, start: number, end: number): void {
  for (let addr = start; addr < end; addr++) {
    const pte = k.pte(mm, addr as Id<'vpn'>)
    const page = pte.present && !pte.stale ? vm_normal_page(pte) : undefined
    if (page !== undefined && page_anon(k, page)) pte.dirty = false
  }
}
