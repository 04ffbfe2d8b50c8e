import { reach } from '../mm/access.ts'
import { set_page_dirty } from '../mm/files.ts'
import { drop_pin } from '../mm/frames.ts'
import { op } from '../op.ts'

export const unpin_user_pages_dirty_lock = op({
  name: 'unpin_user_pages_dirty_lock',
  source: 'mm/gup.c:unpin_user_pages_dirty_lock',
  doc: 'Drops a pin, and says first that the page was written, if `make_dirty`: then it takes the page lock, and may sleep.',
  needs: ['may sleep'],
  args: { page: 'page', make_dirty: 'int' },
  steps: {
    put(k, me) {
      const who = k.threadName(me.thread)
      const { stale } = k.cell(me, 'page')
      reach(k, me.page, stale, `${who} drops a pin of`)
      if (stale) return k.done()
      if (me.make_dirty !== 0) set_page_dirty(k, me.page)
      if (!(me.page === k.zeroPage && k.has('zero-page-not-pinned'))) drop_pin(k, me.page, who)
      return k.done()
    },
  },
})
