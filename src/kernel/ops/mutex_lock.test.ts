import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, kernel, program, registers } from '../testing.ts'

const locks = [
  { name: 'a', kind: 'mutex' as const },
  { name: 'b', kind: 'mutex' as const },
  { name: 's', kind: 'spinlock' as const },
  { name: 'rw', kind: 'rwsem' as const },
]
const both = (a: number, b: number) =>
  program(`P${a}`, {}, [`mutex_lock(${a})`, `mutex_lock(${b})`, `mutex_unlock(${b})`, `mutex_unlock(${a})`])

test('two locks in opposite order deadlock, in the same order not', () => {
  assert.equal(explore(kernel({ version: '6.12', locks, threads: [both(0, 1), both(0, 1)] })).deadlocks, 0)
  assert.equal(explore(kernel({ version: '6.12', locks, threads: [both(0, 1), both(1, 0)] })).deadlocks, 1)
})

test('readers share, a writer does not', () => {
  const reader = (n: number) => program(`P${n}`, {}, ['down_read(3)', 'up_read(3)'])
  const writer = program('P2', {}, ['down_write(3)', 'up_write(3)'])
  const two = explore(kernel({ version: '6.12', locks, threads: [reader(0), reader(1)] }))
  assert.equal(two.states, 9)
  assert.equal(explore(kernel({ version: '6.12', locks, threads: [reader(0), writer] })).states, 8)
})

test('a mutex under a spinlock, a lock that is kept, one that is not held: found', () => {
  const run = (lines: string[]) => registers({ version: '6.12', locks }, lines).broken
  assert.deepEqual(run(['spin_lock(2)', 'mutex_lock(0)', 'mutex_unlock(0)', 'spin_unlock(2)']), [
    'lock-context',
  ])
  assert.deepEqual(run(['mutex_lock(0)']), ['lock-context'])
  assert.deepEqual(run(['mutex_unlock(0)']), ['lock-context'])
  assert.deepEqual(run(['mutex_lock(0)', 'spin_lock(2)', 'spin_unlock(2)', 'mutex_unlock(0)']), [])
})
