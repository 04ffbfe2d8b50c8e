import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const device: Omit<KernelConfig, 'threads'> = {
  version: '6.1',
  mms: [{ name: 'A' }],
  bos: [{ name: 'B', pages: 1, where: 'vram', data: [7] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
}
const map = [
  'mmap_read_lock()',
  'r0 = follow_pfn(_, 0, &pfn)',
  'mmap_read_unlock()',
  'if r0 < 0 return',
  'dma = dma_map_pfn(pfn)',
]

test('a device reaches through a mapping, and not any more when it is gone', () => {
  const r = registers(device, [...map, 'r1 = dma_read(dma)', 'dma_unmap(dma)', 'r2 = dma_write(dma, 1)'])
  assert.deepEqual([r['r1'], r['r2'], r.broken], [7, -14, []])
})

test('a mapping that outlives the frame lets the device reach a stranger', () => {
  const threads = [
    program('P0', { mm: 0 }, [...map, 'dma_write(dma, 1)', 'dma_unmap(dma)']),
    program('P1', {}, ['bo_move(0, 0)']),
  ]
  assert.deepEqual(explore(kernel({ ...device, threads })).broken, ['use-after-free'])
})

test('unmapping twice is found', () => {
  assert.deepEqual(registers(device, [...map, 'dma_unmap(dma)', 'dma_unmap(dma)']).broken, [
    'refcount-balance',
  ])
})

test('a shared variable carries a stale PFN to whoever reads it', () => {
  const vars = [{ name: 'buf', kind: 'pfn' as const }]
  const qbuf = program('P0', { mm: 0 }, [...map.slice(0, 4), 'WRITE_ONCE(0, pfn)'])
  const irq = program('P1', {}, ['pfn = READ_ONCE(0)', 'if pfn == 0 return', 'dma_write(pfn, 1)'])
  const threads = [
    qbuf,
    { ...irq, registers: [{ name: 'pfn', kind: 'pfn' as const }] },
    program('P2', {}, ['bo_move(0, 0)']),
  ]
  assert.deepEqual(explore(kernel({ ...device, vars, threads })).broken, ['use-after-free'])
})

test('looking up again and finding the same frame makes an old PFN good again', () => {
  const again = (check: readonly string[]) =>
    program('P0', { mm: 0 }, [
      'mmap_read_lock()',
      'r0 = follow_pfn(_, 0, &pfn)',
      'if r0 < 0 goto out',
      'r0 = fixup_user_fault(_, 0, 0, _)',
      'r0 = follow_pte(_, _, 0, &now)',
      'if r0 < 0 goto out',
      ...check,
      'r1 = kernel_read(pfn)',
      'unlock:',
      'pte_unmap_unlock()',
      'out:',
      'mmap_read_unlock()',
    ])
  const owner = program('P1', {}, ['bo_move(0, 0)', 'bo_move(0, 1)'])
  const run = (p: ReturnType<typeof again>) => explore(kernel({ ...device, threads: [p, owner] }))
  assert.deepEqual(run(again(['if pfn != now goto unlock'])).broken, [])
  assert.deepEqual(run(again([])).broken, ['use-after-free'])
})
