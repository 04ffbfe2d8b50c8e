import { EFAULT } from '../constants.ts'
import { reach } from '../mm/access.ts'
import { secondary_entry } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const secondary_read = op({
  name: 'secondary_read',
  source: 'the device, the guest',
  doc: 'The device or guest reads through its secondary MMU; -EFAULT when that has no translation.',
  args: { notifier: 'notifier', addr: 'addr?' },
  returns: 'int',
  steps: {
    read(k, me) {
      const spte = secondary_entry(k, me.notifier, me.addr)
      if (spte === undefined) return k.done(-EFAULT)
      if (!spte.present) return k.done(-EFAULT)
      reach(
        k,
        spte.pfn!,
        spte.stale,
        `${k.threadName(me.thread)} reads through the secondary MMU of ${k.config.notifiers[me.notifier]!.name}`,
      )
      return k.done(k.page(spte.pfn!).data)
    },
  },
})
