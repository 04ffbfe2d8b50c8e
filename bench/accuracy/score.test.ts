import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Audited, count, countClass, pair, parseTruth, type Truth } from './score.ts'

const truth = (over: Partial<Truth>): Truth => ({
  tree: 't',
  file: 'a.c',
  function: 'f',
  line: 10,
  api: 'pin_user_pages',
  kind: 'page-pin',
  verdict: 'safe',
  ...over,
})
const site = (over: Partial<Audited>): Audited => ({
  file: 'a.c',
  line: 10,
  function: 'f',
  api: 'pin_user_pages',
  kind: 'page-pin',
  verdict: 'holds',
  classes: [],
  ...over,
})

test('a site is met within two lines, or in its function by its call', () => {
  const got = (t: Truth, s: Audited) => pair([t], [s])[0]!.got
  assert.equal(got(truth({}), site({ line: 12 })), 'holds')
  assert.equal(got(truth({}), site({ line: 13 })), 'holds') // by the function
  assert.equal(got(truth({}), site({ line: 13, function: 'g' })), undefined)
  assert.equal(got(truth({}), site({ line: 13, api: 'follow_pfn' })), undefined)
  assert.equal(
    got(truth({ api: 'pin_user_pages*' }), site({ line: 90, api: 'pin_user_pages_fast' })),
    'holds',
  )
  assert.equal(got(truth({ function: 'mlock' }), site({ line: 90, function: 'sys_mlock' })), 'holds')
})

test('of several sites the worst verdict counts', () => {
  const [p] = pair([truth({})], [site({}), site({ verdict: 'unknown' }), site({ verdict: 'broken' })])
  assert.equal(p!.got, 'broken')
})

test('false alarms and missed bugs are counted apart, and what nobody judged is not', () => {
  const pairs = pair(
    [
      truth({ line: 10 }),
      truth({ line: 20, verdict: 'unsafe', bug: 'missing-dirty' }),
      truth({ line: 30, verdict: 'unsafe', bug: 'missing-dirty' }),
      truth({ line: 40, verdict: 'suspicious' }),
      truth({ line: 50, verdict: 'ok-by-contract' }),
      truth({ line: 60, function: 'not_there' }),
    ],
    [
      site({ line: 10, verdict: 'broken', classes: ['missing-dirty'] }),
      site({ line: 20, verdict: 'broken', classes: ['missing-dirty', 'error-path-leak'] }),
      site({ line: 30, verdict: 'unknown' }),
      site({ line: 40, verdict: 'broken', classes: ['double-put'] }),
      site({ line: 50 }),
    ],
  )
  assert.deepEqual(count(pairs), {
    sites: 6,
    found: 5,
    judged: 4,
    agree: 2,
    unknown: 1,
    right: 1,
    wrong: 1,
    missed: 1,
  })
  assert.deepEqual(countClass(pairs, 'missing-dirty'), { right: 1, wrong: 1, missed: 1 })
  assert.deepEqual(countClass(pairs, 'error-path-leak'), { right: 0, wrong: 1, missed: 0 })
  assert.deepEqual(countClass(pairs, 'double-put'), { right: 0, wrong: 0, missed: 0 })
})

test('a truth file that is not one says at which line', () => {
  assert.throws(() => parseTruth('{"tree":"7.2"}'), /line 1 has no "file"/)
  assert.throws(() => parseTruth('\nnonsense'), /line 2 is not JSON/)
})
