import { vma_lookup as lookup } from '../mm/vmas.ts'
import { op } from '../op.ts'

export const vma_lookup = op({
  name: 'vma_lookup',
  source: 'include/linux/mm.h:vma_lookup',
  doc: 'Finds the VMA that holds an address; NULL when there is none. Good until the mmap_lock is dropped.',
  needs: ['mmap_lock'],
  args: { mm: 'mm?', addr: 'addr' },
  returns: 'vma',
  steps: {
    find(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)
      return k.give(mm === undefined ? undefined : lookup(k, mm, me.addr))
    },
  },
})
