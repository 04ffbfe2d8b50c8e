import { op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const pin_user_pages_remote = op({
  name: 'pin_user_pages_remote',
  source: 'mm/gup.c:pin_user_pages_remote',
  doc: 'Pins a page of some process, under mmap_lock: 1, or an errno. Released by unpin_user_page.',
  needs: ['mmap_lock', 'may sleep'],
  args: { mm: 'mm', addr: 'addr', nr: 'int?', flags: 'flags?', page: '&page' },
  returns: 'int',
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  quiet: ['done'],
  steps: {
    start(k, me) {
      const mm = me.mm
      k.mm(mm).has_pinned = true
      return k.call(__get_user_pages, 'done', mm, me.addr, me.flags, 1, me.page)
    },
    done: (k, me) => k.done(me.ret),
  },
})
