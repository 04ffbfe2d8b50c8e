import type { Invariant } from './invariant.ts'

/** Raised where an operation is called. */
export const uninitialised = {
  code: 'uninitialised',
  promise: 'No operation is given a frame, page, VMA or mapping that a failed call never filled in.',
} as const satisfies Invariant
