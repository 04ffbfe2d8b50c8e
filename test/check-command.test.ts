import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { run } from '../src/cli/cli.ts'
import type { CheckReport } from '../src/report/check-json.ts'

const dir = mkdtempSync(join(tmpdir(), 'tenure-check-'))
after(() => rmSync(dir, { recursive: true }))

const file = (name: string, text: string | Buffer): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

async function tenure(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return interrupted(new AbortController(), ...argv)
}

async function interrupted(
  abort: AbortController,
  ...argv: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run(argv, {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: abort.signal,
  })
  return { code, out, err }
}

const locks = `{ mutex m, n; }
P0() { mutex_lock(m); mutex_lock(n); r0 = 1; mutex_unlock(n); mutex_unlock(m); }
P1() { mutex_lock(n); mutex_lock(m); mutex_unlock(m); mutex_unlock(n); }
`
const good = file(
  'good.litmus',
  `C good\n(* Result: * Sometimes *)\n{ int i; }\nP0() { i = 1; }\nP1() { r0 = i; }\nexists (1:r0=1)\n`,
)
const bad = file('bad.litmus', `C bad\n(* Result: 6.1 Never *)\n${locks}exists (0:r0=1)\n`)
const wrong = file('wrong.litmus', `C wrong\n${locks.replace('mutex_lock(n)', 'mutex_look(n)')}`)
const endless = file(
  'endless.litmus',
  `C endless\n(* Result: 6.1 Never *)\n{ int a, b, c, d; }\n${['a', 'b', 'c', 'd'].map((v, i) => `P${i}() { while (1) ${v} = ${v} + 1; }`).join('\n')}\nexists (a=77)\n`,
)

test('what is as expected is 0', async () => {
  const { code, out, err } = await tenure('check', good)
  assert.equal(err, '')
  assert.match(out, /^Test good Allowed\nKernel 5\.9, 5\.10, 6\.1, 6\.12, 7\.2\nStates 2\n/)
  assert.match(out, /Observation good Sometimes 1 1\n/)
  assert.match(out, /Expected 5\.9, 5\.10, 6\.1, 6\.12, 7\.2 Sometimes: as found\n/)
  assert.match(out, /\n1 test, 5 runs: 5 as expected\n$/)
  assert.equal(code, 0)
})

test('what is not as expected is 1, and told', async () => {
  const { code, out } = await tenure('check', bad)
  assert.match(out, /Broken deadlock\n/)
  assert.match(
    out,
    /NOT AS FOUND\n {2}Never is expected, and it is Always\n {2}deadlock breaks, and is not expected to\n/,
  )
  assert.equal(code, 1)
  assert.equal((await tenure('check', '--kernel', '6.12', bad)).code, 0, 'of 6.12 nothing is expected')
})

test('a test with errors is 2, and the others are still run', async () => {
  const { code, out, err } = await tenure(
    'check',
    wrong,
    good,
    join(dir, 'missing'),
    file('binary', Buffer.from([67, 0, 255])),
  )
  assert.match(
    err,
    /error\[litmus\/unknown-op\]: there is no operation `mutex_look`\n --> .*wrong.litmus:3:23\n/,
  )
  assert.match(err, /did you mean `mutex_lock`/)
  assert.match(err, /missing cannot be read: ENOENT/)
  assert.match(err, /error\[litmus\/not-text\]/)
  assert.match(out, /Test good/)
  assert.equal(code, 2)
})

test('mistakes in the command line are 2, with what would be right', async () => {
  for (const [argv, said] of [
    [['check'], /no test is given/],
    [['check', '--kernel', '4.19', good], /'4\.19' is no kernel.*\n.*5\.9/],
    [['check', '--policy', 'follow_pfn=maybe', good], /is no policy\n.*follow_pfn=allow\|taint\|strict/],
    [['check', '--bounds', 'states=many', good], /is no bound\n.*states=/],
    [['check', '--format', 'xml', good], /text or json/],
    [['check', '--nonsense', good], /nonsense/],
    [['check', dir.replace(/[^/]*$/, 'nowhere-at-all')], /cannot be read/],
  ] as const) {
    const { code, err } = await tenure(...argv)
    assert.match(err, said)
    assert.equal(code, 2)
  }
})

test('what a bound leaves open is said to be unknown, with the figure, and is 1', async () => {
  const { code, out } = await tenure('check', '--bounds', 'states=1000', endless)
  assert.match(out, /Observation endless Unknown 0 0\n/)
  assert.match(out, /Unknown the search stopped at 1,000 states; what was not found may be\n {8}there\n/)
  assert.match(out, /NOT DECIDED/)
  assert.doesNotMatch(out, /Never 0|holds/)
  assert.equal(code, 1)
})

test('an interrupted check stops at once', async () => {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 300)
  const start = performance.now()
  const { code } = await interrupted(abort, 'check', endless)
  assert.equal(code, 130)
  assert.ok(performance.now() - start < 3000)
})

test('a kernel that lacks an operation is skipped when all are asked for, and an error when it is', async () => {
  const story = 'litmus/pfn-lookup/follow_pfn+unlock+dma+bo_move.litmus'
  const all = await tenure('check', '--brief', '--all-kernels', story)
  assert.deepEqual(
    all.out.split('\n').map((l) => l.slice(0, 2)),
    ['ok', 'ok', 'ok', '--', '--', '1 ', ''],
  )
  assert.match(all.out, /6\.12 skipped: follow_pfn is in kernels before 6\.10/)
  assert.equal(all.code, 0)
  assert.equal((await tenure('check', '--kernel', '6.12', story)).code, 2)
})

test('a policy on the command line is compared with what is expected of it', async () => {
  const { out, code } = await tenure(
    'check',
    '--brief',
    '--policy',
    'follow_pfn=strict',
    'litmus/pfn-lookup/follow_pfn+unlock+dma+bo_move.litmus',
  )
  assert.match(out, /^ok follow_pfn\+unlock\+dma\+bo_move 5\.9 with follow_pfn=strict Never\n/)
  assert.equal(code, 0)
})

test('json has what the text has, and the same from run to run but for the time', async () => {
  const once = await tenure('check', '--format', 'json', good, bad, wrong)
  const report = JSON.parse(once.out) as CheckReport
  assert.equal(report.schema, 1)
  assert.deepEqual(report.summary, { files: 3, runs: 6, match: 5, mismatch: 1, unknown: 0 })
  const run = report.runs.at(-1)!
  assert.deepEqual(
    [run.name, run.kernel, run.outcome, run.satisfied, run.verdict, run.broken.map((b) => b.code)],
    ['bad', '6.1', 'Always', true, 'mismatch', ['deadlock']],
  )
  assert.deepEqual(
    run.broken[0]!.witness.steps.map((s) => [s.actor, s.statement, s.changes]),
    [
      [0, 'mutex_lock(m)', ['P0 holds m']],
      [1, 'mutex_lock(n)', ['P1 holds n']],
    ],
  )
  assert.equal(report.diagnostics.length, 1)
  const timeless = (text: string): string => text.replace(/"seconds": [\d.e-]+/g, '')
  assert.equal(
    timeless((await tenure('check', '--format', 'json', good, bad, wrong)).out),
    timeless(once.out),
  )
})

test('no line about the corpus is wider than an e-mail', async () => {
  const { out, code } = await tenure('check', 'litmus')
  assert.equal(code, 0)
  const wide = out.split('\n').filter((l) => l.length > 72)
  assert.deepEqual(wide, [])
})
