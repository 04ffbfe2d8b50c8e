import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Id, Layout, ref, upTo } from './index.ts'

/** Two symmetric sets, a table over each, one over both, one over a set twice, and references both ways. */
const layout = new Layout({
  sets: { thread: { size: 4, symmetric: true }, page: { size: 3, symmetric: true }, slot: { size: 2 } },
  tables: {
    task: { by: ['thread'], cols: { pc: upTo(2), holds: ref('page'), waitsFor: ref('thread') } },
    page: { by: ['page'], cols: { count: upTo(2), owner: ref('thread') } },
    maps: { by: ['thread', 'slot'], cols: { page: ref('page') } },
    knows: { by: ['thread', 'thread'], cols: { how: upTo(2) } },
    rights: { by: ['page', 'slot', 'thread'], cols: { how: upTo(1) } },
    lock: { by: [], cols: { owner: ref('thread') } },
  },
})
const canon = layout.canonicaliser()!

const anyState = fc.gen().map((g) => {
  const bytes = new Uint8Array(layout.bytes)
  for (const table of layout.shapes)
    for (const f of table.fields)
      for (let row = 0; row < table.count; row++)
        bytes[f.at + row * f.stride] = g(fc.integer, {
          min: 0,
          max: f.kind.kind === 'u8' ? f.kind.max : f.members,
        })
  return bytes
})

const permutationOf = (size: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: size }, (_, i) => i),
    { minLength: size, maxLength: size },
  )
const anyPermutation = fc
  .tuple(permutationOf(4), permutationOf(3))
  .map(([t, p]) => Uint8Array.from([...t, ...p]))

/** What renaming means, written down with rows and names instead of offsets. */
function renamed(bytes: Uint8Array, by: Uint8Array): Uint8Array {
  const t = (id: Id<'thread'>): Id<'thread'> => by[id] as Id<'thread'>
  const p = (id: Id<'page'>): Id<'page'> => by[4 + id] as Id<'page'>
  const maybe = <I>(map: (id: I) => I, id: I | undefined): I | undefined => (id === undefined ? id : map(id))
  const out = layout.buffer()
  const from = layout.open(bytes)
  const to = layout.open(out)
  const threads = layout.ids('thread')
  const pages = layout.ids('page')
  for (const i of threads) {
    to.task(t(i)).pc = from.task(i).pc
    to.task(t(i)).holds = maybe(p, from.task(i).holds)
    to.task(t(i)).waitsFor = maybe(t, from.task(i).waitsFor)
    for (const s of layout.ids('slot')) to.maps(t(i), s).page = maybe(p, from.maps(i, s).page)
    for (const j of threads) to.knows(t(i), t(j)).how = from.knows(i, j).how
  }
  for (const i of pages) {
    to.page(p(i)).count = from.page(i).count
    to.page(p(i)).owner = maybe(t, from.page(i).owner)
    for (const s of layout.ids('slot'))
      for (const j of threads) to.rights(p(i), s, t(j)).how = from.rights(i, s, j).how
  }
  to.lock().owner = maybe(t, from.lock().owner)
  return out
}

test('permuting a state renames rows and references alike', () => {
  fc.assert(
    fc.property(anyState, anyPermutation, (state, by) => {
      const out = layout.buffer()
      canon.permute(state, by, out)
      assert.deepEqual(out, renamed(state, by))
    }),
  )
})

test('the canonical form is a permutation of the state, and the one that it says', () => {
  fc.assert(
    fc.property(anyState, (state) => {
      const out = layout.buffer()
      const by = canon.identity()
      canon.canonicalise(state, out, by)
      assert.deepEqual(by.slice(0, 4).sort(), Uint8Array.of(0, 1, 2, 3))
      assert.deepEqual(by.slice(4).sort(), Uint8Array.of(0, 1, 2))
      assert.deepEqual(out, renamed(state, by))
    }),
  )
})

test('inverse and composition are those of permutations', () => {
  fc.assert(
    fc.property(anyState, anyPermutation, anyPermutation, (state, a, b) => {
      assert.deepEqual(canon.compose(a, canon.inverse(a)), canon.identity())
      const one = layout.buffer()
      const two = layout.buffer()
      canon.permute(state, a, one)
      canon.permute(one, b, two)
      assert.deepEqual(two, renamed(state, canon.compose(a, b)))
    }),
  )
})

test('threads that differ in their own cells come out in one order, whatever it was', () => {
  fc.assert(
    fc.property(anyPermutation, (by) => {
      const threads = new Layout({
        sets: { thread: { size: 4, symmetric: true } },
        tables: {
          task: { by: ['thread'], cols: { pc: upTo(9) } },
          lock: { by: [], cols: { owner: ref('thread') } },
        },
      })
      const c = threads.canonicaliser()!
      const state = threads.buffer()
      const rows = threads.open(state)
      for (const t of threads.ids('thread')) rows.task(t).pc = by[t]!
      rows.lock().owner = by.indexOf(2) as Id<'thread'>
      const out = threads.buffer()
      c.canonicalise(state, out, c.identity())
      const sorted = threads.open(out)
      assert.deepEqual(
        threads.ids('thread').map((t) => sorted.task(t).pc),
        [0, 1, 2, 3],
      )
      assert.equal(sorted.lock().owner, 2)
    }),
  )
})

test('without a symmetric set of two there is nothing to merge', () => {
  const one = new Layout({ sets: { t: { size: 1, symmetric: true }, u: { size: 3 } }, tables: {} })
  assert.equal(one.canonicaliser(), undefined)
})
