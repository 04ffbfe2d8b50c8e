import type { Invariant } from './invariant.ts'

/** Raised where a process reads or writes through a mapping (mm/driver.ts). */
export const out_of_object = {
  code: 'out-of-object',
  promise:
    'Through a mapping of a driver, a process reaches the memory of the object that it mapped, and nothing beside it.',
} as const satisfies Invariant
