import { reach, targetFrame } from '../mm/access.ts'
import { grab_ref, pfn_valid } from '../mm/frames.ts'
import { op } from '../op.ts'

export const get_page = op({
  name: 'get_page',
  source: 'include/linux/mm.h:get_page',
  doc: 'Takes one more reference to a page; put_page drops it.',
  args: { page: 'frame' },
  steps: {
    get(k, me) {
      const { pfn, stale } = targetFrame(k, k.cell(me, 'page'))!
      reach(k, pfn, stale, `${k.threadName(me.thread)} takes a reference to`)
      if (!pfn_valid(k, pfn))
        k.violate(
          'kernel-bug',
          `${k.threadName(me.thread)} takes a reference to ${k.pfnName(pfn)}, which is device memory and has no struct page`,
        )
      else if (!stale) grab_ref(k, pfn)
      return k.done()
    },
  },
})
