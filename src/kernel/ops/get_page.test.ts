import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const device = (where: 'vram' | 'system'): Omit<KernelConfig, 'threads'> => ({
  version: '6.1',
  mms: [{ name: 'A' }],
  bos: [{ name: 'B', pages: 1, where, data: [7] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
})
const look = ['mmap_read_lock()', 'r0 = follow_pfn(_, 0, &pfn)', 'mmap_read_unlock()', 'if r0 < 0 return']

test('a reference taken under the lock keeps the page of a buffer that moves', () => {
  const held = program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'r0 = follow_pte(_, _, 0, &pfn)',
    'if r0 < 0 goto 5',
    'get_page(pfn)',
    'pte_unmap_unlock()',
    'mmap_read_unlock()',
    'if r0 < 0 return',
    'dma_write(pfn, 1)',
    'put_page(pfn)',
  ])
  const move = program('P1', {}, ['bo_move(0, 1)'])
  assert.deepEqual(explore(kernel({ ...device('system'), threads: [held, move] })).broken, [])
})

test('taken after the lock it comes too late', () => {
  const late = program('P0', { mm: 0 }, [...look, 'get_page(pfn)', 'put_page(pfn)'])
  const move = program('P1', {}, ['bo_move(0, 1)'])
  assert.deepEqual(explore(kernel({ ...device('system'), threads: [late, move] })).broken, ['use-after-free'])
})

test('device memory has no struct page to count in', () => {
  assert.deepEqual(registers(device('vram'), [...look, 'get_page(pfn)']).broken, ['kernel-bug'])
  assert.deepEqual(registers(device('vram'), [...look, 'page = pfn_to_page(pfn)']).broken, ['kernel-bug'])
  const r = registers(device('vram'), [...look, 'r1 = get_page_unless_zero(pfn)', 'r2 = pfn_valid(pfn)'])
  assert.deepEqual([r['r1'], r['r2'], r.broken], [0, 0, []])
})

test("put_page without a reference takes somebody else's, and frees the page under its owner", () => {
  const r = registers(device('system'), [...look, 'put_page(pfn)', 'r1 = load(0)'])
  assert.deepEqual(r.broken, ['refcount-balance', 'use-after-free'])
})
