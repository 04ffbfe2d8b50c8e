import { lock, resv } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const dma_resv_lock = op({
  name: 'dma_resv_lock',
  source: 'include/linux/dma-resv.h:dma_resv_lock',
  doc: 'Takes the reservation lock of a buffer: it cannot move, nor be faulted in.',
  needs: ['may sleep'],
  args: { bo: 'bo' },
  steps: {
    lock: (k, me) => (lock(k, resv(k, me.bo), me.thread) ? k.done() : blocked),
  },
})
