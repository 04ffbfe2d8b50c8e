import type { Op } from '../op.ts'
import { alloc_page } from './alloc_page.ts'
import { dma_read } from './dma_read.ts'
import { dma_write } from './dma_write.ts'
import { follow_pfn } from './follow_pfn.ts'
import { kernel_read } from './kernel_read.ts'
import { kernel_write } from './kernel_write.ts'
import { mmap_read_lock } from './mmap_read_lock.ts'
import { mmap_read_unlock } from './mmap_read_unlock.ts'
import { mmap_write_lock } from './mmap_write_lock.ts'
import { mmap_write_unlock } from './mmap_write_unlock.ts'
import { mutex_lock } from './mutex_lock.ts'
import { mutex_unlock } from './mutex_unlock.ts'
import { spin_lock } from './spin_lock.ts'
import { spin_unlock } from './spin_unlock.ts'
import { vma_lookup } from './vma_lookup.ts'

const all: readonly Op[] = [
  alloc_page,
  dma_read,
  dma_write,
  follow_pfn,
  kernel_read,
  kernel_write,
  mmap_read_lock,
  mmap_read_unlock,
  mmap_write_lock,
  mmap_write_unlock,
  mutex_lock,
  mutex_unlock,
  spin_lock,
  spin_unlock,
  vma_lookup,
]

/** Every operation by name, alphabetically. To add one, add a file and two lines. */
export const ops: ReadonlyMap<string, Op> = new Map(all.map((op) => [op.name, op]))
