import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FULL, Store } from './index.ts'

test('the store is a set with insertion order and predecessors', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), { maxLength: 400 }),
      (records) => {
        const store = new Store(3)
        const seen = new Map<string, number>()
        records.forEach((record, n) => {
          store.candidate.set(record)
          const before = seen.get(String(record))
          const answer = store.add(n)
          assert.equal(answer, before === undefined ? seen.size : ~before)
          if (before === undefined) {
            assert.equal(store.parent(answer), n)
            seen.set(String(record), answer)
          }
        })
        assert.equal(store.count, seen.size)
        for (const [text, index] of seen) {
          const at = store.offsetOf(index)
          assert.equal(String([...store.slabOf(index).subarray(at, at + 3)]), text)
        }
      },
    ),
  )
})

test('a quarter of a million records, across slabs and growths of the table, are each found again', () => {
  const store = new Store(2)
  const many = 250_000
  for (let i = 0; i < many; i++) {
    store.candidate.set([i % 2, i])
    assert.equal(store.add(i - 1), i)
  }
  for (let i = 0; i < many; i++) {
    store.candidate.set([i % 2, i])
    assert.equal(store.add(0), ~i)
    assert.equal(store.parent(i), i - 1)
  }
  assert.ok(store.bytes < many * 12 * 1.3 + 4 * 2 ** 19, String(store.bytes))
})

test('a new store is small', () => {
  assert.ok(new Store(50).bytes < 20_000)
})

test('a store that may not grow says so, and still knows what it has', () => {
  for (const limits of [{ maxRecords: 100 }, { maxBytes: 4000 }]) {
    const store = new Store(2, limits)
    let i = 0
    for (; ; i++) {
      store.candidate.set([i, 0])
      if (store.add(-1) === FULL) break
    }
    assert.equal(store.count, i)
    if ('maxRecords' in limits) assert.equal(i, 100)
    else assert.ok(i >= 64 && store.bytes <= 4000, `${i} records, ${store.bytes} bytes`)
    store.candidate.set([5, 0])
    assert.equal(store.add(-1), ~5)
  }
})
