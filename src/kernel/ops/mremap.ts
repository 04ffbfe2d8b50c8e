import type { Id } from '../../state/index.ts'
import { EFAULT, EINVAL, ENOMEM, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { has_close, part_of, unlink_anon_vmas, vma_merge_new_range } from '../mm/merge.ts'
import { move_pte } from '../mm/ptes.ts'
import {
  call_vm_op,
  find_vma,
  split_to_change,
  VM_SPECIAL,
  vm_area_dup,
  vma_is_anonymous,
  vma_lookup,
} from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { do_munmap } from './do_munmap.ts'
import { get_unmapped_area } from './mmap.ts'
import { mm_populate } from './mm_populate.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { overlaps } from './munmap.ts'

export const mremap = op({
  name: 'mremap',
  source: 'mm/mremap.c:mremap',
  doc: 'Makes a mapping shorter or longer, or moves it with its pages: the address, or an errno. Nobody asks the driver before it grows.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', old_len: 'int', new_len: 'int', flags: 'flags?', new_addr: 'addr?' },
  returns: 'addr',
  // `end` of a move that may take several VMAs along, where `next` of them goes, and where the `first` went, plus one.
  locals: { vma: 'vma', from: 'int', end: 'int', next: 'int', first: 'int' },
  calls: () => [
    do_munmap,
    mm_populate,
    mmu_notifier_invalidate_range_start,
    mmu_notifier_invalidate_range_end,
  ],
  takes: { vma: 4 },
  steps: {
    check(k, me) {
      const mm = k.currentMm(me.thread)!
      const { flags } = me
      if (me.addr < 0 || me.old_len < 0 || me.new_len <= 0) return k.done(-EINVAL)
      if ((flags & MREMAP_FIXED) !== 0 && (flags & MREMAP_MAYMOVE) === 0) return k.done(-EINVAL)
      if ((flags & MREMAP_DONTUNMAP) !== 0 && ((flags & MREMAP_MAYMOVE) === 0 || me.old_len !== me.new_len))
        return k.done(-EINVAL)
      const fixed = (flags & MREMAP_FIXED) !== 0
      if (fixed && me.new_addr < 0) return k.done(-EINVAL)
      const somewhere = fixed || ((flags & MREMAP_DONTUNMAP) !== 0 && me.new_addr >= 0)
      if (somewhere && me.new_addr + me.new_len > k.config.vpns) {
        k.violate('model-bound', 'no address is left: the test maps more than its address spaces hold')
        return k.done(-ENOMEM)
      }
      const overlap = somewhere && me.addr + me.old_len > me.new_addr && me.new_addr + me.new_len > me.addr
      if (overlap && k.has('mremap-checks-first')) return k.done(-EINVAL)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      if (k.has('mremap-looks-first') && vma_lookup(k, mm, me.addr) === undefined) return fail(k, me, -EFAULT)
      if (overlap) return fail(k, me, -EINVAL)
      me.from = me.old_len
      if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) === 0) return 'resize'
      if (k.has('mremap-moves-many') && fixed && me.old_len === me.new_len) {
        me.end = me.addr + me.old_len
        me.next = me.new_addr
        return 'many'
      }
      if (k.has('mremap-checks-first')) {
        const error = vma_to_resize(k, mm, me, Math.min(me.old_len, me.new_len))
        if (error !== 0) return fail(k, me, error)
      }
      if (!fixed) return 'shrink_first'
      return k.call(do_munmap, 'shrink_first', mm, me.new_addr, me.new_addr + me.new_len)
    },

    // remap_move(): all VMAs of the range, one after the other, with the gaps between them.
    many(k, me) {
      const mm = k.currentMm(me.thread)!
      const id = me.addr < me.end ? find_vma(k, mm, me.addr) : undefined
      const vma = id === undefined || k.vma(id).vm_start >= me.end ? undefined : k.vma(id)
      if (vma === undefined) return fail(k, me, me.first === 0 ? -EFAULT : me.first - 1)
      const gap = Math.max(0, vma.vm_start - me.addr)
      if (gap > 0 && me.first === 0) return fail(k, me, -EFAULT)
      me.addr += gap
      me.new_addr = me.next + gap
      me.old_len = me.new_len = Math.min(me.end, vma.vm_end) - me.addr
      const error = vma_to_resize(k, mm, me, me.old_len)
      if (error !== 0) return fail(k, me, error)
      if (me.first === 0) me.first = me.new_addr + 1
      return k.call(do_munmap, 'shrink_first', mm, me.new_addr, me.new_addr + me.new_len)
    },

    // mremap_to()
    shrink_first(k, me) {
      if (me.ret < 0) return fail(k, me, me.ret)
      if (me.old_len <= me.new_len) return 'to'
      const mm = k.currentMm(me.thread)!
      me.old_len = me.new_len
      return k.call(do_munmap, 'to', mm, me.addr + me.new_len, me.addr + me.from)
    },
    to(k, me) {
      if (me.ret < 0) return fail(k, me, me.ret)
      const mm = k.currentMm(me.thread)!
      const error = vma_to_resize(k, mm, me, me.old_len)
      if (error !== 0) return fail(k, me, error)
      if ((me.flags & MREMAP_FIXED) !== 0) return 'copy'
      // A hint: taken if nothing is there.
      const free = me.new_addr >= 0 && !overlaps(k, mm, me.new_addr, me.new_addr + me.new_len)
      const at = free ? me.new_addr : get_unmapped_area(k, mm, me.new_len)
      if (at === undefined) return bound(k, me)
      me.new_addr = at
      return 'copy'
    },

    // In place, if that can be; else it moves, if it may.
    resize(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.old_len === me.new_len) return fail(k, me, me.addr)
      if (me.old_len > me.new_len)
        return k.call(do_munmap, 'shrunk', mm, me.addr + me.new_len, me.addr + me.old_len)
      const error = vma_to_resize(k, mm, me, me.old_len)
      if (error !== 0) return fail(k, me, error)
      const vma = k.vma(vma_lookup(k, mm, me.addr)!)
      const end = me.addr + me.new_len
      if (vma.vm_end === me.addr + me.old_len && !overlaps(k, mm, vma.vm_end, end)) {
        // Growing is merging with what is new, and special mappings do not merge.
        const { VM_LOCKED } = vma
        // It may close a gap, and become one with what lies behind.
        const merges =
          k.has('mremap-grows-by-merging') ||
          (k.has('mremap-merges-where-it-grows') && !has_close(k, vma.vm_file))
        if (merges && VM_SPECIAL(vma)) return fail(k, me, -ENOMEM)
        if (end > k.config.vpns) return bound(k, me)
        if (merges) {
          // vma_merge_extend() names no VMA that the range is from: that it is a fork child's is not asked.
          const range = part_of(k, vma, vma.vm_end, end)
          vma_merge_new_range(k, mm, { ...range, anon: { ...range.anon, fork_child: false } })
        } else vma.vm_end = end
        return finish(k, me, mm, me.addr, VM_LOCKED)
      }
      if ((me.flags & MREMAP_MAYMOVE) === 0) return fail(k, me, -ENOMEM)
      const at = get_unmapped_area(k, mm, me.new_len)
      if (at === undefined) return bound(k, me)
      me.new_addr = at
      return 'copy'
    },
    shrunk: (k, me) => (me.ret < 0 ? fail(k, me, me.ret) : fail(k, me, me.addr)),

    // move_vma(): a new VMA, to which the entries go; the old range is unmapped when they are gone.
    copy(k, me) {
      const mm = k.currentMm(me.thread)!
      const old = k.vma(vma_lookup(k, mm, me.addr)!)
      const before = old.vm_start !== me.addr
      const after = old.vm_end !== me.addr + me.old_len
      if (k.has('mremap-may-split')) {
        if (before) call_vm_op(k, 'may_split', old, me.addr)
        if (after) call_vm_op(k, 'may_split', old, me.addr + me.old_len)
      }
      if ((me.flags & MREMAP_DONTUNMAP) !== 0 && old.VM_LOCKED && k.has('mremap-splits-locked')) {
        if (!split_to_change(k, mm, me.addr, me.addr + me.old_len)) return fail(k, me, -ENOMEM)
      }
      me.vma = copy_vma(k, vma_lookup(k, mm, me.addr)!, me)
      if (me.vma === undefined) return fail(k, me, -ENOMEM)
      if (!k.notified(mm) || me.old_len === 0) return 'move'
      return k.call(mmu_notifier_invalidate_range_start, 'move', mm, me.addr, me.addr + me.old_len)
    },
    move(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      for (let i = 0; i < me.old_len; i++)
        move_pte(k, mm, (me.addr + i) as Id<'vpn'>, (me.new_addr + i) as Id<'vpn'>)
      if (!k.notified(mm) || me.old_len === 0) return 'moved'
      return k.call(mmu_notifier_invalidate_range_end, 'moved', mm, me.addr, me.addr + me.old_len)
    },
    moved(k, me) {
      const mm = k.currentMm(me.thread)!
      call_vm_op(k, 'mremap', k.vma(me.vma!))
      const old = k.vma(vma_lookup(k, mm, me.addr)!)
      old.VM_PAT = false // untrack_pfn_clear()
      if (me.old_len === 0) return 'done'
      if ((me.flags & MREMAP_DONTUNMAP) === 0)
        return k.call(do_munmap, 'done', mm, me.addr, me.addr + me.old_len)
      old.VM_LOCKED = false
      const inside = old.vm_start < me.addr && me.addr + me.old_len < old.vm_end
      if (
        k.has('mremap-accounts-behind') &&
        old.VM_ACCOUNT &&
        inside &&
        me.vma !== vma_lookup(k, mm, me.addr)
      ) {
        // As if the middle had been unmapped: but what lies behind is somebody else.
        const behind = find_vma(k, mm, old.vm_end)
        if (behind !== undefined) k.vma(behind).VM_ACCOUNT = true
      }
      if (
        k.has('mremap-unlinks-anon-vma') &&
        old.vm_start === me.addr &&
        old.vm_end === me.addr + me.old_len
      ) {
        unlink_anon_vmas(old)
        // What nothing was ever written to counts from where it lies.
        if (vma_is_anonymous(old)) old.vm_pgoff = old.vm_start
      }
      if (me.first !== 0) return another(me)
      return finish(k, me, mm, me.new_addr, false)
    },
    done(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.first !== 0) return another(me)
      return finish(k, me, mm, me.new_addr, k.vma(vma_lookup(k, mm, me.new_addr)!).VM_LOCKED)
    },
    populated: (k, me) => k.done(me.from),
  },
})

type Mremap = {
  readonly thread: Id<'thread'>
  readonly addr: number
  readonly old_len: number
  readonly new_len: number
  readonly flags: number
  from: number
}

/**
 * copy_vma(): a VMA for what moves, or a neighbour of the new place that it becomes part of. Anonymous memory that was never written to
 * counts as mapped where it goes. Undefined: no slot is left.
 */
function copy_vma(k: Kernel, id: Id<'vma'>, me: Copied): Id<'vma'> | undefined {
  const from = k.vma(id)
  const mm = from.vm_mm!
  const end = me.new_addr + me.new_len
  const unwritten = vma_is_anonymous(from) && from.anon_vma === 0
  const range = { ...part_of(k, from, me.addr, end), start: me.new_addr }
  if (unwritten) range.pgoff = me.new_addr
  // What stays where it was must not become one with its copy.
  const stays = unwritten && (me.flags & MREMAP_DONTUNMAP) !== 0 && k.has('mremap-stays-apart')
  const beside = me.new_addr === from.vm_end || end === from.vm_start
  const apart = stays && beside && k.has('mremap-stays-alone')
  const merged = apart ? undefined : vma_merge_new_range(k, mm, range, stays ? id : undefined)
  if (merged !== undefined) return merged
  const copy = vm_area_dup(k, from)
  if (copy === undefined) return undefined
  const vma = k.vma(copy)
  vma.vm_pgoff = range.pgoff
  vma.vm_start = me.new_addr
  vma.vm_end = end
  call_vm_op(k, 'open', vma)
  return copy
}

type Copied = {
  readonly addr: number
  readonly new_addr: number
  readonly new_len: number
  readonly flags: number
}

/** One of several VMAs has moved. */
function another(me: { addr: number; old_len: number; new_addr: number; next: number }) {
  me.next = me.new_addr + me.old_len
  me.addr += me.old_len
  return 'many' as const
}

/** Drops the lock and gives what is asked for, an errno or an address. */
function fail(k: Kernel, me: { readonly thread: Id<'thread'> }, value: number) {
  mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
  return k.done(value)
}

function bound(k: Kernel, me: { readonly thread: Id<'thread'> }) {
  k.violate('model-bound', 'no address is left: the test maps more than its address spaces hold')
  return fail(k, me, -ENOMEM)
}

/** What has grown of a locked mapping is faulted in. */
function finish(k: Kernel, me: Mremap, mm: Id<'mm'>, addr: number, locked: boolean) {
  mmap_unlock(k, mm, me.thread)
  if (!locked || me.new_len <= me.old_len) return k.done(addr)
  me.from = addr
  return k.call(mm_populate, 'populated', mm, addr + me.old_len, addr + me.new_len)
}

/** vma_to_resize(), since 6.17 check_prep_vma(), in the kernel's order. */
function vma_to_resize(k: Kernel, mm: Id<'mm'>, me: Mremap, old_len: number): number {
  const id = vma_lookup(k, mm, me.addr)
  if (id === undefined) return -EFAULT
  const vma = k.vma(id)
  if (old_len === 0 && !vma.VM_SHARED && !vma.VM_MAYSHARE) return -EINVAL
  if ((me.flags & MREMAP_DONTUNMAP) !== 0) {
    const refused = k.has('mremap-dontunmap-files')
      ? vma.VM_DONTEXPAND || vma.VM_PFNMAP
      : !vma_is_anonymous(vma) || vma.VM_SHARED
    if (refused) return -EINVAL
  }
  if (old_len > vma.vm_end - me.addr) return -EFAULT
  if (me.new_len === old_len) return 0
  return vma.VM_DONTEXPAND || vma.VM_PFNMAP ? (me.new_len < old_len ? 0 : -EFAULT) : 0
}
