import type { Protocol } from '../protocol.ts'
import { vmaJobs, vmaKind } from '../vmas/audit.ts'

/** Looking a VMA up: under mmap_lock, and used no longer than that. */
export const vmaLookup: Protocol = {
  kinds: [vmaKind],
  standing: true,
  jobs: vmaJobs,
}
