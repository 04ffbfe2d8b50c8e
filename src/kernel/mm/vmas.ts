import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'

/** vma_lookup(): the VMA that holds the address, or undefined. (find_vma() gives the next one above when there is none.) */
export function vma_lookup(k: Kernel, mm: Id<'mm'>, addr: number): Id<'vma'> | undefined {
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm === mm && vma.vm_start <= addr && addr < vma.vm_end) return id
  }
  return undefined
}

/** find_vma(): the first VMA that ends above the address. */
export function find_vma(k: Kernel, mm: Id<'mm'>, addr: number): Id<'vma'> | undefined {
  let best: Id<'vma'> | undefined
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm !== mm || vma.vm_end <= addr) continue
    if (best === undefined || vma.vm_start < k.vma(best).vm_start) best = id
  }
  return best
}

/** is_cow_mapping(): it may be written, and what is written stays private. */
export const is_cow_mapping = (vma: Row<'vma'>): boolean => vma.VM_MAYWRITE && !vma.VM_SHARED

/** The page of its object that an address of a VMA shows. */
export const linear_page_index = (vma: Row<'vma'>, addr: number): number => addr - vma.vm_start + vma.vm_pgoff
