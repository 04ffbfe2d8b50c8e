import { arch } from './arch.ts'
import { cow_reuse } from './cow_reuse.ts'
import { dma_buf_from_vma } from './dma_buf_from_vma.ts'
import { dma_buf_mmap } from './dma_buf_mmap.ts'
import { foll_force } from './foll_force.ts'
import { follow_pfn } from './follow_pfn.ts'
import { follow_pfn_longterm } from './follow_pfn_longterm.ts'
import { fork_pinned } from './fork_pinned.ts'
import { longterm } from './longterm.ts'
import { vm_dynamic_pfnmap } from './vm_dynamic_pfnmap.ts'
import type { Policy } from './policy.ts'

export type { Policy } from './policy.ts'

/** Every policy, by name. To add one, add a file and a line. */
export const policies = {
  arch,
  cow_reuse,
  dma_buf_from_vma,
  dma_buf_mmap,
  foll_force,
  follow_pfn,
  follow_pfn_longterm,
  fork_pinned,
  longterm,
  vm_dynamic_pfnmap,
} as const

export type PolicyName = keyof typeof policies
/** The value of each policy in a test. */
export type PolicyValues = { readonly [P in PolicyName]: keyof (typeof policies)[P]['values'] }

export const defaultPolicies: PolicyValues = Object.fromEntries(
  Object.values<Policy>(policies).map((p) => [p.name, p.default]),
) as PolicyValues
