import { reach } from '../mm/access.ts'
import { grab_ref } from '../mm/frames.ts'
import { op } from '../op.ts'

export const get_page = op({
  name: 'get_page',
  source: 'include/linux/mm.h:get_page',
  doc: 'Takes one more reference to a page; put_page drops it.',
  args: { page: 'frame' },
  steps: {
    get(k, me) {
      const { stale } = k.cell(me, 'page')
      reach(k, me.page, stale, `${k.threadName(me.thread)} takes a reference to`)
      if (!stale) grab_ref(k, me.page)
      return k.done()
    },
  },
})
