import type { Invariant } from './invariant.ts'

/** Raised by reclaim, where a page is dropped. */
export const dirty_lost = {
  code: 'dirty-lost',
  promise: 'What a device or the kernel has written into a page of a file is not dropped as if nobody had.',
} as const satisfies Invariant
