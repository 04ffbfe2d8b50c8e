import { find_vma as find } from '../mm/vmas.ts'
import { op } from '../op.ts'

export const find_vma = op({
  name: 'find_vma',
  source: 'mm/mmap.c:find_vma',
  doc: 'Finds the first VMA that ends above an address; it may begin above it, too. NULL when there is none.',
  needs: ['mmap_lock'],
  args: { mm: 'mm?', addr: 'addr' },
  returns: 'vma',
  steps: {
    find(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)
      return k.give(mm === undefined ? undefined : find(k, mm, me.addr))
    },
  },
})
