import { cow_reuse } from './cow_reuse.ts'
import { follow_pfn } from './follow_pfn.ts'

export type { Policy } from './policy.ts'

/** Every policy, by name. To add one, add a file and a line. */
export const policies = { cow_reuse, follow_pfn } as const

export type PolicyName = keyof typeof policies
/** The value of each policy in a test. */
export type PolicyValues = { readonly [P in PolicyName]: keyof (typeof policies)[P]['values'] }

export const defaultPolicies: PolicyValues = { cow_reuse: 'kernel', follow_pfn: 'allow' }
