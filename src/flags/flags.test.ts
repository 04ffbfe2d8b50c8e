import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellName, cellOf, confirmedBy, questions, shapesOf, testOf, usual } from './index.ts'
import { parse, print } from '../litmus/index.ts'
import { Source } from '../base/index.ts'

const answer = (
  kernel: string,
  letters: string,
  name: string,
  share: 'shared' | 'private' = 'shared',
  also: string[] = [],
) =>
  cellOf(
    { letters, share, also, insert: usual(letters) },
    questions.find((q) => q.name === name)!,
    kernel,
    {},
  ).answer

test('VM_IO alone keeps pages from GUP, and from its fast path only since 6.10', () => {
  assert.equal(answer('6.1', 'I', 'GUP'), 'EFAULT')
  assert.equal(answer('6.1', 'I', 'fast'), 'yes')
  assert.equal(answer('6.12', 'I', 'fast'), 'EFAULT')
})

test('a raw PFN is looked up and not pinned; a page is pinned and not looked up', () => {
  assert.equal(answer('7.2', 'IP', 'fast'), 'EFAULT')
  assert.equal(answer('7.2', 'IP', 'look-up'), 'yes')
  assert.equal(answer('7.2', '-', 'fast'), 'yes')
  assert.equal(answer('7.2', '-', 'look-up'), 'EINVAL')
})

test('a core dump has pages, and neither bare PFNs nor anything that is VM_IO', () => {
  assert.equal(answer('7.2', '-', 'dump'), 'yes')
  assert.equal(answer('7.2', 'M', 'dump'), 'no')
  assert.equal(answer('7.2', 'P', 'dump', 'private'), 'no')
  assert.equal(answer('7.2', 'I', 'dump'), 'no')
})

test('VM_PFNMAP refuses to grow by itself, VM_MIXEDMAP only with VM_DONTEXPAND', () => {
  assert.equal(answer('6.1', 'P', 'mremap'), 'EFAULT')
  assert.equal(answer('6.1', 'M', 'mremap'), 'yes')
  assert.equal(answer('6.1', 'M', 'mremap', 'shared', ['VM_DONTEXPAND']), 'EFAULT')
})

test('a special mapping does not become one with the next; one with a ->close does since 6.12', () => {
  for (const letters of ['P', 'M', 'I']) assert.equal(answer('7.2', letters, 'merge'), 'no')
  assert.equal(answer('6.1', '-', 'merge'), 'no')
  assert.equal(answer('6.12', '-', 'merge'), 'yes')
})

test('what a cell shows is a test that prints as it is written, and every question has a cell of its own', () => {
  const names = new Set<string>()
  for (const shape of shapesOf({ also: [], insert: undefined }))
    for (const q of questions) {
      names.add(cellName(shape, q.name))
      const text = testOf(shape, q, '6.1')
      const { value, diagnostics } = parse(new Source('cell', text))
      assert.deepEqual(diagnostics, [], text)
      assert.deepEqual(parse(new Source('cell', print(value!))).value?.procs.length, 1)
    }
  assert.equal(names.size, 16 * questions.length)
})

test('what real kernels confirmed are cells of the table', () => {
  const names = new Set(
    shapesOf({ also: [], insert: undefined }).flatMap((s) => questions.map((q) => cellName(s, q.name))),
  )
  for (const kernel of ['5.10', '6.1', '6.12', '7.2']) {
    const confirmed = confirmedBy(kernel)
    assert.ok(confirmed.size > 100)
    for (const cell of confirmed) assert.ok(names.has(cell), cell)
  }
})
