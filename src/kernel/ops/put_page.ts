import { reach } from '../mm/access.ts'
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
      const { stale } = k.cell(me, 'page')
      reach(k, me.page, stale, `${who} drops a reference of`)
      if (!stale) drop_ref(k, me.page, who)
      return k.done()
    },
  },
})
