import { lock, resv, unlock } from '../mm/locks.ts'
import { move_pages_of } from '../mm/objects.ts'
import { EBUSY, ENOMEM, ENXIO } from '../constants.ts'
import { dmaBufOf, liveExport } from '../mm/dma_buf.ts'
import { blocked, op } from '../op.ts'
import { bo_validate } from './bo_validate.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'

export const bo_move = op({
  name: 'bo_move',
  source: 'drivers/gpu/drm/ttm/ttm_bo.c:ttm_bo_handle_move_mem',
  doc: 'The driver moves a buffer to vram or system memory: unmaps it everywhere, copies it, frees the old memory.',
  needs: ['may sleep'],
  args: { bo: 'bo', where: 'where' },
  returns: 'errno',
  calls: () => [unmap_mapping_range, bo_validate],
  takes: { pfn: 0 },
  steps: {
    reserve(k, me) {
      if (!lock(k, resv(k, me.bo), me.thread)) return blocked
      if (!k.bo(me.bo).alive) {
        unlock(k, resv(k, me.bo), me.thread)
        return k.done(-ENXIO)
      }
      if (liveExport(k, me.bo) === undefined) return k.call(unmap_mapping_range, 'move', me.bo, 1)
      if (k.dma_buf(dmaBufOf(me.bo)).pin_count > 0) {
        unlock(k, resv(k, me.bo), me.thread)
        return k.done(-EBUSY)
      }
      return k.call(bo_validate, 'validated', me.bo, me.where)
    },
    move(k, me) {
      const ok = move_pages_of(k, me.bo, me.where, k.threadName(me.thread))
      unlock(k, resv(k, me.bo), me.thread)
      return k.done(ok ? 0 : -ENOMEM)
    },
    validated(k, me) {
      unlock(k, resv(k, me.bo), me.thread)
      return k.done(me.ret)
    },
  },
})
