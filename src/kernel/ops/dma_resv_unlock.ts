import { resv, unlock } from '../mm/locks.ts'
import { op } from '../op.ts'

export const dma_resv_unlock = op({
  name: 'dma_resv_unlock',
  source: 'include/linux/dma-resv.h:dma_resv_unlock',
  doc: 'Drops the reservation lock of a buffer.',
  args: { bo: 'bo' },
  steps: {
    unlock(k, me) {
      unlock(k, resv(k, me.bo), me.thread)
      return k.done()
    },
  },
})
