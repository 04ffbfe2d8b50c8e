import { attached, attachmentName } from '../mm/dma_buf.ts'
import { dma_resv_assert_held } from '../mm/resv.ts'
import { op } from '../op.ts'

export const dma_buf_unpin = op({
  name: 'dma_buf_unpin',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_unpin',
  doc: 'Drops a pin of dma_buf_pin: the exporter may move the memory again. Under the reservation lock.',
  args: { attach: 'attachment' },
  steps: {
    unpin(k, me) {
      const who = k.threadName(me.thread)
      if (!attached(k, me.attach, `${who} unpins through`)) return k.done()
      const row = k.attachment(me.attach)
      dma_resv_assert_held(k, row.dma_buf!, me.thread, 'dma_buf_unpin')
      if (row.pins === 0)
        k.violate(
          'refcount-balance',
          `${who} unpins through ${attachmentName(k, me.attach)}, which pins nothing`,
        )
      else {
        row.pins -= 1
        k.dma_buf(row.dma_buf!).pin_count -= 1
      }
      return k.done()
    },
  },
})
