import { EINVAL, FOLL_LONGTERM } from '../constants.ts'
import { op } from '../op.ts'
import { gup_fast } from './gup_fast.ts'

export const get_user_pages_fast = op({
  name: 'get_user_pages_fast',
  source: 'mm/gup.c:get_user_pages_fast',
  doc: 'Takes a reference to a page of the process, without any lock where it can: 1, or an errno. Released by put_page.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', page: '&page' },
  returns: 'int',
  calls: () => [gup_fast],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      if (k.has('longterm-needs-pin') && (me.flags & FOLL_LONGTERM) !== 0) return k.done(-EINVAL)
      return k.call(gup_fast, 'done', k.currentMm(me.thread), me.addr, me.flags, 0, me.page)
    },
    done: (k, me) => k.done(me.ret),
  },
})
