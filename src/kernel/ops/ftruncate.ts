import { EINVAL } from '../constants.ts'
import { delete_from_page_cache } from '../mm/files.ts'
import { op } from '../op.ts'
import { mapped_as_file } from './punch_hole.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'

export const ftruncate = op({
  name: 'ftruncate',
  source: 'mm/truncate.c:truncate_setsize',
  doc: 'Makes a file shorter, or longer again: what is beyond its end is unmapped, private copies, too, and gone, whoever has pinned it.',
  needs: ['may sleep'],
  args: { file: 'file', pages: 'int' },
  returns: 'errno',
  calls: () => [unmap_mapping_range],
  steps: {
    size(k, me) {
      if (me.pages < 0 || me.pages > k.config.bos[me.file]!.pages) return k.done(-EINVAL)
      const row = k.bo(me.file)
      const shorter = me.pages < row.size
      row.size = me.pages
      if (!shorter) return k.done(0)
      return k.call(unmap_mapping_range, 'remove', me.file, 1, me.pages, 0)
    },
    // From here on a fault finds the end of the file. What it had found before may be mapped still.
    remove(k, me) {
      const { pages } = k.config.bos[me.file]!
      for (let i = me.pages; i < pages; i++)
        if (mapped_as_file(k, me.file, i))
          return k.call(unmap_mapping_range, 'remove', me.file, 1, me.pages, 0)
      for (let i = me.pages; i < pages; i++) delete_from_page_cache(k, me.file, i)
      return k.done(0)
    },
  },
})
