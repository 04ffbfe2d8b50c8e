import { first_page, put_user_page } from '../mm/release.ts'
import { op } from '../op.ts'

export const release_pages = op({
  name: 'release_pages',
  source: 'mm/swap.c:release_pages',
  doc: 'Drops the references of the first `npages` of the pages that get_user_pages gave.',
  args: { pages: '&page', npages: 'int' },
  steps: {
    put(k, me) {
      if (me.npages <= 0) return k.done()
      const page = first_page(k, me, 'release_pages')
      if (page !== undefined) put_user_page(k, me.thread, page.pfn, page.cell.stale)
      return me.npages > 0 ? 'put' : k.done()
    },
  },
})
