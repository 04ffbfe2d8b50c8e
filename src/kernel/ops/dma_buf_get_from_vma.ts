import { EINVAL, ENODEV, ENOSYS } from '../constants.ts'
import { get_file, liveExport } from '../mm/dma_buf.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { op } from '../op.ts'

export const dma_buf_get_from_vma = op({
  name: 'dma_buf_get_from_vma',
  source: 'nowhere: a proposal of October 2020',
  doc: 'The dma-buf of what a mapping shows, with a reference, under mmap_lock. Without the policy dma_buf_from_vma it is -ENOSYS.',
  needs: ['mmap_lock'],
  args: { vma: 'vma?', addr: 'addr', buf: '&dma_buf' },
  returns: 'errno',
  steps: {
    get(k, me) {
      if (k.policy.dma_buf_from_vma === 'absent') return k.done(-ENOSYS)
      const id = me.vma ?? vma_lookup(k, k.currentMm(me.thread)!, me.addr)
      if (id === undefined) return k.done(-EINVAL)
      const { vm_file, dma_buf } = k.vma(id)
      const buf = vm_file === undefined ? undefined : liveExport(k, vm_file)
      if (buf === undefined || (k.policy.dma_buf_from_vma === 'own-file' && !dma_buf)) return k.done(-ENODEV)
      get_file(k, buf)
      k.dma_buf(buf).gets += 1
      k.outThing(me.buf, buf)
      return k.done(0)
    },
  },
})
