import { importKind } from '../dmabuf/analyse.ts'
import { importJobs } from '../dmabuf/audit.ts'
import type { Protocol } from '../protocol.ts'

/** Borrowing a dma-buf: taking it by its descriptor, attaching a device, mapping and pinning its memory. */
export const dmaBufImport: Protocol = {
  kinds: [importKind],
  standing: true,
  jobs: importJobs,
}
