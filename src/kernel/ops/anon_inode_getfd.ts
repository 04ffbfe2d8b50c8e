import { EMFILE } from '../constants.ts'
import { allocFd, firstFd } from '../mm/dma_buf.ts'
import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const anon_inode_getfd = op({
  name: 'anon_inode_getfd',
  source: 'fs/anon_inodes.c:anon_inode_getfd',
  doc: 'Publishes an object as a file descriptor, which takes its reference over: whoever closes it drops that. The number, or an errno.',
  needs: ['may sleep'],
  args: { object: 'object' },
  returns: 'int',
  takes: { fd: 1 },
  steps: {
    install(k, me) {
      if (!object_alive(k, me.object, `${k.threadName(me.thread)} publishes`)) return k.done(-EMFILE)
      const id = allocFd(k)
      if (id === undefined) return k.done(-EMFILE)
      k.fd(id).taken = true
      k.fd(id).object = me.object
      return k.done(firstFd + id)
    },
  },
})
