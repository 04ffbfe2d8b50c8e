import type { Id } from '../../state/index.ts'
import { EFAULT } from '../constants.ts'
import { reach } from '../mm/access.ts'
import { op } from '../op.ts'

export const secondary_write = op({
  name: 'secondary_write',
  source: 'the device, the guest',
  doc: 'The device or guest writes through its secondary MMU; -EFAULT when that has no writable translation.',
  args: { notifier: 'notifier', addr: 'addr?', value: 'int' },
  returns: 'errno',
  steps: {
    write(k, me) {
      const n = k.config.notifiers[me.notifier]!
      const spte = k.secondary(me.notifier, (me.addr < 0 ? n.start : me.addr) as Id<'vpn'>)
      if (!spte.present || !spte.write) return k.done(-EFAULT)
      reach(
        k,
        spte.pfn!,
        spte.stale,
        `${k.threadName(me.thread)} writes through the secondary MMU of ${n.name} to`,
      )
      k.page(spte.pfn!).data = me.value
      return k.done(0)
    },
  },
})
