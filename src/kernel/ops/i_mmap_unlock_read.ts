import { i_mmap_rwsem, unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const i_mmap_unlock_read = op({
  name: 'i_mmap_unlock_read',
  source: 'include/linux/fs.h:i_mmap_unlock_read',
  doc: 'Drops the lock of the tree of all mappings of an object.',
  args: { bo: 'backing' },
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      unlock(k, i_mmap_rwsem(k, me.bo), me.thread)
      return k.done()
    },
  },
})
