import type { Id } from '../../state/index.ts'
import { firstDma, targetFrame } from '../mm/access.ts'
import { op } from '../op.ts'

export const dma_map_pfn = op({
  name: 'dma_map_pfn',
  source: 'kernel/dma/mapping.c:dma_map_resource, drivers/iommu/iommu.c:iommu_map',
  doc: 'Lets a device reach a frame through its IOMMU or bus. Holds nothing: no reference is taken.',
  args: { frame: 'frame' },
  returns: 'dma',
  takes: { dma: 1 },
  steps: {
    map(k, me) {
      const { pfn, stale, readonly } = targetFrame(k, k.cell(me, 'frame'))!
      for (let i = 0; i < k.config.dmaSlots; i++) {
        const dma = k.dma(i as Id<'dma'>)
        if (dma.active) continue
        dma.active = true
        dma.pfn = pfn
        dma.stale = stale
        dma.readonly = readonly
        return k.done(firstDma + i + 1)
      }
      k.violate('model-bound', 'no DMA mapping is left: the test makes more of them than its tables hold')
      return k.done(0)
    },
  },
})
