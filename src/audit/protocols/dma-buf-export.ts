import { exportKind } from '../dmabuf/analyse.ts'
import { exportJobs } from '../dmabuf/audit.ts'
import type { Protocol } from '../protocol.ts'
import { publishJobs } from '../publish/audit.ts'

/** Making a dma-buf, and putting it or any other file behind a descriptor. */
export const dmaBufExport: Protocol = {
  kinds: [exportKind],
  standing: true,
  jobs: (context) => [...exportJobs(context), ...publishJobs(context)],
}
