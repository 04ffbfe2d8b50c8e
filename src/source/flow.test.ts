import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  after,
  carries,
  cfgOf,
  definitionsOf,
  type Expr,
  explore,
  flagsOf,
  type Func,
  inCallee,
  inCaller,
  isWithin,
  moved,
  parseC,
  pathOf,
  paths,
  reads,
  trail,
  valuesAlong,
  writes,
} from './index.ts'

const func = (body: string): Func => parseC('t.c', `int f(int w, struct s *p)\n{\n${body}\n}`).functions[0]!
const expr = (c: string): Expr => {
  const s = func(`${c};`).body.stmts[0]!
  if (s.kind !== 'expr') throw new Error(`${c} is a ${s.kind}`)
  return s.expr
}
const show = (e: Expr): string => ('text' in e ? e.text : 'name' in e ? e.name : e.kind)

test('a place has one spelling', () => {
  const spelled = [
    '(*p).f',
    '((struct s *)p)->f',
    '(&x)->f',
    '*&x',
    'pages[i + 1]',
    '(*pp)->f',
    '*p++',
    'f(x)',
    'a + b',
  ]
  assert.deepEqual(
    spelled.map((c) => pathOf(expr(c))),
    ['p->f', 'p->f', 'x.f', 'x', 'pages[]', '(*pp)->f', '*p', undefined, undefined],
  )
})

test('what hangs on a place moves with it', () => {
  assert.equal(isWithin('p->f', 'p'), true)
  assert.equal(isWithin('p->f', '*p'), true)
  assert.equal(isWithin('pfn', 'p'), false)
  assert.equal(moved('p->f', 'p', 'q'), 'q->f')
  assert.equal(moved('*p', 'p', 'q'), '*q')
  assert.equal(moved('a.f', 'a', '*q'), 'q->f')
  assert.equal(moved('p->f', '*p', 'a'), 'a.f')
  assert.equal(moved('q', 'p', 'x'), undefined)
})

test('a parameter is what its argument is', () => {
  assert.equal(
    inCaller(
      '*pfn',
      'pfn',
      expr('g(&cur)').kind === 'call' ? (expr('g(&cur)') as Expr & { kind: 'call' }).args[0]! : expr('x'),
    ),
    'cur',
  )
  const arg = (c: string): Expr => (expr(`g(${c})`) as Expr & { kind: 'call' }).args[0]!
  assert.equal(inCaller('args->pfn', 'args', arg('&args')), 'args.pfn')
  assert.equal(inCaller('*pfn', 'pfn', arg('out')), '*out')
  assert.equal(inCaller('*pfn', 'pfn', arg('&p->pfns[i]')), 'p->pfns[]')
  assert.equal(inCaller('other', 'pfn', arg('out')), undefined)
  assert.equal(inCallee('cur', 'pfn', arg('&cur')), '*pfn')
  assert.equal(inCallee('args.pfn', 'a', arg('&args')), 'a->pfn')
  assert.equal(inCallee('mem->vec', 'm', arg('mem')), 'm->vec')
})

test('reads and writes are told apart', () => {
  const r = (c: string): string[] => reads(expr(c)).map((x) => x.path)
  const w = (c: string): string[] => writes(expr(c)).map((x) => `${x.op} ${x.path}`)
  assert.deepEqual(r('p->x = a + q->y'), ['a', 'q->y', 'q', 'p'])
  assert.deepEqual(r('g(&x, y, &p->z)'), ['y', 'p'])
  assert.deepEqual(w('p->x = g(&y, n++)'), ['++ n', '& y', '= p->x'])
  assert.deepEqual(w('x |= A'), ['| x'])
})

test('a copy and arithmetic carry a value, a comparison does not', () => {
  const yes = ['pfn', '(u64)pfn << 12', 'a ? pfn : 0', 'x = pfn', 'twice(pfn)', '({ a; pfn; })', '(a, pfn)']
  const no = ['pfn == a', '!pfn', 'check(pfn)', '&pfn', '*pfn', 'a ? 1 : 2', 'sizeof(pfn)']
  const is = (c: string): boolean =>
    carries(
      expr(c),
      (p) => p === 'pfn',
      (call, args) => show(call.callee) === 'twice' && args[0]!,
    )
  for (const c of yes) assert.equal(is(c), true, c)
  for (const c of no) assert.equal(is(c), false, c)
})

test('tracked places grow by copies and shrink by overwriting', () => {
  const go = (c: string, ...tracked: string[]): string[] => [...after(expr(c), new Set(tracked))].sort()
  assert.deepEqual(go('x = pfn << 12', 'pfn'), ['pfn', 'x'])
  assert.deepEqual(go('pfn = 0', 'pfn'), [])
  assert.deepEqual(go('pfn += 1', 'pfn'), ['pfn'])
  assert.deepEqual(go('b = a', 'a.pfn'), ['a.pfn', 'b.pfn'])
  assert.deepEqual(go('q = &a', 'a.pfn'), ['a.pfn', 'q->pfn'])
  assert.deepEqual(go('q = p', 'p->pfn'), ['p->pfn', 'q->pfn'])
  assert.deepEqual(go('p = q', 'p->pfn'), [])
  assert.deepEqual(go('w && (pfn = 0)', 'pfn'), ['pfn'])
  assert.deepEqual(go('m->args = (struct a){ .pfn = pfn }', 'pfn'), ['m->args.pfn', 'pfn'])
})

test('flags are resolved through variables, ternaries and masks; what is not known is said', () => {
  const flags = (body: string): string[] => {
    const f = func(body)
    const last = f.body.stmts.at(-1)!
    const call = last.kind === 'expr' && last.expr.kind === 'call' ? last.expr : undefined
    const resolve = (path: string): readonly Expr[] | 'unknown' | undefined => {
      const d = definitionsOf(f, path)
      if (d.length > 0) return d.map((x) => x.value)
      return /^[A-Z_]+$/.test(path) ? undefined : 'unknown'
    }
    return flagsOf(call!.args[0]!, resolve, (e) => f.file.source.text.slice(e.start, e.end))
      .map((x) => [...[...x.names].sort(), ...x.unknown.map((u) => `?${u}`)].join('|'))
      .sort()
  }
  assert.deepEqual(flags('g(A | (w ? B : 0));'), ['A', 'A|B'])
  assert.deepEqual(flags('int fl = A; if (w) fl = A | B; g(fl);'), ['A', 'A|B'])
  assert.deepEqual(flags('g((A | B) & ~B);'), ['A'])
  assert.deepEqual(
    flags('g(A | p->flags);'),
    ['?p->flags'].map((u) => `A|${u}`),
  )
})

test('along a path the last value counts, with what was added to it', () => {
  const f = func('int fl = A; if (w) fl |= B; else fl = C; g(fl); return 0;')
  const found = [...paths(cfgOf(f))].map((p) =>
    valuesAlong(p, p.length, 'fl')
      .map((v) => `${v.op}${show(v.value)}`)
      .join(' '),
  )
  assert.deepEqual(found.sort(), ['=A |B', '=C'])
})

test('exploring visits a node once for each state and remembers the way', () => {
  const f = func('take(); while (w) { if (p) drop(); } end(); return 0;')
  const cfg = cfgOf(f)
  const called = (e: Expr | undefined): string => (e?.kind === 'call' ? show(e.callee) : '')
  const r = explore<boolean>(cfg, false, {
    key: String,
    step: (n, held) => [called(n.expr) === 'take' ? true : called(n.expr) === 'drop' ? false : held],
  })
  assert.equal(r.complete, true)
  assert.deepEqual(new Set(r.exits.map((v) => v.state)), new Set([false, true]))
  const way = trail(r.exits.find((v) => !v.state)!)
    .map((v) => called(v.node.expr))
    .filter((c) => c !== '')
  assert.deepEqual(way, ['take', 'drop', 'end'])
  assert.equal(explore<number>(cfg, 0, { key: String, step: (_, n) => [n + 1], limit: 50 }).complete, false)
})
