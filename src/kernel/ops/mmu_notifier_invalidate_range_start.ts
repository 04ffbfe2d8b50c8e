import type { Id } from '../../state/index.ts'
import { op } from '../op.ts'

export const mmu_notifier_invalidate_range_start = op({
  name: 'mmu_notifier_invalidate_range_start',
  source: 'mm/mmu_notifier.c:mn_itree_invalidate',
  doc: 'Begins an invalidation: every interval notifier that the range hits has its ->invalidate() run.',
  needs: ['may sleep'],
  args: { mm: 'mm', start: 'addr', end: 'addr' },
  locals: { next: 'int' },
  notifies: true,
  internal: true,
  steps: {
    start(k, me) {
      const mm = k.mm(me.mm)
      mm.active_invalidate_ranges += 1
      for (const [i, n] of k.config.notifiers.entries())
        if (hit(k.notifier(i as Id<'notifier'>).registered, n, me)) mm.invalidate_seq |= 1
      return 'callback'
    },
    callback(k, me) {
      for (let i = me.next; i < k.config.notifiers.length; i++) {
        const n = k.config.notifiers[i]!
        if (n.invalidate === undefined || !hit(k.notifier(i as Id<'notifier'>).registered, n, me)) continue
        me.next = i + 1
        k.onInvalidate?.({ notifier: i as Id<'notifier'>, start: me.start, end: me.end })
        return k.callback(n.invalidate, 'callback')
      }
      return k.done()
    },
  },
})

const hit = (
  registered: boolean,
  n: { readonly mm: number; readonly start: number; readonly pages: number },
  range: { readonly mm: number; readonly start: number; readonly end: number },
): boolean => registered && n.mm === range.mm && n.start < range.end && range.start < n.start + n.pages
