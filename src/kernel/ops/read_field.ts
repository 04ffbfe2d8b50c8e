import { alive } from '../mm/dma_buf.ts'
import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const read_field = op({
  name: 'read_field',
  source: 'whoever has a pointer to it',
  doc: 'Kernel code looks into an object, or into a dma-buf: it must still be there.',
  args: { buf: 'dma_buf?', object: 'object?' },
  returns: 'int',
  steps: {
    read(k, me) {
      const who = `${k.threadName(me.thread)} looks into`
      if (me.buf !== undefined) alive(k, me.buf, who)
      if (me.object !== undefined) object_alive(k, me.object, who)
      return k.done(0)
    },
  },
})
