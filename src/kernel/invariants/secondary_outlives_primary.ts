import type { Invariant } from './invariant.ts'

/** Raised at mmu_notifier_invalidate_range_end(). */
export const secondary_outlives_primary = {
  code: 'secondary-outlives-primary',
  promise:
    'When an invalidation has ended, no secondary MMU translates an address of its range to what was there before.',
} as const satisfies Invariant
