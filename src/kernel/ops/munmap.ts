import type { Id } from '../../state/index.ts'
import { EINVAL } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { vma_gave_up_file } from '../mm/files.ts'
import { canLock, i_mmap_rwsem, lock, mmap_lock, mmap_unlock, ptlFree } from '../mm/locks.ts'
import { zap_range } from '../mm/ptes.ts'
import { call_vm_op, find_vma, split_to_unmap, vm_area_free } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const munmap = op({
  name: 'munmap',
  source: 'mm/mmap.c:__do_munmap',
  doc: 'Unmaps pages of the process, under its mmap_lock for writing. Pins and references keep their pages.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', pages: 'int' },
  returns: 'errno',
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  takes: { vma: 2 },
  steps: {
    split(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.addr < 0 || me.pages <= 0 || me.addr + me.pages > k.config.vpns) return k.done(-EINVAL)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      if (!overlaps(k, mm, me.addr, me.addr + me.pages)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(0)
      }
      if (!split_to_unmap(k, mm, me.addr, me.addr + me.pages)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(-EINVAL)
      }
      if (!k.notified(mm)) return 'zap'
      return k.call(mmu_notifier_invalidate_range_start, 'zap', mm, me.addr, me.addr + me.pages)
    },
    zap(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!ptlFree(k, mm, me.thread)) return blocked
      zap_range(k, mm, me.addr, me.addr + me.pages)
      if (!k.notified(mm)) return 'unlink'
      return k.call(mmu_notifier_invalidate_range_end, 'unlink', mm, me.addr, me.addr + me.pages)
    },
    // The VMAs leave the i_mmap trees last: until then an owner that zaps its mappings finds them.
    unlink(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!canUnlink(k, me.thread, mm, me.addr, me.addr + me.pages)) return blocked
      unlink(k, mm, me.addr, me.addr + me.pages)
      mmap_unlock(k, mm, me.thread)
      return k.done(0)
    },
  },
})

/** Whether anything is mapped in a range. */
export function overlaps(k: Kernel, mm: Id<'mm'>, start: number, end: number): boolean {
  return k.vmas.some((id) => {
    const vma = k.vma(id)
    return vma.vm_mm === mm && vma.vm_start < end && start < vma.vm_end
  })
}

/** Whether the i_mmap locks of all objects that are mapped in the range can be had. */
export function canUnlink(
  k: Kernel,
  thread: Id<'thread'>,
  mm: Id<'mm'>,
  start: number,
  end: number,
): boolean {
  return k.vmas.every((id) => {
    const vma = k.vma(id)
    if (vma.vm_mm !== mm || vma.vm_start < start || vma.vm_end > end || vma.vm_file === undefined) return true
    return canLock(k, i_mmap_rwsem(k, vma.vm_file), thread)
  })
}

export function unlink(k: Kernel, mm: Id<'mm'>, start: number, end: number): void {
  // One after the other as they lie in the address space: so their drivers are told.
  for (let id = find_vma(k, mm, start); id !== undefined; id = find_vma(k, mm, start)) {
    const vma = k.vma(id)
    if (vma.vm_end > end) break
    const file = vma.vm_file
    call_vm_op(k, 'close', vma)
    vm_area_free(k, vma)
    if (file !== undefined) vma_gave_up_file(k, file)
  }
  // free_pgtables(): the page table goes with the last mapping in it.
  if (!k.vmas.some((id) => k.vma(id).vm_mm === mm)) k.mm(mm).pgtable = false
}
