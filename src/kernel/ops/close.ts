import type { Id } from '../../state/index.ts'
import { EBADF } from '../constants.ts'
import { fdOf, fput } from '../mm/dma_buf.ts'
import { object_put } from '../mm/objects_counted.ts'
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
      if (id === undefined) return k.done(-EBADF)
      const { file, object } = k.fd(id)
      if (file === undefined && object === undefined) return k.done(-EBADF)
      const who = k.threadName(me.thread)
      k.fd(id).taken = false
      k.fd(id).file = undefined
      k.fd(id).object = undefined
      if (file !== undefined) fput(k, file, who)
      if (object !== undefined)
        object_put(k, object, `${who}, which closes the last descriptor, drops a reference to`)
      return k.done(0)
    },
  },
})
