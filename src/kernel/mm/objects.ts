import type { Id } from '../../state/index.ts'
import { vram as VRAM_PLACE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { alloc_page, free_page, GFP_USER, pfn_valid, put, VRAM } from './frames.ts'
import { boOwner } from './owners.ts'

type Bo = Id<'bo'>

/** The frame of a page of an object; undefined past its end, or when it has been freed. */
export function bo_frame(k: Kernel, bo: Bo, index: number): Id<'pfn'> | undefined {
  if (index < 0 || index >= k.config.bos[bo]!.pages) return undefined
  return k.bo_page(bo, index as Id<'boPage'>).pfn
}

/** The owner gives up a frame: it frees device memory, or drops its own reference to a page. */
function release(k: Kernel, bo: Bo, pfn: Id<'pfn'>, who: string): void {
  for (const mm of k.mms)
    for (let v = 0; v < k.config.vpns; v++) {
      const pte = k.pte(mm, v as Id<'vpn'>)
      if (pte.present && pte.special && pte.pfn === pfn && !pte.stale)
        k.violate(
          'freed-while-mapped',
          `${who} frees ${k.pfnName(pfn)} of ${k.boName(bo)}, which is still mapped at ${k.addrName(mm, v)}`,
        )
    }
  if (pfn_valid(k, pfn)) put(k, pfn)
  else free_page(k, pfn)
}

/** Frees all memory of an object. */
export function free_pages_of(k: Kernel, bo: Bo, who: string): void {
  for (let i = 0; i < k.config.bos[bo]!.pages; i++) {
    const row = k.bo_page(bo, i as Id<'boPage'>)
    const pfn = row.pfn
    row.pfn = undefined
    if (pfn !== undefined) release(k, bo, pfn, who)
  }
}

/** ttm_bo_move(): new memory in the other place, the contents copied, the old memory freed. False: no memory. */
export function move_pages_of(k: Kernel, bo: Bo, where: number, who: string): boolean {
  for (let i = 0; i < k.config.bos[bo]!.pages; i++) {
    const row = k.bo_page(bo, i as Id<'boPage'>)
    const old = row.pfn
    const pfn = alloc_page(k, where === VRAM_PLACE ? VRAM : GFP_USER, boOwner(k, bo))
    if (pfn === undefined) return false
    row.pfn = pfn
    if (old === undefined) continue
    k.page(pfn).data = k.page(old).data
    release(k, bo, old, who)
  }
  k.bo(bo).vram = where === VRAM_PLACE
  return true
}
