import type { Id } from '../../state/index.ts'
import { delete_from_page_cache, needs_dirty_tracking, page_cached } from '../mm/files.ts'
import { page_count, put } from '../mm/frames.ts'
import { rmap_walk, rmapFree, untold } from '../mm/migrate.ts'
import { pte_clear } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'
import { tell, toldOf } from './migrate_pages.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'

export const reclaim = op({
  name: 'reclaim',
  source: 'mm/vmscan.c:shrink_folio_list',
  doc: 'Memory is short: a clean page of a file that has a disk is unmapped everywhere and dropped, unless somebody refers to it. 1 if it is gone.',
  args: { file: 'file', index: 'int' },
  returns: 'int',
  locals: { told: 'int' },
  calls: () => [mmu_notifier_invalidate_range_start, mmu_notifier_invalidate_range_end],
  steps: {
    // try_to_unmap() clears and flushes entry by entry under the page lock; the page stays for whoever refers to it.
    unmap(k, me) {
      if (!rmapFree(k, me.thread)) return blocked
      const pfn = page_cached(k, me.file, me.index)
      if (pfn === undefined || !needs_dirty_tracking(k, me.file)) return me.told === 0 ? k.done(0) : 'remove'
      if (untold(k, pfn, me.told) !== undefined) return tell(k, me, pfn, 'unmap')
      rmap_walk(k, pfn, (mm, addr) => {
        pte_clear(k, k.pte(mm, addr))
        put(k, pfn)
      })
      return 'remove'
    },
    // __remove_mapping(): only if the page cache alone refers to it, and nobody has said that it was written.
    remove(k, me) {
      if (me.told !== 0) return toldOf(k, me, 'remove')
      const pfn = page_cached(k, me.file, me.index)
      if (pfn === undefined) return k.done(0)
      const page = k.page(pfn)
      if (page_count(k, pfn) !== 1 || page.dirty) return k.done(0)
      if (page.lost)
        k.violate(
          'dirty-lost',
          `${k.threadName(me.thread)} drops ${k.pfnName(pfn)} of ${k.boName(me.file)} as clean; what was written to it since it was written back is lost`,
        )
      delete_from_page_cache(k, me.file as Id<'bo'>, me.index)
      return k.done(1)
    },
  },
})
