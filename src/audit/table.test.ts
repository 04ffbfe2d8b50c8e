import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Table } from './table.ts'

test('a fork is its own, and what it holds tells it from others, in whatever order it came', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const change = fc.record({ on: fc.nat(2), name, value: fc.option(fc.nat(3), { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(fc.nat(29)), (changes, forks) => {
      const tables = [new Table<number>(String)]
      const plain = [new Map<string, number>()]
      changes.forEach(({ on, name, value }, i) => {
        const k = on % tables.length
        if (forks.includes(i)) {
          tables.push(tables[k]!.fork())
          plain.push(new Map(plain[k]))
        }
        if (value === undefined) {
          tables[k]!.delete(name)
          plain[k]!.delete(name)
        } else {
          tables[k]!.set(name, value)
          plain[k]!.set(name, value)
        }
      })
      const sorted = (all: Iterable<[string, number]>): [string, number][] =>
        [...all].sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [i, t] of tables.entries()) {
        assert.deepEqual(sorted(t), sorted(plain[i]!))
        for (const [j, u] of tables.entries())
          assert.equal(
            t.digest === u.digest,
            JSON.stringify(sorted(plain[i]!)) === JSON.stringify(sorted(plain[j]!)),
          )
      }
    }),
  )
})
