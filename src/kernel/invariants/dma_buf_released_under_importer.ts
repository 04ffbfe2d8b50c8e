import type { Invariant } from './invariant.ts'

/** Raised where the last reference to a dma-buf's file goes. */
export const dma_buf_released_under_importer = {
  code: 'dma-buf-released-under-importer',
  promise: 'A dma-buf is not released while a device is attached to it.',
} as const satisfies Invariant
