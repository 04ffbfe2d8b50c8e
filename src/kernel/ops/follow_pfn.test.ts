import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { explore, kernel, program, run } from '../testing.ts'

const mapped = (more: Partial<KernelConfig> = {}): KernelConfig => ({
  version: '5.9',
  mms: [{ name: 'A' }],
  bos: [{ name: 'B', pages: 1, where: 'vram', data: [7] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
  threads: [
    program('P0', { mm: 0 }, [
      'mmap_read_lock()',
      'r0 = follow_pfn(_, 0, &pfn)',
      'mmap_read_unlock()',
      'if r0 < 0 return',
      'r1 = kernel_read(pfn)',
    ]),
  ],
  ...more,
})

test('follow_pfn gives the frame behind a mapping of device memory', () => {
  const k = kernel(mapped())
  k.init()
  assert.deepEqual(run(k).broken, [])
  assert.equal(k.register(0, 0), 0)
  assert.equal(k.register(0, 2), 7)
})

test('follow_pfn fails under the strict policy, and taints under taint', () => {
  const strict = kernel(mapped({ policies: { follow_pfn: 'strict' } }))
  strict.init()
  run(strict)
  assert.equal(strict.register(0, 0), -22)
  const taint = kernel(mapped({ policies: { follow_pfn: 'taint' } }))
  taint.init()
  run(taint)
  assert.equal(taint.register(0, 0), 0)
  assert.equal(taint.system.tainted, true)
})

test('follow_pfn refuses memory that is neither VM_IO nor VM_PFNMAP, and what is not mapped in', () => {
  for (const vma of [
    { mm: 0, pages: 1, prot: 3, flags: 2, populated: true },
    { mm: 0, pages: 1, bo: 0, prot: 3, flags: 1 },
  ]) {
    const k = kernel(mapped({ vmas: [vma] }))
    k.init()
    run(k)
    assert.equal(k.register(0, 0), -22)
  }
})

test('follow_pfn without mmap_lock breaks lock-context', () => {
  const threads = [program('P0', { mm: 0 }, ['r0 = follow_pfn(_, 0, &pfn)'])]
  assert.deepEqual(explore(kernel(mapped({ threads }))).broken, ['lock-context'])
})
