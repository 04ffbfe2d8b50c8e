import type { Policy } from './policy.ts'

/** How GUP gets past the check for a writable entry when FOLL_FORCE writes to what the process may only read. */
export const foll_force = {
  name: 'foll_force',
  says: 'how FOLL_FORCE writes to a private mapping that the process may only read',
  values: {
    kernel:
      'only to a copy that it finds there: until 5.18 one that it has just made, since 5.19 an exclusive page',
    forget:
      'once a copy was made it looks again as if for reading, and takes what it finds: the rule before 4.9',
  },
  default: 'kernel',
} as const satisfies Policy
