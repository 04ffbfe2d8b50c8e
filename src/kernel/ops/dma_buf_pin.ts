import { EINVAL, EOPNOTSUPP, system } from '../constants.ts'
import { attached, exportOf, mustMigrate, objectOf } from '../mm/dma_buf.ts'
import { dma_resv_assert_held } from '../mm/resv.ts'
import { op } from '../op.ts'
import { bo_validate } from './bo_validate.ts'

export const dma_buf_pin = op({
  name: 'dma_buf_pin',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_pin',
  doc: 'Keeps the exporter from moving the memory, where this importer reaches it. Under the reservation lock.',
  needs: ['may sleep'],
  args: { attach: 'attachment' },
  returns: 'errno',
  calls: () => [bo_validate],
  takes: { mapping: 0 },
  steps: {
    pin(k, me) {
      if (!attached(k, me.attach, `${k.threadName(me.thread)} pins through`)) return k.done(-EINVAL)
      const buf = k.attachment(me.attach).dma_buf!
      dma_resv_assert_held(k, buf, me.thread, 'dma_buf_pin')
      if (exportOf(k, buf).exporter === 'revocable') return k.done(-EOPNOTSUPP)
      return mustMigrate(k, me.attach) ? k.call(bo_validate, 'count', objectOf(buf), system) : 'count'
    },
    count(k, me) {
      if (me.ret < 0) return k.done(me.ret)
      if (!attached(k, me.attach, `${k.threadName(me.thread)} pins through`)) return k.done(-EINVAL)
      const row = k.attachment(me.attach)
      k.dma_buf(row.dma_buf!).pin_count += 1
      row.pins += 1
      return k.done(0)
    },
  },
})
