import type { Id } from '../../state/index.ts'
import { drop_pin } from '../mm/frames.ts'
import { op } from '../op.ts'

export const put_vaddr_frames = op({
  name: 'put_vaddr_frames',
  source: 'drivers/media/common/videobuf2/frame_vector.c:put_vaddr_frames',
  doc: 'Gives up what get_vaddr_frames took: unpins pages; bare PFNs hold nothing that could be given up.',
  args: { vec: 'frames' },
  steps: {
    put(k, me) {
      const { value } = k.cell(me, 'vec')
      if (value < 0) drop_pin(k, (-value - 1) as Id<'pfn'>, k.threadName(me.thread))
      return k.done()
    },
  },
})
