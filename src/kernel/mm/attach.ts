import type { Id } from '../../state/index.ts'
import { DMA_BIDIRECTIONAL, EBUSY, ENODEV, ENOMEM } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { checkUnmapDirection } from './direction.ts'
import {
  type Attachment,
  attachment_is_dynamic,
  attachmentName,
  freeMapping,
  is_dynamic,
  map_dma_buf,
  mappingOf,
} from './dma_buf.ts'

/** What attaching did before 7.0 when one side is dynamic and the other not: pin (if the exporter can), map, and keep the mapping. */
export function pinAndCache(k: Kernel, a: Attachment, pin: boolean): boolean {
  const row = k.attachment(a)
  const sgt = map_dma_buf(k, a, DMA_BIDIRECTIONAL)
  if (sgt === undefined) return false
  if (pin) k.dma_buf(row.dma_buf!).pin_count += 1
  row.sgt = sgt
  return true
}

/** What dma_buf_map_attachment() does once it holds what it must, and the memory is where the importer reaches it: an errno, or the mapping. */
export function map_attachment(k: Kernel, a: Attachment, dir: number): number | { readonly sgt: Id<'dma'> } {
  const row = k.attachment(a)
  const buf = row.dma_buf!
  if (row.sgt !== undefined) {
    // Mapped when it was attached, and kept since.
    const mapped = k.mapping(row.sgt as number as Id<'mapping'>).dir
    return mapped === dir || mapped === DMA_BIDIRECTIONAL ? { sgt: row.sgt } : -EBUSY
  }
  if (k.dma_buf(buf).revoked) return -ENODEV
  const sgt = map_dma_buf(k, a, dir)
  if (sgt === undefined) return -ENOMEM
  // dma_buf_pin_on_map(): who cannot be told of moves holds the memory where it is.
  if (pinsOnMap(k, a)) k.dma_buf(buf).pin_count += 1
  return { sgt }
}

/** dma_buf_pin_on_map(), since 7.0 */
export const pinsOnMap = (k: Kernel, a: Attachment): boolean =>
  !k.has('dma-buf-cached-at-attach') &&
  is_dynamic(k, k.attachment(a).dma_buf!) &&
  !attachment_is_dynamic(k, a)

/** ->unmap_dma_buf() of what an importer has mapped; `sgt` as a register holds it. What was mapped at attach stays. */
export function unmap_attachment(k: Kernel, a: Attachment, sgt: Id<'dma'>, dir: number, who: string): void {
  const row = k.attachment(a)
  const id = mappingOf(sgt)
  if (row.sgt === id) return
  if (!k.dma(id).active || k.mapping(id as number as Id<'mapping'>).attachment !== a) {
    k.violate(
      'refcount-balance',
      `${who} unmaps through ${attachmentName(k, a)} what is not mapped through it`,
    )
    return
  }
  checkUnmapDirection(k, id, dir, who)
  freeMapping(k, id)
  if (pinsOnMap(k, a)) k.dma_buf(row.dma_buf!).pin_count -= 1
}
