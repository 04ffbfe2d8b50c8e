import { EINVAL } from '../constants.ts'
import { lock, ptl } from '../mm/locks.ts'
import { pte_offset } from '../mm/ptes.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const follow_pte = op({
  name: 'follow_pte',
  source: 'mm/memory.c:follow_pte',
  doc: 'Looks up the entry behind an address and returns with the page-table lock held; until pte_unmap_unlock what it says stays true.',
  since: '5.10',
  until: '6.12',
  needs: ['mmap_lock or i_mmap_rwsem'],
  args: { vma: 'vma?', mm: 'mm?', addr: 'addr', pfn: '&pfn?' },
  returns: 'errno',
  steps: {
    walk(k, me) {
      const mm = me.vma !== undefined ? k.vma(me.vma).vm_mm : (me.mm ?? k.currentMm(me.thread))
      if (mm === undefined) return k.done(-EINVAL)
      if (k.has('follow-pte-vma')) {
        const id = me.vma ?? vma_lookup(k, mm, me.addr)
        if (id === undefined) return k.done(-EINVAL)
        const vma = k.vma(id)
        if (me.addr < vma.vm_start || me.addr >= vma.vm_end) return k.done(-EINVAL)
        if (!vma.VM_IO && !vma.VM_PFNMAP) return k.done(-EINVAL)
      }
      const held = k.hold(ptl(k, mm), me.thread)
      if (!lock(k, ptl(k, mm), me.thread)) return blocked
      const pte = pte_offset(k, mm, me.addr)
      if (pte === undefined || !pte.present) {
        held.mode = 0
        return k.done(-EINVAL)
      }
      k.outThing(me.pfn, pte.pfn, !pte.write)
      return k.done(0)
    },
  },
})
