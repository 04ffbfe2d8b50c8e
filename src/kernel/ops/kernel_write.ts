import { targetFrame, write } from '../mm/access.ts'
import { op } from '../op.ts'

export const kernel_write = op({
  name: 'kernel_write',
  source: 'include/linux/io.h, include/linux/highmem.h',
  doc: 'Kernel code writes to a frame through a mapping of its own (kmap, ioremap, memremap).',
  args: { to: 'frame', value: 'int' },
  steps: {
    write(k, me) {
      write(k, targetFrame(k, k.cell(me, 'to'))!, me.value, `${k.threadName(me.thread)} writes to`)
      return k.done()
    },
  },
})
