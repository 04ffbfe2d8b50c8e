import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { alloc_page, put, user_gfp } from './frames.ts'
import { boOwner } from './owners.ts'

type Pfn = Id<'pfn'>
type File = Id<'bo'>

/** Whether a VMA's object is a file, with a page cache. */
export const is_file = (k: Kernel, object: File): boolean => k.config.bos[object]!.fs !== undefined

/** A memory file: it has no disk. */
export const is_shmem = (k: Kernel, object: File): boolean => k.config.bos[object]!.fs === 'shmem'

/** vma_needs_dirty_tracking(): its file system wants to be asked before a page is written (->page_mkwrite), and cleans pages. */
export const needs_dirty_tracking = (k: Kernel, file: File): boolean => k.config.bos[file]!.fs === 'ext4'

/** page_mapping(): the file whose page cache has the page; undefined for anonymous memory, a driver's, and what was truncated. */
export function page_mapping(k: Kernel, pfn: Pfn): File | undefined {
  const object = k.page(pfn).owner! - k.config.mms.length
  const of = k.config.bos[object]
  if (of?.fs === undefined) return undefined
  for (let i = 0; i < of.pages; i++)
    if (k.bo_page(object as File, i as Id<'boPage'>).pfn === pfn) return object as File
  return undefined
}

/** find_get_page(): the cached page of a file at a place, or undefined. */
export const page_cached = (k: Kernel, file: File, index: number): Pfn | undefined =>
  index >= 0 && index < k.config.bos[file]!.pages ? k.bo_page(file, index as Id<'boPage'>).pfn : undefined

/**
 * What ->fault of a file gives: the cached page, a new one where there is none. `sigbus` beyond the end of the file.
 */
export function filemap_fault(k: Kernel, file: File, index: number, flags = 0): Pfn | 'sigbus' | 'oom' {
  if (index >= k.bo(file).size) return 'sigbus'
  const row = k.bo_page(file, index as Id<'boPage'>)
  if (row.pfn !== undefined) return row.pfn
  const pfn = alloc_page(k, user_gfp(k, flags), boOwner(k, file))
  if (pfn === undefined) return 'oom'
  row.pfn = pfn
  k.page(pfn).data = row.disk
  return pfn
}

/** set_page_dirty() of a page of a file that has a disk: it will be written back. Others need nobody to be told. */
export function set_page_dirty(k: Kernel, pfn: Pfn): void {
  const file = page_mapping(k, pfn)
  if (file === undefined || !needs_dirty_tracking(k, file)) return
  k.page(pfn).dirty = true
  k.page(pfn).lost = false
}

/** Somebody has written to a page behind the back of its file: what he wrote is lost if the page is dropped before he says so. */
export function wrote(k: Kernel, pfn: Pfn): void {
  const page = k.page(pfn)
  if (page.owner === undefined || page.owner < k.config.mms.length || page.dirty) return
  const file = page_mapping(k, pfn)
  if (file !== undefined && needs_dirty_tracking(k, file)) page.lost = true
}

/** Takes a page out of the page cache, whatever else refers to it. */
export function delete_from_page_cache(k: Kernel, file: File, index: number): void {
  const pfn = page_cached(k, file, index)
  if (pfn === undefined) return
  k.bo_page(file, index as Id<'boPage'>).pfn = undefined
  put(k, pfn)
}

/** fput() of the file behind shared anonymous memory: with its last mapping its memory goes. Other files stay open. */
export function vma_gave_up_file(k: Kernel, file: File): void {
  if (!k.config.bos[file]!.anonymous) return
  for (const id of k.vmas) {
    const vma = k.vma(id)
    if (vma.vm_mm !== undefined && vma.vm_file === file) return
  }
  for (let i = 0; i < k.config.bos[file]!.pages; i++) delete_from_page_cache(k, file, i)
  k.bo(file).alive = false
}

/** shmem_zero_setup(): a file for a new shared anonymous mapping. Undefined: the test makes more than its tables hold. */
export function shmem_zero_setup(k: Kernel, pages: number): File | undefined {
  for (const [i, b] of k.config.bos.entries()) {
    const row = k.bo(i as File)
    if (!b.anonymous || row.alive || b.pages < pages) continue
    row.alive = true
    row.size = pages
    return i as File
  }
  k.violate('model-bound', 'no file is left for shared anonymous memory')
  return undefined
}
