import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import {
  MADV_DOFORK,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WIPEONFORK,
  MAP_PRIVATE,
  MAP_SHARED,
  SIGBUS,
  SIGSEGV,
} from '../constants.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const versions = ['5.9', '5.10', '6.1', '6.12', '7.2']
const anon = (version: string, pages = 1): Omit<KernelConfig, 'threads'> => ({
  version,
  vmas: [{ mm: 0, pages, prot: 3, flags: MAP_PRIVATE, populated: true }],
})
const device = (version: string, flags: readonly ('VM_IO' | 'VM_PFNMAP' | 'VM_MIXEDMAP')[]) =>
  ({
    version,
    bos: [{ name: 'B', pages: 1, where: 'vram', insert: 'vmf_insert_mixed', flags }],
    vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED, populated: true }],
  }) as const
const file: Omit<KernelConfig, 'threads'> = {
  version: '6.12',
  bos: [{ name: 'F', pages: 1, where: 'system', fs: 'shmem', data: [5] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED, populated: true }],
}

test('MADV_DONTNEED: private memory is new, a file is found again, a device faults in again', () => {
  const lines = [`r0 = madvise(0, 1, ${MADV_DONTNEED})`, 'r1 = load(0)']
  for (const version of versions) {
    const r = registers(anon(version), ['store(0, 7)', ...lines])
    assert.deepEqual([r['r0'], r['r1'], r.broken], [0, 0, []])
  }
  assert.equal(registers(file, lines)['r1'], 5)
  assert.equal(registers(device('6.12', ['VM_MIXEDMAP']), lines)['r0'], 0)
  assert.equal(registers(device('6.12', ['VM_PFNMAP', 'VM_MIXEDMAP']), lines)['r0'], -22)
})

test('MADV_DONTNEED takes a page from under a pin: the device keeps the old one, which is what was asked for', () => {
  const r = registers(anon('6.12'), [
    'r0 = pin_user_pages_fast(0, 1, 1, &page)',
    `madvise(0, 1, ${MADV_DONTNEED})`,
    'store(0, 7)',
    'r1 = dma_read(page)',
    'unpin_user_page(page)',
  ])
  assert.deepEqual([r['r1'], r.broken], [0, []])
})

test('locked memory is not thrown away, but by MADV_DONTNEED_LOCKED since 5.18', () => {
  const lines = (advice: number) => ['mlock(0, 1)', `r0 = madvise(0, 1, ${advice})`]
  assert.equal(registers(anon('6.12'), lines(MADV_DONTNEED))['r0'], -22)
  assert.equal(registers(anon('6.12'), lines(MADV_DONTNEED_LOCKED))['r0'], 0)
  assert.equal(registers(anon('5.10'), lines(MADV_DONTNEED_LOCKED))['r0'], -22)
})

test('MADV_FREE is for private anonymous memory only', () => {
  assert.equal(registers(anon('6.12'), [`r0 = madvise(0, 1, ${MADV_FREE})`])['r0'], 0)
  assert.equal(registers(file, [`r0 = madvise(0, 1, ${MADV_FREE})`])['r0'], -22)
})

test('MADV_REMOVE punches a hole into a file: shared and writable, and neither locked nor a device', () => {
  const r = registers(file, [`r0 = madvise(0, 1, ${MADV_REMOVE})`, 'r1 = load(0)'])
  assert.deepEqual([r['r0'], r['r1'], r.broken], [0, 0, []])
  assert.equal(registers(anon('6.12'), [`r0 = madvise(0, 1, ${MADV_REMOVE})`])['r0'], -22)
  assert.equal(registers(device('6.12', ['VM_MIXEDMAP']), [`r0 = madvise(0, 1, ${MADV_REMOVE})`])['r0'], -19)
  const privately = { ...file, vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_PRIVATE }] }
  assert.equal(registers(privately, [`r0 = madvise(0, 1, ${MADV_REMOVE})`])['r0'], -13)
})

test('a hole is passed over, and told in the end', () => {
  const r = registers(anon('6.12', 3), [
    'munmap(1, 1)',
    'store(2, 7)',
    `r0 = madvise(0, 3, ${MADV_DONTNEED})`,
    'r1 = load(2)',
  ])
  assert.deepEqual([r['r0'], r['r1']], [-12, 0])
})

test('MADV_POPULATE faults in, and says what it cannot', () => {
  const mapped = (version: string, advice: number, more: Partial<KernelConfig> = {}) =>
    registers({ version, vmas: [{ mm: 0, pages: 2, prot: 3, flags: MAP_PRIVATE }], ...more }, [
      `r0 = madvise(0, 2, ${advice})`,
    ])['r0']
  assert.equal(mapped('5.10', MADV_POPULATE_READ), -22)
  for (const version of ['6.1', '6.12', '7.2']) {
    assert.equal(mapped(version, MADV_POPULATE_READ), 0)
    assert.equal(mapped(version, MADV_POPULATE_WRITE), 0)
    assert.equal(
      registers(device(version, ['VM_PFNMAP', 'VM_MIXEDMAP']), ['r0 = madvise(0, 1, 22)'])['r0'],
      -22,
    )
    const beyond = { ...file, version, vmas: [{ mm: 0, pages: 2, bo: 0, prot: 3, flags: MAP_SHARED }] }
    assert.equal(registers(beyond, ['r0 = madvise(0, 2, 22)'])['r0'], -14)
  }
})

test('MADV_DOFORK is refused for VM_IO, and in 7.2 for all special mappings', () => {
  const dofork = (version: string, flags: Parameters<typeof device>[1]) =>
    registers(device(version, flags), [`r0 = madvise(0, 1, ${MADV_DOFORK})`])['r0']
  for (const version of versions) {
    assert.equal(dofork(version, ['VM_IO', 'VM_MIXEDMAP']), -22)
    assert.equal(dofork(version, ['VM_MIXEDMAP']), version === '7.2' ? -22 : 0)
  }
})

test('a child does not have what is not copied, and has nothing in what is wiped', () => {
  for (const version of versions)
    for (const [advice, seen] of [
      [MADV_DONTFORK, SIGSEGV],
      [MADV_WIPEONFORK, 0],
    ] as const) {
      const k = kernel({
        version,
        mms: [{ name: 'A' }, { name: 'C', unborn: true }],
        vmas: [{ mm: 0, pages: 1, prot: 3, flags: MAP_PRIVATE, populated: true }],
        threads: [
          program('P0', { mm: 0 }, ['store(0, 7)', `madvise(0, 1, ${advice})`, 'fork(1)']),
          program('P1', { mm: 1 }, ['r0 = load(0)']),
        ],
      })
      const r = explore(k, () => String(k.register(1, 0)))
      assert.deepEqual([version, r.broken, r.outcomes], [version, [], [String(seen)]])
    }
})

test('truncation: beyond the end is SIGBUS, private copies are gone, too; a hole leaves them', () => {
  const privately = (op: string) =>
    registers({ ...file, vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_PRIVATE }] }, [
      'store(0, 9)',
      op,
      'r0 = load(0)',
    ])['r0']
  assert.equal(privately('ftruncate(0, 0)'), SIGBUS)
  assert.equal(privately('punch_hole(0, 0, 1)'), 9)
  assert.equal(registers(file, ['ftruncate(0, 0)', 'r0 = load(0)'])['r0'], SIGBUS)
  assert.equal(registers(file, ['ftruncate(0, 0)', 'ftruncate(0, 1)', 'r0 = load(0)'])['r0'], 0)
})
