import type { ReferenceApi } from './reference.ts'

/** Pinning pages of a process (FOLL_PIN). What is pinned is given back by unpin_user_page() and its kin, and by nothing else. */
export const kind = 'page-pin'

export const pins: readonly ReferenceApi[] = [
  { name: 'pin_user_pages', takes: 'pin', nr: 1, flags: 2, out: 3, lock: true, result: 'count' },
  {
    name: 'pin_user_pages_remote',
    takes: 'pin',
    nr: 2,
    flags: 3,
    out: 4,
    mm: 0,
    lock: true,
    result: 'count',
  },
  {
    name: 'pin_user_pages_locked',
    takes: 'pin',
    until: '6.0',
    nr: 1,
    flags: 2,
    out: 3,
    lock: true,
    result: 'count',
  },
  // The array comes before the flags.
  { name: 'pin_user_pages_unlocked', takes: 'pin', nr: 1, flags: 3, out: 2, lock: false, result: 'count' },
  { name: 'pin_user_pages_fast', takes: 'pin', nr: 1, flags: 2, out: 3, lock: false, result: 'count' },
  {
    name: 'pin_user_pages_fast_only',
    takes: 'pin',
    until: '6.5',
    nr: 1,
    flags: 2,
    out: 3,
    lock: false,
    result: 'count-or-zero',
  },
  { name: 'memfd_pin_folios', takes: 'pin', since: '6.11', nr: 4, out: 3, lock: false, result: 'all' },
  {
    name: 'iov_iter_extract_pages',
    takes: 'pin',
    since: '6.3',
    nr: 3,
    out: 1,
    lock: false,
    result: 'bytes',
  },
  {
    name: 'iov_iter_extract_bvecs',
    takes: 'pin',
    since: '7.0',
    nr: 4,
    out: 1,
    lock: false,
    result: 'bytes',
    array: true,
  },
  {
    name: 'extract_iter_to_sg',
    takes: 'pin',
    since: '6.3',
    nr: 3,
    out: 2,
    lock: false,
    result: 'bytes',
    array: true,
  },
]
