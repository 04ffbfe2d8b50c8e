import { FOLL_FORCE, FOLL_WRITE } from '../constants.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { find_vma } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages } from './__get_user_pages.ts'

export const mm_populate = op({
  name: 'mm_populate',
  source: 'mm/gup.c:__mm_populate',
  doc: 'Faults a range in, as mlock() does: writable private mappings by writes, the rest by reads.',
  args: { mm: 'mm', start: 'addr', end: 'addr' },
  returns: 'errno',
  locals: { done: 'int' },
  calls: () => [__get_user_pages],
  internal: true,
  takes: { pfn: 1 },
  steps: {
    lock(k, me) {
      return down_read(k, mmap_lock(k, me.mm), me.thread) ? 'next' : blocked
    },
    next(k, me) {
      for (;;) {
        const id = me.start < me.end ? find_vma(k, me.mm, me.start) : undefined
        const vma = id === undefined ? undefined : k.vma(id)
        if (vma === undefined || vma.vm_start >= me.end) {
          mmap_unlock(k, me.mm, me.thread)
          return k.done(0)
        }
        me.start = vma.VM_IO || vma.VM_PFNMAP ? vma.vm_end : Math.max(me.start, vma.vm_start)
        if (vma.VM_IO || vma.VM_PFNMAP) continue
        if (me.start === vma.vm_start) me.done = 0
        const write = vma.VM_WRITE && !vma.VM_SHARED ? FOLL_WRITE : 0
        const force = vma.VM_READ || vma.VM_WRITE ? FOLL_FORCE : 0
        return k.call(__get_user_pages, 'page', me.mm, me.start, write | force, -1)
      }
    },
    page(k, me) {
      // populate_vma_page_range() says how many there are before the one that fails, which is then asked for once more.
      if (me.ret < 0 && me.done > 0) {
        me.done = 0
        return 'next'
      }
      if (me.ret < 0) {
        mmap_unlock(k, me.mm, me.thread)
        return k.done(me.ret)
      }
      me.start += 1
      me.done = 1
      return 'next'
    },
  },
})
