import type { Id } from '../../state/index.ts'
import { setFlags } from '../boot.ts'
import { EINVAL, ENOMEM, MAP_SHARED } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { canLock, lock, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { bo_frame } from '../mm/objects.ts'
import { set_special } from '../mm/ptes.ts'
import { is_cow_mapping, linear_page_index, vm_area_alloc } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const mmap = op({
  name: 'mmap',
  source: 'mm/mmap.c:do_mmap',
  doc: 'Maps an object, or anonymous memory when none is given, at the lowest free address: that, or an errno.',
  needs: ['current mm', 'may sleep'],
  args: { bo: 'bo?', pages: 'int', prot: 'flags', flags: 'flags', pgoff: 'int?' },
  returns: 'addr',
  locals: { start: 'addr', error: 'errno' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  takes: { vma: 1 },
  steps: {
    map(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.pages <= 0) return k.done(-EINVAL)
      if (!canLock(k, mmap_lock(k, mm), me.thread)) return blocked
      const start = hole(k, mm, me.pages)
      if (start === undefined) {
        k.violate('model-bound', 'no address is left: the test maps more than its address spaces hold')
        return k.done(-ENOMEM)
      }
      const error = me.bo === undefined ? 0 : refuses(k, me.bo, me)
      if (error !== 0) {
        if (!k.notified(mm)) return k.done(error)
        // What the driver may have mapped before it failed is unmapped, and notified, whether there is something or not.
        lock(k, mmap_lock(k, mm), me.thread)
        me.start = start
        me.error = error
        return k.call(mmu_notifier_invalidate_range_start, 'undo', mm, start, start + me.pages)
      }
      const id = vm_area_alloc(k)
      if (id === undefined) return k.done(-ENOMEM)
      const vma = k.vma(id)
      vma.vm_mm = mm
      vma.vm_start = start
      vma.vm_end = start + me.pages
      vma.vm_pgoff = me.pgoff
      setFlags(k, id, me.prot, me.flags, me.bo)
      if (me.bo !== undefined && k.config.bos[me.bo]!.insert === 'remap_pfn_range')
        for (let addr = vma.vm_start; addr < vma.vm_end; addr++)
          set_special(
            k.pte(mm, addr as Id<'vpn'>),
            bo_frame(k, me.bo, linear_page_index(vma, addr))!,
            vma.VM_WRITE && !is_cow_mapping(vma),
          )
      return k.done(start)
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

/** The driver's ->mmap: what it refuses. TTM refuses to be mapped privately since it uses VM_PFNMAP. */
function refuses(
  k: Kernel,
  bo: Id<'bo'>,
  me: { readonly pages: number; readonly pgoff: number; readonly flags: number },
): number {
  if (!k.bo(bo).alive || me.pgoff + me.pages > k.config.bos[bo]!.pages) return -EINVAL
  const shared = (me.flags & MAP_SHARED) !== 0
  return !shared && k.config.bos[bo]!.insert === 'vmf_insert_pfn' && k.has('ttm-pfnmap') ? -EINVAL : 0
}

/** get_unmapped_area(): the lowest hole that is large enough. */
function hole(k: Kernel, mm: Id<'mm'>, pages: number): number | undefined {
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
