import { lock, resv, unlock } from '../mm/locks.ts'
import { move_pages_of } from '../mm/objects.ts'
import { ENOMEM, ENXIO } from '../constants.ts'
import { blocked, op } from '../op.ts'

export const bo_move_nounmap = op({
  name: 'bo_move_nounmap',
  source: 'drivers/gpu/drm/ttm/ttm_bo.c:ttm_bo_handle_move_mem',
  doc: 'A driver bug: moves a buffer and frees the old memory, and forgets to unmap it first.',
  needs: ['may sleep'],
  args: { bo: 'bo', where: 'where' },
  returns: 'errno',
  takes: { pfn: 0 },
  steps: {
    reserve(k, me) {
      if (!lock(k, resv(k, me.bo), me.thread)) return blocked
      if (!k.bo(me.bo).alive) {
        unlock(k, resv(k, me.bo), me.thread)
        return k.done(-ENXIO)
      }
      return 'move'
    },
    move(k, me) {
      const ok = move_pages_of(k, me.bo, me.where, k.threadName(me.thread))
      unlock(k, resv(k, me.bo), me.thread)
      return k.done(ok ? 0 : -ENOMEM)
    },
  },
})
