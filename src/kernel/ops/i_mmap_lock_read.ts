import { down_read, i_mmap_rwsem } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const i_mmap_lock_read = op({
  name: 'i_mmap_lock_read',
  source: 'include/linux/fs.h:i_mmap_lock_read',
  doc: 'Takes the lock of the tree of all mappings of an object, for reading.',
  needs: ['may sleep'],
  args: { bo: 'backing' },
  steps: {
    lock: (k, me) => (down_read(k, i_mmap_rwsem(k, me.bo), me.thread) ? k.done() : blocked),
  },
})
