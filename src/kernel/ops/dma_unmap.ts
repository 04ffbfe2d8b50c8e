import type { Id } from '../../state/index.ts'
import { firstDma } from '../mm/access.ts'
import { op } from '../op.ts'

export const dma_unmap = op({
  name: 'dma_unmap',
  source: 'kernel/dma/mapping.c:dma_unmap_resource, drivers/iommu/iommu.c:iommu_unmap',
  doc: 'Takes a DMA mapping away: the device reaches nothing through it any more.',
  args: { mapping: 'dma' },
  steps: {
    unmap(k, me) {
      const dma = k.dma((me.mapping - firstDma) as Id<'dma'>)
      if (!dma.active)
        k.violate('refcount-balance', `${k.threadName(me.thread)} unmaps a DMA mapping that is gone already`)
      dma.active = false
      dma.pfn = undefined
      dma.stale = false
      dma.readonly = false
      return k.done()
    },
  },
})
