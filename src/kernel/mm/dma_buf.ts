import type { Id } from '../../state/index.ts'
import type { ExportConfig } from '../config.ts'
import { DMA_BIDIRECTIONAL } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { firstDma } from './access.ts'
import { free_pages_of } from './objects.ts'

/**
 * Dma-bufs: the file that counts, the attachments of importers, and the mappings that devices use.
 * drivers/dma-buf/dma-buf.c. A scatter list is its first page here.
 */
export type DmaBuf = Id<'dma_buf'>
export type Attachment = Id<'attachment'>

/** A dma-buf has the id of the object that it exports. */
export const objectOf = (buf: DmaBuf): Id<'bo'> => buf as number as Id<'bo'>
export const dmaBufOf = (bo: Id<'bo'>): DmaBuf => bo as number as DmaBuf

export const exportOf = (k: Kernel, buf: DmaBuf): ExportConfig => k.config.bos[buf]!.exported!
export const dmaBufName = (k: Kernel, buf: DmaBuf): string =>
  k.config.bos[buf]!.exported?.name ?? `dma-buf${buf}`
export const attachmentName = (k: Kernel, a: Attachment): string =>
  k.config.attachments[a]?.name ?? `attach${a - k.config.attachments.length}`

/** The dma-buf of an object, if it is exported now. */
export function liveExport(k: Kernel, bo: Id<'bo'>): DmaBuf | undefined {
  if (k.config.bos[bo]!.exported === undefined) return undefined
  const row = k.dma_buf(dmaBufOf(bo))
  return row.exported && !row.released ? dmaBufOf(bo) : undefined
}

/** dma_buf_is_dynamic(): the exporter can pin, and so move what is not pinned. */
export const is_dynamic = (k: Kernel, buf: DmaBuf): boolean => exportOf(k, buf).exporter === 'dynamic'
/** dma_buf_attachment_is_dynamic() */
export const attachment_is_dynamic = (k: Kernel, a: Attachment): boolean =>
  k.config.attachments[a]?.dynamic ?? false
export const peer2peer = (k: Kernel, a: Attachment): boolean => k.config.attachments[a]?.peer2peer ?? false

/** Whether a dma-buf is still there; if not, whoever uses it uses freed memory, which is said. */
export function alive(k: Kernel, buf: DmaBuf, who: string): boolean {
  const row = k.dma_buf(buf)
  if (row.exported && !row.released) return true
  k.violate(
    'use-after-free',
    `${who} the dma-buf ${dmaBufName(k, buf)}, which ${row.exported ? 'was released with its last reference' : 'is not there yet'}`,
  )
  return false
}

/** Whether an attachment is still there, and its dma-buf; if not, that is said. */
export function attached(k: Kernel, a: Attachment, who: string): boolean {
  const row = k.attachment(a)
  if (row.dma_buf === undefined) {
    k.violate(
      'use-after-free',
      `${who} ${attachmentName(k, a)}, which ${row.detached ? 'was freed when it was detached' : 'is not attached'}`,
    )
    return false
  }
  return alive(k, row.dma_buf, who)
}

export function get_file(k: Kernel, buf: DmaBuf): void {
  k.dma_buf(buf).f_count += 1
}

/** fput(): with the last reference the exporter's ->release runs, whoever is still attached. */
export function fput(k: Kernel, buf: DmaBuf, who: string): void {
  const row = k.dma_buf(buf)
  if (row.f_count > 1) {
    row.f_count -= 1
    return
  }
  row.f_count = 0
  row.released = true
  for (let a = 0; a < k.config.attachmentSlots; a++)
    if (k.attachment(a as Attachment).dma_buf === buf)
      k.violate(
        'dma-buf-released-under-importer',
        `${who} drops the last reference to ${dmaBufName(k, buf)}, to which ${attachmentName(k, a as Attachment)} is still attached`,
      )
  if (!row.owns) return
  k.bo(objectOf(buf)).alive = false
  free_pages_of(k, objectOf(buf), who)
}

/** dma_buf_put() by somebody who took a reference; one that he does not have is somebody else's. */
export function putRef(k: Kernel, buf: DmaBuf, who: string): void {
  const row = k.dma_buf(buf)
  if (row.gets === 0)
    k.violate('refcount-balance', `${who} puts a reference to ${dmaBufName(k, buf)} that it does not have`)
  else row.gets -= 1
  fput(k, buf, who)
}

/** A free file descriptor, the lowest. Undefined: the test has none left, which is said. */
export function allocFd(k: Kernel): Id<'fd'> | undefined {
  for (let i = 0; i < k.config.fdSlots; i++) if (!k.fd(i as Id<'fd'>).taken) return i as Id<'fd'>
  k.violate('model-bound', 'no file descriptor is left: the test makes more of them than its tables hold')
  return undefined
}

/** Descriptors are numbered behind stdin, stdout and stderr. */
export const firstFd = 3
export const fdOf = (k: Kernel, fd: number): Id<'fd'> | undefined =>
  fd >= firstFd && fd < firstFd + k.config.fdSlots ? ((fd - firstFd) as Id<'fd'>) : undefined

/** A free slot for an attachment that a program makes. Those that are freed are not used again, so that a use of them shows. */
export function allocAttachment(k: Kernel): Attachment | undefined {
  for (let a = k.config.attachments.length; a < k.config.attachmentSlots; a++) {
    const row = k.attachment(a as Attachment)
    if (row.dma_buf === undefined && !row.detached) return a as Attachment
  }
  k.violate('model-bound', 'no attachment is left: the test makes more of them than its tables hold')
  return undefined
}

/**
 * ->map_dma_buf(): the memory where it is now, for the importer's device. Undefined: the test has no DMA mapping left, or the object
 * no memory.
 */
export function map_dma_buf(k: Kernel, a: Attachment, dir: number): Id<'dma'> | undefined {
  const buf = k.attachment(a).dma_buf!
  const pfn = k.bo_page(objectOf(buf), 0 as Id<'boPage'>).pfn
  if (pfn === undefined) return undefined
  const id = allocMapping(k, pfn, dir)
  if (id !== undefined) k.mapping(id as number as Id<'mapping'>).attachment = a
  return id
}

/** A DMA mapping with a direction, of a frame. */
export function allocMapping(k: Kernel, pfn: Id<'pfn'>, dir: number): Id<'dma'> | undefined {
  for (let i = 0; i < k.config.dmaSlots; i++) {
    const dma = k.dma(i as Id<'dma'>)
    if (dma.active) continue
    dma.active = true
    dma.pfn = pfn
    k.mapping(i as Id<'mapping'>).dir = dir
    return i as Id<'dma'>
  }
  k.violate('model-bound', 'no DMA mapping is left: the test makes more of them than its tables hold')
  return undefined
}

export function freeMapping(k: Kernel, id: Id<'dma'>): void {
  const dma = k.dma(id)
  dma.active = false
  dma.pfn = undefined
  dma.stale = false
  dma.readonly = false
  const mapping = k.mapping(id as number as Id<'mapping'>)
  mapping.attachment = undefined
  mapping.dir = DMA_BIDIRECTIONAL
  mapping.bounced = false
  mapping.bounce = 0
}

/** How a register names a mapping: numbered behind the frames. */
export const mappingHandle = (id: Id<'dma'>): Id<'dma'> => (firstDma + id) as Id<'dma'>
export const mappingOf = (handle: Id<'dma'>): Id<'dma'> => (handle - firstDma) as Id<'dma'>

/** Whether the exporter has to bring its memory where this importer's device reaches it: system memory, unless it can do peer to peer. */
export function mustMigrate(k: Kernel, a: Attachment): boolean {
  const buf = k.attachment(a).dma_buf!
  return is_dynamic(k, buf) && k.bo(objectOf(buf)).vram && !peer2peer(k, a) && k.dma_buf(buf).pin_count === 0
}

/** The mappings of a dma-buf that devices can still use. */
export function mappingsOf(k: Kernel, buf: DmaBuf): number {
  let n = 0
  for (let i = 0; i < k.config.dmaSlots; i++) {
    const a = k.dma(i as Id<'dma'>).active ? k.mapping(i as Id<'mapping'>).attachment : undefined
    if (a !== undefined && k.attachment(a).dma_buf === buf) n++
  }
  return n
}

const directions = ['DMA_BIDIRECTIONAL', 'DMA_TO_DEVICE', 'DMA_FROM_DEVICE'] as const
export const directionName = (dir: number): string => directions[dir] ?? String(dir)
