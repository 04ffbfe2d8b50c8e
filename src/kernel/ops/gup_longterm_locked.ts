import type { Id } from '../../state/index.ts'
import { ENOMEM, FOLL_LONGTERM } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { drop_pin, drop_ref, GFP_USER } from '../mm/frames.ts'
import { migrate_page, rmapFree, untold } from '../mm/migrate.ts'
import { blocked, nth, type Out, op } from '../op.ts'
import { __get_user_pages, longterm_pinnable, pins } from './__get_user_pages.ts'
import { tell, toldOf } from './migrate_pages.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const gup_longterm_locked = op({
  name: 'gup_longterm_locked',
  source: 'mm/gup.c:__gup_longterm_locked',
  doc: 'GUP of several pages under mmap_lock: as many as there are before the first that fails, whose errno counts only when it is the first of all.',
  args: {
    mm: 'mm',
    addr: 'addr',
    nr: 'int',
    flags: 'flags',
    pin: 'int',
    pages: '&page?',
    vec: '&frames?',
  },
  returns: 'int',
  locals: { i: 'int', failed: 'int', told: 'int' },
  calls: () => [__get_user_pages, mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  internal: true,
  steps: {
    next(k, me) {
      const at = me.addr + me.i
      const [page, vec] = [nth(me.pages, me.i), nth(me.vec, me.i)]
      return k.call(__get_user_pages, 'took', me.mm, at, me.flags, me.pin + 4, page, vec)
    },
    took(k, me) {
      if (me.ret < 1) return me.i === 0 ? k.done(me.ret) : look(k, me)
      me.i += 1
      return me.i < me.nr ? 'next' : look(k, me)
    },

    // migrate_longterm_unpinnable_folios(): nothing is pinned meanwhile.
    migrate(k, me) {
      while (me.i > 0 && !moves(k, me, me.i - 1)) me.i -= 1
      return me.i === 0 ? again(k, me) : 'move'
    },
    move(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      // One that nobody has any more need not be moved.
      if (!moves(k, me, me.i - 1)) return 'moved'
      const pfn = page(k, me, me.i - 1)!
      if (untold(k, pfn, me.told) !== undefined) return tell(k, me, pfn, 'move')
      if (migrate_page(k, pfn, GFP_USER) === undefined) me.failed = 1
      return 'moved'
    },
    moved(k, me) {
      if (me.told !== 0) return toldOf(k, me, 'moved')
      me.i -= 1
      return me.i > 0 ? 'migrate' : again(k, me)
    },
  },
})

type Several = {
  readonly thread: Id<'thread'>
  readonly pin: number
  readonly flags: number
  readonly pages: Out | undefined
  readonly vec: Out | undefined
  nr: number
  i: number
  failed: number
}

const entry = (me: Several, i: number): Out => nth(me.pages ?? me.vec, i)!

/** pages[i], if it is there: a special entry before 5.18 leaves it as it was. */
function page(k: Kernel, me: Several, i: number): Id<'pfn'> | undefined {
  const { value } = k.at(entry(me, i))
  return value === 0 ? undefined : ((Math.abs(value) - 1) as Id<'pfn'>)
}

const unpinnable = (k: Kernel, pfn: Id<'pfn'> | undefined): boolean =>
  pfn !== undefined && pfn !== k.zeroPage && !longterm_pinnable(k, pfn)

/** Whether pages[i] has still to be moved; the same page twice is moved once. */
const moves = (k: Kernel, me: Several, i: number): boolean =>
  unpinnable(k, page(k, me, i)) && !k.at(entry(me, i)).stale

/** check_and_migrate_movable_pages(): one page that cannot stay, and all are released. */
function look(k: Kernel, me: Several) {
  if ((me.flags & FOLL_LONGTERM) === 0) return k.done(me.i)
  let stays = true
  for (let i = 0; i < me.i; i++) if (unpinnable(k, page(k, me, i))) stays = false
  for (let i = 0; i < me.i; i++) {
    const pfn = page(k, me, i)
    if (pfn === undefined || (pfn === k.zeroPage && k.has('zero-page-not-pinned'))) continue
    if (!stays) release(k, me, pfn)
    else if (pins(me)) k.page(pfn).longterm += 1
  }
  if (stays) return k.done(me.i)
  // Before 5.13 it asks again only for as many as there were.
  if (!k.has('longterm-movable')) me.nr = me.i
  return 'migrate' as const
}

function release(k: Kernel, me: Several, pfn: Id<'pfn'>): void {
  if (pins(me)) drop_pin(k, pfn, k.threadName(me.thread))
  else drop_ref(k, pfn, k.threadName(me.thread))
}

function again(k: Kernel, me: Several) {
  // pages[] is cleared since 5.13; before, the caller that is told of an error still finds there what it has no more.
  if (k.has('longterm-movable')) for (let i = 0; i < me.nr; i++) k.outThing(entry(me, i), undefined)
  return me.failed !== 0 ? k.done(-ENOMEM) : ('next' as const)
}
