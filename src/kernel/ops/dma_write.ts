import { reach, targetFrame } from '../mm/access.ts'
import { op } from '../op.ts'

export const dma_write = op({
  name: 'dma_write',
  source: 'the device',
  doc: 'The device writes to memory: to a frame that it was programmed with, or through a DMA mapping.',
  args: { to: 'target', value: 'int' },
  returns: 'errno',
  steps: {
    write(k, me) {
      const at = targetFrame(k, me.to, k.isStale(me, 'to'))
      if (at === undefined) return k.done(-1) // blocked by the IOMMU: the mapping is gone
      reach(k, at.pfn, at.stale, `${k.threadName(me.thread)} lets the device write to`)
      k.page(at.pfn).data = me.value
      return k.done(0)
    },
  },
})
