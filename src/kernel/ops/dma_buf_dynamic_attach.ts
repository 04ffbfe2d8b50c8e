import { EBUSY, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP } from '../constants.ts'
import { pinAndCache } from '../mm/attach.ts'
import { alive, exportOf, is_dynamic, objectOf, peer2peer } from '../mm/dma_buf.ts'
import { canLock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_buf_dynamic_attach = op({
  name: 'dma_buf_dynamic_attach',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_dynamic_attach',
  doc: 'Attaches a device whose driver has a callback for moves: a declared attachment that is not attached yet.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf', device: 'device?', attach: 'attachment' },
  returns: 'errno',
  takes: { dma: 1, mapping: 1 },
  steps: {
    attach(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} attaches to`)) return k.done(-EINVAL)
      const told = k.config.attachments[me.attach]?.callback !== undefined
      if (!told && !k.has('dma-buf-optional-callback')) return k.done(-EINVAL)
      if (k.attachment(me.attach).dma_buf !== undefined) return k.done(-EBUSY)
      if (exportOf(k, me.buf).exporter === 'revocable') {
        if (!peer2peer(k, me.attach)) return k.done(-EOPNOTSUPP)
        if (k.dma_buf(me.buf).revoked) return k.done(-ENODEV)
        if (!told) return k.done(-EOPNOTSUPP)
      }
      if (!canLock(k, resv(k, objectOf(me.buf)), me.thread)) return blocked
      const row = k.attachment(me.attach)
      row.dma_buf = me.buf
      row.detached = false
      const cached =
        k.has('dma-buf-cached-at-attach') &&
        !is_dynamic(k, me.buf) &&
        exportOf(k, me.buf).exporter === 'static'
      if (cached && !pinAndCache(k, me.attach, false)) {
        row.dma_buf = undefined
        return k.done(-ENOMEM)
      }
      return k.done(0)
    },
  },
})
