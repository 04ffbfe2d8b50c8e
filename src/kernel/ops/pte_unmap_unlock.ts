import { dropPtl } from '../mm/locks.ts'
import { op } from '../op.ts'

export const pte_unmap_unlock = op({
  name: 'pte_unmap_unlock',
  source: 'include/linux/mm.h:pte_unmap_unlock',
  doc: 'Drops the page-table lock that follow_pte took: the PFN may be stale from here on.',
  args: {},
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      dropPtl(k, me.thread)
      return k.done()
    },
  },
})
