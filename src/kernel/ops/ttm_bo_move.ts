import { ENOMEM } from '../constants.ts'
import { holds, resv } from '../mm/locks.ts'
import { move_pages_of } from '../mm/objects.ts'
import { op } from '../op.ts'

export const ttm_bo_move = op({
  name: 'ttm_bo_move',
  source: 'drivers/gpu/drm/ttm/ttm_bo_util.c:ttm_bo_move_memcpy',
  doc: 'Only the move itself, under the reservation lock that the caller holds: new memory, copy, free the old.',
  args: { bo: 'bo', where: 'where' },
  returns: 'errno',
  takes: { pfn: 0 },
  steps: {
    move(k, me) {
      if (!holds(k, resv(k, me.bo), me.thread))
        k.violate(
          'lock-context',
          `ttm_bo_move needs the reservation lock of ${k.boName(me.bo)}, which ${k.threadName(me.thread)} does not hold`,
        )
      return k.done(move_pages_of(k, me.bo, me.where, k.threadName(me.thread)) ? 0 : -ENOMEM)
    },
  },
})
