import type { Invariant } from './invariant.ts'

/** Raised where a driver gives a frame back (free_page in mm/frames.ts, through the operations that free for an owner). */
export const freed_while_mapped = {
  code: 'freed-while-mapped',
  promise: 'No owner frees a frame while a page-table entry that holds no reference still maps it.',
} as const satisfies Invariant
