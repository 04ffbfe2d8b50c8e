import type { Id } from '../../state/index.ts'
import { EFAULT, EINVAL } from '../constants.ts'
import { driver_frame, may_write } from '../mm/driver.ts'
import { ptlFree } from '../mm/locks.ts'
import { pte_alloc, set_normal } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'

export const vm_insert_pages = op({
  name: 'vm_insert_pages',
  source: 'mm/memory.c:vm_insert_pages',
  doc: 'A driver maps pages of its object, each with a reference to it, from the beginning of a mapping on.',
  args: { vma: 'vma', bo: 'bo', first: 'int', pages: 'int' },
  returns: 'errno',
  steps: {
    insert(k, me) {
      const vma = k.vma(me.vma)
      const mm = vma.vm_mm!
      if (!ptlFree(k, mm, me.thread)) return blocked
      if (!vma.VM_MIXEDMAP && vma.VM_PFNMAP)
        k.violate(
          'kernel-bug',
          `${k.threadName(me.thread)} runs into the BUG of vm_insert_pages() into a mapping that is VM_PFNMAP`,
        )
      vma.VM_MIXEDMAP = true
      pte_alloc(k, mm)
      for (let i = 0; i < me.pages; i++) {
        if (vma.vm_start + i >= vma.vm_end) return k.done(-EFAULT)
        const pfn = driver_frame(k, me.bo, me.first + i)
        if (pfn === undefined) return k.done(-EFAULT)
        // validate_page_before_insert()
        if (k.config.bos[me.bo]!.slab) return k.done(-EINVAL)
        k.page(pfn).refcount += 1
        set_normal(k, k.pte(mm, (vma.vm_start + i) as Id<'vpn'>), pfn, may_write(vma))
      }
      return k.done(0)
    },
  },
})
