import { mmap_unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const mmap_read_unlock = op({
  name: 'mmap_read_unlock',
  source: 'include/linux/mmap_lock.h:mmap_read_unlock',
  doc: 'Drops the mmap_lock; VMA pointers found under it must not be used any more.',
  needs: ['an mm'],
  args: { mm: 'mm?' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)
      if (mm !== undefined) mmap_unlock(k, mm, me.thread)
      return k.done()
    },
  },
})
