import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import {
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  SIGSEGV,
} from '../constants.ts'
import { type VmOp } from '../kernel.ts'
import { kernel, program, registers, run } from '../testing.ts'

const versions = ['5.9', '5.10', '6.1', '6.12', '7.2']
const anon = (version: string, pages = 2): Omit<KernelConfig, 'threads'> => ({
  version,
  vmas: [{ mm: 0, pages, prot: 3, flags: MAP_PRIVATE, populated: true }],
})
const device = (version: string, more: object = {}) =>
  ({
    version,
    bos: [{ name: 'B', pages: 4, where: 'system', data: [5, 6, 7, 8], ...more }],
    vmas: [{ mm: 0, pages: 2, bo: 0, prot: 3, flags: MAP_SHARED, populated: true }],
  }) as Omit<KernelConfig, 'threads'>
const MOVE = MREMAP_MAYMOVE | MREMAP_FIXED

test('shorter, longer, elsewhere: the pages come along', () => {
  for (const version of versions) {
    const r = registers(anon(version), [
      'store(0, 7)',
      'r0 = mremap(0, 2, 1, 0, 0)',
      'r1 = load(1)',
      'r2 = mremap(0, 1, 2, 0, 0)',
      'r3 = load(1)',
      `r4 = mremap(0, 1, 1, ${MOVE}, 4)`,
      'r5 = load(4)',
      'r6 = load(0)',
    ])
    const { r0, r1, r2, r3, r4, r5, r6 } = r as Record<string, number>
    assert.deepEqual([version, r0, r1, r2, r3, r4, r5, r6], [version, 0, SIGSEGV, 0, 0, 4, 7, SIGSEGV])
    assert.deepEqual(r.broken, [])
  }
})

test('what is mapped behind it keeps it from growing, unless it may move', () => {
  for (const [flags, want] of [
    [0, -12],
    [MREMAP_MAYMOVE, 3],
  ] as const) {
    const two = anon('6.12', 1)
    const r = registers({ ...two, vmas: [...two.vmas!, ...two.vmas!, ...two.vmas!] }, [
      `r0 = mremap(0, 1, 2, ${flags}, 0)`,
    ])
    assert.equal(r['r0'], want)
  }
})

test('VM_DONTEXPAND and VM_PFNMAP may move and not grow; VM_MIXEDMAP alone grows, since 6.12 as it moves, and nobody asks its driver', () => {
  for (const version of versions) {
    const io = registers(
      device(version, { flags: ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND'], insert: 'vmf_insert_pfn' }),
      ['r0 = mremap(0, 2, 3, 1, 0)', `r1 = mremap(0, 2, 2, ${MOVE}, 3)`, 'r2 = load(3)'],
    )
    assert.deepEqual([io['r0'], io['r1'], io['r2'], io.broken], [-14, 3, 5, []])
    const mixed = device(version, { flags: ['VM_MIXEDMAP'], insert: 'vm_insert_page' })
    const late = version === '6.12' || version === '7.2'
    const here = registers(mixed, ['r0 = mremap(0, 2, 3, 0, 0)', 'r1 = load(2)'])
    assert.deepEqual([here['r0'], here['r1']], late ? [-12, SIGSEGV] : [0, 7])
    const moved = registers(mixed, [`r0 = mremap(0, 2, 3, ${MOVE}, 3)`, 'r1 = load(5)'])
    assert.deepEqual([moved['r0'], moved['r1']], [3, 7])
  }
})

test('MREMAP_FIXED destroys its destination before it fails, until 6.17', () => {
  for (const version of versions) {
    const pfnmap = device(version, {
      flags: ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND'],
      insert: 'vmf_insert_pfn',
    })
    const r = registers(
      { ...pfnmap, vmas: [...pfnmap.vmas!, { mm: 0, pages: 3, prot: 3, flags: MAP_PRIVATE }] },
      ['store(2, 9)', `r0 = mremap(0, 2, 3, ${MOVE}, 2)`, 'r1 = load(2)'],
    )
    assert.deepEqual(
      [version, r['r0'], r['r1']],
      [version, version === '7.2' ? -14 : -14, version === '7.2' ? 9 : SIGSEGV],
    )
  }
})

test('MREMAP_DONTUNMAP: the old mapping stays, and is empty', () => {
  for (const version of versions) {
    const flags = MOVE | MREMAP_DONTUNMAP
    const r = registers(anon(version, 1), [
      'store(0, 7)',
      `r0 = mremap(0, 1, 1, ${flags}, 1)`,
      'r1 = load(0)',
      'r2 = load(1)',
    ])
    assert.deepEqual([version, r['r0'], r['r1'], r['r2']], [version, 1, 0, 7])
    const mixed = registers(device(version, { flags: ['VM_MIXEDMAP'], insert: 'vm_insert_page' }), [
      `r0 = mremap(0, 2, 2, ${flags}, 2)`,
    ])
    assert.equal(mixed['r0'], version === '5.9' || version === '5.10' ? -22 : 2)
  }
})

test('wrong arguments are refused', () => {
  const r0 = (line: string) => registers(anon('6.12'), [`r0 = ${line}`])['r0']
  assert.equal(r0(`mremap(0, 2, 0, 0, 0)`), -22)
  assert.equal(r0(`mremap(0, 1, 1, ${MREMAP_FIXED}, 3)`), -22)
  assert.equal(r0(`mremap(0, 1, 2, ${MREMAP_MAYMOVE | MREMAP_DONTUNMAP}, 3)`), -22)
  assert.equal(r0(`mremap(0, 2, 2, ${MOVE}, 1)`), -22)
  assert.equal(r0(`mremap(0, 3, 4, ${MREMAP_MAYMOVE}, 0)`), -14)
  assert.equal(r0(`mremap(3, 1, 2, ${MREMAP_MAYMOVE}, 0)`), -14)
})

test('a pin goes along: what is pinned stays what is mapped', () => {
  for (const version of versions) {
    const r = registers(anon(version, 1), [
      'r0 = pin_user_pages_fast(0, 1, 1, &page)',
      `mremap(0, 1, 1, ${MOVE}, 2)`,
      'store(2, 7)',
      'r1 = dma_read(page)',
      'unpin_user_page(page)',
    ])
    assert.deepEqual([r['r1'], r.broken], [7, []])
  }
})

test('the driver is told in the order of the kernel', () => {
  const told = (version: string, line: string): string[] => {
    const k = kernel({
      mms: [{ name: 'A' }],
      ...device(version, { flags: ['VM_MIXEDMAP'], insert: 'vm_insert_page' }),
      threads: [program('P0', { mm: 0 }, [line])],
    })
    const calls: string[] = []
    k.onVmOp = (e: VmOp) =>
      void calls.push(e.op === 'fault' ? `fault ${e.pgoff}` : `${e.op} ${e.start}-${e.end}`)
    k.init()
    run(k)
    return calls
  }
  assert.deepEqual(told('6.12', `mremap(0, 2, 2, ${MOVE}, 4)`), ['open 4-6', 'mremap 4-6', 'close 0-2'])
  assert.deepEqual(told('6.12', 'munmap(0, 1)'), ['may_split 0-2', 'open 1-2', 'close 0-1'])
  assert.deepEqual(told('6.1', 'munmap(1, 1)'), ['may_split 0-2', 'open 1-2', 'close 1-2'])
  assert.deepEqual(told('6.12', 'munmap(1, 1)'), ['may_split 0-2', 'open 0-1', 'close 1-2'])
  assert.deepEqual(told('6.1', 'mremap(0, 2, 3, 0, 0)'), [])
  assert.deepEqual(told('5.10', `mremap(1, 1, 1, ${MOVE}, 4)`).slice(0, 2), ['open 4-5', 'mremap 4-5'])
  assert.deepEqual(told('6.12', `mremap(1, 1, 1, ${MOVE}, 4)`).slice(0, 2), ['may_split 0-2', 'open 4-5'])
})
