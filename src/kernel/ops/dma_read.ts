import { DMA_TO_DEVICE, EFAULT } from '../constants.ts'
import { reach, targetFrame } from '../mm/access.ts'
import { checkAccessDirection } from '../mm/direction.ts'
import { op } from '../op.ts'

export const dma_read = op({
  name: 'dma_read',
  source: 'the device',
  doc: 'The device reads memory: a frame that it was programmed with, or through a DMA mapping (-EFAULT when that is gone).',
  args: { from: 'target' },
  returns: 'int',
  steps: {
    read(k, me) {
      const cell = k.cell(me, 'from')
      const at = targetFrame(k, cell)
      if (at === undefined) return k.done(-EFAULT) // the IOMMU blocks it
      const mapping = checkAccessDirection(
        k,
        cell,
        DMA_TO_DEVICE,
        `${k.threadName(me.thread)} lets the device read`,
      )
      if (mapping?.bounced === true) return k.done(mapping.bounce)
      reach(k, at.pfn, at.stale, `${k.threadName(me.thread)} lets the device read`)
      return k.done(k.page(at.pfn).data)
    },
  },
})
