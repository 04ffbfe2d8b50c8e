import { EINVAL, FOLL_LONGTERM } from '../constants.ts'
import { op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'
import { gup_longterm_locked } from './gup_longterm_locked.ts'

export const get_user_pages = op({
  name: 'get_user_pages',
  source: 'mm/gup.c:get_user_pages',
  doc: 'Takes references to pages of the process, under mmap_lock: how many, or an errno. Released by put_page.',
  needs: ['current mm', 'mmap_lock', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', pages: '&page' },
  returns: 'int',
  calls: () => [__get_user_pages],
  several: () => [gup_longterm_locked],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      const mm = k.currentMm(me.thread)!
      if (k.has('longterm-needs-pin') && (me.flags & FOLL_LONGTERM) !== 0) return k.done(-EINVAL)
      if (me.nr > 1) return k.call(gup_longterm_locked, 'done', mm, me.addr, me.nr, me.flags, 0, me.pages)
      return k.call(__get_user_pages, 'done', mm, me.addr, me.flags, 0, me.pages)
    },
    done: (k, me) => k.done(me.ret),
  },
})
