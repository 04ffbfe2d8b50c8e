import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import type { Zone } from '../config.ts'
import { registers } from '../testing.ts'

const WRITE = 1
const FORCE = 2
const LONGTERM = 4

const anon = (version: string, zone: Zone = 'normal', prot = 3): Omit<KernelConfig, 'threads'> => ({
  version,
  vmas: [{ mm: 0, pages: 1, prot, flags: 2, populated: true, zone }],
})
const device = (version: string, more: Partial<KernelConfig> = {}): Omit<KernelConfig, 'threads'> => ({
  version,
  bos: [{ name: 'B', pages: 1, where: 'vram' }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
  ...more,
})
const pin = (flags: number) => [
  'mmap_read_lock()',
  `r0 = pin_user_pages(0, 1, ${flags}, &page)`,
  'mmap_read_unlock()',
]
const release = ['if r0 < 1 return', 'unpin_user_page(page)']

test('a page is pinned and unpinned', () => {
  for (const version of ['5.9', '5.10', '6.1', '6.12', '7.2']) {
    const r = registers(anon(version), [...pin(WRITE), ...release])
    assert.deepEqual([version, r['r0'], r.broken], [version, 1, []])
  }
})

test('a pin that is not dropped, or dropped by put_page, or twice, is found', () => {
  assert.deepEqual(registers(anon('6.12'), pin(WRITE)).broken, ['refcount-balance'])
  assert.ok(registers(anon('6.12'), [...pin(WRITE), 'put_page(page)']).broken.includes('refcount-balance'))
  assert.deepEqual(registers(anon('6.12'), [...pin(WRITE), ...release, 'unpin_user_page(page)']).broken, [
    'refcount-balance',
  ])
})

test('unpin_user_page of a reference is found', () => {
  const get = ['mmap_read_lock()', 'r0 = get_user_pages(0, 1, 1, &page)', 'mmap_read_unlock()']
  assert.deepEqual(registers(anon('6.12'), [...get, 'put_page(page)']).broken, [])
  assert.ok(registers(anon('6.12'), [...get, 'unpin_user_page(page)']).broken.includes('refcount-balance'))
})

test('memory that is VM_IO or VM_PFNMAP cannot be pinned, whatever is asked', () => {
  for (const version of ['5.9', '5.10', '6.1', '6.12', '7.2'])
    for (const flags of [0, WRITE, WRITE | FORCE, LONGTERM])
      assert.equal(registers(device(version), pin(flags))['r0'], -14)
})

test('a special entry in a VM_MIXEDMAP mapping: skipped, unwritten, by a pin before 5.18, -EEXIST since', () => {
  const mixed = (version: string) =>
    device(version, {
      bos: [{ name: 'B', pages: 1, where: 'vram', insert: 'vmf_insert_mixed', flags: ['VM_MIXEDMAP'] }],
    })
  const old = registers(mixed('5.10'), [...pin(WRITE), ...release])
  assert.deepEqual([old['r0'], old['page'], old.broken], [1, 0, ['uninitialised']])
  assert.equal(registers(mixed('6.1'), pin(WRITE))['r0'], -17)
  const get = ['mmap_read_lock()', 'r0 = get_user_pages(0, 1, 1, &page)', 'mmap_read_unlock()']
  assert.equal(registers(mixed('5.10'), get)['r0'], -14)
})

test('pages that a driver has inserted with vm_insert_page can be pinned', () => {
  const inserted = device('6.12', {
    bos: [{ name: 'B', pages: 1, where: 'system', insert: 'vm_insert_page' }],
  })
  const r = registers(inserted, [...pin(WRITE), 'bo_free(0)', 'dma_write(page, 1)', ...release])
  assert.deepEqual([r['r0'], r.broken], [1, []])
})

test('writing needs VM_WRITE, or FOLL_FORCE and a private mapping', () => {
  for (const version of ['5.10', '6.1', '6.12']) {
    assert.equal(registers(anon(version, 'normal', 1), pin(WRITE))['r0'], -14)
    const forced = registers(anon(version, 'normal', 1), [...pin(WRITE | FORCE), ...release])
    assert.deepEqual([version, forced['r0'], forced.broken], [version, 1, []])
  }
})

test('a page that was pinned for reading is not written', () => {
  const r = registers(anon('6.12'), [...pin(0), 'dma_write(page, 1)', ...release])
  assert.deepEqual(r.broken, ['read-only-write'])
  assert.deepEqual(registers(anon('6.12'), [...pin(0), 'r1 = dma_read(page)', ...release]).broken, [])
})

test('FOLL_LONGTERM moves a page out of CMA, and since 5.13 out of ZONE_MOVABLE', () => {
  const lines = ['store(0, 7)', ...pin(WRITE | LONGTERM), 'r1 = load(0)', 'r2 = dma_read(page)', ...release]
  for (const version of ['5.10', '6.1', '6.12', '7.2']) {
    const cma = registers(anon(version, 'cma'), lines)
    assert.deepEqual([version, cma['r0'], cma['r1'], cma['r2'], cma.broken], [version, 1, 7, 7, []])
    const movable = registers(anon(version, 'movable'), lines)
    const stays = version === '5.10'
    assert.equal(movable['r0'], 1)
    assert.equal(movable.broken.includes('longterm-movable'), stays)
  }
})

test('a page that somebody else refers to cannot be moved, and the long-term pin fails', () => {
  const lines = [
    'mmap_read_lock()',
    'r1 = get_user_pages(0, 1, 1, &other)',
    'mmap_read_unlock()',
    ...pin(WRITE | LONGTERM),
    'put_page(other)',
  ]
  const r = registers(anon('6.12', 'movable'), lines)
  assert.deepEqual([r['r0'], r.broken], [-12, []])
})

test('FOLL_LONGTERM without a pin is refused since 6.1', () => {
  const get = [
    'mmap_read_lock()',
    'r0 = get_user_pages(0, 1, 5, &page)',
    'mmap_read_unlock()',
    'if r0 < 1 return',
    'put_page(page)',
  ]
  assert.equal(registers(anon('5.10'), get)['r0'], 1)
  assert.equal(registers(anon('6.12'), get)['r0'], -22)
})

test('GUP needs the mmap_lock, and no spinlock', () => {
  assert.deepEqual(registers(anon('6.12'), ['r0 = pin_user_pages(0, 1, 1, &page)', ...release]).broken, [
    'lock-context',
  ])
  const spin = { ...anon('6.12'), locks: [{ name: 's', kind: 'spinlock' as const }] }
  const r = registers(spin, [
    'spin_lock(0)',
    'r0 = pin_user_pages_fast(0, 1, 1, &page)',
    'spin_unlock(0)',
    ...release,
  ])
  assert.deepEqual(r.broken, ['lock-context'])
})

test('GUP-fast takes what is there without a lock, and the slow path for the rest', () => {
  for (const vmas of [
    [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
    [{ mm: 0, pages: 1, prot: 3, flags: 2 }],
  ]) {
    const r = registers({ version: '6.12', vmas }, [
      'r0 = pin_user_pages_fast(0, 1, 5, &page)',
      'dma_write(page, 7)',
      'r1 = load(0)',
      ...release,
    ])
    assert.deepEqual([r['r0'], r['r1'], r.broken], [1, 7, []])
  }
})

test('the zero page: counted like any page in 5.10, not at all since 5.18', () => {
  for (const version of ['5.10', '6.1']) {
    const r = registers({ version, vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2 }] }, [
      'r2 = load(0)',
      ...pin(0),
      ...release,
    ])
    assert.deepEqual([version, r['r0'], r.broken], [version, 1, []])
  }
})
