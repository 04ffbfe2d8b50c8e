import type { Id } from '../state/index.ts'
import type { VmaConfig } from './config.ts'
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './constants.ts'
import type { Kernel } from './kernel.ts'
import { SetPageAnonExclusive } from './mm/anon.ts'
import { needs_dirty_tracking } from './mm/files.ts'
import { allocFd, dmaBufOf, get_file } from './mm/dma_buf.ts'
import { kernelOf } from './mm/owners.ts'
import { merge_all } from './mm/merge.ts'
import { pte_alloc, pte_mkdirty, set_normal, set_special } from './mm/ptes.ts'
import { vm_flag, vm_flags_reset } from './mm/vmas.ts'
import { is_private_memory } from './sizes.ts'

/** Writes the initial state of a test into empty tables: as if all this had been set up by calls before it began. */
export function boot(k: Kernel): void {
  const { config } = k
  let next = 0
  const take = (owner: number): Id<'pfn'> => {
    const pfn = next++ as Id<'pfn'>
    const page = k.page(pfn)
    page.owner = owner as Id<'owner'>
    page.refcount = k.zone[pfn] === 'vram' ? 0 : 1
    return pfn
  }

  if (config.zeroPage) take(kernelOf(k))
  for (const [i, mm] of config.mms.entries()) {
    const row = k.mm(i as Id<'mm'>)
    row.born = row.alive = mm.unborn !== true
    row.invalidate_seq = 2
  }
  for (const [i, bo] of config.bos.entries()) {
    const row = k.bo(i as Id<'bo'>)
    row.alive = !bo.anonymous || config.vmas.some((v) => v.bo === i)
    row.vram = bo.where === 'vram'
    row.size = bo.pages
    for (const p of bo.present) {
      const pfn = take(config.mms.length + i)
      k.page(pfn).data = bo.data[p] ?? 0
      k.bo_page(i as Id<'bo'>, p as Id<'boPage'>).pfn = pfn
      if (bo.fs === 'ext4') k.bo_page(i as Id<'bo'>, p as Id<'boPage'>).disk = bo.data[p] ?? 0
    }
    // Memory does not end where an object does: what a driver maps beyond it is somebody else's.
    if (bo.driver !== undefined)
      k.bo_page(i as Id<'bo'>, bo.pages as Id<'boPage'>).pfn = take(k.owners.length - 1)
    if (bo.counted) k.bo_kref(i as Id<'krefBo'>).refcount = 1
  }
  for (const [i, bo] of config.bos.entries()) {
    if (bo.exported === undefined || bo.exported.at === 'none') continue
    const buf = dmaBufOf(i as Id<'bo'>)
    const row = k.dma_buf(buf)
    row.exported = true
    row.owns = bo.exported.owns ?? false
    row.f_count = 1
    if (bo.exported.at === 'kernel') row.gets = 1
    else {
      const fd = k.fd(allocFd(k)!)
      fd.taken = true
      fd.file = buf
    }
  }
  for (const [i, a] of config.attachments.entries())
    if (a.unattached !== true) k.attachment(i as Id<'attachment'>).dma_buf = dmaBufOf(a.bo as Id<'bo'>)
  for (const [i, o] of config.objects.entries()) k.object(i as Id<'object'>).refcount = o.refcount
  for (const [i, v] of config.vmas.entries()) {
    const vma = k.vma(i as Id<'vma'>)
    vma.vm_mm = v.mm as Id<'mm'>
    vma.vm_start = v.start
    vma.vm_end = v.start + v.pages
    vma.vm_pgoff = v.bo === undefined ? v.start : v.pgoff
    setFlags(k, i as Id<'vma'>, v.prot, v.flags, v.bo)
    if (v.dma_buf) {
      k.vma(i as Id<'vma'>).dma_buf = true
      get_file(k, dmaBufOf(v.bo as Id<'bo'>))
    }
    if (v.populated || config.bos[v.bo ?? -1]?.insert === 'remap_pfn_range') populate(k, i, v, take)
  }
  for (const mm of k.mms) merge_all(k, mm)
  for (const [i, n] of config.notifiers.entries()) {
    const row = k.notifier(i as Id<'notifier'>)
    row.registered = n.unregistered !== true
    row.invalidate_seq = 1
  }
  for (const [i, v] of config.vars.entries()) k.var(i as Id<'var'>).value = v.value ?? 0
}

function populate(
  k: Kernel,
  id: number,
  v: VmaConfig & { start: number; pgoff: number },
  take: (owner: number) => Id<'pfn'>,
): void {
  const vma = k.vma(id as Id<'vma'>)
  const mm = v.mm as Id<'mm'>
  const bo = v.bo as Id<'bo'> | undefined
  const shared = vma.VM_WRITE && vma.VM_SHARED
  pte_alloc(k, mm)
  for (let p = 0; p < v.pages; p++) {
    const pte = k.pte(mm, (v.start + p) as Id<'vpn'>)
    const of = bo === undefined ? undefined : k.bo_page(bo, (v.pgoff + p) as Id<'boPage'>).pfn
    if (bo !== undefined && of === undefined) continue // beyond the end of a file
    if (is_private_memory(k.config, v)) {
      const pfn = take(v.mm)
      if (of !== undefined) k.page(pfn).data = k.page(of).data
      set_normal(k, pte, pfn, vma.VM_WRITE)
      pte_mkdirty(k, pte)
      SetPageAnonExclusive(k, pfn)
      vma.anon_vma = 1
      continue
    }
    const { insert } = k.config.bos[bo!]!
    if (insert === 'vm_insert_page' || insert === 'finish_fault' || insert === 'filemap_fault') {
      k.page(of!).refcount += 1
      set_normal(k, pte, of!, shared && !needs_dirty_tracking(k, bo!))
    } else set_special(pte, of!, shared)
  }
}

/** What a new VMA maps, and the flags that mmap() and the object's driver give to it. */
export function setFlags(
  k: Kernel,
  id: Id<'vma'>,
  prot: number,
  flags: number,
  bo: number | undefined,
): void {
  const vma = k.vma(id)
  vma.vm_file = bo as Id<'bo'> | undefined
  vm_flags_reset(vma, calc_vm_flags(k, prot, flags, bo))
  if (bo === undefined) return
  const of = k.config.bos[bo]!.flags
  vma.VM_IO = of.has('VM_IO')
  vma.VM_PFNMAP = of.has('VM_PFNMAP')
  vma.VM_MIXEDMAP = of.has('VM_MIXEDMAP')
  vma.VM_DONTEXPAND = of.has('VM_DONTEXPAND')
  vma.VM_DONTCOPY = of.has('VM_DONTCOPY')
  vma.VM_PAT = k.config.bos[bo]!.insert === 'remap_pfn_range'
}

/** The flags of do_mmap(), which the driver has not seen yet. */
export function calc_vm_flags(k: Kernel, prot: number, flags: number, bo: number | undefined): number {
  const write = (prot & PROT_WRITE) !== 0
  let bits = vm_flag('VM_MAYWRITE')
  if ((prot & PROT_READ) !== 0) bits |= vm_flag('VM_READ')
  if (write) bits |= vm_flag('VM_WRITE')
  if ((flags & MAP_SHARED) === 0) return write ? bits | vm_flag('VM_ACCOUNT') : bits
  // A shared mapping of what was opened for reading only looks like a private one that cannot be written.
  if (bo !== undefined && k.config.bos[bo]!.readonly)
    return (bits | vm_flag('VM_MAYSHARE')) & ~vm_flag('VM_MAYWRITE')
  return bits | vm_flag('VM_SHARED', 'VM_MAYSHARE')
}
