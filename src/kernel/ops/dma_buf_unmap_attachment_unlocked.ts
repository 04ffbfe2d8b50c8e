import { unmap_attachment } from '../mm/attach.ts'
import { attached, objectOf } from '../mm/dma_buf.ts'
import { canLock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_buf_unmap_attachment_unlocked = op({
  name: 'dma_buf_unmap_attachment_unlocked',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_unmap_attachment_unlocked',
  doc: 'As dma_buf_unmap_attachment, and takes the reservation lock itself.',
  since: '6.1',
  needs: ['may sleep'],
  args: { attach: 'attachment', sgt: 'sgt', dir: 'int' },
  steps: {
    unmap(k, me) {
      const who = k.threadName(me.thread)
      attached(k, me.attach, `${who} unmaps through`)
      if (k.attachment(me.attach).dma_buf === undefined) return k.done()
      if (!canLock(k, resv(k, objectOf(k.attachment(me.attach).dma_buf!)), me.thread)) return blocked
      unmap_attachment(k, me.attach, me.sgt, me.dir, who)
      return k.done()
    },
  },
})
