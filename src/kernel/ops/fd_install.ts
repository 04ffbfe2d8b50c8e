import { alive, fdOf } from '../mm/dma_buf.ts'
import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const fd_install = op({
  name: 'fd_install',
  source: 'fs/file.c:fd_install',
  doc: 'Publishes a file behind a number, which takes the reference over: from here on another thread may close it.',
  args: { fd: 'int', buf: 'dma_buf?', object: 'object?' },
  steps: {
    install(k, me) {
      const who = k.threadName(me.thread)
      if (me.buf !== undefined && !alive(k, me.buf, `${who} publishes`)) return k.done()
      if (me.object !== undefined && !object_alive(k, me.object, `${who} publishes`)) return k.done()
      const id = fdOf(k, me.fd)
      if (
        id === undefined ||
        !k.fd(id).taken ||
        k.fd(id).file !== undefined ||
        k.fd(id).object !== undefined
      ) {
        k.violate('kernel-bug', `${who} installs a file behind ${me.fd}, a number that it does not have`)
        return k.done()
      }
      k.fd(id).file = me.buf
      k.fd(id).object = me.object
      if (me.buf === undefined) return k.done()
      const row = k.dma_buf(me.buf)
      if (row.gets > 0) row.gets -= 1
      else k.violate('refcount-balance', `${who} gives a reference away that it does not have`)
      return k.done()
    },
  },
})
