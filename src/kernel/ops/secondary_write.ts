import { EFAULT } from '../constants.ts'
import { reach } from '../mm/access.ts'
import { wrote } from '../mm/files.ts'
import { secondary_entry } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const secondary_write = op({
  name: 'secondary_write',
  source: 'the device, the guest',
  doc: 'The device or guest writes through its secondary MMU; -EFAULT when that has no writable translation.',
  args: { notifier: 'notifier', addr: 'addr?', value: 'int' },
  returns: 'errno',
  steps: {
    write(k, me) {
      const spte = secondary_entry(k, me.notifier, me.addr)
      if (spte === undefined) return k.done(-EFAULT)
      if (!spte.present || !spte.write) return k.done(-EFAULT)
      reach(
        k,
        spte.pfn!,
        spte.stale,
        `${k.threadName(me.thread)} writes through the secondary MMU of ${k.config.notifiers[me.notifier]!.name} to`,
      )
      k.page(spte.pfn!).data = me.value
      wrote(k, spte.pfn!)
      return k.done(0)
    },
  },
})
