import { registered_once } from '../mm/secondary.ts'
import { op } from '../op.ts'

export const mmu_notifier_put = op({
  name: 'mmu_notifier_put',
  source: 'mm/mmu_notifier.c:mmu_notifier_put',
  doc: 'Unregisters a notifier and waits for nobody: a callback may still run, until ->free_notifier() is called.',
  args: { notifier: 'notifier' },
  steps: {
    put(k, me) {
      registered_once(k, me.notifier, me.thread)
      k.notifier(me.notifier).registered = false
      return k.done()
    },
  },
})
