import { EINVAL } from '../constants.ts'
import { alive, mappingsOf, objectOf } from '../mm/dma_buf.ts'
import { lock, resv, unlock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'
import { invalidate_importers } from './invalidate_importers.ts'

export const vfio_pci_dma_buf_move = op({
  name: 'vfio_pci_dma_buf_move',
  source: 'drivers/vfio/pci/vfio_pci_dmabuf.c:vfio_pci_dma_buf_move',
  doc: 'The exporter takes its memory away: tells the importers, and waits until every one has unmapped. Maps fail with -ENODEV from then on.',
  since: '6.19',
  needs: ['may sleep'],
  args: { buf: 'dma_buf' },
  returns: 'errno',
  calls: () => [invalidate_importers],
  steps: {
    revoke(k, me) {
      if (!alive(k, me.buf, `${k.threadName(me.thread)} revokes`)) return k.done(-EINVAL)
      if (!lock(k, resv(k, objectOf(me.buf)), me.thread)) return blocked
      k.dma_buf(me.buf).revoked = true
      return k.call(invalidate_importers, 'fences', me.buf)
    },
    fences(k, me) {
      if (k.dma_buf(me.buf).fences > 0) return blocked
      unlock(k, resv(k, objectOf(me.buf)), me.thread)
      return 'drain'
    },
    // wait_for_completion(): the last unmap completes it.
    drain: (k, me) => (mappingsOf(k, me.buf) > 0 ? blocked : k.done(0)),
  },
})
