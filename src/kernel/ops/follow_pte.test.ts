import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, kernel, program, registers } from '../testing.ts'

const device = (version: string, where: 'vram' | 'system' = 'vram') => ({
  version,
  bos: [{ name: 'B', pages: 1, where, data: [7], insert: 'remap_pfn_range' as const }],
  vmas: [
    { mm: 0, pages: 1, bo: 0, prot: 3, flags: 1 },
    { mm: 0, pages: 1, prot: 3, flags: 2, populated: true },
  ],
})
const at = (addr: number) => [
  'mmap_read_lock()',
  `r0 = follow_pte(_, _, ${addr}, &pfn)`,
  'if r0 < 0 goto 5',
  'r1 = kernel_read(pfn)',
  'pte_unmap_unlock()',
  'mmap_read_unlock()',
]

test('follow_pte returns with the page-table lock, and without it when nothing is there', () => {
  const r = registers(device('6.1'), at(0))
  assert.deepEqual([r['r0'], r['r1'], r.broken], [0, 7, []])
  assert.deepEqual(registers(device('6.1'), at(2)).broken, [])
  assert.equal(registers(device('6.1'), at(2))['r0'], -22)
})

test('follow_pte asks no flags before it took the VMA', () => {
  assert.equal(registers(device('6.1'), at(1))['r0'], 0)
})

test('a page-table lock that is kept, or dropped twice, is found', () => {
  assert.deepEqual(
    registers(device('6.1'), ['mmap_read_lock()', 'r0 = follow_pte(_, _, 0, &pfn)', 'mmap_read_unlock()'])
      .broken,
    ['lock-context'],
  )
  assert.deepEqual(registers(device('6.1'), [...at(0), 'pte_unmap_unlock()']).broken, ['lock-context'])
})

test('sleeping under the page-table lock is found', () => {
  const lines = [
    'mmap_read_lock()',
    'r0 = follow_pte(_, _, 0, &pfn)',
    'r1 = get_user_pages(1, 1, 1, &page)',
    'pte_unmap_unlock()',
    'mmap_read_unlock()',
  ]
  const r = registers(
    device('6.1'),
    ['mmap_read_lock()', 'r0 = follow_pte(_, _, 0, &pfn)', 'mutex_lock(0)']
      .slice(0, 2)
      .concat('pte_unmap_unlock()', 'mmap_read_unlock()'),
  )
  assert.deepEqual(r.broken, [])
  assert.throws(() => registers(device('6.1'), lines), /blocked/) // GUP wants the same lock: it deadlocks
})

test('follow_phys refuses a page that the process owns, and writing through a read-only entry', () => {
  const lines = (flags: number) => [
    'mmap_read_lock()',
    `r0 = follow_phys(_, 0, ${flags}, &pfn)`,
    'mmap_read_unlock()',
  ]
  assert.equal(registers(device('6.1'), lines(1))['r0'], 0)
  const cow = { ...device('6.1'), vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 2 }] }
  assert.equal(registers(cow, lines(0))['r0'], 0)
  assert.equal(registers(cow, lines(1))['r0'], -22)
  assert.equal(registers(cow, ['store(0, 1)', ...lines(0)])['r0'], -22)
})

test('follow_pfnmap_start says whether the entry is writable and special', () => {
  const cow = { ...device('6.12'), vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 2 }] }
  const lines = [
    'mmap_read_lock()',
    'r0 = follow_pfnmap_start(_, 0, &pfn, &w, &s)',
    'follow_pfnmap_end()',
    'mmap_read_unlock()',
  ]
  const before = registers(cow, lines)
  assert.deepEqual([before['r0'], before['w'], before['s'], before.broken], [0, 0, 1, []])
  const after = registers(cow, ['store(0, 1)', ...lines])
  assert.deepEqual([after['r0'], after['w'], after['s'], after.broken], [0, 1, 0, []])
})

test('a PFN from a read-only entry is not written through', () => {
  const cow = { ...device('6.1'), vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 2 }] }
  const lines = [
    'mmap_read_lock()',
    'r0 = follow_pfn(_, 0, &pfn)',
    'kernel_write(pfn, 1)',
    'mmap_read_unlock()',
  ]
  assert.deepEqual(registers(cow, lines).broken, ['read-only-write'])
})

test('two that look up in one mm take turns', () => {
  const look = (n: number) =>
    program(`P${n}`, { mm: 0 }, [
      'mmap_read_lock()',
      'r0 = follow_pfnmap_start(_, 0, &pfn)',
      'follow_pfnmap_end()',
      'mmap_read_unlock()',
    ])
  const r = explore(kernel({ ...device('6.12'), mms: [{ name: 'A' }], threads: [look(0), look(1)] }))
  assert.deepEqual([r.broken, r.deadlocks], [[], 0])
})
