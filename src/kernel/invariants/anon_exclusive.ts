import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { page_anon } from '../mm/frames.ts'
import type { Invariant, Report } from './invariant.ts'

/** PageAnonExclusive exists since 5.19; before, there is nothing to check. */
export const anon_exclusive = {
  code: 'anon-exclusive',
  promise:
    'A page marked as exclusive to a process is mapped once, and what is writable, or pinned where it is mapped, is marked so.',
  check(k: Kernel, report: Report): void {
    if (!k.has('anon-exclusive')) return
    for (const pfn of k.pfns) {
      const page = k.page(pfn)
      if (page.owner === undefined || !page_anon(k, pfn)) continue
      if (page.exclusive && page.mapcount > 1)
        report(`${k.pfnName(pfn)} is marked as exclusive, and mapped ${page.mapcount} times`)
      // Where it is pinned is known once GUP is through with its checks.
      if (page.pin_mm !== undefined && page.mapcount > 0 && !page.exclusive)
        report(`${k.pfnName(pfn)} is pinned and mapped, and not marked as exclusive`)
    }
    for (const mm of k.mms) {
      if ((k.mm(mm).write_protect_seq & 1) !== 0) continue // fork is at it, under the page-table lock
      for (let v = 0; v < k.config.vpns; v++) {
        const pte = k.pte(mm, v as Id<'vpn'>)
        if (!pte.present || pte.special || pte.stale || !pte.write) continue
        const pfn = pte.pfn!
        if (page_anon(k, pfn) && !k.page(pfn).exclusive)
          report(`${k.pfnName(pfn)} is writable at page ${v} of ${k.mmName(mm)}, and not marked as exclusive`)
      }
    }
  },
} as const satisfies Invariant
