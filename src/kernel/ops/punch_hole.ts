import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { delete_from_page_cache, page_cached } from '../mm/files.ts'
import { op } from '../op.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'

export const punch_hole = op({
  name: 'punch_hole',
  source: 'mm/shmem.c:shmem_fallocate',
  doc: 'Takes pages out of a file, as fallocate(FALLOC_FL_PUNCH_HOLE) does: unmapped, but for private copies, and gone, whoever has pinned them.',
  needs: ['may sleep'],
  args: { file: 'file', index: 'int', pages: 'int' },
  returns: 'errno',
  calls: () => [unmap_mapping_range],
  steps: {
    unmap: (k, me) => k.call(unmap_mapping_range, 'remove', me.file, 0, me.index, me.pages),
    // A fault may have brought a page back. truncate_inode_page() unmaps it once more, under the page lock that the fault needs.
    remove(k, me) {
      for (let i = me.index; i < me.index + me.pages; i++)
        if (mapped_as_file(k, me.file, i))
          return k.call(unmap_mapping_range, 'remove', me.file, 0, me.index, me.pages)
      for (let i = me.index; i < me.index + me.pages; i++) delete_from_page_cache(k, me.file, i)
      return k.done(0)
    },
  },
})

/** folio_mapped() of a page of a file. */
export function mapped_as_file(k: Kernel, file: Id<'bo'>, index: number): boolean {
  const pfn = page_cached(k, file, index)
  return pfn !== undefined && k.page(pfn).mapcount > 0
}
