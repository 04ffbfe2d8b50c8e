import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, walk } from './index.ts'
import { open } from './testing/agree.ts'
import { share } from './testing/share.ts'
import { type Program, threads, threadsLayout } from './testing/threads.ts'

const racy: Program = [['look', 0], ['grab', 0], ['load'], ['store'], ['unlock', 0]]
const layout = threadsLayout(2, 1)

test('walks find what the search finds where there is little to find, and are never complete', () => {
  const model = open(layout, threads(layout, [racy, racy]))
  const walked = walk(model, { walks: 200 })
  const searched = check(model)
  assert.equal(walked.complete, false)
  assert.deepEqual(
    walked.violations.map((v) => v.code),
    searched.violations.map((v) => v.code),
  )
  assert.deepEqual(
    walked.outcomes.map((o) => o.text),
    searched.outcomes.map((o) => o.text),
  )
  assert.equal(
    walked.outcomes.reduce((n, o) => n + o.states, 0),
    200,
  )
  for (const { trace } of [...walked.violations, ...walked.outcomes]) {
    let before = trace.initial
    for (const step of trace.steps) {
      model.state.set(before)
      let asked = 0
      model.step(
        step.actor,
        () => step.choices[asked++]!,
        () => {},
      )
      assert.deepEqual(model.state, step.after)
      before = step.after
    }
  }
})

test('a walk that cannot go on has met a deadlock', () => {
  const opposite = threadsLayout(2, 2)
  const model = open(
    opposite,
    threads(opposite, [
      [
        ['lock', 0],
        ['lock', 1],
        ['unlock', 1],
        ['unlock', 0],
      ],
      [
        ['lock', 1],
        ['lock', 0],
        ['unlock', 0],
        ['unlock', 1],
      ],
    ]),
  )
  assert.equal(walk(model, { walks: 50 }).deadlock?.steps.length, 2)
})

test('the same seed gives the same walks, another one others', () => {
  const walked = (seed: number): string =>
    JSON.stringify(
      walk(share({ pages: 2, frames: 3, pins: 1, bug: 1 }), { seed, walks: 20, maxDepth: 50 }).violations,
    )
  assert.equal(walked(3), walked(3))
  assert.notEqual(walked(3), walked(4))
})
