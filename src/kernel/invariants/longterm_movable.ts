import type { Kernel } from '../kernel.ts'
import type { Invariant, Report } from './invariant.ts'

export const longterm_movable = {
  code: 'longterm-movable',
  promise:
    'A page that is pinned for long sits neither in ZONE_MOVABLE nor in CMA, where it would block what these are for.',
  check(k: Kernel, report: Report): void {
    for (const pfn of k.pfns) {
      const page = k.page(pfn)
      if (page.longterm === 0) continue
      const zone = k.zone[pfn]
      if (zone === 'movable' || zone === 'cma')
        report(
          `${k.pfnName(pfn)}, of ${k.ownerName(pfn)}, is pinned for long and lies in ${zone === 'cma' ? 'CMA' : 'ZONE_MOVABLE'}`,
        )
    }
  },
} as const satisfies Invariant
