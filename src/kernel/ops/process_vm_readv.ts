import type { Id } from '../../state/index.ts'
import { EFAULT } from '../constants.ts'

import { drop_pin } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const process_vm_readv = op({
  name: 'process_vm_readv',
  source: 'mm/process_vm_access.c:process_vm_rw_single_vec',
  doc: 'Reads the memory of another process through a pin of its page: the value, or -EFAULT. Never what a device maps out.',
  needs: ['may sleep'],
  args: { mm: 'mm', addr: 'addr' },
  returns: 'int',
  locals: { page: 'page' },
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  steps: {
    lock(k, me) {
      if (!k.mm(me.mm).alive) return k.done(-EFAULT)
      if (!down_read(k, mmap_lock(k, me.mm), me.thread)) return blocked
      k.mm(me.mm).has_pinned = true
      return k.call(__get_user_pages, 'pinned', me.mm, me.addr, 0, 3)
    },
    pinned(k, me) {
      mmap_unlock(k, me.mm, me.thread)
      if (me.ret === 0)
        k.violate(
          'uninitialised',
          `${k.threadName(me.thread)} uses a page pointer on the stack of process_vm_readv that GUP has passed over`,
        )
      if (me.ret <= 0) return k.done(-EFAULT)
      me.page = (me.ret - 1) as Id<'pfn'>
      return 'copy'
    },
    // The lock is gone, the pin keeps the page.
    copy(k, me) {
      const page = me.page!
      const value = k.page(page).data

      me.page = undefined
      if (!(page === k.zeroPage && k.has('zero-page-not-pinned'))) drop_pin(k, page, k.threadName(me.thread))
      return k.done(value)
    },
  },
})
