import type { Id } from '../../state/index.ts'
import { page_anon, page_count } from '../mm/frames.ts'
import type { Kernel } from '../kernel.ts'
import type { Invariant, Report } from './invariant.ts'

/** A reference that is dropped by somebody who has none is raised at once, by put_page and unpin_user_page. */
export const refcount_balance = {
  code: 'refcount-balance',
  promise:
    'Every reference and every pin is released exactly once, by the call that matches how it was taken.',
  atEnd(k: Kernel, report: Report): void {
    for (const pfn of k.pfns) {
      const page = k.page(pfn)
      if (page.gets !== 0)
        report(`${k.pfnName(pfn)} still has ${count(page.gets, 'reference')} that nobody will put`)
      if (page.pins !== 0)
        report(`${k.pfnName(pfn)} still has ${count(page.pins, 'pin')} that nobody will drop`)
      if (page_anon(k, pfn) && page_count(k, pfn) === 0)
        report(`${k.pfnName(pfn)} of ${k.ownerName(pfn)} has no reference left, and was not freed`)
    }
    for (const [i, { exported, counted, driver, name }] of k.config.bos.entries()) {
      if (counted && driver !== undefined) {
        // One is the driver's own, if it has not put it; each mapping has what its ->close will give up.
        const mapped = k.vmas.filter((id) => k.vma(id).vm_mm !== undefined && k.vma(id).vm_file === i).length
        const kept = k.bo_kref(i as Id<'krefBo'>).refcount - 1 - mapped * Math.max(0, -(driver.close ?? 0))
        if (kept > 0)
          report(
            `${name} still has ${count(kept, 'reference')} that neither its driver nor one of ${count(mapped, 'mapping')} will put`,
          )
      }
      const gets = exported === undefined ? 0 : k.dma_buf(i as Id<'dma_buf'>).gets
      if (gets !== 0)
        report(`the dma-buf ${exported!.name} still has ${count(gets, 'reference')} that nobody will put`)
    }
  },
} as const satisfies Invariant

const count = (n: number, what: string): string => (n === 1 ? `a ${what}` : `${n} ${what}s`)
