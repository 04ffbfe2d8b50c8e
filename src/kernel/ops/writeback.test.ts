import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { MAP_PRIVATE, MAP_SHARED } from '../constants.ts'
import { registers } from '../testing.ts'

const versions = ['5.9', '5.10', '6.1', '6.12', '7.2']
const ext4 = (version: string): Omit<KernelConfig, 'threads'> => ({
  version,
  bos: [{ name: 'F', pages: 1, where: 'system', fs: 'ext4', data: [5] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED }],
})

test('what a process writes is written back, dropped, and read again', () => {
  for (const version of versions) {
    const r = registers(ext4(version), [
      'store(0, 7)',
      'writeback(0, 0)',
      'r0 = reclaim(0, 0)',
      'r1 = load(0)',
    ])
    assert.deepEqual([r['r0'], r['r1'], r.broken], [1, 7, []])
  }
})

test('a process that writes after writeback faults, and the page is dirty again: it stays', () => {
  const r = registers(ext4('6.12'), [
    'store(0, 7)',
    'writeback(0, 0)',
    'store(0, 8)',
    'r0 = reclaim(0, 0)',
    'r1 = load(0)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r.broken], [0, 8, []])
})

const device = (release: string) => [
  'r0 = pin_user_pages_fast(0, 1, 1, &page)',
  'writeback(0, 0)',
  'dma_write(page, 9)',
  release,
  'r1 = reclaim(0, 0)',
  'r2 = load(0)',
]

test('what a device writes after writeback is lost, unless somebody says so', () => {
  for (const version of versions) {
    const lost = registers(ext4(version), device('unpin_user_page(page)'))
    assert.deepEqual([lost['r1'], lost['r2'], lost.broken], [1, 5, ['dirty-lost']])
    const kept = registers(ext4(version), device('unpin_user_pages_dirty_lock(page, _, _, 1)'))
    assert.deepEqual([kept['r1'], kept['r2'], kept.broken], [0, 9, []])
    const not = registers(ext4(version), device('unpin_user_pages_dirty_lock(page, _, _, 0)'))
    assert.deepEqual(not.broken, ['dirty-lost'])
  }
})

test('a page that is pinned is not reclaimed', () => {
  const r = registers(ext4('6.12'), [
    'r0 = pin_user_pages_fast(0, 1, 0, &page)',
    'r1 = reclaim(0, 0)',
    'unpin_user_page(page)',
    'r2 = reclaim(0, 0)',
  ])
  assert.deepEqual([r['r1'], r['r2'], r.broken], [0, 1, []])
})

test('migration takes a page along with what is in it, and leaves one that somebody refers to', () => {
  const anon = { version: '6.12', vmas: [{ mm: 0, pages: 1, prot: 3, flags: MAP_PRIVATE, populated: true }] }
  for (const [take, release, want] of [
    ['r9 = load(0)', 'r9 = load(0)', 0],
    ['r9 = pin_user_pages_fast(0, 1, 1, &page)', 'unpin_user_page(page)', -11],
    ['r9 = get_user_pages_fast(0, 1, 1, &page)', 'put_page(page)', -11],
  ] as const) {
    const r = registers(anon, ['store(0, 7)', take, 'r0 = migrate_pages(0, 0)', release, 'r1 = load(0)'])
    assert.deepEqual([r['r0'], r['r1'], r.broken], [want, 7, []])
  }
  const r = registers(ext4('6.12'), ['r9 = load(0)', 'r0 = migrate_pages(0, 0)', 'r1 = load(0)'])
  assert.deepEqual([r['r0'], r['r1'], r.broken], [0, 5, []])
})

test('process_vm_readv and writev reach what the process may reach itself; a debugger reaches more', () => {
  for (const version of versions) {
    const anon = (prot: number) => ({
      version,
      vmas: [{ mm: 0, pages: 1, prot, flags: MAP_PRIVATE, populated: true }],
    })
    const both = [
      'r0 = process_vm_writev(0, 0, 7)',
      'r1 = process_vm_readv(0, 0)',
      'r2 = ptrace_poke(0, 0, 8)',
    ]
    const rw = registers(anon(3), both)
    assert.deepEqual([rw['r0'], rw['r1'], rw['r2'], rw.broken], [0, 7, 0, []])
    const ro = registers(anon(1), [...both, 'r3 = load(0)'])
    assert.deepEqual([ro['r0'], ro['r1'], ro['r2'], ro['r3'], ro.broken], [-14, 0, 0, 8, []])
    const gpu = registers(
      {
        version,
        bos: [{ name: 'B', pages: 1, where: 'vram' }],
        vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED, populated: true }],
      },
      ['r0 = process_vm_readv(0, 0)', 'r1 = ptrace_peek(0, 0)'],
    )
    assert.deepEqual([gpu['r0'], gpu['r1'], gpu.broken], [-14, -5, []])
  }
})

test('a debugger writes to a copy, and the file keeps what it had', () => {
  for (const version of versions) {
    const r = registers(
      {
        version,
        bos: [{ name: 'F', pages: 1, where: 'system', fs: 'shmem', data: [5] }],
        vmas: [
          { mm: 0, pages: 1, bo: 0, prot: 1, flags: MAP_PRIVATE },
          { mm: 0, pages: 1, bo: 0, prot: 1, flags: MAP_SHARED },
        ],
      },
      ['r0 = ptrace_poke(0, 0, 8)', 'r1 = load(0)', 'r2 = load(1)'],
    )
    assert.deepEqual([version, r['r0'], r['r1'], r['r2'], r.broken], [version, 0, 8, 5, []])
  }
})
