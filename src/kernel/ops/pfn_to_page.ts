import { targetFrame } from '../mm/access.ts'
import { pfn_valid } from '../mm/frames.ts'
import { op } from '../op.ts'

export const pfn_to_page = op({
  name: 'pfn_to_page',
  source: 'include/asm-generic/memory_model.h:pfn_to_page',
  doc: 'The struct page of a frame; device memory has none, and what comes out for it is garbage. Takes no reference.',
  args: { pfn: 'frame' },
  returns: 'page',
  steps: {
    convert(k, me) {
      const { pfn } = targetFrame(k, k.cell(me, 'pfn'))!
      if (!pfn_valid(k, pfn))
        k.violate(
          'kernel-bug',
          `${k.threadName(me.thread)} makes a struct page of ${k.pfnName(pfn)}, which is device memory and has none`,
        )
      return k.doneWith({ ...k.cell(me, 'pfn'), value: pfn + 1 })
    },
  },
})
