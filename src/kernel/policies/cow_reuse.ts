import type { Policy } from './policy.ts'

/** When a write to a page that fork has shared may go to the page itself. The rule before 5.9 let a child read on (CVE-2020-29374). */
export const cow_reuse = {
  name: 'cow_reuse',
  says: 'when a write fault may use a page as it is instead of copying it',
  values: {
    kernel: 'as the kernel does: nobody else refers to it, or since 5.19 it is exclusive',
    mapcount: 'when nobody else maps it, whoever refers to it: the rule before 5.9',
  },
  default: 'kernel',
} as const satisfies Policy
