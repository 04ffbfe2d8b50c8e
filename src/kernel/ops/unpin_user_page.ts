import { reach } from '../mm/access.ts'
import { drop_pin } from '../mm/frames.ts'
import { op } from '../op.ts'

export const unpin_user_page = op({
  name: 'unpin_user_page',
  source: 'mm/gup.c:unpin_user_page',
  doc: 'Drops a pin that pin_user_pages took.',
  args: { page: 'page' },
  steps: {
    put(k, me) {
      const who = k.threadName(me.thread)
      const { stale } = k.cell(me, 'page')
      reach(k, me.page, stale, `${who} drops a pin of`)
      if (!stale && !(me.page === k.zeroPage && k.has('zero-page-not-pinned'))) drop_pin(k, me.page, who)
      return k.done()
    },
  },
})
