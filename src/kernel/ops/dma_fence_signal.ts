import { dmaBufName } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_fence_signal = op({
  name: 'dma_fence_signal',
  source: 'drivers/dma-buf/dma-fence.c:dma_fence_signal',
  doc: 'The device is done with the buffer: whoever waits for the fence goes on.',
  args: { buf: 'dma_buf' },
  steps: {
    signal(k, me) {
      const row = k.dma_buf(me.buf)
      if (row.fences === 0)
        k.violate(
          'refcount-balance',
          `${k.threadName(me.thread)} signals a fence of ${dmaBufName(k, me.buf)} that is not there`,
        )
      else row.fences -= 1
      return k.done()
    },
  },
})
