import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { explore, kernel, program } from '../testing.ts'

const config = (driver: readonly string[], callback: readonly string[]): KernelConfig => ({
  version: '6.12',
  mms: [{ name: 'A' }],
  vmas: [{ mm: 0, pages: 2, prot: 3, flags: 2, populated: true }],
  locks: [{ name: 'lock', kind: 'mutex' }],
  notifiers: [{ name: 'n', mm: 0, start: 0, pages: 1, invalidate: 0 }],
  callbacks: [program('invalidate', { notifier: 0 }, callback)],
  threads: [
    program('P0', { mm: 0 }, driver),
    program('P1', { mm: 0 }, ['munmap(0, 2)']),
    { ...program('P2', {}, ['secondary_write(0, _, 1)']), daemon: true },
  ],
})
const callback = ['mutex_lock(0)', 'mmu_interval_set_seq(0)', 'secondary_unmap(0)', 'mutex_unlock(0)']
const driver = ({ begin = true, retry = true, lock = true } = {}) => [
  'r9 = pin_user_pages_fast(0, 1, 1, &page)',
  'if r9 < 1 return',
  ...(begin ? ['seq = mmu_interval_read_begin(0)'] : []),
  'unpin_user_page(page)',
  'r0 = get_user_pages_fast(0, 1, 1, &again)',
  `if r0 < 1 return`,
  ...(lock ? ['mutex_lock(0)'] : []),
  ...(retry ? ['r1 = mmu_interval_read_retry(0, seq)', `if r1 != 0 goto ${lock ? 10 : 9}`] : []),
  'secondary_map(0, _, again)',
  ...(lock ? ['mutex_unlock(0)'] : []),
  'put_page(again)',
]

test('read_begin, look up, lock, read_retry, map: the secondary MMU never lags behind', () => {
  const r = explore(kernel(config(driver(), callback)))
  assert.deepEqual([r.broken, r.deadlocks], [[], 0])
})

test('each thing left out is found: the retry, the lock, the sequence, the unmapping', () => {
  const broken = (d: readonly string[], c: readonly string[]) => explore(kernel(config(d, c))).broken
  const without = (word: string) => callback.filter((line) => !line.includes(word))
  const late = 'secondary-outlives-primary'
  assert.ok(broken(driver({ retry: false }), callback).includes(late))
  assert.ok(broken(driver({ lock: false }), callback).includes(late))
  assert.ok(broken(driver(), without('set_seq')).includes(late))
  assert.ok(broken(driver(), without('secondary_unmap')).includes(late))
})

test('removing a notifier waits for a running invalidation, and no callback runs after it', () => {
  const r = explore(kernel(config(['mmu_interval_notifier_remove(0)'], callback)), (k) =>
    String(k.notifier(0 as never).registered),
  )
  assert.deepEqual([r.broken, r.deadlocks, r.outcomes], [[], 0, ['false']])
})

test('removing it under the lock that the callback takes is a deadlock', () => {
  const r = explore(
    kernel(config(['mutex_lock(0)', 'mmu_interval_notifier_remove(0)', 'mutex_unlock(0)'], callback)),
  )
  assert.ok(r.deadlocks > 0)
})

test('one that is inserted during an invalidation makes the first read_begin wait', () => {
  const insert = config(['mmu_interval_notifier_insert(0)', 'seq = mmu_interval_read_begin(0)'], callback)
  const r = explore(
    kernel({
      ...insert,
      notifiers: [
        { ...insert.notifiers![0]!, unregistered: true },
        { name: 'm', mm: 0, start: 1, pages: 1, invalidate: 0 },
      ],
    }),
    (k) => `${k.notifier(0 as never).registered} ${k.mm(0 as never).invalidate_seq & 1}`,
  )
  assert.deepEqual([r.broken, r.deadlocks, r.outcomes], [[], 0, ['true 0']])
})

test('a translation that was installed for reading is not written through', () => {
  const one = (prot: number) => {
    const driver = [
      'r0 = get_user_pages_fast(0, 1, 1, &page)',
      `secondary_map(0, _, page, ${prot})`,
      'r1 = secondary_write(0, _, 1)',
      'r2 = secondary_read(0, _)',
      'secondary_unmap(0)',
      'r3 = secondary_read(0, _)',
      'put_page(page)',
    ]
    const k = kernel({ ...config(driver, callback), threads: [program('P0', { mm: 0 }, driver)] })
    const reg = (name: string) =>
      k.register(
        0,
        k.config.threads[0]!.registers.findIndex((r) => r.name === name),
      )
    const r = explore(k, () => `${reg('r1')} ${reg('r2')} ${reg('r3')}`)
    return [r.broken, r.outcomes]
  }
  assert.deepEqual(one(0), [[], ['0 1 -14']])
  assert.deepEqual(one(1), [[], ['-14 0 -14']])
})
