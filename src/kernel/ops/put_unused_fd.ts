import { fdOf } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const put_unused_fd = op({
  name: 'put_unused_fd',
  source: 'fs/file.c:put_unused_fd',
  doc: 'Gives the number of a file descriptor back, behind which no file was installed.',
  args: { fd: 'int' },
  steps: {
    put(k, me) {
      const id = fdOf(k, me.fd)
      if (id === undefined || !k.fd(id).taken || k.fd(id).file !== undefined || k.fd(id).object !== undefined)
        k.violate(
          'refcount-balance',
          `${k.threadName(me.thread)} gives the descriptor ${me.fd} back, which is ${id !== undefined && (k.fd(id).file !== undefined || k.fd(id).object !== undefined) ? 'published' : 'not taken'}`,
        )
      else k.fd(id).taken = false
      return k.done()
    },
  },
})
