import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { check, findings, reference } from '../src/check/index.ts'
import { bind, modelOf, parse, print } from '../src/litmus/index.ts'
import { renderCheck } from '../src/report/check-text.ts'
import { Source } from '../src/base/index.ts'
import { corpus, type Counts, runsOf } from './corpus-counts.ts'

const files = corpus()
const pinned = JSON.parse(readFileSync('litmus/expected.json', 'utf8')) as Counts

/** Runs with more states than this are not repeated by the reference evaluator, which is slow on purpose. */
const referenceLimit = 4000
let repeated = 0
let all = 0

for (const f of files)
  test(`${f.file} gives what it expects, on every kernel and policy that it names`, () => {
    assert.ok(f.test.expect.length > 0, 'it expects nothing')
    for (const { key, bound, judgement } of runsOf(f)) {
      all++
      const { result } = judgement
      assert.equal(
        judgement.verdict,
        'match',
        `${judgement.why.join('; ')}\n${renderCheck([{ result, judgement }])}`,
      )
      assert.deepEqual(result.counts, pinned[f.file]?.[key], `${key}: counts changed; npm run promote`)
      if (result.counts.states > referenceLimit) continue
      repeated++
      let rows: object = {}
      const plain = modelOf(bound, (layout) => {
        const opened = layout.openPlain()
        rows = opened
        return opened
      })
      assert.deepEqual(
        findings(check(modelOf(bound), { symmetry: false })),
        reference(plain, rows),
        `${key}: the reference evaluator differs`,
      )
    }
  })

test('the reference evaluator has repeated most of the corpus', () => {
  assert.ok(repeated >= 0.8 * all, `${repeated} of ${all} runs`)
})

test('a test is named after its file, says why in words, and warns of nothing', () => {
  for (const { file, test: t } of files) {
    assert.equal(`${t.name}.litmus`, basename(file))
    assert.ok(t.comment.length > 150, `${file} explains too little`)
    for (const line of t.comment.split('\n')) assert.ok(line.length <= 75, `${file}: ${line}`)
    const kernel = t.expect[0]!.kernels[0]!
    const { diagnostics } = bind(t, kernel === '*' ? '6.1' : kernel)
    assert.deepEqual(
      diagnostics.map((d) => d.message),
      [],
      file,
    )
  }
})

test('no run is pinned that is not there any more', () => {
  assert.deepEqual(Object.keys(pinned).sort(), files.map((f) => f.file).sort())
})

test('printing what was read of the corpus is stable', () => {
  for (const { file, test: t } of files) {
    const once = print(t)
    const again = parse(new Source(file, once))
    assert.deepEqual(again.diagnostics, [])
    assert.equal(print(again.value!), once)
  }
})
