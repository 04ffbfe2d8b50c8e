import { reach, targetFrame } from '../mm/access.ts'
import { op } from '../op.ts'

export const kernel_write = op({
  name: 'kernel_write',
  source: 'include/asm-generic/io.h, include/linux/highmem.h',
  doc: 'Kernel code writes to a frame through a mapping of its own (kmap, ioremap, memremap).',
  args: { to: 'frame', value: 'int' },
  steps: {
    write(k, me) {
      const { pfn, stale } = targetFrame(k, me.to, k.isStale(me, 'to'))!
      reach(k, pfn, stale, `${k.threadName(me.thread)} writes to`)
      k.page(pfn).data = me.value
      return k.done()
    },
  },
})
