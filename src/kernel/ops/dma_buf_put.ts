import { alive, putRef } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_buf_put = op({
  name: 'dma_buf_put',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_put',
  doc: 'Drops a reference to a dma-buf. With the last one the exporter releases it.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf' },
  steps: {
    put(k, me) {
      const who = k.threadName(me.thread)
      if (alive(k, me.buf, `${who} puts`)) putRef(k, me.buf, who)
      return k.done()
    },
  },
})
