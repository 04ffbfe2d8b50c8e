import { EINVAL, FOLL_LONGTERM } from '../constants.ts'
import { op } from '../op.ts'
import { gup_fast } from './gup_fast.ts'
import { gup_fast_several } from './gup_fast_several.ts'

export const get_user_pages_fast = op({
  name: 'get_user_pages_fast',
  source: 'mm/gup.c:get_user_pages_fast',
  doc: 'Takes references to pages of the process, without any lock where it can: how many, or an errno. Released by put_page.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', pages: '&page' },
  returns: 'int',
  calls: () => [gup_fast],
  several: () => [gup_fast_several],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      if (k.has('longterm-needs-pin') && (me.flags & FOLL_LONGTERM) !== 0) return k.done(-EINVAL)
      if (me.nr > 1) return k.call(gup_fast_several, 'done', me.addr, me.nr, me.flags, 0, me.pages)
      return k.call(gup_fast, 'done', k.currentMm(me.thread), me.addr, me.flags, 0, me.pages)
    },
    done: (k, me) => k.done(me.ret),
  },
})
