import { needs_dirty_tracking, page_cached } from '../mm/files.ts'
import { rmap_walk, rmapFree, untold } from '../mm/migrate.ts'
import { blocked, op } from '../op.ts'
import { tell, toldOf } from './migrate_pages.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const writeback = op({
  name: 'writeback',
  source: 'mm/page-writeback.c:clear_page_dirty_for_io',
  doc: 'The file system writes a dirty page to its disk, and makes it clean: whoever writes to it through a mapping faults, and asks again.',
  args: { file: 'file', index: 'int' },
  locals: { told: 'int' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  steps: {
    // clear_page_dirty_for_io(), page_mkclean(), the write: under the page lock, so that no fault comes in between.
    write(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      const pfn = page_cached(k, me.file, me.index)
      if (pfn === undefined || !needs_dirty_tracking(k, me.file) || !k.page(pfn).dirty)
        return me.told === 0 ? k.done() : 'told'
      if (untold(k, pfn, me.told) !== undefined) return tell(k, me, pfn, 'write')
      rmap_walk(k, pfn, (mm, addr) => {
        const pte = k.pte(mm, addr)
        pte.write = pte.dirty = false
      })
      const page = k.page(pfn)
      page.dirty = false
      page.lost = false
      k.bo_page(me.file, me.index as never).disk = page.data
      return me.told === 0 ? k.done() : 'told'
    },
    told: (k, me) => (me.told === 0 ? k.done() : toldOf(k, me, 'told')),
  },
})
