import type { Invariant } from './invariant.ts'

/** Raised by whatever reaches memory: CPU accesses, DMA, secondary MMUs, and references taken on a frame. */
export const use_after_free = {
  code: 'use-after-free',
  promise:
    'Nothing reaches a frame through a name that it had before it was freed or given to somebody else.',
} as const satisfies Invariant
