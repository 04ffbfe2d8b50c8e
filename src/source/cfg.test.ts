import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type Cfg,
  cfgOf,
  dominators,
  effects,
  type Func,
  parseC,
  paths,
  printCfg,
  reachable,
} from './index.ts'

const fixtures = new URL('../../../test/fixtures/source/', import.meta.url)
const func = (c: string): Func => parseC('t.c', c).functions[0]!
const text = (f: Func, cfg: Cfg, id: number): string => {
  const e = cfg.nodes[id]!.expr
  return e ? f.file.source.text.slice(e.start, e.end) : cfg.nodes[id]!.kind
}

/** PROMOTE=1 writes the files anew; then read the difference. */
for (const name of ['ladder', 'cleanup', 'arms'])
  test(`the control flow of ${name}.c is as reviewed`, () => {
    const c = parseC(`${name}.c`, readFileSync(new URL(`${name}.c`, fixtures), 'utf8'))
    const made = c.functions
      .map((f) => `${f.name}\n${printCfg(cfgOf(f), c.source.text, (o) => c.source.position(o).line)}\n`)
      .join('\n')
    const golden = fileURLToPath(new URL(`${name}.cfg`, fixtures))
    if (process.env['PROMOTE']) writeFileSync(golden, made)
    assert.equal(made, readFileSync(golden, 'utf8'))
  })

test('paths are all ways, loops as often as asked', () => {
  const f = func('int f(int n) { while (n--) { if (a) one(); else two(); } return n; }')
  const ways = (visits: number): string[] =>
    [...paths(cfgOf(f), { visits })].map((p) =>
      p
        .map((s) => text(f, cfgOf(f), s.node.id))
        .filter((t) => /one|two/.test(t))
        .join(' '),
    )
  assert.deepEqual(ways(1), [''])
  assert.deepEqual(ways(2).sort(), ['', 'one()', 'two()'])
  assert.deepEqual(ways(3).sort(), [
    '',
    'one()',
    'one() one()',
    'one() two()',
    'two()',
    'two() one()',
    'two() two()',
  ])
})

test('ways that differ only where nothing matters are one way', () => {
  const noise = Array.from({ length: 40 }, (_, i) => `if (x${i}) log(${i});`).join(' ')
  const f = func(`int f(void) { take(); ${noise} if (y) drop(); ${noise} return 0; }`)
  const cfg = cfgOf(f)
  const matters = (n: { id: number }): boolean => /take|drop/.test(text(f, cfg, n.id))
  const ways = [...paths(cfg, { matters })].map((p) => p.map((s) => text(f, cfg, s.node.id)).join(' '))
  assert.deepEqual(ways.sort(), ['entry take() drop() exit', 'entry take() exit'])
})

test('a limit is told, not hidden', () => {
  const f = func(`int f(void) { ${'if (x) y(); '.repeat(20)} }`)
  const all = paths(cfgOf(f), { limit: 10 })
  let made = 0
  let end = all.next()
  for (; !end.done; end = all.next()) made++
  assert.equal(made, 10)
  assert.deepEqual(end.value, { complete: false })
})

test('no path takes two arms of #if against each other', () => {
  const f = func(
    'int f(void) {\n#ifdef A\n one();\n#else\n two();\n#endif\n mid();\n#ifdef A\n three();\n#endif\n return 0; }',
  )
  const cfg = cfgOf(f)
  const ways = [...paths(cfg)].map((p) =>
    p
      .map((s) => text(f, cfg, s.node.id))
      .filter((t) => /one|two|three/.test(t))
      .join(' '),
  )
  assert.deepEqual(ways.sort(), ['one() three()', 'two()'])
})

test('dominators and reach agree with the code', () => {
  const f = func('int f(void) { lock(); if (a) one(); else two(); unlock(); return 0; dead(); }')
  const cfg = cfgOf(f)
  const id = (t: string): number => cfg.nodes.findIndex((n) => text(f, cfg, n.id) === t)
  const { dominates } = dominators(cfg)
  assert.equal(dominates(id('lock()'), id('unlock()')), true)
  assert.equal(dominates(id('one()'), id('unlock()')), false)
  assert.equal(reachable(cfg, cfg.entry).has(id('dead()')), false)
  assert.equal(reachable(cfg, id('one()')).has(id('two()')), false)
  assert.equal(reachable(cfg, id('unlock()'), true).has(id('two()')), true)
})

test('effects come in the order of evaluation, and conditional ones are marked', () => {
  const f = func('int f(void) { r = outer(inner(x++), a && maybe()); }')
  const e = cfgOf(f).nodes.find((n) => n.expr)!.expr!
  assert.deepEqual(
    effects(e).map(
      (x) => `${f.file.source.text.slice(x.expr.start, x.expr.end)}${x.conditional ? ' ?' : ''}`,
    ),
    [
      'x++',
      'inner(x++)',
      'maybe() ?',
      'outer(inner(x++), a && maybe())',
      'r = outer(inner(x++), a && maybe())',
    ],
  )
})
