import { reach, targetFrame } from '../mm/access.ts'
import { op } from '../op.ts'

export const kernel_read = op({
  name: 'kernel_read',
  source: 'include/linux/io.h, include/linux/highmem.h',
  doc: 'Kernel code reads a frame through a mapping of its own (kmap, ioremap, memremap).',
  args: { from: 'frame' },
  returns: 'int',
  steps: {
    read(k, me) {
      const { pfn, stale } = targetFrame(k, k.cell(me, 'from'))!
      reach(k, pfn, stale, `${k.threadName(me.thread)} reads`)
      return k.done(k.page(pfn).data)
    },
  },
})
