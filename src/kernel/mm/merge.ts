import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import {
  find_vma,
  pgoff_at,
  pgoff_mod,
  split_to_change,
  vm_area_free,
  vm_flag,
  vm_flags,
  vm_flags_reset,
  vma_lookup,
} from './vmas.ts'

type Vma = Row<'vma'>
type Mm = Id<'mm'>
type AnonVma = Pick<Vma, 'anon_vma' | 'fork_child'>

const none: AnonVma = { anon_vma: 0, fork_child: false }
const SPECIAL = vm_flag('VM_IO', 'VM_DONTEXPAND', 'VM_PFNMAP', 'VM_MIXEDMAP')

/** What is to become part of its neighbours, or to lie beside them. */
type Range = {
  readonly start: number
  readonly end: number
  readonly pgoff: number
  readonly file: Id<'bo'> | undefined
  readonly dma_buf: boolean
  readonly flags: number
  /** What its pages belong to: nothing, when it is new. */
  readonly anon: AnonVma
}

/** The VMA that ends at an address, and the one that begins there. */
const ending_at = (k: Kernel, mm: Mm, addr: number): Id<'vma'> | undefined =>
  addr > 0 ? vma_lookup(k, mm, addr - 1) : undefined
const beginning_at = (k: Kernel, mm: Mm, addr: number): Id<'vma'> | undefined => {
  const id = vma_lookup(k, mm, addr)
  return id !== undefined && k.vma(id).vm_start === addr ? id : undefined
}

/** Whether a mapping's driver wants to be told when it goes. A file system does not. */
export function has_close(k: Kernel, file: Id<'bo'> | undefined): boolean {
  if (file === undefined) return false
  const { fs, driver } = k.config.bos[file]!
  return driver === undefined ? fs === undefined : driver.close !== undefined
}

/** is_mergeable_vma(): the same memory in the same way. Before 6.4 nothing that has a ->close is merged at all. */
function is_mergeable_vma(k: Kernel, vma: Vma, range: Range): boolean {
  if (vm_flags(vma) !== range.flags || vma.vm_file !== range.file || vma.dma_buf !== range.dma_buf)
    return false
  return k.has('vma-merge-beside-close') || !has_close(k, range.file)
}

/** is_mergeable_anon_vma(): no two that are there already; and what a child has from its parent takes nobody in. */
function is_mergeable_anon_vma(k: Kernel, vma: Vma, anon: AnonVma): boolean {
  if (vma.anon_vma === anon.anon_vma) return true
  if (anon.anon_vma === 0) return !vma.fork_child
  return vma.anon_vma === 0 && !anon.fork_child && k.has('vma-merge-hands-anon-vma-on')
}

/** vma_merge(): which neighbours a range can become one with. `first`: what lies behind it is asked first, and what lies before it must suit that. */
function mergeable(k: Kernel, mm: Mm, range: Range, but?: Id<'vma'>, first = false) {
  if ((range.flags & SPECIAL) !== 0) return {}
  const left = ending_at(k, mm, range.start)
  const right = beginning_at(k, mm, range.end)
  const prev = left === undefined || left === but ? undefined : k.vma(left)
  const next = right === undefined || right === but ? undefined : k.vma(right)
  const alike = (vma: Vma | undefined, anon: AnonVma, pgoff: (vma: Vma) => number, at: number) =>
    vma !== undefined &&
    is_mergeable_vma(k, vma, range) &&
    is_mergeable_anon_vma(k, vma, anon) &&
    pgoff(vma) === at
      ? vma
      : undefined
  const behind = pgoff_mod(k, range.pgoff + range.end - range.start)
  const onto = alike(next, range.anon, (vma) => vma.vm_pgoff, behind)
  const into = alike(prev, (first && onto) || range.anon, (vma) => pgoff_at(k, vma, vma.vm_end), range.pgoff)
  // That each of them goes with what is between does not say that they go with each other.
  const apart =
    into !== undefined &&
    onto !== undefined &&
    into.anon_vma !== 0 &&
    onto.anon_vma !== 0 &&
    into.anon_vma !== onto.anon_vma
  return { prev: into, next: apart ? undefined : onto }
}

/** dup_anon_vma() */
function take_over(vma: Vma, from: AnonVma): void {
  if (vma.anon_vma !== 0) return
  vma.anon_vma = from.anon_vma
  vma.fork_child = from.fork_child
}

/** A VMA that has become part of another: its file is put, and its ->close is not called. */
function swallow(k: Kernel, by: Vma, vma: Vma): void {
  take_over(by, vma)
  by.vm_end = Math.max(by.vm_end, vma.vm_end)
  vm_area_free(k, vma)
}

/**
 * vma_merge() of a range where nothing is, that is mapped or moved there: its neighbours grow over it. Undefined: they cannot, and it wants
 * a VMA of its own. `but` is one that it must stay apart from. mm/vma.c:vma_merge_new_range.
 */
export function vma_merge_new_range(
  k: Kernel,
  mm: Mm,
  range: Range,
  but?: Id<'vma'>,
  first = false,
): Id<'vma'> | undefined {
  const { prev, next } = mergeable(k, mm, range, but, first)
  if (prev !== undefined) {
    prev.vm_end = range.end
    if (next !== undefined && !has_close(k, range.file)) swallow(k, prev, next)
    take_over(prev, range.anon)
  } else if (next !== undefined) {
    next.vm_start = range.start
    next.vm_pgoff = range.pgoff
    take_over(next, range.anon)
  }
  return prev === undefined && next === undefined ? undefined : vma_lookup(k, mm, range.start)
}

/**
 * Gives a part of a VMA other flags: it becomes part of a neighbour that has them, or else a VMA of its own. Undefined: no slot is left.
 * mm/vma.c:vma_modify, mm/vma.c:vma_merge_existing_range.
 */
export function vma_modify(
  k: Kernel,
  id: Id<'vma'>,
  start: number,
  end: number,
  flags: number,
): Id<'vma'> | undefined {
  const vma = k.vma(id)
  const mm = vma.vm_mm!
  const whole = vma.vm_start === start && vma.vm_end === end
  const range: Range = {
    start,
    end,
    pgoff: pgoff_at(k, vma, start),
    file: vma.vm_file,
    dma_buf: vma.dma_buf,
    flags,
    anon: { anon_vma: vma.anon_vma, fork_child: vma.fork_child },
  }
  // What lies on a side that is not its VMA's is not a neighbour; and what has a ->close cannot just go.
  const found = whole && has_close(k, vma.vm_file) ? {} : mergeable(k, mm, range, id)
  const { prev, next } = found
  if (prev === undefined && next === undefined) {
    if (!split_to_change(k, mm, start, end)) return undefined
    const part = vma_lookup(k, mm, start)!
    vm_flags_reset(k.vma(part), flags)
    return part
  }
  if (prev !== undefined) {
    if (whole) swallow(k, prev, vma)
    else {
      prev.vm_end = end
      take_over(prev, range.anon)
      vma.vm_pgoff = pgoff_at(k, vma, end)
      vma.vm_start = end
    }
    if (next !== undefined) swallow(k, prev, next)
  } else if (next !== undefined) {
    next.vm_start = start
    next.vm_pgoff = range.pgoff
    take_over(next, range.anon)
    if (whole) vm_area_free(k, vma)
    else vma.vm_end = start
  }
  return vma_lookup(k, mm, start)
}

/**
 * anon_vma_prepare(): what is written to belongs to an anon_vma from here on. One that a neighbour has is shared if they may become one
 * again: they differ in what mprotect() changes, at most (find_mergeable_anon_vma()).
 */
export function anon_vma_prepare(k: Kernel, vma: Vma): void {
  if (vma.anon_vma !== 0) return
  const mm = vma.vm_mm!
  const access = vm_flag('VM_READ', 'VM_WRITE')
  const reusable = (id: Id<'vma'> | undefined, low: boolean): boolean => {
    if (id === undefined) return false
    const near = k.vma(id)
    const [a, b] = low ? [near, vma] : [vma, near]
    return (
      near.anon_vma !== 0 &&
      !near.fork_child &&
      near.vm_file === vma.vm_file &&
      ((vm_flags(near) ^ vm_flags(vma)) & ~access) === 0 &&
      b.vm_pgoff === pgoff_at(k, a, a.vm_end)
    )
  }
  const next = beginning_at(k, mm, vma.vm_end)
  const prev = ending_at(k, mm, vma.vm_start)
  const shared = reusable(next, false) ? next : reusable(prev, true) ? prev : undefined
  vma.anon_vma = shared === undefined ? fresh_anon_vma(k, mm) : k.vma(shared).anon_vma
}

/** anon_vma_fork(): what a child writes belongs to a new one, beside what it has from its parent. */
export function anon_vma_fork(k: Kernel, vma: Vma): void {
  if (vma.anon_vma === 0) return
  vma.anon_vma = 0
  vma.anon_vma = fresh_anon_vma(k, vma.vm_mm!)
  vma.fork_child = true
}

/** unlink_anon_vmas() */
export function unlink_anon_vmas(vma: Vma): void {
  vma.anon_vma = none.anon_vma
  vma.fork_child = none.fork_child
}

/** The first number that no VMA of the mm has: only what lies in one mm can be merged. */
function fresh_anon_vma(k: Kernel, mm: Mm): number {
  for (let n = 1; ; n++)
    if (!k.vmas.some((id) => k.vma(id).vm_mm === mm && k.vma(id).anon_vma === n)) return n
}

/**
 * The mappings of a process as if they had been made one after the other from below, and then written to: those that are alike are one. `anon_vma`
 * says only whether it was.
 */
export function merge_all(k: Kernel, mm: Mm): void {
  for (let id = find_vma(k, mm, 0); id !== undefined; id = find_vma(k, mm, k.vma(id).vm_end)) {
    const vma = k.vma(id)
    const written = vma.anon_vma
    unlink_anon_vmas(vma)
    const range = { ...rangeOf(vma), anon: none }
    const { prev } = mergeable(k, mm, range)
    if (prev === undefined || has_close(k, vma.vm_file)) {
      vma.anon_vma = written
      continue
    }
    prev.anon_vma = Math.max(prev.anon_vma, written)
    swallow(k, prev, vma)
    id = vma_lookup(k, mm, range.start)!
  }
  const written = k.vmas.filter((id) => k.vma(id).vm_mm === mm && k.vma(id).anon_vma !== 0)
  for (const id of written) unlink_anon_vmas(k.vma(id))
  written.sort((a, b) => k.vma(a).vm_start - k.vma(b).vm_start)
  for (const id of written) anon_vma_prepare(k, k.vma(id))
}

const rangeOf = (vma: Vma): Omit<Range, 'anon'> => ({
  start: vma.vm_start,
  end: vma.vm_end,
  pgoff: vma.vm_pgoff,
  file: vma.vm_file,
  dma_buf: vma.dma_buf,
  flags: vm_flags(vma),
})

/** What of a VMA would be a range of its own: for mremap(), which makes it longer or copies it. */
export const part_of = (k: Kernel, vma: Vma, start: number, end: number): Range => ({
  ...rangeOf(vma),
  start,
  end,
  pgoff: pgoff_at(k, vma, start),
  anon: { anon_vma: vma.anon_vma, fork_child: vma.fork_child },
})

/** A VMA that a driver has made, and that becomes part of its neighbours after all: its file is put, its ->close not called. */
export function vma_merge_again(k: Kernel, vma: Vma): boolean {
  const mm = vma.vm_mm!
  const range: Range = { ...rangeOf(vma), anon: none }
  const { prev, next } = mergeable(k, mm, range)
  if (prev === undefined && next === undefined) return false
  vm_area_free(k, vma)
  vma_merge_new_range(k, mm, range)
  return true
}
