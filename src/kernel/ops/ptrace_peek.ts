import type { Id } from '../../state/index.ts'
import { EIO, FOLL_FORCE } from '../constants.ts'

import { drop_ref } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'

import { blocked, op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const ptrace_peek = op({
  name: 'ptrace_peek',
  source: 'mm/memory.c:__access_remote_vm',
  doc: 'A debugger reads the memory of a process, whatever that may do itself (FOLL_FORCE): the value, or -EIO.',
  needs: ['may sleep'],
  args: { mm: 'mm', addr: 'addr' },
  returns: 'int',
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  steps: {
    lock(k, me) {
      if (!k.mm(me.mm).alive) return k.done(-EIO)
      if (!down_read(k, mmap_lock(k, me.mm), me.thread)) return blocked
      return k.call(__get_user_pages, 'copy', me.mm, me.addr, FOLL_FORCE, 2)
    },
    // Under the lock still.
    copy(k, me) {
      const who = k.threadName(me.thread)
      if (me.ret <= 0) {
        mmap_unlock(k, me.mm, me.thread)
        return k.done(-EIO)
      }
      const page = (me.ret - 1) as Id<'pfn'>
      const value = k.page(page).data

      drop_ref(k, page, who)
      mmap_unlock(k, me.mm, me.thread)
      return k.done(value)
    },
  },
})
