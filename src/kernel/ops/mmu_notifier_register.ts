import type { Id } from '../../state/index.ts'
import { canLock, mmap_lock } from '../mm/locks.ts'
import { blocked, op } from '../op.ts'

export const mmu_notifier_register = op({
  name: 'mmu_notifier_register',
  source: 'mm/mmu_notifier.c:mmu_notifier_register',
  doc: 'Registers a notifier with its mm, under the mmap_lock, which it takes for writing.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'errno',
  steps: {
    register(k, me) {
      const mm = k.config.notifiers[me.notifier]!.mm as Id<'mm'>
      if (!canLock(k, mmap_lock(k, mm), me.thread)) return blocked
      k.notifier(me.notifier).registered = true
      return k.done(0)
    },
  },
})
