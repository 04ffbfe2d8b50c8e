import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryTree, Overlay, Program } from './index.ts'

const tree = (files: Record<string, string>): MemoryTree =>
  new MemoryTree('t', new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])))

test('the upper file covers the lower one, what is hidden is gone, the rest is shared', async () => {
  const base = tree({
    'mm/a.c': 'int f(void) { return old(); }',
    'mm/b.c': 'int g(void) { return f() + old(); }',
    'mm/c.c': 'int h(void) { return f() + old(); }',
    'mm/Makefile': 'obj-y += a.o',
  })
  const top = tree({ 'mm/a.c': 'int f(void) { return new(); }', 'mm/d.c': 'int d(void) { return g(); }' })
  const over = new Overlay(base, top, { hidden: ['mm/c.c'], path: 'p' })
  assert.deepEqual(over.files, ['mm/a.c', 'mm/b.c', 'mm/d.c'])
  const below = new Program(base)
  const p = new Program(over, { below })
  assert.deepEqual(below.filesWith('old'), ['mm/a.c', 'mm/b.c', 'mm/c.c'])
  assert.deepEqual(p.filesWith('old'), ['mm/b.c'])
  assert.deepEqual(p.filesWith('f'), ['mm/a.c', 'mm/b.c'])
  assert.equal(p.file('mm/b.c'), below.file('mm/b.c'))
  assert.notEqual(p.file('mm/a.c'), below.file('mm/a.c'))
  assert.equal(over.makefile('mm'), 'obj-y += a.o')
  assert.deepEqual(
    p.callers(p.definitions('g')[0]!).map((c) => c.func.name),
    ['d'],
  )
})

test('a problem of a covered file is not one of the whole', () => {
  const base = tree({ 'a.c': 'x', 'b.c': 'x' })
  base.problems.push({ file: 'a.c', message: 'm' }, { file: 'b.c', message: 'm' })
  const over = new Overlay(base, tree({ 'a.c': 'y' }), { path: 'p' })
  assert.deepEqual(over.problems, [{ file: 'b.c', message: 'm' }])
})
