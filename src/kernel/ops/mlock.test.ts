import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAP_PRIVATE, MAP_SHARED } from '../constants.ts'
import { kernel, program, registers, run } from '../testing.ts'

test('mlock faults in: a private writable mapping by writing, which takes the copies at once', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }],
    vmas: [{ mm: 0, pages: 2, prot: 3, flags: MAP_PRIVATE }],
    threads: [program('P0', { mm: 0 }, ['r0 = mlock(0, 2)'])],
  })
  k.init()
  run(k)
  assert.equal(k.register(0, 0), 0)
  const writable = k.mms.flatMap((mm) => [0, 1].map((v) => k.pte(mm, v as never).write))
  assert.deepEqual([writable, k.vma(k.vmas[0]!).VM_LOCKED], [[true, true], true])
})

test('a special mapping is passed over, without an error and without being locked', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }],
    bos: [{ name: 'B', pages: 1, where: 'vram' }],
    vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: MAP_SHARED }],
    threads: [program('P0', { mm: 0 }, ['r0 = mlock(0, 1)'])],
  })
  k.init()
  run(k)
  assert.deepEqual([k.register(0, 0), k.vma(k.vmas[0]!).VM_LOCKED], [0, false])
})

test('a hole, and a page that cannot be had, are -ENOMEM', () => {
  const anon = { version: '6.12', vmas: [{ mm: 0, pages: 2, prot: 3, flags: MAP_PRIVATE }] }
  assert.equal(registers(anon, ['munmap(0, 1)', 'r0 = mlock(0, 2)'])['r0'], -12)
  assert.equal(
    registers({ version: '6.12', vmas: [{ mm: 0, pages: 1, prot: 0, flags: MAP_PRIVATE }] }, [
      'r0 = mlock(0, 1)',
    ])['r0'],
    -12,
  )
  assert.equal(registers(anon, ['r0 = mlock(0, 2)', 'r1 = munlock(0, 2)'])['r1'], 0)
})
