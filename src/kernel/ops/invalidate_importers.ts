import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const invalidate_importers = op({
  name: 'invalidate_importers',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_move_notify',
  doc: 'Runs the callback of every importer that has one: what they mapped is to be given up.',
  args: { buf: 'dma_buf' },
  locals: { next: 'int' },
  notifies: true,
  internal: true,
  steps: {
    callback(k, me) {
      for (let i = me.next; i < k.config.attachments.length; i++) {
        const { callback } = k.config.attachments[i]!
        if (callback === undefined || k.attachment(i as Id<'attachment'>).dma_buf !== me.buf) continue
        me.next = i + 1
        return k.callback(callback, 'callback')
      }
      return k.done()
    },
  },
})
