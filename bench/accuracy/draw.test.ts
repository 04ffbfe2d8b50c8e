import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draw } from './draw.ts'
import type { Audited } from './score.ts'

const site = (kind: string, n: number): Audited => ({
  file: `drivers/d${n}.c`,
  line: n,
  function: 'f',
  api: 'call',
  kind,
  verdict: 'holds',
  classes: [],
})
const sites = Array.from({ length: 40 }, (_, n) => site(n % 2 === 0 ? 'map-out' : 'page-pin', n))
const asked = [{ kind: 'map-out', count: 5 }]

test('one seed draws the same sites, in whatever order they come, and another seed others', () => {
  const first = draw(sites, asked, 7)
  assert.deepEqual(draw([...sites].reverse(), asked, 7), first)
  assert.notDeepEqual(draw(sites, asked, 8), first)
  assert.equal(first.length, 5)
  assert.ok(first.every((s) => s.kind === 'map-out'))
})

test('where there are fewer than asked for all are drawn, each once', () => {
  const few = [...sites.slice(0, 2), { ...sites[0]!, line: 99 }]
  assert.equal(draw(few, [{ kind: 'map-out', count: 9 }], 1).length, 1)
})
