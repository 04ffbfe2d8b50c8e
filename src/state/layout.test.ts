import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { enums, flag, i8, type Id, initially, Layout, ref, u8, upTo } from './index.ts'

/** A bit of everything: no, one, two and three index sets, every kind, an empty set, names. */
const layout = new Layout({
  sets: {
    mm: { size: 2, names: ['A', 'B'] },
    vpn: { size: 3 },
    pfn: { size: 4, names: ['f0', 'f1', 'f2', 'f3'] },
    device: { size: 0 },
  },
  tables: {
    kernel: { by: [], cols: { tainted: flag, errno: i8 } },
    page: {
      by: ['pfn'],
      cols: { refcount: initially(u8, 1), state: enums('free', 'anon', 'device'), pins: upTo(3) },
    },
    pte: { by: ['mm', 'vpn'], cols: { present: flag, write: flag, pfn: ref('pfn') } },
    seen: { by: ['mm', 'vpn', 'pfn'], cols: { by: ref('mm') } },
    dma: { by: ['device', 'pfn'], cols: { active: flag } },
    bound: { by: ['mm'], cols: { device: ref('device') } },
  },
})
const [A, B] = layout.ids('mm') as [Id<'mm'>, Id<'mm'>]
const [v0, v1] = layout.ids('vpn') as [Id<'vpn'>, Id<'vpn'>]
const [f0, f1] = layout.ids('pfn') as [Id<'pfn'>, Id<'pfn'>]

test('a row reads what was written to it, in every kind of column', () => {
  const k = layout.open(layout.buffer())
  k.kernel().tainted = true
  k.kernel().errno = -110
  k.page(f1).state = 'device'
  k.page(f1).refcount += 2
  k.pte(B, v1).pfn = f0
  k.seen(A, v1, f1).by = B
  assert.deepEqual(
    [k.kernel().tainted, k.kernel().errno, k.page(f1).state, k.page(f1).refcount, k.pte(B, v1).pfn],
    [true, -110, 'device', 3, f0],
  )
  assert.equal(k.seen(A, v1, f1).by, B)
  k.pte(B, v1).pfn = undefined
  assert.equal(k.pte(B, v1).pfn, undefined)
  assert.equal(k.page(f0).state, 'free')
  assert.equal(k.seen(A, v1, f0).by, undefined)
})

test('no two cells share a byte', () => {
  const bytes = new Uint8Array(layout.bytes)
  for (const table of layout.shapes)
    for (const f of table.fields)
      for (let row = 0; row < table.count; row++) bytes[f.at + row * f.stride]! += 1
  const cells = layout.shapes.reduce((n, t) => n + t.count * t.fields.length, 0)
  assert.equal(
    bytes.reduce((a, b) => a + b, 0),
    cells,
  )
  assert.equal(Math.max(...bytes), 1)
  assert.equal(layout.bytes % 4, 0)
})

test('a table over an empty set takes no room', () => {
  assert.equal(layout.shapes.find((t) => t.name === 'dma')!.count, 0)
  assert.deepEqual(layout.ids('device'), [])
  assert.equal(layout.describe(layout.buffer())['dma'], undefined)
})

test('ids of one set cannot stand for those of another', () => {
  const k = layout.open(layout.buffer())
  // @ts-expect-error a vpn is no pfn
  k.pte(A, v0).pfn = v1
  // @ts-expect-error and cannot index pages
  k.page(v0)
  // @ts-expect-error nor are the two ids of a pte exchangeable
  k.pte(v0, A)
  // @ts-expect-error a bare number is no id
  k.page(0)
  // @ts-expect-error a word that is not of the column
  assert.throws(() => (k.page(f0).state = 'lost'), /'lost' is none of free, anon, device/)
  // @ts-expect-error a comparison that cannot be true
  assert.equal(k.page(f0).state === 'lost', false)
})

test('a fresh state has the initial values, and reset returns to it', () => {
  const bytes = layout.buffer()
  const k = layout.open(bytes)
  assert.equal(k.page(f1).refcount, 1)
  k.page(f1).refcount = 9
  layout.reset(bytes)
  assert.equal(k.page(f1).refcount, 1)
})

test('a state is described by names', () => {
  const bytes = layout.buffer()
  const k = layout.open(bytes)
  k.pte(A, v1).pfn = f1
  const d = layout.describe(bytes)
  assert.deepEqual(d['kernel'], { tainted: false, errno: 0 })
  assert.deepEqual(d['pte']!['A' as never]['vpn1'], { present: false, write: false, pfn: 'f1' })
})

test('a difference names the cells, in the order of the layout', () => {
  const before = layout.buffer()
  const after = layout.buffer()
  const k = layout.open(after)
  k.pte(B, v0).pfn = f1
  k.pte(B, v0).write = true
  k.kernel().errno = -14
  assert.deepEqual(layout.diff(before, after), [
    { table: 'kernel', ids: [], col: 'errno', from: '0', to: '-14' },
    { table: 'pte', ids: ['B', 'vpn0'], col: 'write', from: 'false', to: 'true' },
    { table: 'pte', ids: ['B', 'vpn0'], col: 'pfn', from: 'none', to: 'f1' },
  ])
  assert.deepEqual(layout.diff(after, after), [])
})

test('checked rows name the cell that cannot hold a value, and the id that is no member', () => {
  const k = layout.open(layout.buffer(), { checked: true })
  assert.throws(() => (k.page(f0).refcount -= 2), /page\[f0\]\.refcount cannot hold -1 \(0 to 255\)/)
  assert.throws(() => (k.page(f0).pins = 4), /page\[f0\]\.pins cannot hold 4 \(0 to 3\)/)
  assert.throws(() => (k.kernel().errno = 128), /kernel\.errno cannot hold 128/)
  assert.throws(() => (k.pte(A, v1).pfn = 4 as Id<'pfn'>), /pte\[A,vpn1\]\.pfn cannot hold 4/)
  assert.throws(() => k.page(4 as Id<'pfn'>), /page: 4 is no pfn \(there are 4\)/)
  assert.throws(() => k.seen(A, v0, -1 as Id<'pfn'>), /seen: -1 is no pfn/)
  k.page(f0).pins = 3
  assert.equal(k.page(f0).pins, 3)
})

test('tables with equal columns share their class, whatever their layout; others do not', () => {
  const classOf = (size: number, ...words: [string, ...string[]]): unknown => {
    const other = new Layout({
      sets: { pfn: { size } },
      tables: {
        before: { by: ['pfn'], cols: { x: flag } },
        page: { by: ['pfn'], cols: { is: enums(...words) } },
      },
    })
    const bytes = other.buffer()
    const row = other.open(bytes).page((size - 1) as Id<'pfn'>)
    row.is = words.at(-1)!
    assert.equal(bytes[2 * size - 1], words.length - 1)
    return Object.getPrototypeOf(row)
  }
  assert.equal(classOf(2, 'free', 'used'), classOf(7, 'free', 'used'))
  assert.notEqual(classOf(2, 'free', 'used'), classOf(2, 'free used'))
})

test('a schema that cannot be laid out is a bug', () => {
  assert.throws(() => new Layout({ sets: {}, tables: { t: { by: ['x'], cols: {} } } }), /uses the set x/)
  assert.throws(() => new Layout({ sets: { x: { size: 2, names: ['a'] } }, tables: {} }), /1 names/)
  assert.throws(() => new Layout({ sets: {}, tables: { t: { by: [], cols: { $at: flag } } } }), /no name/)
  const large = { x: { size: 256 } }
  assert.throws(() => new Layout({ sets: large, tables: { t: { by: [], cols: { c: ref('x') } } } }), /byte/)
  assert.doesNotThrow(() => new Layout({ sets: large, tables: { t: { by: ['x'], cols: { c: flag } } } }))
  assert.throws(
    () => new Layout({ sets: {}, tables: { t: { by: [], cols: { c: initially(upTo(3), 4) } } } }),
    /t\.c cannot start as 4/,
  )
})

/** Any state of the layout. */
const anyState = fc.gen().map((g) => {
  const bytes = new Uint8Array(layout.bytes)
  for (const table of layout.shapes)
    for (const f of table.fields)
      for (let row = 0; row < table.count; row++) {
        const kind = f.kind
        const most =
          kind.kind === 'u8'
            ? kind.max
            : kind.kind === 'i8'
              ? 255
              : kind.kind === 'flag'
                ? 1
                : kind.kind === 'ref'
                  ? f.members
                  : kind.words.length - 1
        bytes[f.at + row * f.stride] = g(fc.integer, { min: 0, max: most })
      }
  return bytes
})

test('views and plain rows read the same, and copying in and out is the identity', () => {
  fc.assert(
    fc.property(anyState, (bytes) => {
      const view = layout.open(bytes)
      const plain = layout.openPlain()
      layout.copyIn(bytes, plain)
      for (const pfn of layout.ids('pfn')) {
        assert.equal(view.page(pfn).refcount, plain.page(pfn).refcount)
        assert.equal(view.page(pfn).state, plain.page(pfn).state)
        for (const mm of layout.ids('mm')) {
          assert.equal(view.kernel().errno, plain.kernel().errno)
          for (const vpn of layout.ids('vpn'))
            assert.deepEqual(
              [view.pte(mm, vpn).pfn, view.seen(mm, vpn, pfn).by],
              [plain.pte(mm, vpn).pfn, plain.seen(mm, vpn, pfn).by],
            )
        }
      }
      const back = new Uint8Array(layout.bytes)
      layout.copyOut(plain, back)
      assert.deepEqual(back, bytes)
    }),
  )
})

test('a record gives back its state, and repacking equals packing', () => {
  const packing = layout.packing()
  const words = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer)
  fc.assert(
    fc.property(anyState, anyState, (a, b) => {
      const record = new Int32Array(packing.record)
      packing.pack(words(a), record)
      const back = new Uint8Array(layout.bytes)
      packing.unpack(record, 0, words(back))
      assert.deepEqual(back, a)
      packing.repack(words(a), words(b), record)
      const direct = new Int32Array(packing.record)
      packing.pack(words(b), direct)
      assert.deepEqual(record, direct)
    }),
  )
  assert.ok(packing.record * 4 < layout.bytes / 2, `${packing.record} words for ${layout.bytes} bytes`)
})

test('a value beyond its bits is refused, not cut off', () => {
  const bytes = layout.buffer()
  layout.open(bytes).page(f1).pins = 4
  assert.throws(
    () => layout.packing().pack(new Int32Array(bytes.buffer), new Int32Array(layout.packing().record)),
    /page\.pins of row 1 holds 4/,
  )
})
