import type { Invariant } from './invariant.ts'

/** Raised where an operation is given a VMA that was looked up under an mmap_lock which has been dropped since. */
export const use_after_unlock = {
  code: 'use-after-unlock',
  promise: 'A VMA is used only under the mmap_lock section in which it was looked up.',
} as const satisfies Invariant
