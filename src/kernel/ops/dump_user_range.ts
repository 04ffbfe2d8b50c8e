import type { Id } from '../../state/index.ts'
import { FOLL_FORCE } from '../constants.ts'
import { drop_ref } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const dump_user_range = op({
  name: 'dump_user_range',
  source: 'fs/coredump.c:dump_user_range',
  doc: 'A process dumps its core, with all bits of coredump_filter set: 1 when the page is in the dump, 0 when it is left out.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr' },
  returns: 'int',
  calls: () => [__get_user_pages],
  takes: { pfn: 1 },
  steps: {
    // vma_dump_size(), then get_dump_page().
    get(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      const id = vma_lookup(k, mm, me.addr)
      const vma = id === undefined ? undefined : k.vma(id)
      const pte = pte_offset(k, mm, me.addr)
      // What nobody has touched, and the page of zeroes, are a hole in the file.
      const hole = vma?.vm_file === undefined && (pte?.present !== true || pte.pfn === k.zeroPage)
      if (vma === undefined || vma.VM_IO || hole) {
        mmap_unlock(k, mm, me.thread)
        return k.done(0)
      }
      return k.call(__get_user_pages, 'emit', mm, me.addr, FOLL_FORCE, 2)
    },
    // dump_emit_page(), and the reference is dropped.
    emit(k, me) {
      if (me.ret > 0) drop_ref(k, (me.ret - 1) as Id<'pfn'>, k.threadName(me.thread))
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return k.done(me.ret > 0 ? 1 : 0)
    },
  },
})
