import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const secondary_unmap = op({
  name: 'secondary_unmap',
  source: 'the driver: SPTE, GPU page table, ATS',
  doc: "Drops what the secondary MMU has for an address, or for all of the notifier's range; its TLB is flushed.",
  args: { notifier: 'notifier', addr: 'addr?' },
  steps: {
    unmap(k, me) {
      const n = k.config.notifiers[me.notifier]!
      const first = me.addr < 0 ? n.start : Math.max(n.start, me.addr)
      const end = me.addr < 0 ? n.start + n.pages : Math.min(first + 1, n.start + n.pages)
      for (let addr = first; addr < end; addr++) {
        const spte = k.secondary(me.notifier, addr as Id<'vpn'>)
        spte.present = false
        spte.write = false
        spte.pfn = undefined
        spte.stale = false
      }
      return k.done()
    },
  },
})
