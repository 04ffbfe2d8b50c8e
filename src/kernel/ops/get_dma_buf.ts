import { alive, get_file } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const get_dma_buf = op({
  name: 'get_dma_buf',
  source: 'include/linux/dma-buf.h:get_dma_buf',
  doc: 'Takes one more reference to a dma-buf, by somebody who has one.',
  args: { buf: 'dma_buf' },
  steps: {
    get(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} takes a reference to`)) return k.done()
      get_file(k, me.buf)
      k.dma_buf(me.buf).gets += 1
      return k.done()
    },
  },
})
