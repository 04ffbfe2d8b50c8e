import { FOLL_LONGTERM, FOLL_WRITE } from '../constants.ts'
import { free_page, page_count } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { blocked, nth, op } from '../op.ts'
import { give, pins, take } from './__get_user_pages.ts'
import { allowed, walk } from './gup_fast.ts'
import { gup_longterm_locked } from './gup_longterm_locked.ts'

export const gup_fast_several = op({
  name: 'gup_fast_several',
  source: 'mm/gup.c:gup_fast_fallback',
  doc: 'GUP of several pages without the mmap_lock, as far as the page table goes; the slow path for the rest, whose errno is lost when there was something.',
  args: { addr: 'addr', nr: 'int', flags: 'flags', pin: 'int', pages: '&page?', vec: '&frames?' },
  returns: 'int',
  calls: () => [gup_longterm_locked],
  internal: true,
  locals: { i: 'int', seq: 'seq' },
  quiet: ['unlock'],
  steps: {
    start(k, me) {
      const mm = k.mm(k.currentMm(me.thread)!)
      if (me.pin !== 0) mm.has_pinned = true
      me.seq = mm.write_protect_seq
      return me.pin !== 0 && (me.seq & 1) !== 0 ? 'slow' : 'walk'
    },
    // gup_fast_pte_range(): one entry after the other, without a lock. Walk, grab and recheck of an entry are one step.
    walk(k, me) {
      const mm = k.currentMm(me.thread)!
      const at = { mm, addr: me.addr + me.i, flags: me.flags, pin: me.pin, seen: undefined }
      const page = walk(k, at)
      if (page === undefined || !allowed(k, at, page)) return 'seq'
      // Beside a fork a pin is nobody's until it is known that no fork has begun.
      if (k.forkRaces && pins(me)) k.page(page).pins += 1
      else take(k, at, page, (me.flags & FOLL_LONGTERM) !== 0)
      const readonly = (me.flags & FOLL_WRITE) === 0
      give(k, { page: nth(me.pages, me.i), vec: nth(me.vec, me.i) }, page, readonly)
      me.i += 1
      return me.i < me.nr ? 'walk' : 'seq'
    },
    // A fork has begun meanwhile, and may have found the pages not pinned: all are taken back.
    seq(k, me) {
      if (!k.forkRaces || !pins(me)) return me.i === me.nr ? k.done(me.i) : 'slow'
      const mm = k.currentMm(me.thread)!
      const stay = k.mm(mm).write_protect_seq === me.seq
      for (let i = 0; i < me.i; i++) {
        const pfn = k.pfns[Math.abs(k.at(nth(me.pages ?? me.vec, i)!).value) - 1]!
        k.page(pfn).pins -= 1
        if (stay) take(k, { mm, addr: me.addr + i, pin: me.pin }, pfn, (me.flags & FOLL_LONGTERM) !== 0)
        else if (page_count(k, pfn) === 0) free_page(k, pfn)
      }
      if (!stay) me.i = 0
      return me.i === me.nr ? k.done(me.i) : 'slow'
    },
    slow(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      const [addr, nr] = [me.addr + me.i, me.nr - me.i]
      const [pages, vec] = [nth(me.pages, me.i), nth(me.vec, me.i)]
      return k.call(gup_longterm_locked, 'unlock', mm, addr, nr, me.flags, me.pin, pages, vec)
    },
    unlock(k, me) {
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      if (me.ret < 0) return k.done(me.i > 0 ? me.i : me.ret)
      return k.done(me.i + me.ret)
    },
  },
})
