import type { Id } from '../../state/index.ts'
import { DMA_FROM_DEVICE, ENOMEM } from '../constants.ts'
import { targetFrame } from '../mm/access.ts'
import { allocMapping, mappingHandle } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_map_page = op({
  name: 'dma_map_page',
  source: 'kernel/dma/mapping.c:dma_map_page_attrs',
  doc: 'Lets a device reach a page for one direction. Holds nothing. A device with swiotlb works on a copy: unmapping copies it back.',
  args: { device: 'device?', page: 'frame', dir: 'int', dma: '&dma' },
  returns: 'errno',
  takes: { dma: 1, mapping: 1 },
  steps: {
    map(k, me) {
      const { pfn, stale, readonly } = targetFrame(k, k.cell(me, 'page'))!
      const id = allocMapping(k, pfn, me.dir)
      if (id === undefined) return k.done(-ENOMEM)
      const dma = k.dma(id)
      dma.stale = stale
      dma.readonly = readonly && me.dir === DMA_FROM_DEVICE
      const device = me.device ?? k.config.threads[me.thread]!.context.device ?? only(k.config.devices.length)
      const mapping = k.mapping(id as number as Id<'mapping'>)
      mapping.bounced = device !== undefined && k.config.devices[device]!.swiotlb === true
      if (mapping.bounced) mapping.bounce = k.page(pfn).data
      k.outThing(me.dma, mappingHandle(id))
      return k.done(0)
    },
  },
})

const only = (devices: number): number | undefined => (devices === 1 ? 0 : undefined)
