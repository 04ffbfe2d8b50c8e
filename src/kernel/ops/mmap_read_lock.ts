import { down_read, mmap_lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const mmap_read_lock = op({
  name: 'mmap_read_lock',
  source: 'include/linux/mmap_lock.h:mmap_read_lock',
  doc: 'Takes the mmap_lock of an mm (current->mm when none is given) for reading; waits for a writer.',
  needs: ['an mm', 'may sleep'],
  args: { mm: 'mm?' },
  steps: {
    lock(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)
      if (mm === undefined) return k.done()
      return down_read(k, mmap_lock(k, mm), me.thread) ? k.done() : blocked
    },
  },
})
