import { registering_locked } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const __mmu_notifier_register = op({
  name: '__mmu_notifier_register',
  source: 'mm/mmu_notifier.c:__mmu_notifier_register',
  doc: 'Registers a notifier with its mm for a caller that holds the mmap_lock for writing.',
  needs: ['may sleep'],
  args: { notifier: 'notifier' },
  returns: 'errno',
  steps: {
    register(k, me) {
      registering_locked(k, me.notifier, me.thread)
      k.notifier(me.notifier).registered = true
      return k.done(0)
    },
  },
})
