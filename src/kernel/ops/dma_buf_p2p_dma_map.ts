import { DMA_BIDIRECTIONAL, EINVAL, ENOMEM, ENOSYS } from '../constants.ts'
import { alive, allocAttachment, is_dynamic, map_dma_buf, mappingHandle, objectOf } from '../mm/dma_buf.ts'
import { canLock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_buf_p2p_dma_map = op({
  name: 'dma_buf_p2p_dma_map',
  source: 'nowhere: a proposal of October 2020',
  doc: 'Attaches, pins where it is, and maps for a device that reaches the memory of another: all under the reservation lock, which it takes. Without the policy dma_buf_from_vma it is -ENOSYS.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf', sgt: '&sgt' },
  returns: 'errno',
  takes: { attachment: 1, dma: 1, mapping: 1 },
  steps: {
    map(k, me) {
      if (k.policy.dma_buf_from_vma === 'absent') return k.done(-ENOSYS)
      if (!alive(k, me.buf, `${k.threadName(me.thread)} maps`)) return k.done(-EINVAL)
      if (!canLock(k, resv(k, objectOf(me.buf)), me.thread)) return blocked
      const attach = allocAttachment(k)
      if (attach === undefined) return k.done(-ENOMEM)
      k.attachment(attach).dma_buf = me.buf
      const sgt = map_dma_buf(k, attach, DMA_BIDIRECTIONAL)
      if (sgt === undefined) {
        k.attachment(attach).dma_buf = undefined
        return k.done(-ENOMEM)
      }
      if (is_dynamic(k, me.buf)) k.dma_buf(me.buf).pin_count += 1
      k.outThing(me.sgt, mappingHandle(sgt))
      return k.done(0)
    },
  },
})
