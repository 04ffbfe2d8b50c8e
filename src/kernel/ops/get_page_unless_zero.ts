import { reach, targetFrame } from '../mm/access.ts'
import { grab_ref, page_count, pfn_valid } from '../mm/frames.ts'
import { op } from '../op.ts'

export const get_page_unless_zero = op({
  name: 'get_page_unless_zero',
  source: 'include/linux/mm.h:get_page_unless_zero',
  doc: 'Takes a reference to a page unless it has none (it is free, or nobody counts it): 1 if it did, 0 if not.',
  args: { page: 'frame' },
  returns: 'int',
  steps: {
    get(k, me) {
      const { pfn, stale } = targetFrame(k, k.cell(me, 'page'))!
      if (!pfn_valid(k, pfn) || page_count(k, pfn) === 0) return k.done(0)
      reach(k, pfn, stale, `${k.threadName(me.thread)} takes a reference to`)
      if (!stale) grab_ref(k, pfn)
      return k.done(1)
    },
  },
})
