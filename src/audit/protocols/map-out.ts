import { mapOutJobs, mapOutKind } from '../mapout/audit.ts'
import type { Protocol } from '../protocol.ts'

/** Memory that a driver maps into user space. */
export const mapOut: Protocol = {
  kinds: [mapOutKind],
  standing: true,
  jobs: mapOutJobs,
}
