import { EINVAL } from '../constants.ts'
import { dmaBufOf, get_file, liveExport } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_buf_export = op({
  name: 'dma_buf_export',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_export',
  doc: 'Makes a dma-buf of an object; who calls it has its reference. One that is there already gets another, as the DRM core does.',
  needs: ['may sleep'],
  args: { bo: 'bo', buf: '&dma_buf' },
  returns: 'errno',
  steps: {
    export(k, me) {
      if (!k.bo(me.bo).alive) return k.done(-EINVAL)
      const buf = dmaBufOf(me.bo)
      const row = k.dma_buf(buf)
      if (row.released) {
        k.violate('model-bound', `${k.boName(me.bo)} is exported again after its dma-buf was released`)
        return k.done(-EINVAL)
      }
      if (liveExport(k, me.bo) === undefined) row.exported = true
      get_file(k, buf)
      row.gets += 1
      k.outThing(me.buf, buf)
      return k.done(0)
    },
  },
})
