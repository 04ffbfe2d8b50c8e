import { EINVAL, system } from '../constants.ts'
import { map_attachment } from '../mm/attach.ts'
import { attached, mappingHandle, mustMigrate, objectOf } from '../mm/dma_buf.ts'
import { lock, resv, unlock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'
import { bo_validate } from './bo_validate.ts'

export const dma_buf_map_attachment_unlocked = op({
  name: 'dma_buf_map_attachment_unlocked',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_map_attachment_unlocked',
  doc: 'As dma_buf_map_attachment, and takes the reservation lock itself.',
  since: '6.1',
  needs: ['may sleep'],
  args: { attach: 'attachment', dir: 'int', sgt: '&sgt' },
  returns: 'errno',
  locals: { bo: 'bo' },
  calls: () => [bo_validate],
  takes: { dma: 1, mapping: 1 },
  steps: {
    lock(k, me) {
      if (!attached(k, me.attach, `${k.threadName(me.thread)} maps through`)) return k.done(-EINVAL)
      me.bo = objectOf(k.attachment(me.attach).dma_buf!)
      if (!lock(k, resv(k, me.bo), me.thread)) return blocked
      return mustMigrate(k, me.attach) ? k.call(bo_validate, 'map', me.bo, system) : 'map'
    },
    map(k, me) {
      const mapped =
        me.ret < 0 || !attached(k, me.attach, `${k.threadName(me.thread)} maps through`)
          ? me.ret || -EINVAL
          : map_attachment(k, me.attach, me.dir)
      unlock(k, resv(k, me.bo!), me.thread)
      if (typeof mapped === 'number') return k.done(mapped)
      k.outThing(me.sgt, mappingHandle(mapped.sgt))
      return k.done(0)
    },
  },
})
