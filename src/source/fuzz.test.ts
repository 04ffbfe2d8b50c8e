import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { callsOf, cfgOf, effects, type Expr, parseC, parts, paths } from './index.ts'

const fixtures = new URL('../../../test/fixtures/source/', import.meta.url)
const seeds = readdirSync(fixtures)
  .filter((n) => n.endsWith('.c'))
  .map((n) => readFileSync(new URL(n, fixtures), 'utf8'))

/** Reads all there is to read, and checks that every node points into the text. */
function readAll(text: string): void {
  const c = parseC('t.c', text)
  const inside = (e: Expr): void => {
    assert.ok(
      e.start >= 0 && e.start <= e.end && e.end <= text.length,
      `${e.kind} ${e.start}–${e.end} of ${text.length}`,
    )
    parts(e).forEach(inside)
  }
  for (const f of c.functions) {
    assert.ok(f.start <= f.end && f.line <= f.endLine)
    callsOf(f)
    const cfg = cfgOf(f)
    for (const n of cfg.nodes) {
      if (n.expr) {
        inside(n.expr)
        effects(n.expr)
      }
      for (const e of n.succ) assert.ok(cfg.nodes[e.to]!.pred.includes(n.id))
    }
    for (const p of paths(cfg, { limit: 50 })) assert.ok(p.length > 0)
  }
  for (const m of c.macros) void m.body
}

const pieces = [
  '{',
  '}',
  '(',
  ')',
  ';',
  ',',
  '#if X\n',
  '#else\n',
  '#endif\n',
  '#define M(a) a\n',
  'if',
  'else',
  'for',
  'do',
  'while',
  'case 1:',
  'goto l;',
  'l:',
  '"',
  "'",
  '/*',
  '*/',
  '//',
  '\\\n',
  '*',
  '&',
  '=',
  '->',
  '?',
  ':',
  'struct',
  'return',
  '0x',
  '##',
  '[',
  ']',
  '\0',
  '\u00e9',
  'scoped_guard(m, x)',
  'list_for_each(',
  'SYSCALL_DEFINE1(f, int, x)',
]
const token = fc.constantFrom(...pieces)

test('random text never stops the reader', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), readAll), { numRuns: 300 })
})

test('random tokens never stop the reader', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(token, fc.constantFrom('a', 'int ', 'x ', ' ')), { maxLength: 120 }),
      (ts) => readAll(`int f(void) {${ts.join('')}}`),
    ),
    { numRuns: 600 },
  )
})

test('kernel-like C with pieces cut out, moved and put in never stops the reader', () => {
  const edit = fc.record({ at: fc.nat(10_000), cut: fc.nat(40), put: fc.array(token, { maxLength: 4 }) })
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 6 }), (seed, edits) => {
      let text = seed
      for (const { at, cut, put } of edits) {
        const i = at % (text.length + 1)
        text = text.slice(0, i) + put.join(' ') + text.slice(i + cut)
      }
      readAll(text)
    }),
    { numRuns: 600 },
  )
})

const within = (ms: number, text: string): void => {
  const start = performance.now()
  readAll(text)
  const took = performance.now() - start
  assert.ok(took < ms, `${text.slice(0, 40)}…: ${took.toFixed(0)} ms`)
}

test('deep nesting and long chains take bounded time', () => {
  const n = 20_000
  within(3000, `int f(void) { ${'{'.repeat(n)}${'}'.repeat(n)} }`)
  within(3000, `int f(void) { x = ${'('.repeat(n)}1${')'.repeat(n)}; }`)
  within(3000, `int f(void) { ${'('.repeat(n)} }`)
  within(3000, `int f(void) { x = ${'a ? b : '.repeat(n)} c; }`)
  within(3000, `int f(void) { x = ${'a + '.repeat(n)} c; }`)
  within(3000, `int f(void) { ${'if (a) b(); else '.repeat(n)} c(); }`)
  within(3000, `int f(void) { x ${'= y '.repeat(n)}; }`)
  within(3000, `int f(void) { x = ${'!-*&~'.repeat(n)}y; }`)
  within(3000, `int f(void) { ${'x = (int)'.repeat(n)}y; }`)
  within(3000, `${'#if A\n'.repeat(n)}int f(void) { }\n${'#endif\n'.repeat(n)}`)
  within(3000, `int f(void) {\n${'#if A\nx();\n#else\n'.repeat(2000)} }`)
  within(3000, `struct s { ${'struct { '.repeat(n)} int x; ${'} ; '.repeat(n)} };`)
  within(3000, `int a[] = ${'{'.repeat(n)}${'}'.repeat(n)};`)
  within(3000, `int f(void) { ${'switch (x) { case 1: '.repeat(3000)} }`)
  within(3000, `int f(void) { g(${'g('.repeat(n)} }`)
})

test('a generated file of 5 MB is read', () => {
  within(
    10_000,
    `int t[] = {\n${'\t{ .a = 0x1234, .b = "text", .c = F(1) },\n'.repeat(120_000)}};\nint f(void) { return g(); }`,
  )
})
