import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { dmaBufOf, fput, get_file } from './dma_buf.ts'
import { count } from './driver.ts'

type Vma = Row<'vma'>

/** vma_lookup(): the VMA that holds the address, or undefined. */
export function vma_lookup(k: Kernel, mm: Id<'mm'>, addr: number): Id<'vma'> | undefined {
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm === mm && vma.vm_start <= addr && addr < vma.vm_end) return id
  }
  return undefined
}

/** find_vma(): the first VMA that ends above the address; it may begin above it, too. */
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
export const is_cow_mapping = (vma: Vma): boolean => vma.VM_MAYWRITE && !vma.VM_SHARED

/** m68k's do_page_fault() refused VM_IO mappings: what is not mapped at once is SIGSEGV. arch/m68k/mm/fault.c. */
export const vm_io_refused = (k: Kernel, vma: Id<'vma'>): boolean =>
  k.policy.arch === 'm68k' && !k.has('m68k-faults-vm-io') && k.vma(vma).VM_IO

/** vma_is_anonymous() */
export const vma_is_anonymous = (vma: Vma): boolean => vma.vm_file === undefined

/** VM_SPECIAL: it must not be merged, grown or locked. */
export const VM_SPECIAL = (vma: Vma): boolean =>
  vma.VM_IO || vma.VM_DONTEXPAND || vma.VM_PFNMAP || vma.VM_MIXEDMAP

/** The page of its object that an address of a VMA shows. */
export const linear_page_index = (vma: Vma, addr: number): number => addr - vma.vm_start + vma.vm_pgoff

/** The vm_pgoff of what begins at an address of a VMA, or might if the VMA went on to there. */
export const pgoff_at = (k: Kernel, vma: Vma, addr: number): number =>
  pgoff_mod(k, vma.vm_pgoff + addr - vma.vm_start)

/** Anonymous memory may move and grow again and again: its offsets come round. */
export const pgoff_mod = (k: Kernel, pgoff: number): number => {
  const n = k.pgoffs
  return ((pgoff % n) + n) % n
}

/** A free slot for a new VMA. Undefined: the test makes more than its tables hold, which is said. */
export function vm_area_alloc(k: Kernel): Id<'vma'> | undefined {
  for (const id of k.vmas) if (k.vma(id).vm_mm === undefined) return id
  k.violate('model-bound', 'no VMA is left: the test makes more of them than its tables hold')
  return undefined
}

const flags = [
  'VM_READ',
  'VM_WRITE',
  'VM_MAYWRITE',
  'VM_SHARED',
  'VM_MAYSHARE',
  'VM_IO',
  'VM_PFNMAP',
  'VM_MIXEDMAP',
  'VM_DONTEXPAND',
  'VM_DONTCOPY',
  'VM_WIPEONFORK',
  'VM_LOCKED',
  'VM_PAT',
  'VM_ACCOUNT',
] as const

/** vm_flags as a number. */
export function vm_flags(vma: Vma): number {
  let bits = 0
  for (const [i, f] of flags.entries()) if (vma[f]) bits |= 1 << i
  return bits
}

/** vm_flags_reset() */
export function vm_flags_reset(vma: Vma, bits: number): void {
  for (const [i, f] of flags.entries()) vma[f] = (bits & (1 << i)) !== 0
}

/** The bits of some flags. */
export const vm_flag = (...names: readonly (typeof flags)[number][]): number =>
  names.reduce((bits, f) => bits | (1 << flags.indexOf(f)), 0)

/** vm_area_dup(): a copy of a VMA, of the same mm. */
export function vm_area_dup(k: Kernel, from: Vma): Id<'vma'> | undefined {
  const id = vm_area_alloc(k)
  if (id === undefined) return undefined
  const vma = k.vma(id)
  vma.vm_mm = from.vm_mm
  vma.vm_start = from.vm_start
  vma.vm_end = from.vm_end
  vma.vm_pgoff = from.vm_pgoff
  vma.vm_file = from.vm_file
  vma.anon_vma = from.anon_vma
  vma.fork_child = from.fork_child
  for (const f of flags) vma[f] = from[f]
  vma.dma_buf = from.dma_buf
  if (from.dma_buf) get_file(k, dmaBufOf(from.vm_file!))
  return id
}

/** remove_vma(): drops its reference to a dma-buf's file, which may be the last; then the slot is empty again, and looks like one that was never used. */
export function vm_area_free(k: Kernel, vma: Vma): void {
  const file = vma.dma_buf ? dmaBufOf(vma.vm_file!) : undefined
  vma.vm_mm = undefined
  vma.vm_start = 0
  vma.vm_end = 0
  vma.vm_pgoff = 0
  vma.vm_file = undefined
  vma.anon_vma = 0
  vma.fork_child = false
  vma.dma_buf = false
  for (const f of flags) vma[f] = false
  if (file !== undefined) fput(k, file, 'the VMA that goes')
}

/** A mapping's vm_ops are called. All that those of a test do is count; who listens is told. */
export function call_vm_op(
  k: Kernel,
  op: 'open' | 'close' | 'may_split' | 'mremap',
  vma: Vma,
  at?: number,
): void {
  const bo = vma.vm_file
  if (bo === undefined) return
  const { driver } = k.config.bos[bo]!
  if (op === 'open' && driver?.open !== undefined) count(k, bo, driver.open, 'the open of a mapping')
  if (op === 'close' && driver?.close !== undefined) count(k, bo, driver.close, 'the close of a mapping')
  if (k.onVmOp === undefined) return
  const { vm_mm: mm, vm_start: start, vm_end: end } = vma
  k.onVmOp({ op, mm: mm!, bo, start, end, ...(at === undefined ? {} : { at }) })
}

/** Splits VMAs so that some are just the range, to be unmapped. False: no slot is left. */
export function split_to_unmap(k: Kernel, mm: Id<'mm'>, start: number, end: number): boolean {
  const old = !k.has('munmap-splits-below')
  return split_vma(k, mm, start, old ? 'high' : 'low') && split_vma(k, mm, end, old ? 'low' : 'high')
}

/** Splits VMAs so that one is just the range, to be changed: what lies outside is new. */
export const split_to_change = (k: Kernel, mm: Id<'mm'>, start: number, end: number): boolean =>
  split_vma(k, mm, start, 'low') && split_vma(k, mm, end, 'high')

/** Splits a VMA so that one begins at the address. Which half is the new one its ->open is told. */
function split_vma(k: Kernel, mm: Id<'mm'>, addr: number, fresh: 'low' | 'high'): boolean {
  const id = vma_lookup(k, mm, addr)
  if (id === undefined || k.vma(id).vm_start === addr) return true
  const low = k.vma(id)
  call_vm_op(k, 'may_split', low, addr)
  const high = vm_area_dup(k, low)
  if (high === undefined) return false
  const row = k.vma(high)
  row.vm_pgoff = pgoff_at(k, low, addr)
  row.vm_start = addr
  low.vm_end = addr
  call_vm_op(k, 'open', fresh === 'low' ? low : row)
  return true
}
