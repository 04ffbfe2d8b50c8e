import { unpin } from '../mm/release.ts'
import { op } from '../op.ts'

export const unpin_user_page = op({
  name: 'unpin_user_page',
  source: 'mm/gup.c:unpin_user_page',
  doc: 'Drops a pin that pin_user_pages took.',
  args: { page: 'page' },
  steps: {
    put(k, me) {
      unpin(k, me.thread, me.page, k.cell(me, 'page').stale)
      return k.done()
    },
  },
})
