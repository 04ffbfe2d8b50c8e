import type { Id } from '../../state/index.ts'
import { ENOMEM } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { vma_modify } from './merge.ts'
import { find_vma, VM_SPECIAL, vm_flag, vm_flags } from './vmas.ts'

/** apply_vma_lock_flags(): sets or clears VM_LOCKED from one VMA to the next, splitting them; a hole is -ENOMEM, and ends it. */
export function apply_vma_lock_flags(
  k: Kernel,
  mm: Id<'mm'>,
  start: number,
  end: number,
  locked: boolean,
): number {
  for (let at = start; at < end; ) {
    const id = find_vma(k, mm, at)
    if (id === undefined || k.vma(id).vm_start > at) return -ENOMEM
    const vma = k.vma(id)
    const to = Math.min(vma.vm_end, end)
    if (vma.VM_LOCKED !== locked && !VM_SPECIAL(vma)) {
      const flags = vm_flags(vma)
      const bits = locked ? flags | vm_flag('VM_LOCKED') : flags & ~vm_flag('VM_LOCKED')
      if (vma_modify(k, id, at, to, bits) === undefined) return -ENOMEM
    }
    at = to
  }
  return 0
}
