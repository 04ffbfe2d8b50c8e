import type { Policy } from './policy.ts'

/**
 * What a look-up of a bare PFN that outlives its lock does: follow_pfn() and the fallback of get_vaddr_frames().
 * The proposal of October 2020 was CONFIG_STRICT_FOLLOW_PFN with unsafe_follow_pfn(); it was not merged.
 */
export const follow_pfn = {
  name: 'follow_pfn',
  says: 'what looking up a bare PFN, to be used after the locks are gone, does',
  values: {
    allow: 'it works, as it did',
    taint: 'it works, and taints the kernel',
    strict: 'it fails with -EINVAL',
  },
  default: 'allow',
} as const satisfies Policy
