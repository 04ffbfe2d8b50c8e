import type { Id } from '../../state/index.ts'
import { alive, freeMapping, is_dynamic, mappingOf, objectOf } from '../mm/dma_buf.ts'
import { canLock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_buf_unmap = op({
  name: 'dma_buf_unmap',
  source: 'nowhere: a proposal of October 2020',
  doc: 'Undoes dma_buf_p2p_dma_map: unmaps, unpins, detaches. The reference stays; dma_buf_put drops it.',
  needs: ['may sleep'],
  args: { buf: 'dma_buf', sgt: 'sgt' },
  steps: {
    unmap(k, me) {
      const who = k.threadName(me.thread)
      if (!alive(k, me.buf, `${who} unmaps`)) return k.done()
      if (!canLock(k, resv(k, objectOf(me.buf)), me.thread)) return blocked
      const id = mappingOf(me.sgt)
      const attach = k.dma(id).active ? k.mapping(id as number as Id<'mapping'>).attachment : undefined
      if (attach === undefined || k.attachment(attach).dma_buf !== me.buf) {
        k.violate('refcount-balance', `${who} unmaps what is not mapped`)
        return k.done()
      }
      freeMapping(k, id)
      if (is_dynamic(k, me.buf)) k.dma_buf(me.buf).pin_count -= 1
      k.attachment(attach).dma_buf = undefined
      k.attachment(attach).detached = true
      return k.done()
    },
  },
})
