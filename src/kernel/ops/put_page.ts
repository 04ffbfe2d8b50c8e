import { reach, targetFrame } from '../mm/access.ts'
import { drop_ref } from '../mm/frames.ts'
import { op } from '../op.ts'

export const put_page = op({
  name: 'put_page',
  source: 'include/linux/mm.h:put_page',
  doc: 'Drops a reference that get_user_pages or get_page took.',
  args: { page: 'frame' },
  steps: {
    put(k, me) {
      const who = k.threadName(me.thread)
      const { pfn, stale } = targetFrame(k, k.cell(me, 'page'))!
      reach(k, pfn, stale, `${who} drops a reference of`)
      if (!stale) drop_ref(k, pfn, who)
      return k.done()
    },
  },
})
