import assert from 'node:assert/strict'
import type { Layout, Rows, Sets, Tables } from '../../state/index.ts'
import { check } from '../bfs.ts'
import type { CheckResult, Model } from '../model.ts'
import { findings, reference } from '../reference.ts'

/** A model, given the rows that its steps use and the buffer that they are views on. */
export type Build<T extends Tables> = (rows: Rows<T>, state: Uint8Array) => Model

/** The model over checked views on a buffer of its own. */
export function open<S extends Sets, T extends Tables>(layout: Layout<S, T>, build: Build<T>): Model {
  const state = layout.buffer()
  return build(layout.open(state, { checked: true }), state)
}

/**
 * Checks a model three times: with symmetry, without, and by the reference on plain objects. The last two must agree
 * in everything, the first in everything but counts. Returns the first.
 */
export function agree<S extends Sets, T extends Tables>(layout: Layout<S, T>, build: Build<T>): CheckResult {
  const merged = check(open(layout, build))
  const full = check(open(layout, build), { symmetry: false })
  const plain = layout.openPlain()
  assert.deepEqual(findings(full), reference(build(plain, layout.buffer()), plain))
  const answers = (r: CheckResult): unknown => {
    const { violations, deadlock, outcomes } = findings(r)
    return { violations, deadlock, outcomes: outcomes.map(({ text, length }) => ({ text, length })) }
  }
  assert.deepEqual(answers(merged), answers(full))
  assert.ok(merged.complete && full.complete)
  assert.ok(merged.states <= full.states)
  return merged
}
