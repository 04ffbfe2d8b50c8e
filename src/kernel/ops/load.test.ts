import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { SIGBUS, SIGSEGV } from '../constants.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const anon = (version = '6.12', prot = 3): Omit<KernelConfig, 'threads'> => ({
  version,
  vmas: [{ mm: 0, pages: 1, prot, flags: 2 }],
})
const gpu = (more: Partial<KernelConfig> = {}): Omit<KernelConfig, 'threads'> => ({
  version: '6.12',
  bos: [{ name: 'B', pages: 2, where: 'vram', data: [5, 6] }],
  vmas: [{ mm: 0, pages: 2, bo: 0, prot: 3, flags: 1 }],
  ...more,
})

test('anonymous memory reads as zero before it is written, and as written after', () => {
  const r = registers(anon(), ['r0 = load(0)', 'r1 = store(0, 7)', 'r2 = load(0)'])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r.broken], [0, 0, 7, []])
})

test('an address without a VMA is SIGSEGV, and so is an access that the VMA does not allow', () => {
  assert.equal(registers(anon(), ['r0 = load(1)'])['r0'], SIGSEGV)
  assert.equal(registers(anon(), ['r0 = load(100)'])['r0'], SIGSEGV)
  assert.equal(registers(anon('6.12', 1), ['r0 = store(0, 1)'])['r0'], SIGSEGV)
  assert.equal(registers(anon('6.12', 0), ['r0 = load(0)'])['r0'], SIGSEGV)
})

test('what may be written may be read: the processor has no other way', () => {
  assert.equal(registers(anon('6.12', 2), ['r0 = load(0)'])['r0'], 0)
})

test("a buffer's pages are faulted in one by one, and shared with whoever maps them", () => {
  const r = registers(gpu(), ['r0 = load(0)', 'r1 = load(1)', 'r2 = store(1, 9)', 'r3 = load(1)'])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r['r3'], r.broken], [5, 6, 0, 9, []])
})

test('memory that was mapped by remap_pfn_range and zapped is SIGBUS: there is no ->fault', () => {
  const fb = gpu({ bos: [{ name: 'B', pages: 2, where: 'vram', data: [5, 6], insert: 'remap_pfn_range' }] })
  assert.equal(registers(fb, ['r0 = load(1)'])['r0'], 6)
  const r = registers(fb, ['unmap_mapping_range(0)', 'r0 = load(1)'])
  assert.deepEqual([r['r0'], r.broken], [SIGBUS, []])
})

test('a buffer that was given up is SIGBUS, one that moved is found again', () => {
  assert.equal(registers(gpu(), ['r1 = load(0)', 'bo_free(0)', 'r0 = load(0)'])['r0'], SIGBUS)
  assert.equal(registers(gpu(), ['r1 = load(0)', 'bo_move(0, 0)', 'r0 = load(0)'])['r0'], 5)
})

test('a private mapping of device memory is copied when written, and the device keeps what it had', () => {
  const fb = gpu({
    bos: [{ name: 'B', pages: 1, where: 'vram', data: [5], insert: 'remap_pfn_range' }],
    vmas: [
      { mm: 0, pages: 1, bo: 0, prot: 3, flags: 2 },
      { mm: 0, pages: 1, bo: 0, prot: 3, flags: 1 },
    ],
  })
  const r = registers(fb, ['r0 = store(0, 9)', 'r1 = load(0)', 'r2 = load(1)'])
  assert.deepEqual([r['r0'], r['r1'], r['r2'], r.broken], [0, 9, 5, []])
})

test('vmf_insert_pfn into a private mapping is a BUG, which is why drivers must refuse one', () => {
  const r = registers(gpu({ vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 2 }] }), ['r0 = load(0)'])
  assert.deepEqual(r.broken, ['kernel-bug'])
})

test('vm_insert_page maps pages that are counted', () => {
  const k = kernel({
    ...gpu({ bos: [{ name: 'B', pages: 2, where: 'system', data: [5, 6], insert: 'vm_insert_page' }] }),
    mms: [{ name: 'A' }],
    threads: [program('P0', { mm: 0 }, ['r0 = load(0)', 'munmap(0, 2)'])],
  })
  k.init()
  for (let i = 0; i < 3; i++)
    k.step(
      0,
      () => 0,
      ({ detail }) => assert.fail(detail),
    )
  assert.deepEqual([k.page(k.pfns[0]!).refcount, k.page(k.pfns[0]!).mapcount], [2, 1])
})

test('two threads that write to the same new page find one page', () => {
  const threads = [1, 2].map((v) => program(`P${v}`, { mm: 0 }, [`store(0, ${v})`, 'r0 = load(0)']))
  const r = explore(
    kernel({ ...anon(), mms: [{ name: 'A' }], threads }),
    (k) => `${k.register(0, 0)} ${k.register(1, 0)}`,
  )
  assert.deepEqual(r.broken, [])
  assert.equal(r.deadlocks, 0)
  assert.deepEqual(r.outcomes, ['1 1', '1 2', '2 2'])
})

test('two copies on write of one page: the second finds that the first was there, and tries again', () => {
  const writer = (v: number) => program(`P${v}`, { mm: 0 }, [`store(0, ${v})`, 'r0 = load(0)'])
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }, { name: 'C', unborn: true }],
    vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
    vars: [{ name: 'forked', kind: 'int' }],
    threads: [writer(1), writer(2), program('P3', { mm: 0 }, ['store(0, 9)', 'fork(1)'])],
  })
  const r = explore(k, (k) => `${k.register(0, 0)} ${k.register(1, 0)}`)
  assert.deepEqual(r.broken, [])
  // Nobody who has written finds what was there before the fork, unless P3 wrote it after that.
  assert.ok(!r.outcomes.some((o) => o.includes('0')), r.outcomes.join('; '))
  const late = explore(
    kernel({
      version: '6.12',
      mms: [{ name: 'A' }, { name: 'C', unborn: true }],
      vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
      threads: [writer(1), writer(2), program('P3', { mm: 0 }, ['fork(1)'])],
    }),
    (k) => `${k.register(0, 0)} ${k.register(1, 0)}`,
  )
  assert.deepEqual([late.broken, late.outcomes], [[], ['1 1', '1 2', '2 2']])
})

test('a buffer that was given up does not move', () => {
  assert.equal(registers(gpu(), ['bo_free(0)', 'r0 = bo_move(0, 0)'])['r0'], -6)
})
