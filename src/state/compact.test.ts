import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactStore } from './compact.ts'
import { FULL } from './store.ts'

const put = (store: CompactStore, n: number, parent: number): number => {
  store.candidate.fill(0)
  store.candidate[0] = n
  store.candidate[store.words - 1] = Math.imul(n, 3)
  return store.add(parent)
}

test('a compact store knows every record again, and gives back those that are not explored', () => {
  const store = new CompactStore(20)
  const n = 150_000
  for (let i = 0; i < n; i++) assert.equal(put(store, i, i - 1), i)
  for (let i = 0; i < n; i += 977) assert.equal(put(store, i, 7), ~i)
  assert.equal(store.count, n)
  assert.equal(store.slabOf(140_000)[store.offsetOf(140_000)], 140_000)
  assert.equal(store.parent(99), 98)
  const before = store.bytes
  store.explored(65_536)
  assert.equal(before - store.bytes, 4 * 65_536 * 20)
  assert.equal(put(store, 5, 0), ~5)
  assert.ok(store.matches(149_999, store.candidate) === false)
})

test('it says how likely it is that a record was missed', () => {
  const store = new CompactStore(2)
  assert.ok(store.missed < 1e-18)
  for (let i = 0; i < 1000; i++) put(store, i, -1)
  assert.equal(store.missed, 1000 ** 2 / 2 / 2 ** 64)
})

test('the memory that it may take is a bound', () => {
  const store = new CompactStore(20, { maxBytes: 9_000_000 })
  let at = 0
  while (put(store, at, -1) !== FULL) at++
  assert.ok(store.bytes <= 9_000_000)
  assert.equal(store.count, at)
})
