import { EINVAL, MAP_DMA_BUF } from '../constants.ts'
import { alive, objectOf } from '../mm/dma_buf.ts'
import { op } from '../op.ts'
import { mmap } from './mmap.ts'

export const dma_buf_mmap = op({
  name: 'dma_buf_mmap',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_mmap',
  doc: 'Maps a dma-buf: the VMA holds a reference to its file, and its memory is what the exporter inserts.',
  needs: ['current mm', 'may sleep'],
  args: { buf: 'dma_buf', pages: 'int', prot: 'flags', flags: 'flags', pgoff: 'int?' },
  returns: 'addr',
  calls: () => [mmap],
  takes: { vma: 1 },
  steps: {
    map(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} maps`)) return k.done(-EINVAL)
      const flags = me.flags | MAP_DMA_BUF
      return k.call(mmap, 'done', objectOf(me.buf), me.pages, me.prot, flags, me.pgoff)
    },
    done: (k, me) => k.done(me.ret),
  },
})
