import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from './config.ts'
import type { Kernel } from './kernel.ts'
import type { Program } from './program.ts'
import { explore, kernel, program } from './testing.ts'

/** The discussion of October 2020: user memory that is a GPU's buffer, given to a camera. */
const story = (version: string, threads: Program[], more: Partial<KernelConfig> = {}): KernelConfig => ({
  version,
  mms: [{ name: 'A' }],
  devices: [{ name: 'gpu' }],
  bos: [{ name: 'B', pages: 1, where: 'vram' }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
  threads,
  ...more,
})

const qbuf = program('P0', { mm: 0 }, [
  'mmap_read_lock()',
  'r0 = follow_pfn(_, 0, &pfn)',
  'mmap_read_unlock()',
  'if r0 < 0 return',
  'dma_write(pfn, 1)',
])
const pinned = program('P0', { mm: 0 }, [
  'r0 = pin_user_pages_fast(0, 1, 5, &page)',
  'if r0 < 1 return',
  'dma_write(page, 1)',
  'unpin_user_page(page)',
])
const move = program('P1', { device: 0 }, ['bo_move(0, 0)'])

test('a PFN that outlives its lock lets the device write where the buffer was', () => {
  const r = explore(kernel(story('5.9', [qbuf, move])))
  assert.deepEqual(r.broken, ['use-after-free'])
  assert.deepEqual(r.details, [
    'P0 lets the device write to f0, which belonged to B when it was looked up and is free now',
  ])
})

test('the frame may belong to somebody else by then, who finds there what the device wrote', () => {
  const victim = program('P2', {}, ['page = alloc_page()', 'kernel_write(page, 7)', 'r1 = kernel_read(page)'])
  const bos = [{ name: 'B', pages: 1, where: 'system' as const }]
  const away = program('P1', { device: 0 }, ['bo_move(0, 1)'])
  const seen = (k: Kernel): string => String(k.register(2, 1))
  const behind = { behind: true }
  assert.deepEqual(explore(kernel(story('5.9', [qbuf, away, victim], { bos })), seen, behind).outcomes, [
    '1',
    '7',
  ])
  assert.deepEqual(explore(kernel(story('6.12', [pinned, away, victim], { bos })), seen, behind).outcomes, [
    '7',
  ])
})

test('a frame that somebody still remembers is offered beside one that nobody does', () => {
  // B's frame is freed first and forgotten by all, D's is the one that P0 remembers.
  const bos = ['B', 'D'].map((name) => ({ name, pages: 1, where: 'system' as const }))
  const vmas = [{ mm: 0, pages: 1, bo: 1, prot: 3, flags: 1, populated: true }]
  const away = program('P1', { device: 0 }, ['bo_move(0, 1)', 'bo_move(1, 1)'])
  const victim = program('P2', {}, ['page = alloc_page()'])
  const k = kernel(story('5.9', [qbuf, away, victim], { bos, vmas }))
  // Frames by number: 0 was B's, 1 was D's.
  const got = explore(k, (k) => `f${k.register(2, 0) - 1}`, { behind: true }).outcomes
  assert.ok(got.includes('f0') && got.includes('f1'), got.join(' '))
})

test('with follow_pfn=strict the call fails and nobody is harmed', () => {
  const k = kernel(story('5.9', [qbuf, move], { policies: { follow_pfn: 'strict' } }))
  const r = explore(k, (k) => String(k.register(0, 0)))
  assert.deepEqual(r.broken, [])
  assert.deepEqual(r.outcomes, ['-22'])
})

test('mmap_lock over the use keeps munmap away, and does not stop the owner', () => {
  const locked = program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'r0 = follow_pfn(_, 0, &pfn)',
    'if r0 < 0 goto 4',
    'kernel_write(pfn, 1)',
    'mmap_read_unlock()',
  ])
  const munmap = program('P1', { mm: 0 }, ['munmap(0, 1)'])
  assert.deepEqual(explore(kernel(story('5.9', [locked, munmap]))).broken, [])
  assert.deepEqual(explore(kernel(story('5.9', [locked, move]))).broken, ['use-after-free'])
})

test('follow_pfnmap_start holds the page-table lock, which the owner has to wait for', () => {
  const inside = (end: boolean) =>
    program('P0', { mm: 0 }, [
      'mmap_read_lock()',
      'r0 = follow_pfnmap_start(_, 0, &pfn)',
      'if r0 < 0 goto 5',
      ...(end
        ? ['kernel_write(pfn, 1)', 'follow_pfnmap_end()']
        : ['follow_pfnmap_end()', 'kernel_write(pfn, 1)']),
      'mmap_read_unlock()',
    ])
  assert.deepEqual(explore(kernel(story('6.12', [inside(true), move]))).broken, [])
  assert.deepEqual(explore(kernel(story('6.12', [inside(false), move]))).broken, ['use-after-free'])
})

test('get_vaddr_frames kept bare PFNs in 5.9, and refuses such memory later', () => {
  const vb2 = program('P0', { mm: 0 }, [
    'r0 = get_vaddr_frames(0, 1, 3, &vec)',
    'if r0 < 1 return',
    'dma_write(vec, 1)',
    'put_vaddr_frames(vec)',
  ])
  assert.deepEqual(explore(kernel(story('5.9', [vb2, move]))).broken, ['use-after-free'])
  for (const version of ['5.10', '6.1', '6.12', '7.2']) {
    const r = explore(kernel(story(version, [vb2, move])), (k) => String(k.register(0, 0)))
    assert.deepEqual([version, r.broken, r.outcomes], [version, [], ['-14']])
  }
})

const importer = (retry: boolean) =>
  program('P0', { mm: 0 }, [
    'seq = mmu_interval_read_begin(0)',
    'mmap_read_lock()',
    'r0 = follow_pfn(_, 0, &pfn)',
    'mmap_read_unlock()',
    'if r0 < 0 return',
    'mutex_lock(0)',
    ...(retry ? ['r1 = mmu_interval_read_retry(0, seq)', 'if r1 != 0 goto 9'] : []),
    'secondary_map(0, _, pfn)',
    'mutex_unlock(0)',
  ])
const notified = (importing: Program, drops = true): KernelConfig =>
  story('6.1', [importing, move, { ...program('P2', {}, ['secondary_write(0, _, 1)']), daemon: true }], {
    locks: [{ name: 'lock', kind: 'mutex' }],
    notifiers: [{ name: 'n', mm: 0, start: 0, pages: 1, invalidate: 0 }],
    callbacks: [
      program('invalidate', { notifier: 0 }, [
        'mutex_lock(0)',
        'mmu_interval_set_seq(0)',
        ...(drops ? ['secondary_unmap(0)'] : []),
        'mutex_unlock(0)',
      ]),
    ],
  })

test('a notifier with retry keeps the secondary MMU in step', () => {
  const r = explore(kernel(notified(importer(true))))
  assert.deepEqual(r.broken, [])
  assert.equal(r.deadlocks, 0)
})

test('without retry a look-up that an invalidation has overtaken is installed', () => {
  assert.deepEqual(explore(kernel(notified(importer(false)))).broken, ['secondary-outlives-primary'])
})

test('a callback that does not drop the translation leaves it behind', () => {
  assert.deepEqual(explore(kernel(notified(importer(true), false))).broken, ['secondary-outlives-primary'])
})

test('a pinned page stays its own through munmap and exit', () => {
  const pin = program('P0', { mm: 0 }, [
    'r0 = pin_user_pages_fast(0, 1, 5, &page)',
    'if r0 < 1 return',
    'dma_write(page, 1)',
    'unpin_user_page(page)',
  ])
  const anon: Partial<KernelConfig> = { bos: [], vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2 }] }
  for (const other of ['munmap(0, 1)', 'exit_mm()']) {
    const threads = [pin, program('P1', { mm: 0 }, [other]), program('P2', {}, ['alloc_page()'])]
    assert.deepEqual(explore(kernel(story('6.1', threads, anon))).broken, [])
  }
})

test('a driver that frees without unmapping is caught when it frees, and when the process writes', () => {
  const store = program('P0', { mm: 0 }, ['r0 = store(0, 1)'])
  const free = program('P1', { device: 0 }, ['bo_free_nounmap(0)'])
  const r = explore(kernel(story('6.12', [store, free])))
  assert.deepEqual(r.broken, ['freed-while-mapped'])
})
