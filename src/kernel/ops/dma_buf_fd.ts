import { EMFILE, EINVAL } from '../constants.ts'
import { alive, allocFd, firstFd } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_buf_fd = op({
  name: 'dma_buf_fd',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_fd',
  doc: 'Publishes a dma-buf as a file descriptor, which takes the reference over: from here on another thread may close it.',
  args: { buf: 'dma_buf' },
  returns: 'int',
  takes: { fd: 1 },
  steps: {
    install(k, me) {
      const who = k.threadName(me.thread)
      if (!alive(k, me.buf, `${who} publishes`)) return k.done(-EINVAL)
      const id = allocFd(k)
      if (id === undefined) return k.done(-EMFILE)
      const fd = k.fd(id)
      fd.taken = true
      fd.file = me.buf
      const row = k.dma_buf(me.buf)
      if (row.gets > 0) row.gets -= 1
      else k.violate('refcount-balance', `${who} gives a reference away that it does not have`)
      return k.done(firstFd + id)
    },
  },
})
