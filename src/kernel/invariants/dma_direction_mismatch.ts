import type { Invariant } from './invariant.ts'

/** Raised by devices that go through a mapping, and where one is unmapped. */
export const dma_direction_mismatch = {
  code: 'dma-direction-mismatch',
  promise: 'A DMA mapping is used, and unmapped, for the direction that it was made for.',
} as const satisfies Invariant
