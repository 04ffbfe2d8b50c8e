import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const device: Omit<KernelConfig, 'threads'> = {
  version: '6.1',
  mms: [{ name: 'A' }],
  bos: [{ name: 'B', pages: 1, where: 'vram', data: [7] }],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 1, flags: 1 }],
}

test('it faults in what the process could, and nothing else', () => {
  const lines = (flags: number, addr = 0) => [
    'mmap_read_lock()',
    `r0 = fixup_user_fault(_, ${addr}, ${flags}, _)`,
    'r1 = follow_pfn(_, 0, &pfn)',
    'mmap_read_unlock()',
  ]
  assert.deepEqual([registers(device, lines(0))['r0'], registers(device, lines(0))['r1']], [0, 0])
  assert.deepEqual([registers(device, lines(1))['r0'], registers(device, lines(1))['r1']], [-14, -22])
  assert.equal(registers(device, lines(0, 3))['r0'], -14)
})

const user = (again: readonly string[]) =>
  program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'vma = vma_lookup(_, 0)',
    'if vma == 0 goto 8',
    'r0 = fixup_user_fault(_, 0, 0, &unlocked)',
    'if r0 < 0 goto 8',
    ...again,
    'if vma == 0 goto 8',
    'r0 = follow_pfn(vma, 0, &pfn)',
    'mmap_read_unlock()',
  ])

test('the lock may have been dropped: a VMA from before must be looked up again', () => {
  const other = program('P1', {}, ['bo_move(0, 0)'])
  const held = (p: ReturnType<typeof user>) => explore(kernel({ ...device, threads: [p, other] }))
  assert.deepEqual(held(user(['if vma == 0 goto 8'])).broken, ['use-after-unlock'])
  const r = held(user(['vma = vma_lookup(_, 0)']))
  assert.deepEqual([r.broken, r.deadlocks], [[], 0])
})

test('without a place to say so the lock is kept, and whoever holds the buffer and wants the lock is stuck', () => {
  const kept = program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'r0 = fixup_user_fault(_, 0, 0, _)',
    'mmap_read_unlock()',
  ])
  const other = program('P1', { mm: 0 }, [
    'dma_resv_lock(0)',
    'mmap_write_lock()',
    'mmap_write_unlock()',
    'dma_resv_unlock(0)',
  ])
  assert.ok(explore(kernel({ ...device, threads: [kept, other] })).deadlocks > 0)
})

test('that the lock was dropped is said, and only where it was', () => {
  const p = program('P0', { mm: 0 }, [
    'mmap_read_lock()',
    'r0 = fixup_user_fault(_, 0, 0, &unlocked)',
    'mmap_read_unlock()',
  ])
  const unlocked = (threads: ReturnType<typeof program>[]) =>
    explore(kernel({ ...device, threads }), (k) => String(k.register(0, 1))).outcomes
  assert.deepEqual(unlocked([p]), ['0'])
  assert.deepEqual(unlocked([p, program('P1', {}, ['bo_move(0, 0)'])]), ['0', '1'])
})
