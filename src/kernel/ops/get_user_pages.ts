import { EINVAL, FOLL_LONGTERM } from '../constants.ts'
import { op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const get_user_pages = op({
  name: 'get_user_pages',
  source: 'mm/gup.c:get_user_pages',
  doc: 'Takes a reference to a page of the process, under mmap_lock: 1, or an errno. Released by put_page.',
  needs: ['current mm', 'mmap_lock', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', page: '&page' },
  returns: 'int',
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      const mm = k.currentMm(me.thread)!
      if (k.has('longterm-needs-pin') && (me.flags & FOLL_LONGTERM) !== 0) return k.done(-EINVAL)
      return k.call(__get_user_pages, 'done', mm, me.addr, me.flags, 0, me.page)
    },
    done: (k, me) => k.done(me.ret),
  },
})
