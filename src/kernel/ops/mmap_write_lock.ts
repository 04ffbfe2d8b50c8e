import { lock, mmap_lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const mmap_write_lock = op({
  name: 'mmap_write_lock',
  source: 'include/linux/mmap_lock.h:mmap_write_lock',
  doc: 'Takes the mmap_lock of an mm (current->mm when none is given) for writing; waits for everybody else.',
  needs: ['an mm', 'may sleep'],
  args: { mm: 'mm?' },
  steps: {
    lock(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)
      if (mm === undefined) return k.done()
      return lock(k, mmap_lock(k, mm), me.thread) ? k.done() : blocked
    },
  },
})
