import type { Invariant } from './invariant.ts'

/** Raised by the operations that write through a look-up or a mapping. */
export const read_only_write = {
  code: 'read-only-write',
  promise:
    'Memory that is mapped read-only is not written through that mapping, nor through anything looked up from it.',
} as const satisfies Invariant
