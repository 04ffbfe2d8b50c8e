import { targetFrame } from '../mm/access.ts'
import { pfn_valid as valid } from '../mm/frames.ts'
import { op } from '../op.ts'

export const pfn_valid = op({
  name: 'pfn_valid',
  source: 'include/linux/mmzone.h:pfn_valid',
  doc: 'Whether a frame has a struct page: 1 for memory, 0 for what is on a device.',
  args: { pfn: 'frame' },
  returns: 'int',
  steps: {
    look: (k, me) => k.done(valid(k, targetFrame(k, k.cell(me, 'pfn'))!.pfn) ? 1 : 0),
  },
})
