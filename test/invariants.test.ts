import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invariants } from '../src/kernel/index.ts'
import { deadlockCode, judge, type LitmusTest, print } from '../src/litmus/index.ts'
import { corpus } from './corpus-counts.ts'

/*
 * Every invariant has a test of the corpus that breaks it, and a neighbour that does not: nearly the same program, or the same on another
 * kernel. A test and its neighbour are the boundary of what the invariant says.
 */

type Side = { readonly file: string; readonly kernel: string }
const pair = (family: string, breaks: string, holds: string, kernel = '6.1'): readonly [Side, Side] => [
  { file: `${family}/${breaks}.litmus`, kernel },
  { file: `${family}/${holds}.litmus`, kernel },
]
const versions = (file: string, breaks: string, holds: string): readonly [Side, Side] => [
  { file: `${file}.litmus`, kernel: breaks },
  { file: `${file}.litmus`, kernel: holds },
]

const boundaries: Readonly<Record<string, readonly [Side, Side]>> = {
  'attachment-leak': pair('dma-buf', 'error-path+attached', 'error-path+detached', '6.12'),
  deadlock: pair('vma', 'lock-order', 'lock-order+right'),
  'dirty-lost': pair('file', 'pin+writeback+unpin', 'pin+writeback+unpin_dirty'),
  'dma-buf-released-under-importer': pair('dma-buf', 'attach+put-first', 'attach+put-last'),
  'dma-direction-mismatch': pair('dma-buf', 'direction+wrong', 'direction+same'),
  'fork-isolation': pair('pin', 'fork+get+write', 'fork+pin+write'),
  'freed-while-mapped': pair('map-out', 'freed-while-mapped', 'freed-while-mapped+right'),
  'kernel-bug': pair('map-out', 'cow-mapping', 'cow-mapping+right'),
  'lock-context': pair('dma-buf', 'map+no-resv-lock', 'map+resv-lock'),
  'longterm-movable': versions('pin/pin-longterm+movable', '5.10', '6.1'),
  'out-of-object': pair('map-out', 'no-size-check', 'no-size-check+right'),
  'pinned-diverges': versions('cow/read-pin+fork+write', '5.10', '6.1'),
  'read-only-write': pair('map-out', 'mprotect-upgrade', 'mprotect-upgrade+right'),
  'refcount-balance': pair('dma-buf', 'import+undone-twice', 'import+undone-once', '6.12'),
  'secondary-outlives-primary': pair(
    'notifier',
    'notifier+no-retry+bo_move',
    'notifier+retry+bo_move',
    '6.12',
  ),
  uninitialised: versions('pin/pin+mixedmap-special', '5.10', '6.1'),
  'use-after-free': pair('pfn-lookup', 'follow_pte+unlock+use+bo_move', 'follow_pte+use+unlock+bo_move'),
  'use-after-unlock': pair('vma', 'vma+unlock+use', 'vma+relookup'),
}

/** No test can break these, and why. */
const without: Readonly<Record<string, string>> = {
  'anon-exclusive':
    'it says that the mm keeps its own books, which no driver can spoil; broken models break it (npm run mutants)',
  'model-bound': 'it is not a promise of the kernel',
}

const files = new Map(corpus().map((f) => [f.file, f.test]))

test('every invariant has a test that breaks it and a neighbour that does not, or a reason', () => {
  const codes = [...invariants.map((i) => i.code), deadlockCode].sort()
  assert.deepEqual([...Object.keys(boundaries), ...Object.keys(without)].sort(), codes)
})

for (const [code, [breaks, holds]] of Object.entries(boundaries))
  test(`${code} breaks in ${breaks.file} on ${breaks.kernel}, and not in ${holds.file} on ${holds.kernel}`, () => {
    assert.ok(codesOf(breaks).includes(code))
    assert.deepEqual(codesOf(holds), [])
    const [a, b] = [breaks, holds].map((s) => linesOf(files.get(s.file)!)) as [string[], string[]]
    const apart = [...a.filter((l) => !b.includes(l)), ...b.filter((l) => !a.includes(l))]
    assert.ok(apart.length <= 10, `they are no neighbours:\n${apart.join('\n')}`)
  })

function codesOf({ file, kernel }: Side): string[] {
  const t = files.get(file)
  assert.ok(t, `there is no ${file}`)
  const expect = t.expect.find((e) => e.kernels.includes(kernel) || e.kernels.includes('*'))
  assert.ok(expect, `${file} does not say what it expects of ${kernel}`)
  const { value } = judge(t, { kernel, policies: {}, expect })
  return value!.result.broken.map((b) => b.code)
}

/** The program, without what is said about it. */
const linesOf = (t: LitmusTest): string[] =>
  print({ ...t, name: 'x', comment: '', expect: [] })
    .split('\n')
    .map((l) => l.replace(/\/\/.*/, '').trim())
    .filter((l) => l !== '')
