import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './index.ts'
import { findings, reference } from './reference.ts'
import { share, shareLayout } from './testing/share.ts'

const small = { pages: 2, frames: 3, pins: 1 }

test('the model of the peers has 110,039 states and 868,509 transitions, and nothing is wrong in it', () => {
  const r = check(share(small))
  assert.deepEqual([r.complete, r.states, r.edges, r.depth], [true, 110_039, 868_509, 17])
  assert.deepEqual(r.violations, [])
  assert.equal(r.deadlock, undefined)
})

test('a pin that takes a reference of a free frame is found in four steps, one that takes none in five', () => {
  for (const [bug, steps] of [
    [1, 4],
    [2, 5],
  ] as const) {
    const r = check(share({ ...small, bug }), { stopAtFirst: true })
    assert.deepEqual([r.complete, r.violations.length], [false, 1])
    assert.equal(r.violations[0]!.code, 'use-after-free')
    assert.equal(r.violations[0]!.trace.steps.length, steps)
  }
})

test('the reference agrees on a smaller size', () => {
  const size = { pages: 1, frames: 2, pins: 1 }
  const plain = shareLayout(size).openPlain()
  assert.deepEqual(
    findings(check(share(size))),
    reference(
      share(size, () => plain),
      plain,
    ),
  )
})
