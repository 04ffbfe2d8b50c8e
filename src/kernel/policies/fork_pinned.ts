import type { Policy } from './policy.ts'

/** What fork does with a private page that is pinned. The rule before 5.9 took pages away from devices. */
export const fork_pinned = {
  name: 'fork_pinned',
  says: 'what fork does with a private page that a device has pinned',
  values: {
    copy: 'it is copied for the child at once, and the parent keeps it: the rule since 5.9',
    share:
      'parent and child share it until one of them writes, and that one gets a copy: the rule before 5.9',
  },
  default: 'copy',
} as const satisfies Policy
