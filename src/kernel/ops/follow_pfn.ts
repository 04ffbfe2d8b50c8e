import { EINVAL } from '../constants.ts'
import { ptlFree } from '../mm/locks.ts'
import { lookup_refused } from '../mm/lookups.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const follow_pfn = op({
  name: 'follow_pfn',
  source: 'mm/memory.c:follow_pfn',
  doc: 'Looks up the PFN behind an address of a VM_IO or VM_PFNMAP mapping. The number holds nothing.',
  until: '6.10',
  needs: ['mmap_lock'],
  args: { vma: 'vma?', addr: 'addr', pfn: '&pfn' },
  returns: 'errno',
  steps: {
    // One step: the page-table lock is taken and dropped inside. The PFN is stale as soon as somebody zaps the entry.
    walk(k, me) {
      const id = me.vma ?? vma_lookup(k, k.currentMm(me.thread)!, me.addr)
      if (id === undefined) return k.done(-EINVAL)
      const vma = k.vma(id)
      if (!vma.VM_IO && !vma.VM_PFNMAP) return k.done(-EINVAL)
      if (lookup_refused(k, vma)) return k.done(-EINVAL)
      if (!ptlFree(k, vma.vm_mm!, me.thread)) return blocked
      const pte = pte_offset(k, vma.vm_mm!, me.addr)
      if (pte === undefined || !pte.present) return k.done(-EINVAL)
      if (k.policy.follow_pfn === 'taint') k.system.tainted = true
      k.outThing(me.pfn, pte.pfn, !pte.write)
      return k.done(0)
    },
  },
})
