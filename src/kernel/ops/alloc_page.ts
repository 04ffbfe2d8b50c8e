import { alloc_page as alloc } from '../mm/frames.ts'
import { othersOf } from '../mm/owners.ts'
import { op } from '../op.ts'

export const alloc_page = op({
  name: 'alloc_page',
  source: 'mm/page_alloc.c:alloc_pages',
  doc: 'Somebody else takes a free frame: another process, the page cache, a driver. What it is given is its own from then on.',
  args: {},
  returns: 'page',
  takes: { pfn: 1 },
  steps: {
    alloc(k) {
      return k.give(alloc(k, ['normal', 'movable', 'cma'], othersOf(k)))
    },
  },
})
