import type { Policy } from './policy.ts'

/** "mm/frame-vec: use FOLL_LONGTERM", the patch that the discussion began with. */
export const longterm = {
  name: 'longterm',
  says: 'whether get_vaddr_frames(), which keeps what it pins, has to pin with FOLL_LONGTERM',
  values: {
    optional: 'as the kernel does: not before 5.11',
    required: 'always',
  },
  default: 'optional',
} as const satisfies Policy
