import type { Policy } from './policy.ts'

/** The first idea of October 2020: a variant for those who have neither the
 * mmap_lock over the use nor an MMU notifier, which is made to fail. */
export const follow_pfn_longterm = {
  name: 'follow_pfn_longterm',
  says: 'whether the callers that keep a PFN without lock or notifier are told apart, and fail',
  values: {
    absent: 'they call follow_pfn() as everybody',
    fail: 'they call follow_pfn_longterm(), which fails with -EINVAL; the fall-back of get_vaddr_frames() is one of them',
  },
  default: 'absent',
} as const satisfies Policy
