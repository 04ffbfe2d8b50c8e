import { EINVAL, ENOMEM } from '../constants.ts'
import { filemap_fault, set_page_dirty } from '../mm/files.ts'
import { op } from '../op.ts'

export const pwrite = op({
  name: 'pwrite',
  source: 'mm/filemap.c:generic_perform_write',
  doc: 'Writes a page of a file by its descriptor: 1, or an errno. What maps the page shared sees it. Beyond its end the file grows.',
  needs: ['may sleep'],
  args: { file: 'file', index: 'int', value: 'int' },
  returns: 'int',
  takes: { pfn: 1 },
  steps: {
    write(k, me) {
      if (me.index < 0 || me.index >= k.config.bos[me.file]!.pages) return k.done(-EINVAL)
      const row = k.bo(me.file)
      row.size = Math.max(row.size, me.index + 1)
      const page = filemap_fault(k, me.file, me.index)
      if (page === 'sigbus' || page === 'oom') return k.done(-ENOMEM)
      k.page(page).data = me.value
      set_page_dirty(k, page)
      return k.done(1)
    },
  },
})
