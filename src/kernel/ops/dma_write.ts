import { targetFrame, write } from '../mm/access.ts'
import { checkAccessDirection } from '../mm/direction.ts'
import { DMA_FROM_DEVICE, EFAULT } from '../constants.ts'
import { op } from '../op.ts'

export const dma_write = op({
  name: 'dma_write',
  source: 'the device',
  doc: 'The device writes to memory: to a frame that it was programmed with, or through a DMA mapping (-EFAULT when that is gone).',
  args: { to: 'target', value: 'int' },
  returns: 'errno',
  steps: {
    write(k, me) {
      const cell = k.cell(me, 'to')
      const at = targetFrame(k, cell)
      if (at === undefined) return k.done(-EFAULT) // the IOMMU blocks it
      const who = k.threadName(me.thread)
      const mapping = checkAccessDirection(k, cell, DMA_FROM_DEVICE, `${who} lets the device write`)
      if (mapping?.bounced === true) mapping.bounce = me.value
      else write(k, at, me.value, `${who} lets the device write to`)
      return k.done(0)
    },
  },
})
