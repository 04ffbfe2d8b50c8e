import { exportKind } from '../dmabuf/analyse.ts'
import { exportJobs } from '../dmabuf/audit.ts'
import type { Protocol } from '../protocol.ts'

/** Making a dma-buf, and publishing it as a descriptor. */
export const dmaBufExport: Protocol = {
  kinds: [exportKind],
  standing: false,
  jobs: exportJobs,
}
