import type { Id } from '../../state/index.ts'
import {
  VM_DONTEXPAND,
  VM_IO,
  VM_MAYWRITE,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SHARED,
  VM_WRITE,
} from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { free_pages_of } from './objects.ts'

type Bo = Id<'bo'>

/** The flags that drivers of tests look at and set. */
export const vmFlags = [
  ['VM_WRITE', VM_WRITE],
  ['VM_MAYWRITE', VM_MAYWRITE],
  ['VM_SHARED', VM_SHARED],
  ['VM_IO', VM_IO],
  ['VM_PFNMAP', VM_PFNMAP],
  ['VM_MIXEDMAP', VM_MIXEDMAP],
  ['VM_DONTEXPAND', VM_DONTEXPAND],
] as const

/** The frame that a driver takes for a page of its object: behind the last of them it is somebody else's. */
export function driver_frame(k: Kernel, bo: Bo, index: number): Id<'pfn'> | undefined {
  const { pages } = k.config.bos[bo]!
  return k.bo_page(bo, (index < 0 || index > pages ? pages : index) as Id<'boPage'>).pfn
}

/** References to an object are taken or dropped; with the last one its memory is freed. */
export function count(k: Kernel, bo: Bo, by: number, who: string): void {
  const row = k.bo_kref(bo as number as Id<'krefBo'>)
  for (let i = 0; i < Math.abs(by); i++) {
    if (row.refcount === 0) {
      const does = by > 0 ? 'takes' : 'drops'
      k.violate('use-after-free', `${who} ${does} a reference to ${k.boName(bo)}, which was freed`)
      return
    }
    row.refcount += by > 0 ? 1 : -1
    if (row.refcount > 0) continue
    k.bo(bo).alive = false
    free_pages_of(k, bo, who)
  }
}

/** A process reaches its object through a mapping, or what lies beside it. */
export function check_object(
  k: Kernel,
  thread: Id<'thread'>,
  mm: Id<'mm'>,
  addr: number,
  pte: Row<'pte'>,
  write: boolean,
): void {
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm !== mm || vma.vm_start > addr || addr >= vma.vm_end || vma.vm_file === undefined) continue
    const bo = k.config.bos[vma.vm_file]!
    const does = `${k.threadName(thread)} ${write ? 'writes to' : 'reads'} ${k.addrName(mm, addr)}`
    if (bo.driver !== undefined && k.bo_page(vma.vm_file, bo.pages as Id<'boPage'>).pfn === pte.pfn)
      k.violate(
        'out-of-object',
        `${does}, a mapping of ${bo.name}, and reaches ${k.pfnName(pte.pfn!)} of ${k.ownerName(pte.pfn!)}: ${bo.name} ends at page ${bo.pages}`,
      )
    if (bo.slab && k.page(pte.pfn!).owner === k.config.mms.length + vma.vm_file)
      k.violate(
        'out-of-object',
        `${does}, a mapping of ${bo.name}, which is from the slab allocator: what lies beside it on ${k.pfnName(pte.pfn!)} is somebody else's`,
      )
    if (write && bo.const && k.page(pte.pfn!).owner === k.config.mms.length + vma.vm_file)
      k.violate('read-only-write', `${does}, of ${bo.name}, which its driver maps for reading only`)
  }
}

/** vm_page_prot: a private mapping is never writable at first. */
export const may_write = (vma: Row<'vma'>): boolean => vma.VM_WRITE && vma.VM_SHARED
