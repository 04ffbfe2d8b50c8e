import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE, EBUSY } from '../constants.ts'
import type { BoConfig, KernelConfig } from '../config.ts'
import { registers } from '../testing.ts'

const gpu = (exporter: 'static' | 'dynamic', where: 'vram' | 'system' = 'system'): BoConfig => ({
  name: 'B',
  pages: 1,
  where,
  exported: { name: 'D', exporter, at: 'fd' },
})
const config = (version: string, bo: BoConfig): Omit<KernelConfig, 'threads'> => ({
  version,
  devices: [{ name: 'cam' }],
  bos: [bo],
})
const held = (lines: readonly string[]): string[] => ['dma_resv_lock(0)', ...lines, 'dma_resv_unlock(0)']
/** B, moved by its driver while the lines before have it attached or mapped. */
const move = ['moved = bo_move(0, 0)']

test('a static importer pins from attach to detach before 7.0, and from map to unmap since', () => {
  for (const [version, attachPins] of [
    ['5.9', true],
    ['5.10', true],
    ['6.1', true],
    ['6.12', true],
    ['7.2', false],
  ] as const) {
    const attach = 'r = dma_buf_attach(0, 0, &a)'
    const map = held([`m = dma_buf_map_attachment(a, ${DMA_FROM_DEVICE}, &s)`])
    const unmap = held([`dma_buf_unmap_attachment(a, s, ${DMA_FROM_DEVICE})`])
    const detach = 'dma_buf_detach(0, a)'
    const after = (lines: readonly string[]) => registers(config(version, gpu('dynamic')), lines)['moved']
    const only = after([attach, ...move, detach])
    assert.equal(only, attachPins ? -EBUSY : 0, `${version}, attached`)
    assert.equal(after([attach, ...map, ...move, ...unmap, detach]), -EBUSY, `${version}, mapped`)
    assert.equal(after([attach, ...map, ...unmap, ...move, detach]), only, `${version}, unmapped`)
    assert.equal(after([attach, ...map, ...unmap, detach, ...move]), 0, `${version}, detached`)
  }
})

test('what was mapped at attach is for both directions, and is given for each', () => {
  const { broken, m, n, s, t } = registers(config('6.12', gpu('dynamic')), [
    'r = dma_buf_attach(0, 0, &a)',
    ...held([
      `m = dma_buf_map_attachment(a, ${DMA_TO_DEVICE}, &s)`,
      `n = dma_buf_map_attachment(a, ${DMA_BIDIRECTIONAL}, &t)`,
      `dma_buf_unmap_attachment(a, s, ${DMA_TO_DEVICE})`,
      'dma_write(t, 1)',
    ]),
    'dma_buf_detach(0, a)',
  ])
  assert.deepEqual([m, n, broken], [0, 0, []])
  assert.equal(s, t)
})

test('the lock is asserted since 6.2 for all, and before only when one side is dynamic and nothing is cached', () => {
  const lines = [
    'r = dma_buf_attach(0, 0, &a)',
    `m = dma_buf_map_attachment(a, ${DMA_FROM_DEVICE}, &s)`,
    `dma_buf_unmap_attachment(a, s, ${DMA_FROM_DEVICE})`,
    'dma_buf_detach(0, a)',
  ]
  for (const exporter of ['static', 'dynamic'] as const) {
    for (const version of ['5.9', '5.10', '6.1'])
      assert.deepEqual(registers(config(version, gpu(exporter)), lines).broken, [], `${version} ${exporter}`)
    for (const version of ['6.12', '7.2'])
      assert.deepEqual(registers(config(version, gpu(exporter)), lines).broken, [
        'lock-context',
        'lock-context',
      ])
  }
})

test('memory of a device goes to the system for an importer that cannot reach it, once', () => {
  const { broken, moved } = registers(config('7.2', gpu('dynamic', 'vram')), [
    'r = dma_buf_attach(0, 0, &a)',
    ...held([`m = dma_buf_map_attachment(a, ${DMA_FROM_DEVICE}, &s)`]),
    'dma_write(s, 1)',
    ...move,
    ...held([`dma_buf_unmap_attachment(a, s, ${DMA_FROM_DEVICE})`]),
    'dma_buf_detach(0, a)',
  ])
  assert.deepEqual([moved, broken], [-EBUSY, []])
})

test('unmapping twice, through another attachment, or for another direction is found', () => {
  const attach = ['r = dma_buf_attach(0, 0, &a)', 'r = dma_buf_attach(0, 0, &b)']
  const map = `m = dma_buf_map_attachment(a, ${DMA_FROM_DEVICE}, &s)`
  const unmap = (a: string, dir: number): string => `dma_buf_unmap_attachment(${a}, s, ${dir})`
  const detach = ['dma_buf_detach(0, b)', 'dma_buf_detach(0, a)']
  const broken = (...lines: string[]): readonly string[] =>
    registers(config('7.2', gpu('dynamic')), [...attach, ...held([map, ...lines]), ...detach]).broken
  assert.deepEqual(broken(unmap('a', DMA_FROM_DEVICE)), [])
  assert.deepEqual(broken(unmap('a', DMA_FROM_DEVICE), unmap('a', DMA_FROM_DEVICE)), ['refcount-balance'])
  assert.deepEqual(broken(unmap('b', DMA_FROM_DEVICE), unmap('a', DMA_FROM_DEVICE)), ['refcount-balance'])
  assert.deepEqual(broken(unmap('a', DMA_TO_DEVICE)), ['dma-direction-mismatch'])
  assert.deepEqual(broken(), ['attachment-leak'])
})
