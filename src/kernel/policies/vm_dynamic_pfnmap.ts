import { freeVmFlagBits } from '../versions.ts'
import type { Policy } from './policy.ts'

/** A flag for mappings whose memory can move: look-ups that keep the PFN refuse them. What it does not have is a lifetime. */
export const vm_dynamic_pfnmap = {
  name: 'vm_dynamic_pfnmap',
  says: 'whether drivers whose memory moves mark their mappings with a flag of their own, VM_DYNAMIC_PFNMAP',
  values: {
    absent: 'there is no such flag',
    '32-bit': 'there is one, on every architecture',
    '64-bit': 'there is one, where vm_flags has 64 bits',
  },
  default: 'absent',
  unavailable(version, value) {
    if (value === 'absent') return undefined
    const free = freeVmFlagBits(version)[value === '32-bit' ? 32 : 64]
    return free > 0 ? undefined : `all bits of vm_flags are taken on ${value} ${version}`
  },
} as const satisfies Policy
