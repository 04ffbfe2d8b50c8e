import type { Id } from '../../state/index.ts'
import { setFlags } from '../boot.ts'
import { EACCES, EINVAL, ENOMEM, MAP_SHARED, PROT_READ } from '../constants.ts'
import type { Kernel } from '../kernel.ts'
import { canLock, mmap_lock } from '../mm/locks.ts'
import { bo_frame } from '../mm/objects.ts'
import { set_special } from '../mm/ptes.ts'
import { is_cow_mapping, linear_page_index, vm_area_alloc } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'

export const mmap = op({
  name: 'mmap',
  source: 'mm/mmap.c:do_mmap',
  doc: 'Maps an object, or anonymous memory when none is given, at the lowest free address: that, or an errno.',
  needs: ['current mm', 'may sleep'],
  args: { bo: 'bo?', pages: 'int', prot: 'flags', flags: 'flags', pgoff: 'int?' },
  returns: 'addr',
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
      const shared = (me.flags & MAP_SHARED) !== 0
      if (me.bo !== undefined) {
        // Devices are opened for reading and writing; TTM refuses to be mapped privately since it uses VM_PFNMAP.
        if (!k.bo(me.bo).alive || me.pgoff + me.pages > k.config.bos[me.bo]!.pages) return k.done(-EINVAL)
        if (!shared && k.config.bos[me.bo]!.insert === 'vmf_insert_pfn' && k.has('ttm-pfnmap'))
          return k.done(-EINVAL)
        if (!shared && (me.prot & PROT_READ) === 0) return k.done(-EACCES)
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
  },
})

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
