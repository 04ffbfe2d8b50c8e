import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGSEGV } from '../constants.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const three = { version: '6.12', vmas: [{ mm: 0, pages: 3, prot: 3, flags: 2 }] }

test('the middle of a mapping goes, its ends stay', () => {
  const r = registers(three, [
    'store(0, 1)',
    'store(1, 2)',
    'store(2, 3)',
    'r0 = munmap(1, 1)',
    'r1 = load(0)',
    'r2 = load(1)',
    'r3 = load(2)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3'], r.broken], [0, 1, SIGSEGV, 3, []])
})

test('nothing mapped is no error, a bad range is', () => {
  const r = registers(three, [
    'r0 = munmap(0, 3)',
    'r1 = munmap(0, 3)',
    'r2 = munmap(0, 0)',
    'r3 = munmap(2, 9)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3']], [0, 0, -22, -22])
})

test('a pinned page outlives its mapping, and its frame goes with the pin', () => {
  const k = kernel({
    ...three,
    mms: [{ name: 'A' }],
    threads: [
      program('P0', { mm: 0 }, [
        'r0 = pin_user_pages_fast(0, 1, 1, &page)',
        'munmap(0, 3)',
        'dma_write(page, 1)',
        'unpin_user_page(page)',
      ]),
    ],
  })
  const r = explore(k, (k) => String(k.pfns.filter((f) => k.page(f).owner !== undefined).length))
  assert.deepEqual([r.broken, r.outcomes], [[], ['1']]) // the zero page
})

test('what is mapped next finds the hole, and a look-up from before names the old page', () => {
  const r = registers(
    {
      version: '5.9',
      bos: [{ name: 'B', pages: 1, where: 'system' }],
      vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
    },
    [
      'mmap_read_lock()',
      'r0 = follow_pfn(_, 0, &pfn)',
      'mmap_read_unlock()',
      'munmap(0, 1)',
      'r1 = mmap(_, 1, 3, 2)',
      'r2 = store(0, 3)',
      'kernel_write(pfn, 4)',
      'r3 = load(0)',
    ],
  )
  // munmap does not free a buffer: that is its owner's.
  assert.deepEqual([r['r1'], r['r3'], r.broken], [0, 3, []])
})

test('munmap waits for whoever holds the mmap_lock, and for the page-table lock', () => {
  const holder = program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'r0 = follow_pfnmap_start(_, 0, &pfn)',
    'if r0 < 0 goto 5',
    'r1 = kernel_read(pfn)',
    'follow_pfnmap_end()',
    'mmap_read_unlock()',
  ])
  const r = explore(
    kernel({
      version: '6.12',
      mms: [{ name: 'A' }],
      bos: [{ name: 'B', pages: 1, where: 'vram' }],
      vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
      threads: [holder, program('P1', { mm: 0 }, ['munmap(0, 1)', 'bo_free(0)'])],
    }),
  )
  assert.deepEqual([r.broken, r.deadlocks], [[], 0])
})

test('an owner that zaps its mappings and a process that unmaps one do not lose each other', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }, { name: 'C' }],
    bos: [{ name: 'B', pages: 1, where: 'vram' }],
    vmas: [0, 1].map((mm) => ({ mm, pages: 1, bo: 0, prot: 3, flags: 1, populated: true })),
    notifiers: [{ name: 'n', mm: 0, start: 0, pages: 1, invalidate: 0 }],
    callbacks: [program('invalidate', { notifier: 0 }, ['mmu_interval_set_seq(0)'])],
    threads: [program('P0', { mm: 0 }, ['munmap(0, 1)']), program('P1', {}, ['bo_free(0)'])],
  })
  const r = explore(k)
  assert.deepEqual([r.broken, r.deadlocks], [[], 0])
})
