import { EINVAL, FOLL_WRITE } from '../constants.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_offset, vm_normal_page } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const follow_phys = op({
  name: 'follow_phys',
  source: 'mm/memory.c:follow_phys',
  doc: 'As follow_pfn, but refuses a page that the process owns (a copy on write) and, for FOLL_WRITE, an entry that is read-only.',
  until: '6.10',
  needs: ['mmap_lock'],
  args: { vma: 'vma?', addr: 'addr', flags: 'flags?', pfn: '&pfn' },
  returns: 'errno',
  steps: {
    walk(k, me) {
      const id = me.vma ?? vma_lookup(k, k.currentMm(me.thread)!, me.addr)
      if (id === undefined) return k.done(-EINVAL)
      const vma = k.vma(id)
      if (!vma.VM_IO && !vma.VM_PFNMAP) return k.done(-EINVAL)
      if (!ptlFree(k, vma.vm_mm!, me.thread)) return blocked
      const pte = pte_offset(k, vma.vm_mm!, me.addr)
      if (pte === undefined || !pte.present) return k.done(-EINVAL)
      if (vm_normal_page(pte) !== undefined) return k.done(-EINVAL)
      if ((me.flags & FOLL_WRITE) !== 0 && !pte.write) return k.done(-EINVAL)
      k.outThing(me.pfn, pte.pfn, !pte.write)
      return k.done(0)
    },
  },
})
