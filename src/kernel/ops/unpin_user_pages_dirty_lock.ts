import { set_page_dirty } from '../mm/files.ts'
import { first_page, unpin } from '../mm/release.ts'
import { op } from '../op.ts'

export const unpin_user_pages_dirty_lock = op({
  name: 'unpin_user_pages_dirty_lock',
  source: 'mm/gup.c:unpin_user_pages_dirty_lock',
  doc: 'Drops pins, and says first that the pages were written, if `make_dirty`: then it takes the page lock, and may sleep.',
  needs: ['may sleep'],
  // One page, or the first npages of several.
  args: { page: 'page?', pages: '&page?', npages: 'int?', make_dirty: 'int' },
  either: ['page', 'pages'],
  steps: {
    put(k, me) {
      if (me.pages === undefined) {
        const { stale } = k.cell(me, 'page')
        if (!stale && me.make_dirty !== 0) set_page_dirty(k, me.page!)
        unpin(k, me.thread, me.page!, stale)
        return k.done()
      }
      if (me.npages <= 0) return k.done()
      const page = first_page(k, me, 'unpin_user_pages_dirty_lock')
      if (page !== undefined) {
        if (!page.cell.stale && me.make_dirty !== 0) set_page_dirty(k, page.pfn)
        unpin(k, me.thread, page.pfn, page.cell.stale)
      }
      return me.npages > 0 ? 'put' : k.done()
    },
  },
})
