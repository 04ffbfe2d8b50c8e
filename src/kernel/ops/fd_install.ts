import { alive, fdOf } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const fd_install = op({
  name: 'fd_install',
  source: 'fs/file.c:fd_install',
  doc: 'Publishes a file behind a number, which takes the reference over: from here on another thread may close it.',
  args: { fd: 'int', buf: 'dma_buf' },
  steps: {
    install(k, me) {
      const who = k.threadName(me.thread)
      if (!alive(k, me.buf, `${who} publishes`)) return k.done()
      const id = fdOf(k, me.fd)
      if (id === undefined || !k.fd(id).taken || k.fd(id).file !== undefined) {
        k.violate('kernel-bug', `${who} installs a file behind ${me.fd}, a number that it does not have`)
        return k.done()
      }
      k.fd(id).file = me.buf
      const row = k.dma_buf(me.buf)
      if (row.gets > 0) row.gets -= 1
      else k.violate('refcount-balance', `${who} gives a reference away that it does not have`)
      return k.done()
    },
  },
})
