import { ENOMEM } from '../constants.ts'
import { dmaBufOf, liveExport } from '../mm/dma_buf.ts'
import { move_pages_of } from '../mm/objects.ts'
import { blocked, op } from '../op.ts'
import { invalidate_importers } from './invalidate_importers.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'

export const bo_validate = op({
  name: 'bo_validate',
  source: 'drivers/gpu/drm/ttm/ttm_bo.c:ttm_bo_validate',
  doc: 'Moves an exported buffer, under its reservation lock: unmaps it, tells the importers, waits for their fences, copies.',
  args: { bo: 'bo', where: 'where' },
  returns: 'errno',
  calls: () => [unmap_mapping_range, invalidate_importers],
  internal: true,
  steps: {
    unmap: (k, me) => k.call(unmap_mapping_range, 'notify', me.bo, 1),
    notify: (k, me) => k.call(invalidate_importers, 'move', dmaBufOf(me.bo)),
    move(k, me) {
      const buf = liveExport(k, me.bo)
      if (buf !== undefined && k.dma_buf(buf).fences > 0) return blocked
      return k.done(move_pages_of(k, me.bo, me.where, k.threadName(me.thread)) ? 0 : -ENOMEM)
    },
  },
})
