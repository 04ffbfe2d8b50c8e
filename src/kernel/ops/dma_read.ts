import { reach, targetFrame } from '../mm/access.ts'
import { op } from '../op.ts'

export const dma_read = op({
  name: 'dma_read',
  source: 'the device',
  doc: 'The device reads memory: a frame that it was programmed with, or through a DMA mapping.',
  args: { from: 'target' },
  returns: 'int',
  steps: {
    read(k, me) {
      const at = targetFrame(k, me.from, k.isStale(me, 'from'))
      if (at === undefined) return k.done(-1) // blocked by the IOMMU: the mapping is gone
      reach(k, at.pfn, at.stale, `${k.threadName(me.thread)} lets the device read`)
      return k.done(k.page(at.pfn).data)
    },
  },
})
