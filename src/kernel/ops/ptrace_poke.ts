import type { Id } from '../../state/index.ts'
import { EIO, FOLL_FORCE, FOLL_WRITE } from '../constants.ts'
import { write } from '../mm/access.ts'
import { set_page_dirty } from '../mm/files.ts'
import { drop_ref, page_anon } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { is_cow_mapping, vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const ptrace_poke = op({
  name: 'ptrace_poke',
  source: 'mm/memory.c:__access_remote_vm',
  doc: 'A debugger writes to the memory of a process, whatever that may do itself (FOLL_FORCE): 0, or -EIO.',
  needs: ['may sleep'],
  args: { mm: 'mm', addr: 'addr', value: 'int' },
  returns: 'int',
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  steps: {
    lock(k, me) {
      if (!k.mm(me.mm).alive) return k.done(-EIO)
      if (!down_read(k, mmap_lock(k, me.mm), me.thread)) return blocked
      return k.call(__get_user_pages, 'copy', me.mm, me.addr, FOLL_FORCE | FOLL_WRITE, 2)
    },
    // Under the lock still.
    copy(k, me) {
      const who = k.threadName(me.thread)
      if (me.ret <= 0) {
        mmap_unlock(k, me.mm, me.thread)
        return k.done(-EIO)
      }
      const page = (me.ret - 1) as Id<'pfn'>
      const vma = vma_lookup(k, me.mm, me.addr)
      // What is not a copy is not the process's to be written, through a private mapping.
      const readonly = vma !== undefined && is_cow_mapping(k.vma(vma)) && !page_anon(k, page)
      write(k, { pfn: page, stale: false, readonly }, me.value, `${who} writes for ${k.mmName(me.mm)} to`)
      set_page_dirty(k, page)
      drop_ref(k, page, who)
      mmap_unlock(k, me.mm, me.thread)
      return k.done(0)
    },
  },
})
