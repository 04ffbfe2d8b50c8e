import { filemap_fault, is_shmem, page_cached } from '../mm/files.ts'
import { op } from '../op.ts'

export const pread = op({
  name: 'pread',
  source: 'mm/filemap.c:filemap_read',
  doc: 'Reads a page of a file by its descriptor: 1, or 0 at the end of the file. A hole of a memory file reads as zeroes, and stays one.',
  needs: ['may sleep'],
  args: { file: 'file', index: 'int', value: '&int' },
  returns: 'int',
  takes: { pfn: 1 },
  steps: {
    read(k, me) {
      if (me.index < 0 || me.index >= k.bo(me.file).size) return k.done(0)
      const page = is_shmem(k, me.file)
        ? page_cached(k, me.file, me.index)
        : filemap_fault(k, me.file, me.index)
      if (page === 'sigbus' || page === 'oom') return k.done(0)
      k.out(me.value, page === undefined ? 0 : k.page(page).data)
      return k.done(1)
    },
  },
})
