import type { Id } from '../../state/index.ts'
import { attached, attachmentName, freeMapping, is_dynamic, objectOf } from '../mm/dma_buf.ts'
import { canLock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_buf_detach = op({
  name: 'dma_buf_detach',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_detach',
  doc: 'Frees an attachment, and what was mapped and pinned when it was made.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf', attach: 'attachment' },
  steps: {
    detach(k, me) {
      const who = k.threadName(me.thread)
      attached(k, me.attach, `${who} detaches`)
      const row = k.attachment(me.attach)
      const buf = row.dma_buf
      if (buf === undefined) return k.done()
      if (!canLock(k, resv(k, objectOf(buf)), me.thread)) return blocked
      if (row.sgt !== undefined) {
        freeMapping(k, row.sgt)
        if (is_dynamic(k, buf)) k.dma_buf(buf).pin_count -= 1
        row.sgt = undefined
      }
      for (let i = 0; i < k.config.dmaSlots; i++)
        if (k.dma(i as Id<'dma'>).active && k.mapping(i as Id<'mapping'>).attachment === me.attach)
          k.violate(
            'attachment-leak',
            `${who} detaches ${attachmentName(k, me.attach)}, through which memory is still mapped`,
          )
      if (row.pins > 0)
        k.violate(
          'attachment-leak',
          `${who} detaches ${attachmentName(k, me.attach)}, which still pins the memory`,
        )
      row.dma_buf = undefined
      row.pins = 0
      row.detached = true
      return k.done()
    },
  },
})
