import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { MAP_PRIVATE, MAP_SHARED, SIGSEGV } from '../constants.ts'
import { registers } from '../testing.ts'

const versions = ['5.9', '5.10', '6.1', '6.12', '7.2']
const anon = (version: string, pages = 1): Omit<KernelConfig, 'threads'> => ({
  version,
  vmas: [{ mm: 0, pages, prot: 3, flags: MAP_PRIVATE, populated: true }],
})

test('what may not be written is SIGSEGV, and may be written again', () => {
  for (const version of versions) {
    const r = registers(anon(version), [
      'r0 = mprotect(0, 1, 1)',
      'r1 = store(0, 7)',
      'r2 = load(0)',
      'r3 = mprotect(0, 1, 3)',
      'r4 = store(0, 8)',
      'r5 = load(0)',
    ])
    assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3'], r['r4'], r['r5']], [0, SIGSEGV, 0, 0, 0, 8])
    assert.deepEqual(r.broken, [])
  }
})

test('PROT_NONE keeps the process from its pages, and the pages stay', () => {
  const r = registers(anon('6.12'), [
    'store(0, 7)',
    'r0 = mprotect(0, 1, 0)',
    'r1 = load(0)',
    'r2 = mprotect(0, 1, 1)',
    'r3 = load(0)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3']], [0, SIGSEGV, 0, 7])
})

test('part of a mapping: the rest keeps what it had', () => {
  const r = registers(anon('6.12', 3), [
    'r0 = mprotect(1, 1, 1)',
    'r1 = store(0, 1)',
    'r2 = store(1, 1)',
    'r3 = store(2, 1)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3']], [0, 0, SIGSEGV, 0])
})

test('a hole is -ENOMEM, and what comes before it is changed all the same', () => {
  const r = registers(anon('6.12', 2), ['munmap(1, 1)', 'r0 = mprotect(0, 2, 1)', 'r1 = store(0, 1)'])
  assert.deepEqual([r['r0'], r['r1']], [-12, SIGSEGV])
})

test('what was opened for reading only cannot be made writable; what was not, can', () => {
  for (const readonly of [true, false]) {
    const r = registers(
      {
        version: '6.12',
        bos: [{ name: 'F', pages: 1, where: 'system', fs: 'shmem', data: [5], readonly }],
        vmas: [{ mm: 0, pages: 1, bo: 0, prot: 1, flags: MAP_SHARED }],
      },
      ['r0 = mprotect(0, 1, 3)'],
    )
    assert.equal(r['r0'], readonly ? -13 : 0)
  }
})

test('a pinned page that is protected and written again: copied away from the device before 5.19', () => {
  for (const version of versions) {
    const r = registers(anon(version), [
      'r0 = pin_user_pages_fast(0, 1, 1, &page)',
      'mprotect(0, 1, 1)',
      'mprotect(0, 1, 3)',
      'store(0, 7)',
      'r1 = dma_read(page)',
      'unpin_user_page(page)',
    ])
    const old = version === '5.9' || version === '5.10'
    assert.deepEqual([version, r['r1'], r.broken], [version, old ? 0 : 7, old ? ['pinned-diverges'] : []])
  }
})

test('special entries get the new protection, too', () => {
  const gpu: Omit<KernelConfig, 'threads'> = {
    version: '6.12',
    bos: [{ name: 'B', pages: 1, where: 'vram', data: [5] }],
    vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED, populated: true }],
  }
  const r = registers(gpu, [
    'r0 = mprotect(0, 1, 1)',
    'r1 = store(0, 1)',
    'mprotect(0, 1, 3)',
    'r2 = store(0, 1)',
  ])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r.broken], [0, SIGSEGV, 0, []])
})
