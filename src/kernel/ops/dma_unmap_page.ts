import type { Id } from '../../state/index.ts'
import { DMA_TO_DEVICE } from '../constants.ts'
import { targetFrame, write } from '../mm/access.ts'
import { freeMapping, mappingHandle, mappingOf } from '../mm/dma_buf.ts'
import { checkUnmapDirection } from '../mm/direction.ts'
import { op } from '../op.ts'

export const dma_unmap_page = op({
  name: 'dma_unmap_page',
  source: 'kernel/dma/mapping.c:dma_unmap_page_attrs',
  doc: 'Takes the mapping of dma_map_page away, for the direction that it was made for; a bounce buffer is copied back unless that is to the device.',
  args: { dma: 'dma', dir: 'int' },
  steps: {
    unmap(k, me) {
      const who = k.threadName(me.thread)
      const id = mappingOf(me.dma)
      if (!k.dma(id).active) {
        k.violate('refcount-balance', `${who} unmaps a DMA mapping that is gone already`)
        return k.done()
      }
      checkUnmapDirection(k, id, me.dir, who)
      const mapping = k.mapping(id as number as Id<'mapping'>)
      const to = targetFrame(k, { value: mappingHandle(id) + 1, stale: false, readonly: false })!
      if (mapping.bounced && me.dir !== DMA_TO_DEVICE)
        write(k, to, mapping.bounce, `${who} copies a bounce buffer back to`)
      freeMapping(k, id)
      return k.done()
    },
  },
})
