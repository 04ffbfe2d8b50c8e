import { dropPtl } from '../mm/locks.ts'
import { op } from '../op.ts'

export const follow_pfnmap_end = op({
  name: 'follow_pfnmap_end',
  source: 'mm/memory.c:follow_pfnmap_end',
  doc: 'Drops the page-table lock that follow_pfnmap_start took: the PFN may be stale from here on.',
  since: '6.12',
  args: {},
  quiet: ['unlock'],
  steps: {
    unlock(k, me) {
      dropPtl(k, me.thread)
      return k.done()
    },
  },
})
