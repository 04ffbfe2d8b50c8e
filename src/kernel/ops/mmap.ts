import type { Id } from '../../state/index.ts'
import { calc_vm_flags, setFlags } from '../boot.ts'
import { EACCES, EINVAL, ENOMEM, MAP_DMA_BUF, MAP_FIXED, MAP_SHARED, PROT_WRITE } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { dmaBufOf, get_file, liveExport } from '../mm/dma_buf.ts'
import { is_file, shmem_zero_setup } from '../mm/files.ts'
import { canLock, lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { vma_merge_again, vma_merge_new_range } from '../mm/merge.ts'
import { bo_frame } from '../mm/objects.ts'
import { pte_alloc, set_special, zap_range } from '../mm/ptes.ts'
import {
  is_cow_mapping,
  linear_page_index,
  split_to_unmap,
  vm_area_alloc,
  vm_area_free,
  vm_flags,
  vma_lookup,
} from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import type { Row } from '../schema.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { canUnlink, overlaps, unlink } from './munmap.ts'

export const mmap = op({
  name: 'mmap',
  source: 'mm/mmap.c:do_mmap',
  doc: 'Maps an object, or anonymous memory when none is given, at the lowest free address or at a given one (MAP_FIXED): that, or an errno.',
  needs: ['current mm', 'may sleep'],
  args: { bo: 'backing?', pages: 'int', prot: 'flags', flags: 'flags', pgoff: 'int?', addr: 'addr?' },
  returns: 'addr',
  locals: { start: 'addr', error: 'errno' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  takes: { vma: 3 },
  steps: {
    map(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.pages <= 0) return k.done(-EINVAL)
      const shared = (me.flags & MAP_SHARED) !== 0
      if (shared && (me.prot & PROT_WRITE) !== 0 && me.bo !== undefined && k.config.bos[me.bo]!.readonly)
        return k.done(-EACCES)
      if ((me.flags & MAP_FIXED) !== 0) {
        if (me.addr === undefined || me.addr < 0 || me.addr + me.pages > k.config.vpns) return k.done(-EINVAL)
        if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
        me.start = me.addr
        return overlaps(k, mm, me.start, me.start + me.pages) ? 'unmap' : 'place'
      }
      if (!canLock(k, mmap_lock(k, mm), me.thread)) return blocked
      const start = get_unmapped_area(k, mm, me.pages)
      if (start === undefined) {
        k.violate('model-bound', 'no address is left: the test maps more than its address spaces hold')
        return k.done(-ENOMEM)
      }
      me.start = start
      const driver = me.bo === undefined ? undefined : k.config.bos[me.bo]!.driver
      if (driver?.mmap !== undefined) {
        lock(k, mmap_lock(k, mm), me.thread)
        const error = place(k, mm, me)
        if (error !== 0) {
          mmap_unlock(k, mm, me.thread)
          return k.done(error === 'merged' ? start : error)
        }
        return k.callback(driver.mmap, 'mapped', [vma_lookup(k, mm, start)! + 1, me.pages, me.pgoff])
      }
      if (me.bo !== undefined && k.notified(mm) && refuses(k, me.bo, me) !== 0) {
        lock(k, mmap_lock(k, mm), me.thread)
        return 'place'
      }
      // Nobody can look in between: lock, map and unlock are one step.
      const error = place(k, mm, me)
      return k.done(typeof error === 'number' && error !== 0 ? error : start)
    },

    // The driver's ->mmap has run. When it fails, what it has mapped already goes, and its close is not called.
    mapped(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      const vma = k.vma(vma_lookup(k, mm, me.start)!)
      const refused = vma.dma_buf && k.policy.dma_buf_mmap === 'pfnmap' && !vma.VM_PFNMAP
      const error = me.ret === 0 && refused ? -EINVAL : me.ret
      if (error !== 0) {
        zap_range(k, mm, me.start, me.start + me.pages)
        vm_area_free(k, vma)
      } else merge_again(k, vma, calc_vm_flags(k, me.prot, me.flags, me.bo))
      mmap_unlock(k, mm, me.thread)
      return k.done(error !== 0 ? error : me.start)
    },

    // MAP_FIXED: what is there goes first, whether the new mapping comes to be or not.
    unmap(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!split_to_unmap(k, mm, me.start, me.start + me.pages)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(-ENOMEM)
      }
      if (!k.notified(mm)) return 'zap'
      return k.call(mmu_notifier_invalidate_range_start, 'zap', mm, me.start, me.start + me.pages)
    },
    zap(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      zap_range(k, mm, me.start, me.start + me.pages)
      if (!k.notified(mm)) return 'unlink'
      return k.call(mmu_notifier_invalidate_range_end, 'unlink', mm, me.start, me.start + me.pages)
    },
    unlink(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!canUnlink(k, me.thread, mm, me.start, me.start + me.pages)) return blocked
      unlink(k, mm, me.start, me.start + me.pages)
      return 'place'
    },

    place(k, me) {
      const mm = k.currentMm(me.thread)!
      const error = place(k, mm, me)
      const failed = error === 'merged' ? 0 : error
      if (failed !== 0 && me.bo !== undefined && k.notified(mm)) {
        // What the driver may have mapped before it failed is unmapped, and notified, whether there is something or not.
        me.error = failed
        return k.call(mmu_notifier_invalidate_range_start, 'undo', mm, me.start, me.start + me.pages)
      }
      mmap_unlock(k, mm, me.thread)
      return k.done(failed === 0 ? me.start : failed)
    },
    undo(k, me) {
      const mm = k.currentMm(me.thread)!
      return k.call(mmu_notifier_invalidate_range_end, 'failed', mm, me.start, me.start + me.pages)
    },
    failed(k, me) {
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return k.done(me.error)
    },
  },
})

type Mmap = {
  readonly bo: Id<'bo'> | undefined
  readonly pages: number
  readonly prot: number
  readonly flags: number
  readonly pgoff: number
  readonly start: number
}

/** Where ->mmap has changed the flags, it may be like its neighbours now. */
function merge_again(k: Kernel, vma: Row<'vma'>, flags: number): void {
  if (k.has('mmap-merges-again') && vm_flags(vma) !== flags) vma_merge_again(k, vma)
}

/**
 * mmap_region() where nothing is: the VMA, and what the driver maps into it at once. 0, or an errno; `merged`: it has become part of a
 * mapping that was there, and nobody asks the driver.
 */
function place(k: Kernel, mm: Id<'mm'>, me: Mmap): number | 'merged' {
  const shared = (me.flags & MAP_SHARED) !== 0
  const pgoff = me.bo !== undefined ? me.pgoff : shared ? 0 : me.start
  const end = me.start + me.pages
  const dma_buf = me.bo !== undefined && viaDmaBuf(k, me.bo, me.flags)
  const flags = calc_vm_flags(k, me.prot, me.flags, me.bo)
  if (me.bo !== undefined || !shared) {
    const anon = { anon_vma: 0, fork_child: false }
    const range = { start: me.start, end, pgoff, file: me.bo, dma_buf, flags, anon }
    const first = k.has('mmap-merges-behind-first')
    if (vma_merge_new_range(k, mm, range, undefined, first) !== undefined) return 'merged'
  }
  const error = me.bo === undefined ? 0 : refuses(k, me.bo, me)
  if (error !== 0) return error
  const id = vm_area_alloc(k)
  if (id === undefined) return -ENOMEM
  const backing = me.bo ?? (shared ? shmem_zero_setup(k, me.pages) : undefined)
  const vma = k.vma(id)
  vma.vm_mm = mm
  vma.vm_start = me.start
  vma.vm_end = end
  vma.vm_pgoff = pgoff
  setFlags(k, id, me.prot, me.flags, backing)
  if (dma_buf) {
    vma.dma_buf = true
    get_file(k, dmaBufOf(me.bo!))
  }
  if (me.bo !== undefined && k.config.bos[me.bo]!.insert === 'remap_pfn_range') pte_alloc(k, mm)
  if (me.bo !== undefined && k.config.bos[me.bo]!.insert === 'remap_pfn_range')
    for (let addr = vma.vm_start; addr < vma.vm_end; addr++)
      set_special(
        k.pte(mm, addr as Id<'vpn'>),
        bo_frame(k, me.bo, linear_page_index(vma, addr))!,
        vma.VM_WRITE && !is_cow_mapping(vma),
      )
  if (k.config.bos[me.bo ?? -1]?.driver?.mmap === undefined) merge_again(k, vma, flags)
  return 0
}

/** Whether it is the dma-buf's file that is mapped: asked for, or the only way to the object. */
const viaDmaBuf = (k: Kernel, bo: Id<'bo'>, flags: number): boolean =>
  (flags & MAP_DMA_BUF) !== 0 || k.config.bos[bo]!.exported?.owns === true

/** The driver's ->mmap: what it refuses. TTM refuses to be mapped privately since it uses VM_PFNMAP. */
function refuses(
  k: Kernel,
  bo: Id<'bo'>,
  me: { readonly pages: number; readonly pgoff: number; readonly flags: number },
): number {
  if (is_file(k, bo)) return 0 // what is beyond its end is SIGBUS
  if (k.config.bos[bo]!.driver?.mmap !== undefined) return 0 // it has a function of its own
  if (!k.bo(bo).alive || me.pgoff + me.pages > k.config.bos[bo]!.pages) return -EINVAL
  const shared = (me.flags & MAP_SHARED) !== 0
  const { flags, exported } = k.config.bos[bo]!
  if (exported !== undefined && viaDmaBuf(k, bo, me.flags)) {
    if (liveExport(k, bo) === undefined) return -EINVAL
    if (k.policy.dma_buf_mmap === 'pfnmap' && !flags.has('VM_PFNMAP')) return -EINVAL
  }
  return !shared && k.config.bos[bo]!.insert === 'vmf_insert_pfn' && k.has('ttm-pfnmap') ? -EINVAL : 0
}

/** get_unmapped_area(): the lowest hole that is large enough. */
export function get_unmapped_area(k: Kernel, mm: Id<'mm'>, pages: number): number | undefined {
  for (let start = 0; start + pages <= k.config.vpns; start++)
    if (
      k.vmas.every((id) => {
        const vma = k.vma(id)
        return vma.vm_mm !== mm || vma.vm_end <= start || vma.vm_start >= start + pages
      })
    )
      return start
  return undefined
}
