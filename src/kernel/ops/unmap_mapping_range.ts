import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { page_mapping } from '../mm/files.ts'
import { page_anon } from '../mm/frames.ts'
import { canRead, down_read, i_mmap_rwsem, ptlFree, unlock } from '../mm/locks.ts'
import { vm_normal_page, zap_range } from '../mm/ptes.ts'
import { is_cow_mapping } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const unmap_mapping_range = op({
  name: 'unmap_mapping_range',
  source: 'mm/memory.c:unmap_mapping_range',
  doc: 'Zaps every mapping of an object, in all processes. Needs no mmap_lock: whoever holds one is not protected from it.',
  needs: ['may sleep'],
  args: { bo: 'backing', even_cows: 'int?', first: 'int?', pages: 'int?' },
  locals: { vma: 'vma' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  steps: {
    // Under i_mmap_rwsem from the first VMA to the last: a VMA cannot leave the tree meanwhile, though its process may unmap it.
    i_mmap(k, me) {
      if (!canRead(k, i_mmap_rwsem(k, me.bo), me.thread)) return blocked
      const only = soleMapping(k, me)
      if (only !== undefined) {
        // One mapping and nobody to notify: lock, zap and unlock are one step.
        if (!ptlFree(k, k.vma(only).vm_mm!, me.thread)) return blocked
        zap(k, me, only)
        return k.done()
      }
      if (nextVma(k, me, 0) === undefined) return k.done()
      down_read(k, i_mmap_rwsem(k, me.bo), me.thread)
      return advance(k, me, 0)
    },
    zap(k, me) {
      const vma = k.vma(me.vma!)
      if (!ptlFree(k, vma.vm_mm!, me.thread)) return blocked
      zap(k, me, me.vma!)
      if (k.notified(vma.vm_mm!))
        return k.call(mmu_notifier_invalidate_range_end, 'next', vma.vm_mm!, ...rangeOf(k, me, vma))
      return advance(k, me, me.vma! + 1)
    },
    next: (k, me) => advance(k, me, me.vma! + 1),
  },
})

type Unmap = {
  readonly thread: Id<'thread'>
  readonly bo: Id<'bo'>
  readonly even_cows: number
  readonly first: number
  readonly pages: number
  vma: Id<'vma'> | undefined
}

/**
 * The VMA to zap next: those that i_mmap finds. remap_pfn_range() into a private mapping has made its vm_pgoff a PFN, under which nobody who
 * asks for offsets of the object finds it.
 */
function nextVma(k: Kernel, me: Unmap, from: number): Id<'vma'> | undefined {
  for (let i = from; i < k.vmas.length; i++) {
    const vma = k.vma(i as Id<'vma'>)
    if (vma.vm_mm === undefined || vma.vm_file !== me.bo) continue
    const { insert, driver } = k.config.bos[me.bo]!
    if ((insert === 'remap_pfn_range' || (driver !== undefined && vma.VM_PAT)) && is_cow_mapping(vma))
      continue
    const [start, end] = rangeOf(k, me, vma)
    if (start >= end) continue
    return i as Id<'vma'>
  }
  return undefined
}

/** The addresses at which a VMA shows the range. No length: to the end of the file; of a driver's object, all of it, and nothing beyond. */
function rangeOf(k: Kernel, me: Unmap, vma: Row<'vma'>): readonly [number, number] {
  const { fs, pages } = k.config.bos[me.bo]!
  const length = me.pages === 0 && fs === undefined ? pages : me.pages
  const start = Math.max(vma.vm_start, vma.vm_start + me.first - vma.vm_pgoff)
  const end = length === 0 ? vma.vm_end : vma.vm_start + me.first + length - vma.vm_pgoff
  return [start, Math.min(end, vma.vm_end)]
}

function soleMapping(k: Kernel, me: Unmap): Id<'vma'> | undefined {
  const first = nextVma(k, me, 0)
  if (first === undefined || nextVma(k, me, first + 1) !== undefined) return undefined
  return k.notified(k.vma(first).vm_mm!) ? undefined : first
}

function advance(k: Kernel, me: Unmap, from: number) {
  const id = nextVma(k, me, from)
  me.vma = id
  if (id === undefined) {
    unlock(k, i_mmap_rwsem(k, me.bo), me.thread)
    return k.done()
  }
  const vma = k.vma(id)
  return k.notified(vma.vm_mm!)
    ? k.call(mmu_notifier_invalidate_range_start, 'zap', vma.vm_mm!, ...rangeOf(k, me, vma))
    : ('zap' as const)
}

/** Special entries always go. Without even_cows, copies that a process made stay; before 5.18, so do pages without a mapping of their own. */
function zap(k: Kernel, me: Unmap, id: Id<'vma'>): void {
  const vma = k.vma(id)
  vma.VM_PAT = false // untrack_pfn()
  const [start, end] = rangeOf(k, me, vma)
  zap_range(k, vma.vm_mm!, start, end, (pte) => {
    const page = vm_normal_page(pte)
    if (page === undefined || me.even_cows !== 0) return false
    return k.has('unmap-skips-anon-only') ? page_anon(k, page) : page_mapping(k, page) !== me.bo
  })
}
