import { EINVAL, system } from '../constants.ts'
import { map_attachment } from '../mm/attach.ts'
import { attached, mappingHandle, mustMigrate, objectOf } from '../mm/dma_buf.ts'
import { assertMapLock } from '../mm/resv.ts'
import { op } from '../op.ts'
import { bo_validate } from './bo_validate.ts'

export const dma_buf_map_attachment = op({
  name: 'dma_buf_map_attachment',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_map_attachment',
  doc: 'Maps the memory of a dma-buf for the device of an attachment, where it is now; since 6.2 always under the reservation lock.',
  needs: ['may sleep'],
  args: { attach: 'attachment', dir: 'int', sgt: '&sgt' },
  returns: 'errno',
  calls: () => [bo_validate],
  takes: { dma: 1, mapping: 1 },
  steps: {
    map(k, me) {
      if (!attached(k, me.attach, `${k.threadName(me.thread)} maps through`)) return k.done(-EINVAL)
      assertMapLock(k, me.attach, me.thread, 'dma_buf_map_attachment')
      const bo = objectOf(k.attachment(me.attach).dma_buf!)
      if (mustMigrate(k, me.attach)) return k.call(bo_validate, 'moved', bo, system)
      return give(k, me)
    },
    moved(k, me) {
      if (me.ret < 0) return k.done(me.ret)
      // Without the lock it may be detached by now.
      const there = attached(k, me.attach, `${k.threadName(me.thread)} maps through`)
      return there ? give(k, me) : k.done(-EINVAL)
    },
  },
})

function give(
  k: Parameters<typeof map_attachment>[0],
  me: {
    readonly attach: Parameters<typeof map_attachment>[1]
    readonly dir: number
    readonly sgt: Parameters<typeof k.outThing>[0]
  },
) {
  const mapped = map_attachment(k, me.attach, me.dir)
  if (typeof mapped === 'number') return k.done(mapped)
  k.outThing(me.sgt, mappingHandle(mapped.sgt))
  return k.done(0)
}
