import { targetFrame, write } from '../mm/access.ts'
import { EFAULT } from '../constants.ts'
import { op } from '../op.ts'

export const dma_write = op({
  name: 'dma_write',
  source: 'the device',
  doc: 'The device writes to memory: to a frame that it was programmed with, or through a DMA mapping (-EFAULT when that is gone).',
  args: { to: 'target', value: 'int' },
  returns: 'errno',
  steps: {
    write(k, me) {
      const at = targetFrame(k, k.cell(me, 'to'))
      if (at === undefined) return k.done(-EFAULT) // the IOMMU blocks it
      write(k, at, me.value, `${k.threadName(me.thread)} lets the device write to`)
      return k.done(0)
    },
  },
})
