import type { Id } from '../../state/index.ts'
import { EBADF } from '../constants.ts'
import { fdOf, fput } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const close = op({
  name: 'close',
  source: 'fs/open.c:close, fs/file.c:close_fd',
  doc: 'A process closes a file descriptor, by its number or the first one of a dma-buf: a reference goes, perhaps the last.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf?', fd: 'int?' },
  returns: 'errno',
  steps: {
    close(k, me) {
      let id = me.buf === undefined ? fdOf(k, me.fd) : undefined
      if (me.buf !== undefined)
        for (let i = k.config.fdSlots - 1; i >= 0; i--)
          if (k.fd(i as Id<'fd'>).file === me.buf) id = i as Id<'fd'>
      const file = id === undefined ? undefined : k.fd(id).file
      if (id === undefined || file === undefined) return k.done(-EBADF)
      k.fd(id).taken = false
      k.fd(id).file = undefined
      fput(k, file, k.threadName(me.thread))
      return k.done(0)
    },
  },
})
