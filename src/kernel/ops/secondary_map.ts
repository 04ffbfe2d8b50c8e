import { PROT_WRITE } from '../constants.ts'
import { targetFrame } from '../mm/access.ts'
import { secondary_entry } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const secondary_map = op({
  name: 'secondary_map',
  source: 'the driver: SPTE, GPU page table, ATS',
  doc: 'Installs a frame in the secondary MMU behind a notifier, for an address (its first when none is given), read-write unless told.',
  args: { notifier: 'notifier', addr: 'addr?', frame: 'frame', prot: 'flags?' },
  steps: {
    map(k, me) {
      const spte = secondary_entry(k, me.notifier, me.addr)
      if (spte === undefined) return k.done()
      const { pfn, stale, readonly } = targetFrame(k, k.cell(me, 'frame'))!
      spte.present = true
      spte.pfn = pfn
      spte.stale = stale
      spte.write = me.prot === 0 || (me.prot & PROT_WRITE) !== 0
      if (spte.write && readonly)
        k.violate(
          'read-only-write',
          `${k.threadName(me.thread)} lets a secondary MMU write to ${k.pfnName(pfn)}, of ${k.ownerName(pfn)}, which it looked up for reading only`,
        )
      return k.done()
    },
  },
})
