import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Invariant, Report } from './invariant.ts'

/**
 * Whenever no invalidation of the mm is running, each secondary translation shows what the page table shows. A primary entry changes only
 * inside an invalidation, so this is the same as: none outlives invalidate_range_end(), and none is installed from a look-up that an invalidation has overtaken.
 */
export const secondary_outlives_primary = {
  code: 'secondary-outlives-primary',
  promise:
    'Outside an invalidation no secondary MMU translates an address to what the process does not map there.',
  check(k: Kernel, report: Report): void {
    for (let i = 0; i < k.config.notifiers.length; i++) {
      const id = i as Id<'notifier'>
      const n = k.config.notifiers[i]!
      const mm = n.mm as Id<'mm'>
      if (!k.notifier(id).registered || k.mm(mm).active_invalidate_ranges !== 0) continue
      for (let addr = n.start; addr < n.start + n.pages; addr++) {
        const spte = k.secondary(id, addr as Id<'vpn'>)
        if (!spte.present) continue
        const pte = k.pte(mm, addr as Id<'vpn'>)
        const where = k.addrName(mm, addr)
        if (!pte.present)
          report(
            `the secondary MMU of ${n.name} still maps ${k.pfnName(spte.pfn!)} for ${where}, where nothing is mapped any more`,
          )
        else if (pte.pfn !== spte.pfn || spte.stale)
          report(
            `the secondary MMU of ${n.name} maps ${k.pfnName(spte.pfn!)} for ${where}, where ${k.pfnName(pte.pfn!)} is mapped now`,
          )
        else if (spte.write && !pte.write)
          report(`the secondary MMU of ${n.name} may write to ${where}, which is read-only now`)
      }
    }
  },
} as const satisfies Invariant
