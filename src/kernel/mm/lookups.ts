import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'

/**
 * Whether a look-up of a bare PFN that outlives its locks is refused by a proposal: always, or where the driver says by VM_DYNAMIC_PFNMAP that its
 * memory moves. Drivers that insert all at mmap by remap_pfn_range() have memory that does not.
 */
export function lookup_refused(k: Kernel, vma: Row<'vma'>): boolean {
  if (k.policy.follow_pfn === 'strict') return true
  const file = vma.vm_file
  return (
    k.policy.vm_dynamic_pfnmap !== 'absent' &&
    file !== undefined &&
    k.config.bos[file]!.insert !== 'remap_pfn_range'
  )
}
