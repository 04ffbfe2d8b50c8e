import type { Kernel } from '../kernel.ts'
import {
  type Attachment,
  attachment_is_dynamic,
  dmaBufName,
  type DmaBuf,
  is_dynamic,
  objectOf,
} from './dma_buf.ts'
import { holds, resv, type ThreadId } from './locks.ts'

/** dma_resv_assert_held(): what needs the reservation lock of a dma-buf is called with it. */
export function dma_resv_assert_held(k: Kernel, buf: DmaBuf, thread: ThreadId, op: string): void {
  if (!holds(k, resv(k, objectOf(buf)), thread))
    k.violate(
      'lock-context',
      `${op} needs the reservation lock of ${dmaBufName(k, buf)}, which ${k.threadName(thread)} does not hold`,
    )
}

/** Mapping and unmapping need the lock always since 6.2; before, when importer or exporter is dynamic. */
export function assertMapLock(k: Kernel, a: Attachment, thread: ThreadId, op: string): void {
  const { dma_buf: buf, sgt } = k.attachment(a)
  if (
    k.has('dma-buf-map-locked') ||
    attachment_is_dynamic(k, a) ||
    (sgt === undefined && is_dynamic(k, buf!))
  )
    dma_resv_assert_held(k, buf!, thread, op)
}
