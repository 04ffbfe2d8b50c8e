import { alive } from '../mm/dma_buf.ts'
import { dma_resv_assert_held } from '../mm/resv.ts'
import { op } from '../op.ts'
import { invalidate_importers } from './invalidate_importers.ts'

export const dma_buf_invalidate_mappings = op({
  name: 'dma_buf_invalidate_mappings',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_invalidate_mappings',
  doc: 'The exporter tells its importers that the memory moves or goes: their invalidate_mappings runs. Under the reservation lock.',
  since: '7.0',
  needs: ['may sleep'],
  args: { buf: 'dma_buf' },
  calls: () => [invalidate_importers],
  steps: {
    notify(k, me) {
      const who = k.threadName(me.thread)
      if (!alive(k, me.buf, `${who} announces a move of`)) return k.done()
      dma_resv_assert_held(k, me.buf, me.thread, 'dma_buf_invalidate_mappings')
      return k.call(invalidate_importers, 'done', me.buf)
    },
    done: (k) => k.done(),
  },
})
