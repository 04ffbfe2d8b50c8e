import { reach, targetFrame } from '../mm/access.ts'
import { set_page_dirty } from '../mm/files.ts'
import { op } from '../op.ts'

export const set_page_dirty_lock = op({
  name: 'set_page_dirty_lock',
  source: 'mm/page-writeback.c:set_page_dirty_lock',
  doc: 'Says that a page was written, so that its file writes it back. Takes the page lock: it may sleep.',
  needs: ['may sleep'],
  args: { page: 'frame' },
  steps: {
    dirty(k, me) {
      const { pfn, stale } = targetFrame(k, k.cell(me, 'page'))!
      reach(k, pfn, stale, `${k.threadName(me.thread)} marks as dirty`)
      if (!stale) set_page_dirty(k, pfn)
      return k.done()
    },
  },
})
