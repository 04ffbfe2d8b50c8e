import { EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, system } from '../constants.ts'
import { alive, allocAttachment, exportOf, is_dynamic, mustMigrate, objectOf } from '../mm/dma_buf.ts'
import { pinAndCache } from '../mm/attach.ts'
import { canLock, lock, resv, unlock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'
import { bo_validate } from './bo_validate.ts'

export const dma_buf_attach = op({
  name: 'dma_buf_attach',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_attach',
  doc: 'Attaches a device that cannot be told of moves. Takes no reference to the dma-buf. Before 7.0 it pins and maps at once.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf', device: 'device?', attach: '&attachment' },
  returns: 'errno',
  locals: { made: 'attachment' },
  calls: () => [bo_validate],
  takes: { attachment: 1, dma: 1, mapping: 1 },
  steps: {
    attach(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} attaches to`)) return k.done(-EINVAL)
      // ->attach of vfio-pci: who cannot be told cannot be had.
      if (exportOf(k, me.buf).exporter === 'revocable')
        return k.done(k.dma_buf(me.buf).revoked ? -ENODEV : -EOPNOTSUPP)
      const held = resv(k, objectOf(me.buf))
      if (!canLock(k, held, me.thread)) return blocked
      const made = allocAttachment(k)
      if (made === undefined) return k.done(-ENOMEM)
      k.attachment(made).dma_buf = me.buf
      me.made = made
      if (!k.has('dma-buf-cached-at-attach') || !is_dynamic(k, me.buf)) {
        k.outThing(me.attach, made)
        return k.done(0)
      }
      lock(k, held, me.thread)
      return mustMigrate(k, made) ? k.call(bo_validate, 'pin', objectOf(me.buf), system) : 'pin'
    },
    pin(k, me) {
      if (me.ret < 0 || !pinAndCache(k, me.made!, true)) {
        k.attachment(me.made!).dma_buf = undefined
        k.attachment(me.made!).detached = true
        unlock(k, resv(k, objectOf(me.buf)), me.thread)
        return k.done(-ENOMEM)
      }
      unlock(k, resv(k, objectOf(me.buf)), me.thread)
      k.outThing(me.attach, me.made)
      return k.done(0)
    },
  },
})
