import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from '../base/index.ts'
import { compare } from './judge.ts'
import { parse } from './parser.ts'
import type { LitmusResult } from './result.ts'
import { runLitmus, type RunOptions } from './run.ts'

function run(text: string, options: Partial<RunOptions> = {}): LitmusResult {
  const { value, diagnostics } = parse(new Source('t', text))
  assert.deepEqual(diagnostics, [])
  const r = runLitmus(value!, { kernel: '6.1', ...options })
  assert.ok(r.value, r.diagnostics.map((d) => d.message).join('\n'))
  return r.value
}

const init = `C t
{ mm A; mutex m, n; A:p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE); A:q = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE); }
`
/** The only final state of a process with this body. */
const ends = (body: string): string => {
  const r = run(`${init}P0(mm A) { mmap_read_lock(); ${body} mmap_read_unlock(); }`)
  assert.deepEqual(r.broken, [])
  assert.equal(r.states.length, 1)
  return r.states[0]!.text
}

test("control flow is C's", () => {
  assert.equal(ends('r0 = 1; if (r0 == 1) r1 = 2; else r1 = 3;'), '0:r0=1; 0:r1=2;')
  assert.equal(ends('r0 = 1; if (r0 != 1) { r1 = 2; } else if (r0 > 0) r1 = 3;'), '0:r0=1; 0:r1=3;')
  assert.equal(ends('while (r0 < 3) { r0 = r0 + 1; v = vma_lookup(p); } v = NULL;'), '0:r0=3; 0:v=NULL;')
  assert.equal(ends('do { r0 = r0 + 1; v = vma_lookup(p); } while (0); v = NULL;'), '0:r0=1; 0:v=NULL;')
  assert.equal(
    ends('again: r0 = r0 + 1; v = vma_lookup(p); if (r0 < 2) goto again; v = NULL;'),
    '0:r0=2; 0:v=NULL;',
  )
  assert.equal(ends('r0 = 1; goto out; r0 = 2; out: r1 = r0;'), '0:r0=1; 0:r1=1;')
})

test('a call stands in an expression, and && and || call their right side only if it comes to it', () => {
  assert.equal(ends('if (vma_lookup(p)) r0 = 1; else r0 = 2;'), '0:r0=1;')
  assert.equal(ends('if (!vma_lookup(p)) r0 = 1; else r0 = 2;'), '0:r0=2;')
  assert.equal(ends('r0 = 0; if (r0 && vma_lookup(p)) r1 = 1; else r1 = 2;'), '0:r0=0; 0:r1=2;')
  assert.equal(ends('r0 = 1; if (r0 && vma_lookup(p)) r1 = 1; else r1 = 2;'), '0:r0=1; 0:r1=1;')
  assert.equal(ends('if (vma_lookup(p) == vma_lookup(q)) r1 = 1; else r1 = 2;'), '0:r1=2;')
  assert.equal(ends('r0 = vma_lookup(p) && vma_lookup(q);'), '0:r0=1;')
  // The right side would release a lock that is not held.
  const r = run(`${init}P0() { r0 = 0; if (r0 && !vma_lookup(A, q)) r1 = 1; r1 = 1 || vma_lookup(A, q); }`)
  assert.deepEqual(r.broken, [])
})

test("an outcome is Always, Sometimes or Never, with herd's numbers", () => {
  const text = (condition: string) =>
    `${init}P0() { mutex_lock(m); r0 = 1; mutex_unlock(m); } P1() { r1 = 2; } ${condition}`
  const verdicts = (['exists', '~exists', 'forall'] as const).map((q) =>
    ['(0:r0=1)', '(0:r0=2)', '(0:r0=1 /\\ 1:r1=3 \\/ 1:r1=2)'].map((c) => {
      const r = run(text(`${q} ${c}`))
      return `${r.outcome} ${r.satisfied} ${r.positive} ${r.negative}`
    }),
  )
  assert.deepEqual(verdicts, [
    ['Always true 1 0', 'Never false 0 1', 'Always true 1 0'],
    ['Always false 1 0', 'Never true 0 1', 'Always false 1 0'],
    ['Always true 1 0', 'Never false 0 1', 'Always true 1 0'],
  ])
})

const abba = `${init}
P0() { mutex_lock(m); mutex_lock(n); mutex_unlock(n); mutex_unlock(m); }  // one
P1() { mutex_lock(n); mutex_lock(m); mutex_unlock(m); mutex_unlock(n); }  // other
`

test('a deadlock is a broken promise with a shortest run to it, and who waits where', () => {
  const r = run(abba)
  assert.deepEqual(
    r.broken.map((b) => [b.code, b.detail, b.witness.steps.length]),
    [['deadlock', 'nobody can go on: P0 at mutex_lock(n), P1 at mutex_lock(m)', 2]],
  )
  assert.deepEqual(
    r.broken[0]!.witness.steps.map((s) => [s.statement, s.changes]),
    [
      ['mutex_lock(m)', ['P0 holds m']],
      ['mutex_lock(n)', ['P1 holds n']],
    ],
  )
})

test('the same locks in the same order do not deadlock', () => {
  assert.deepEqual(
    run(abba.replace('mutex_lock(n); mutex_lock(m)', 'mutex_lock(m); mutex_lock(n)')).broken,
    [],
  )
})

test('what was not explored is unknown, with the figure, and never Never', () => {
  const text = `${abba} exists (0:r0=1)`.replace('mutex_lock(m);', 'mutex_lock(m); r0 = 0;')
  const r = run(text, { maxStates: 5 })
  assert.equal(r.outcome, 'Unknown')
  assert.equal(r.satisfied, undefined)
  assert.equal(r.complete, false)
  assert.match(r.why!, /stopped at 5 states/)
  const never = compare({ kernels: ['6.1'], policies: {}, outcome: 'Never', broken: [] }, r)
  assert.equal(never.verdict, 'unknown')
})

test('a daemon need not end, and its end is not waited for', () => {
  const body = `{ mutex_lock(m); mutex_lock(n); mutex_unlock(n); mutex_unlock(m); }`
  const r = run(`${init}P0() { r0 = 1; } P1() daemon ${body} forall (0:r0=1)`)
  assert.equal(r.outcome, 'Always')
  assert.equal(r.positive, 5)
})

test('what is expected and what is found must be the same, to the last code', () => {
  const r = run(abba)
  const expect = { kernels: ['6.1'], policies: {} }
  assert.equal(compare({ ...expect, broken: ['deadlock'] }, r).verdict, 'match')
  assert.deepEqual(compare({ ...expect, broken: [] }, r).why, ['deadlock breaks, and is not expected to'])
  assert.deepEqual(compare({ ...expect, broken: ['deadlock', 'use-after-free'] }, r).why, [
    'use-after-free is expected to break, and holds',
  ])
  assert.deepEqual(compare({ ...expect, outcome: 'Never', broken: ['deadlock'] }, r).why, [
    'Never is expected of a condition, and there is none',
  ])
})

test('two runs of a test give the same but for the time', () => {
  const once = { ...run(abba), seconds: 0 }
  assert.deepEqual({ ...run(abba), seconds: 0 }, once)
})
