import { alive } from '../mm/dma_buf.ts'
import { dma_resv_assert_held } from '../mm/resv.ts'
import { op } from '../op.ts'

export const dma_resv_add_fence = op({
  name: 'dma_resv_add_fence',
  source: 'drivers/dma-buf/dma-resv.c:dma_resv_add_fence',
  doc: 'An importer announces that its device is at work on the buffer: the exporter waits for the fence before it moves it. Under the reservation lock.',
  args: { buf: 'dma_buf' },
  steps: {
    add(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} adds a fence to`)) return k.done()
      dma_resv_assert_held(k, me.buf, me.thread, 'dma_resv_add_fence')
      k.dma_buf(me.buf).fences += 1
      return k.done()
    },
  },
})
