import { EINVAL } from '../constants.ts'
import { lock, ptl, unlock } from '../mm/locks.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const follow_pfnmap_start = op({
  name: 'follow_pfnmap_start',
  source: 'mm/memory.c:follow_pfnmap_start',
  doc: 'Looks up the PFN behind an address of a VM_IO or VM_PFNMAP mapping; it is good until follow_pfnmap_end, which drops the page-table lock.',
  since: '6.12',
  needs: ['mmap_lock or i_mmap_rwsem'],
  args: { vma: 'vma?', addr: 'addr', pfn: '&pfn?', writable: '&int?', special: '&int?' },
  returns: 'errno',
  steps: {
    walk(k, me) {
      const id = me.vma ?? vma_lookup(k, k.currentMm(me.thread)!, me.addr)
      if (id === undefined) return k.done(-EINVAL)
      const vma = k.vma(id)
      if (me.addr < vma.vm_start || me.addr >= vma.vm_end) return k.done(-EINVAL)
      if (!vma.VM_IO && !vma.VM_PFNMAP) return k.done(-EINVAL)
      if (!lock(k, ptl(k, vma.vm_mm!), me.thread)) return blocked
      const pte = pte_offset(k, vma.vm_mm!, me.addr)
      if (pte === undefined || !pte.present) {
        unlock(k, ptl(k, vma.vm_mm!), me.thread)
        return k.done(-EINVAL)
      }
      // Whoever asks for the permission is trusted to heed it; without asking, a read-only entry is a read-only name.
      k.outThing(me.pfn, pte.pfn, !pte.write)
      k.out(me.writable, pte.write ? 1 : 0)
      k.out(me.special, pte.special ? 1 : 0)
      return k.done(0)
    },
  },
})
