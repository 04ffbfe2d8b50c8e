import { alive } from '../mm/dma_buf.ts'
import { dma_resv_assert_held } from '../mm/resv.ts'
import { op } from '../op.ts'
import { invalidate_importers } from './invalidate_importers.ts'

export const dma_buf_move_notify = op({
  name: 'dma_buf_move_notify',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_move_notify',
  doc: 'The exporter tells its importers that the memory moves or goes: their move_notify runs. Under the reservation lock.',
  until: '7.0',
  needs: ['may sleep'],
  args: { buf: 'dma_buf' },
  calls: () => [invalidate_importers],
  steps: {
    notify(k, me) {
      const who = k.threadName(me.thread)
      if (!alive(k, me.buf, `${who} announces a move of`)) return k.done()
      dma_resv_assert_held(k, me.buf, me.thread, 'dma_buf_move_notify')
      return k.call(invalidate_importers, 'done', me.buf)
    },
    done: (k) => k.done(),
  },
})
