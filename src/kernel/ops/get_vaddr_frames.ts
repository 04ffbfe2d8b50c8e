import type { Id } from '../../state/index.ts'
import { EFAULT, EINVAL, FOLL_FORCE, FOLL_LONGTERM, FOLL_WRITE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { canRead, down_read, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { lookup_refused } from '../mm/lookups.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, nth, type Out, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { __get_user_pages } from './__get_user_pages.ts'
import { gup_fast } from './gup_fast.ts'
import { gup_fast_several } from './gup_fast_several.ts'
import { gup_longterm_locked } from './gup_longterm_locked.ts'

export const get_vaddr_frames = op({
  name: 'get_vaddr_frames',
  source: 'drivers/media/common/videobuf2/frame_vector.c:get_vaddr_frames',
  doc: 'What videobuf2 takes user memory with: pins pages; until it was removed also bare PFNs, kept for as long as the buffer.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', vec: '&frames' },
  returns: 'int',
  calls: () => [__get_user_pages, gup_fast],
  several: () => [gup_longterm_locked, gup_fast_several],
  takes: { pfn: 1 },
  quiet: ['unlock'],
  steps: {
    start(k, me) {
      // Since 5.11: pin first, and look at the VMA only when that fails.
      if (!k.has('frame-vector-locked')) {
        const asked = k.has('vb2-no-force') ? me.flags & FOLL_WRITE : FOLL_FORCE | FOLL_WRITE
        const flags = asked | (k.has('vb2-longterm') || k.policy.longterm === 'required' ? FOLL_LONGTERM : 0)
        if (me.nr > 1) return k.call(gup_fast_several, 'pinned', me.addr, me.nr, flags, 1, undefined, me.vec)
        return k.call(gup_fast, 'pinned', k.currentMm(me.thread), me.addr, flags, 1, undefined, me.vec)
      }
      const mm = k.currentMm(me.thread)!
      if (!canRead(k, mmap_lock(k, mm), me.thread)) return blocked
      const id = vma_lookup(k, mm, me.addr)
      if (id === undefined) return k.done(-EFAULT)
      const vma = k.vma(id)
      if (vma.VM_IO || vma.VM_PFNMAP)
        return k.has('frame-vector-follow-pfn') ? follow(k, me) : k.done(-EFAULT)
      down_read(k, mmap_lock(k, mm), me.thread)
      k.mm(mm).has_pinned = true
      const flags = me.flags | (k.policy.longterm === 'required' ? FOLL_LONGTERM : 0)
      if (me.nr > 1)
        return k.call(gup_longterm_locked, 'unlock', mm, me.addr, me.nr, flags, 1, undefined, me.vec)
      return k.call(__get_user_pages, 'unlock', mm, me.addr, flags, 1, undefined, me.vec)
    },
    unlock(k, me) {
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return k.done(me.ret)
    },
    pinned: (k, me) => (me.ret > 0 || !k.has('frame-vector-follow-pfn') ? k.done(me.ret) : 'follow'),
    // Since 5.11 the fall-back is a section of its own.
    follow,
  },
})

/** follow_pfn() under the mmap_lock, which is dropped again at once: the PFN is kept for as long as the buffer is. */
function follow(
  k: Kernel,
  me: {
    readonly thread: Id<'thread'>
    readonly addr: number
    readonly nr: number
    readonly vec: Out | undefined
  },
) {
  const mm = k.currentMm(me.thread)!
  if (!canRead(k, mmap_lock(k, mm), me.thread) || !ptlFree(k, mm, me.thread)) return blocked
  // As many as there are, from one such mapping to the next; the errno counts only for the first.
  let got = 0
  for (; got < Math.max(1, me.nr); got++) {
    const id = vma_lookup(k, mm, me.addr + got)
    const error = id === undefined ? -EFAULT : follow_one(k, k.vma(id), mm, me.addr + got, nth(me.vec, got))
    if (error !== 0) return k.done(got > 0 ? got : error)
  }
  return k.done(got)
}

function follow_one(k: Kernel, vma: Row<'vma'>, mm: Id<'mm'>, addr: number, to: Out | undefined): number {
  if (!vma.VM_IO && !vma.VM_PFNMAP) return -EFAULT
  if (k.policy.follow_pfn_longterm === 'fail' || lookup_refused(k, vma)) return -EINVAL
  const pte = pte_offset(k, mm, addr)
  if (pte === undefined || !pte.present) return -EINVAL
  if (k.policy.follow_pfn === 'taint') k.system.tainted = true
  k.outThing(to, pte.pfn, !pte.write)
  return 0
}
