import type { Invariant } from './invariant.ts'

/** Raised where the kernel has a BUG_ON for a mistake of its caller. */
export const kernel_bug = {
  code: 'kernel-bug',
  promise: 'No step runs into a BUG_ON.',
} as const satisfies Invariant
