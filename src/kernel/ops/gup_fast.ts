import type { Id } from '../../state/index.ts'
import { FOLL_LONGTERM, FOLL_WRITE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { needs_dirty_tracking, page_mapping } from '../mm/files.ts'
import { free_page, page_anon, page_count, put } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { pte_offset, pte_protnone, vm_normal_page } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages, give, longterm_pinnable, take } from './__get_user_pages.ts'

export const gup_fast = op({
  name: 'gup_fast',
  source: 'mm/gup.c:gup_fast_fallback',
  doc: 'GUP without the mmap_lock, for one page: walks the page table, and takes the slow path when that does not do.',
  args: { mm: 'mm', addr: 'addr', flags: 'flags', pin: 'int', page: '&page?', vec: '&frames?' },
  returns: 'int',
  calls: () => [__get_user_pages],
  internal: true,
  takes: { pfn: 1 },
  locals: { seen: 'pfn', write: 'int', seq: 'seq' },
  quiet: ['unlock'],
  steps: {
    // gup_fast_pte_range(). No VMA is seen. Walk, grab and recheck are one step: a grab that the recheck takes back leaves nothing behind.
    // Only beside a fork, which tells pinned pages from others, do they count apart.
    walk(k, me) {
      if (me.pin !== 0) k.mm(me.mm).has_pinned = true
      me.seq = k.mm(me.mm).write_protect_seq
      if (me.pin !== 0 && (me.seq & 1) !== 0) return 'slow'
      const page = walk(k, me)
      if (page === undefined) return 'slow'
      if (k.forkRaces) {
        me.seen = page
        me.write = k.pte(me.mm, me.addr as Id<'vpn'>).write ? 1 : 0
        return 'grab'
      }
      if (!allowed(k, me, page)) return 'slow'
      take(k, me, page, (me.flags & FOLL_LONGTERM) !== 0)
      give(k, me, page, (me.flags & FOLL_WRITE) === 0)
      return k.done(1)
    },
    // try_grab_folio(): the page may be somebody else's by now, but not free.
    grab(k, me) {
      const page = k.page(me.seen!)
      if (page_count(k, me.seen!) === 0) return 'slow'
      if (me.pin !== 0) page.pins += 1
      else page.refcount += 1
      return 'recheck'
    },
    recheck(k, me) {
      const pte = k.pte(me.mm, me.addr as Id<'vpn'>)
      const same = pte.present && !pte.special && pte.pfn === me.seen && pte.write === (me.write !== 0)
      return same && allowed(k, me, me.seen!) ? 'seq' : undo(k, me)
    },
    // A fork has begun meanwhile, and may have found the page not pinned.
    seq(k, me) {
      if (me.pin !== 0 && k.mm(me.mm).write_protect_seq !== me.seq) return undo(k, me)
      const page = k.page(me.seen!)
      if (me.pin !== 0) page.pins -= 1
      else page.refcount -= 1
      take(k, me, me.seen!, (me.flags & FOLL_LONGTERM) !== 0)
      give(k, me, me.seen!, (me.flags & FOLL_WRITE) === 0)
      return k.done(1)
    },
    slow(k, me) {
      if (!down_read(k, mmap_lock(k, me.mm), me.thread)) return blocked
      return k.call(__get_user_pages, 'unlock', me.mm, me.addr, me.flags, me.pin, me.page, me.vec)
    },
    unlock(k, me) {
      mmap_unlock(k, me.mm, me.thread)
      return k.done(me.ret)
    },
  },
})

type Gup = {
  readonly mm: Id<'mm'>
  readonly addr: number
  readonly flags: number
  readonly pin: number
  seen: Id<'pfn'> | undefined
}

/** The page behind the address, if its entry allows what is asked. */
export function walk(k: Kernel, me: Gup): Id<'pfn'> | undefined {
  const pte = pte_offset(k, me.mm, me.addr)
  if (pte === undefined || !pte.present || pte.special || pte_protnone(k, me.mm, me.addr)) return undefined
  if ((me.flags & FOLL_WRITE) !== 0 && !pte.write) return undefined
  return vm_normal_page(pte)
}

/** Whether the page itself may be taken; what is not left to the slow path. */
export function allowed(k: Kernel, me: Gup, page: Id<'pfn'>): boolean {
  const write = (me.flags & FOLL_WRITE) !== 0
  const longterm = (me.flags & FOLL_LONGTERM) !== 0
  if (longterm && !longterm_pinnable(k, page)) return false
  const anon = page_anon(k, page)
  if (me.pin !== 0 && !k.pte(me.mm, me.addr as Id<'vpn'>).write) {
    if (anon && k.has('gup-unshare') && !k.page(page).exclusive) return false
    if (!anon && k.has('gup-unshare-file') && longterm) return false
  }
  // gup_fast_folio_allowed(): a page without a mapping might be secret memory for all that it can tell.
  if (anon || !k.has('gup-fast-needs-mapping')) return true
  const file = page_mapping(k, page)
  if (file === undefined) return false
  // Nor does it see whether a page of a file may be written without asking its file system.
  const tracked = k.has('gup-longterm-files') && needs_dirty_tracking(k, file)
  return !(tracked && longterm && write && me.pin !== 0)
}

function undo(k: Kernel, me: Gup) {
  const page = k.page(me.seen!)
  if (me.pin === 0) put(k, me.seen!)
  else {
    page.pins -= 1
    if (page_count(k, me.seen!) === 0) free_page(k, me.seen!)
  }
  me.seen = undefined
  return 'slow' as const
}
