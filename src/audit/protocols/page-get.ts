import type { ReferenceApi } from './reference.ts'

/** Taking references to pages of a process (FOLL_GET). They are given back by put_page() and its kin. */
export const kind = 'page-get'

const iterator = (
  name: string,
  out: number,
  versions: { readonly since?: string; readonly until?: string },
): ReferenceApi => ({
  name,
  takes: 'get',
  ...versions,
  nr: 2,
  out,
  lock: false,
  result: 'bytes',
  ...(name.includes('alloc') ? {} : { array: true }),
})

export const gets: readonly ReferenceApi[] = [
  { name: 'get_user_pages', takes: 'get', nr: 1, flags: 2, out: 3, lock: true, result: 'count' },
  {
    name: 'get_user_pages_remote',
    takes: 'get',
    nr: 2,
    flags: 3,
    out: 4,
    mm: 0,
    lock: true,
    result: 'count',
  },
  {
    name: 'get_user_pages_locked',
    takes: 'get',
    until: '6.0',
    nr: 1,
    flags: 2,
    out: 3,
    lock: true,
    result: 'count',
  },
  { name: 'get_user_pages_unlocked', takes: 'get', nr: 1, flags: 3, out: 2, lock: false, result: 'count' },
  { name: 'get_user_pages_fast', takes: 'get', nr: 1, flags: 2, out: 3, lock: false, result: 'count' },
  {
    name: 'get_user_pages_fast_only',
    takes: 'get',
    nr: 1,
    flags: 2,
    out: 3,
    lock: false,
    result: 'count-or-zero',
  },
  { name: 'get_user_page_fast_only', takes: 'get', nr: 'one', flags: 1, out: 2, lock: false, result: 'bool' },
  {
    name: 'get_user_page_vma_remote',
    takes: 'get',
    since: '6.5',
    nr: 'one',
    flags: 2,
    out: 'returned',
    mm: 0,
    lock: true,
    result: 'pointer',
  },
  iterator('iov_iter_get_pages', 1, { until: '6.0' }),
  iterator('iov_iter_get_pages_alloc', 1, { until: '6.0' }),
  iterator('iov_iter_get_pages2', 1, { since: '6.0' }),
  iterator('iov_iter_get_pages_alloc2', 1, { since: '6.0' }),
]
