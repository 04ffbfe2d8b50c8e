import { first_page, unpin } from '../mm/release.ts'
import { op } from '../op.ts'

export const unpin_user_pages = op({
  name: 'unpin_user_pages',
  source: 'mm/gup.c:unpin_user_pages',
  doc: 'Drops the pins of the first `npages` of the pages that pin_user_pages gave.',
  args: { pages: '&page', npages: 'int' },
  steps: {
    put(k, me) {
      // An errno that was taken for a count: WARN_ON(), and nothing is dropped.
      if (me.npages <= 0) return k.done()
      const page = first_page(k, me, 'unpin_user_pages')
      if (page !== undefined) unpin(k, me.thread, page.pfn, page.cell.stale)
      return me.npages > 0 ? 'put' : k.done()
    },
  },
})
