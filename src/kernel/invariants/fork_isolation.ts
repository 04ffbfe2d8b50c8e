import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { page_anon } from '../mm/frames.ts'
import type { Invariant } from './invariant.ts'

/** Raised where private memory is written. */
export const fork_isolation = {
  code: 'fork-isolation',
  promise: 'No process sees what another one, or its device, has written into private memory since fork.',
} as const satisfies Invariant

/** A process writes to a page through its own page table: nobody else may map it, or hold what he got of it before. */
export function check_private_store(k: Kernel, thread: Id<'thread'>, mm: Id<'mm'>, pfn: Id<'pfn'>): void {
  const page = k.page(pfn)
  if (!page_anon(k, pfn)) return
  const reader =
    page.mapcount > 1
      ? 'another process, which maps it, too,'
      : page.gets > 0 && page.get_mm !== undefined && page.get_mm !== mm
        ? `${k.mmName(page.get_mm)}, of which a reference to it is held,`
        : page.pins > 0 && page.pin_mm !== undefined && page.pin_mm !== mm
          ? `${k.mmName(page.pin_mm)}, for which it is pinned,`
          : undefined
  if (reader !== undefined)
    k.violate('fork-isolation', `${k.threadName(thread)} writes to ${k.pfnName(pfn)}; ${reader} sees it`)
}

/** A device or the kernel writes to a page that was pinned, or got, of a process: nobody else may map it. */
export function check_private_dma(k: Kernel, who: string, pfn: Id<'pfn'>): void {
  const page = k.page(pfn)
  const of = page.pins > 0 ? page.pin_mm : page.gets > 0 ? page.get_mm : undefined
  if (of === undefined || page.mapcount === 0 || !page_anon(k, pfn)) return
  const held =
    page.pins > 0 ? `is pinned for ${k.mmName(of)}` : `a reference is held to, got of ${k.mmName(of)}`
  for (const mm of k.mms) {
    if (mm === of) continue
    for (let v = 0; v < k.config.vpns; v++) {
      const pte = k.pte(mm, v as Id<'vpn'>)
      if (pte.present && pte.pfn === pfn)
        k.violate(
          'fork-isolation',
          `${who} ${k.pfnName(pfn)}, which ${held}; ${k.mmName(mm)} maps it, too, and sees it`,
        )
    }
  }
}
