import type { Id } from '../../state/index.ts'
import { drop_pin } from '../mm/frames.ts'
import { nth, op } from '../op.ts'

export const put_vaddr_frames = op({
  name: 'put_vaddr_frames',
  source: 'drivers/media/common/videobuf2/frame_vector.c:put_vaddr_frames',
  doc: 'Gives up what get_vaddr_frames took: unpins pages; bare PFNs hold nothing that could be given up.',
  // A vector of one frame, or of `nr_frames`: then all that is in it.
  args: { vec: 'frames?', frames: '&frames?', nr_frames: 'int?' },
  either: ['vec', 'frames'],
  steps: {
    put(k, me) {
      for (let i = 0; i < Math.max(1, me.nr_frames); i++) {
        const { value } = me.frames === undefined ? k.cell(me, 'vec') : k.at(nth(me.frames, i)!)
        if (value < 0) drop_pin(k, (-value - 1) as Id<'pfn'>, k.threadName(me.thread))
      }
      return k.done()
    },
  },
})
