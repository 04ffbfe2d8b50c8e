import { EMFILE } from '../constants.ts'
import { allocFd, firstFd } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const get_unused_fd_flags = op({
  name: 'get_unused_fd_flags',
  source: 'fs/file.c:get_unused_fd_flags',
  doc: 'Takes the number of a file descriptor. Nothing is behind it until fd_install; closing it is -EBADF.',
  args: {},
  returns: 'int',
  takes: { fd: 1 },
  steps: {
    take(k) {
      const id = allocFd(k)
      if (id === undefined) return k.done(-EMFILE)
      k.fd(id).taken = true
      return k.done(firstFd + id)
    },
  },
})
