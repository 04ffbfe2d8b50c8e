import { op } from '../op.ts'
import { gup_fast } from './gup_fast.ts'

export const pin_user_pages_fast = op({
  name: 'pin_user_pages_fast',
  source: 'mm/gup.c:pin_user_pages_fast',
  doc: 'Pins a page of the process, without any lock where it can: 1, or an errno. Released by unpin_user_page.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', nr: 'int?', flags: 'flags?', page: '&page' },
  returns: 'int',
  calls: () => [gup_fast],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      return k.call(gup_fast, 'done', k.currentMm(me.thread), me.addr, me.flags, 1, me.page)
    },
    done: (k, me) => k.done(me.ret),
  },
})
