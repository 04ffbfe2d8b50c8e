import type { Invariant } from './invariant.ts'

/**
 * Not a promise of the kernel but a limit of the model: the test asked for more than its tables hold. Where it is raised, what would
 * have happened next is unknown, and nothing may be called safe.
 */
export const model_bound = {
  code: 'model-bound',
  promise: 'The test stays within what the model can represent; where it does not, the answer is unknown.',
} as const satisfies Invariant
