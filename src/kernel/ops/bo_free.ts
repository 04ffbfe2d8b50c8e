import { liveExport } from '../mm/dma_buf.ts'
import { lock, resv, unlock } from '../mm/locks.ts'
import { free_pages_of } from '../mm/objects.ts'
import { blocked, op } from '../op.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'

export const bo_free = op({
  name: 'bo_free',
  source: 'drivers/gpu/drm/ttm/ttm_bo.c:ttm_bo_cleanup_memtype_use',
  doc: 'The driver gives a buffer up: unmaps it everywhere, then frees its memory. A later access is SIGBUS.',
  needs: ['may sleep'],
  args: { bo: 'bo' },
  calls: () => [unmap_mapping_range],
  steps: {
    // From here on ->fault refuses, so that nothing is mapped in again behind the unmapping.
    reserve(k, me) {
      if (!lock(k, resv(k, me.bo), me.thread)) return blocked
      k.bo(me.bo).alive = false
      return k.call(unmap_mapping_range, 'free', me.bo, 1)
    },
    free(k, me) {
      // A dma-buf holds the object: the memory goes with its last reference.
      const buf = liveExport(k, me.bo)
      if (buf === undefined) free_pages_of(k, me.bo, k.threadName(me.thread))
      else k.dma_buf(buf).owns = true
      unlock(k, resv(k, me.bo), me.thread)
      return k.done()
    },
  },
})
