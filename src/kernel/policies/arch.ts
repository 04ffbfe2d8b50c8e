import type { Policy } from './policy.ts'

/** Which architecture's fault handler runs. All others agree in what the model asks. */
export const arch = {
  name: 'arch',
  says: 'whose page faults they are',
  values: {
    any: 'those of an architecture that treats VM_IO like any mapping',
    m68k: "m68k's, which refused faults on VM_IO mappings before 6.1",
  },
  default: 'any',
} as const satisfies Policy
