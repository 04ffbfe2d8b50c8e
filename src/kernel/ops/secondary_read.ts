import type { Id } from '../../state/index.ts'
import { EFAULT } from '../constants.ts'
import { reach } from '../mm/access.ts'
import { op } from '../op.ts'

export const secondary_read = op({
  name: 'secondary_read',
  source: 'the device, the guest',
  doc: 'The device or guest reads through its secondary MMU; -EFAULT when that has no translation.',
  args: { notifier: 'notifier', addr: 'addr?' },
  returns: 'int',
  steps: {
    read(k, me) {
      const n = k.config.notifiers[me.notifier]!
      const spte = k.secondary(me.notifier, (me.addr < 0 ? n.start : me.addr) as Id<'vpn'>)
      if (!spte.present) return k.done(-EFAULT)
      reach(
        k,
        spte.pfn!,
        spte.stale,
        `${k.threadName(me.thread)} reads through the secondary MMU of ${n.name}`,
      )
      return k.done(k.page(spte.pfn!).data)
    },
  },
})
