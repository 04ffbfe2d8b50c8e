import { unmap_attachment } from '../mm/attach.ts'
import { attached } from '../mm/dma_buf.ts'
import { assertMapLock } from '../mm/resv.ts'
import { op } from '../op.ts'

export const dma_buf_unmap_attachment = op({
  name: 'dma_buf_unmap_attachment',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_unmap_attachment',
  doc: 'Gives up what dma_buf_map_attachment gave; what was mapped at attach stays until detach. Since 6.2 always under the reservation lock.',
  needs: ['may sleep'],
  args: { attach: 'attachment', sgt: 'sgt', dir: 'int' },
  steps: {
    unmap(k, me) {
      const who = k.threadName(me.thread)
      attached(k, me.attach, `${who} unmaps through`)
      if (k.attachment(me.attach).dma_buf === undefined) return k.done()
      assertMapLock(k, me.attach, me.thread, 'dma_buf_unmap_attachment')
      unmap_attachment(k, me.attach, me.sgt, me.dir, who)
      return k.done()
    },
  },
})
