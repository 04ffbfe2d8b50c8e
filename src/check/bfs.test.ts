import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Id, initially, Layout, ref, upTo } from '../state/index.ts'
import { check } from './index.ts'
import type { CheckResult, Model, Trace } from './model.ts'
import { agree, open } from './testing/agree.ts'
import { philosophers, philosophersLayout } from './testing/philosophers.ts'
import { puzzle, puzzleLayout } from './testing/puzzle.ts'
import { type Instruction, type Program, threads, threadsLayout } from './testing/threads.ts'

const show = (trace: Trace | undefined): string[] | undefined =>
  trace?.steps.map(({ actor, label }) => `${actor} ${label.name}`)

/** A witness is a run of the model: each step, taken again with its choices, leads to the state that it says. */
function replays(model: Model, trace: Trace): void {
  model.layout.reset(model.state)
  model.init()
  assert.deepEqual(model.state, trace.initial)
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
    assert.deepEqual(step.changes, model.layout.diff(before, step.after))
    before = step.after
  }
}

test('the hardest position of the 2 × 3 puzzle takes 21 moves, and all 360 are reached', () => {
  const layout = puzzleLayout(3, 2)
  const r = agree(layout, puzzle(layout, 3, [4, 5, 0, 1, 2, 3], [1, 2, 3, 4, 5, 0]))
  assert.deepEqual([r.states, r.depth, r.complete], [360, 21, true])
  const [solved] = r.violations
  assert.equal(solved!.code, 'solved')
  assert.equal(solved!.trace.steps.length, 21)
  replays(open(layout, puzzle(layout, 3, [4, 5, 0, 1, 2, 3])), solved!.trace)
})

test('the 3 × 3 puzzle has 9!/2 positions, the farthest 31 moves away', () => {
  const layout = puzzleLayout(3, 3)
  const r = check(open(layout, puzzle(layout, 3, [1, 2, 3, 4, 5, 6, 7, 8, 0])))
  assert.deepEqual([r.states, r.edges, r.depth], [181_440, 483_840, 31])
  assert.equal(r.deadlock, undefined)
})

const locked: Program = [['lock', 0], ['load'], ['store'], ['unlock', 0]]
const racy: Program = [['look', 0], ['grab', 0], ['load'], ['store'], ['unlock', 0]]

test('a lock keeps two increments apart', () => {
  const layout = threadsLayout(2, 1)
  const r = agree(layout, threads(layout, [locked, locked]))
  assert.deepEqual(r.violations, [])
  assert.equal(r.deadlock, undefined)
  assert.deepEqual(
    r.outcomes.map((o) => [o.text, o.states]),
    [['counter=2', 2]],
  )
})

test('a lock that is looked at before it is taken does not, and the witness is four steps long', () => {
  const layout = threadsLayout(2, 1)
  const r = agree(layout, threads(layout, [racy, racy]))
  assert.deepEqual(
    r.violations.map((v) => [v.code, v.detail, show(v.trace)]),
    [['exclusion', 'T1 takes lock 0 of T0', ['0 look 0', '1 look 0', '0 grab 0', '1 grab 0']]],
  )
  assert.deepEqual(r.violations[0]!.trace.steps[3]!.changes, [
    { table: 'task', ids: ['thread1'], col: 'pc', from: '1', to: '2' },
    { table: 'task', ids: ['thread1'], col: 'free', from: 'true', to: 'false' },
    { table: 'lock', ids: ['lock0'], col: 'owner', from: 'thread0', to: 'thread1' },
  ])
  assert.deepEqual(
    r.outcomes.map((o) => o.text),
    ['counter=1', 'counter=2'],
  )
})

test('the search goes on behind a violation, unless it is told to stop at the first', () => {
  const layout = threadsLayout(2, 1)
  const model = open(layout, threads(layout, [racy, racy]))
  const r = check(model, { stopAtFirst: true })
  assert.equal(r.complete, false)
  assert.equal(r.bound?.name, 'first')
  assert.equal(r.violations[0]!.trace.steps.length, 4)
  assert.ok(r.states < check(model).states)
})

test('two locks taken in opposite order deadlock after two steps; in the same order they do not', () => {
  const layout = threadsLayout(2, 2)
  const lockAll = (...order: number[]): Program => [
    ...order.map((n): Instruction => ['lock', n]),
    ...order.map((n): Instruction => ['unlock', n]),
  ]
  const r = agree(layout, threads(layout, [lockAll(0, 1), lockAll(1, 0)]))
  assert.deepEqual(show(r.deadlock), ['0 lock 0', '1 lock 1'])
  assert.equal(agree(layout, threads(layout, [lockAll(0, 1), lockAll(0, 1)])).deadlock, undefined)
})

test('a daemon may stop anywhere: it neither deadlocks nor delays the end', () => {
  const layout = threadsLayout(2, 1)
  const never: Program = [['lock', 0], ['load'], ['lock', 0]]
  const waits = agree(layout, threads(layout, [[['load']], never], [1]))
  assert.equal(waits.deadlock, undefined)
  assert.deepEqual(
    waits.outcomes.map((o) => [o.text, o.states]),
    [['counter=0', 3]],
  )
  assert.deepEqual(show(agree(layout, threads(layout, [[['load']], never])).deadlock), [
    '0 load',
    '1 lock 0',
    '1 load',
  ])
  // Others do wait for what a daemon holds.
  const holds = agree(layout, threads(layout, [locked, [['lock', 0]]], [1]))
  assert.deepEqual(show(holds.deadlock), ['1 lock 0'])
})

const clockLayout = new Layout({ sets: {}, tables: { clock: { by: [], cols: { hour: upTo(11) } } } })
const clock = (rows: ReturnType<typeof clockLayout.open>, state: Uint8Array, stuckAt?: number): Model => ({
  layout: clockLayout,
  state,
  actors: [{ name: 'clock' }],
  init() {},
  step() {
    if (rows.clock().hour !== stuckAt) rows.clock().hour = (rows.clock().hour + 1) % 12
    return 'moved'
  },
  label: () => ({ name: 'tick' }),
  check: (violate) => {
    if (rows.clock().hour === 9) violate({ code: 'late', detail: 'it is nine' })
  },
  observe: () => 'stopped',
})

test('a clock that never ends is no deadlock; one whose ticks change nothing is', () => {
  const r = agree(clockLayout, clock)
  assert.deepEqual([r.states, r.edges, r.depth, r.deadlock], [12, 12, 11, undefined])
  assert.deepEqual(r.outcomes, [])
  assert.equal(r.violations[0]!.trace.steps.length, 9)
  const stuck = agree(clockLayout, (rows, state) => clock(rows, state, 4))
  assert.equal(stuck.deadlock?.steps.length, 4)
  assert.equal(stuck.states, 5)
})

test('philosophers with one fork each starve; with one fork more nobody does', () => {
  for (const [n, forks, starve, counts] of [
    [3, 3, true, [15, 230]],
    [3, 4, false, [18, 800]],
    [4, 4, true, [27, 3336]],
  ] as const) {
    const layout = philosophersLayout(n, forks)
    const merged = agree(layout, philosophers(layout))
    const full = check(open(layout, philosophers(layout)), { symmetry: false })
    assert.equal(merged.deadlock?.steps.length, starve ? n : undefined)
    // The first is the least possible: as many as there are orbits under all permutations of both sets.
    assert.deepEqual([merged.states, full.states], counts)
    if (merged.deadlock) replays(open(layout, philosophers(layout)), merged.deadlock)
    for (const { trace, code } of merged.violations) {
      assert.equal(code, 'company')
      replays(open(layout, philosophers(layout)), trace)
    }
    for (const { trace } of merged.outcomes) replays(open(layout, philosophers(layout)), trace)
  }
})

test('a step that is blocked has reported nothing', () => {
  const r = agree(clockLayout, (rows, state) => ({
    ...clock(rows, state),
    step(_, choose, violate) {
      if (choose(2) === 1) {
        violate({ code: 'never', detail: 'this did not happen' })
        return 'blocked'
      }
      if (rows.clock().hour === 3) {
        violate({ code: 'ended', detail: 'the last step of an actor changes nothing, and may report' })
        return 'ended'
      }
      rows.clock().hour += 1
      return 'moved'
    },
  }))
  assert.deepEqual(
    r.violations.map((v) => [v.code, v.trace.steps.length, v.trace.steps.at(-1)!.changes]),
    [['ended', 4, []]],
  )
})

const tokenLayout = new Layout({
  sets: { thread: { size: 3, symmetric: true } },
  tables: { token: { by: [], cols: { at: initially(ref('thread'), 0 as Id<'thread'>) } } },
})

test('a token that goes round among threads that are alike is no deadlock, though all its states are one', () => {
  const r = agree(tokenLayout, (rows, state) => ({
    layout: tokenLayout,
    state,
    actors: tokenLayout.ids('thread').map((t) => ({ name: `T${t}` })),
    init() {},
    step(actor) {
      if (rows.token().at !== actor) return 'blocked'
      rows.token().at = ((actor + 1) % 3) as Id<'thread'>
      return 'moved'
    },
    label: () => ({ name: 'pass' }),
  }))
  assert.deepEqual([r.states, r.edges, r.deadlock], [1, 1, undefined])
})

test('a witness under symmetry says the same names in its steps and in its detail', () => {
  const layout = philosophersLayout(3, 4)
  const [company] = check(open(layout, philosophers(layout))).violations
  const last = company!.trace.steps.at(-1)!
  const eating = Object.entries(layout.describe(last.after)['philosopher']!)
    .filter(([, p]) => (p as unknown as { is: string }).is === 'eating')
    .map(([name]) => name.replace('philosopher', 'philosopher '))
  assert.equal(eating.length, 2)
  assert.equal(company!.detail, eating.join(' and '))
})

test('a model that treats the members of a symmetric set differently is caught when its witness is told', () => {
  const layout = threadsLayout(2, 1, 'threads')
  const model = open(layout, threads(layout, [[['lock', 0]], [['load'], ['load'], ['lock', 0]]]))
  assert.throws(() => check(model), /does not treat the members of its symmetric sets alike/)
})

test('random programs: the same answers with and without symmetry, and from the reference', () => {
  const instruction: fc.Arbitrary<Instruction> = fc.oneof(
    fc.tuple(fc.constantFrom('load', 'store', 'take', 'drop')),
    fc.tuple(fc.constantFrom('lock', 'unlock', 'look', 'grab'), fc.constant(0)),
  )
  const program = fc.array(instruction, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(program, fc.integer({ min: 2, max: 3 }), (p, n) => {
      const layout = threadsLayout(n, 2, 'threads')
      const result = agree(
        layout,
        threads(
          layout,
          Array.from({ length: n }, () => p),
        ),
      )
      const model = open(
        layout,
        threads(
          layout,
          Array.from({ length: n }, () => p),
        ),
      )
      for (const o of result.outcomes) replays(model, o.trace)
      for (const v of result.violations) replays(model, v.trace)
    }),
    { numRuns: 60 },
  )
  // Locks are alike, too, when no program names one.
  const nameless = fc.array(fc.tuple(fc.constantFrom('load', 'store', 'take', 'drop')), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(nameless, (p) => {
      const layout = threadsLayout(3, 2, 'both')
      agree(layout, threads(layout, [p, p, p]))
    }),
    { numRuns: 40 },
  )
})

test('each bound makes the result incomplete and says which it was', () => {
  const layout = puzzleLayout(3, 3)
  const model = open(layout, puzzle(layout, 3, [1, 2, 3, 4, 5, 6, 7, 8, 0]))
  const states = check(model, { maxStates: 1000 })
  assert.deepEqual(
    [states.complete, states.bound, states.states],
    [false, { name: 'states', at: 1000 }, 1000],
  )
  // 706 positions are at most 10 moves away, so the thousandth is 11 away.
  assert.equal(states.depth, 11)
  const depth = check(model, { maxDepth: 5 })
  assert.deepEqual([depth.complete, depth.bound, depth.depth], [false, { name: 'depth', at: 5 }, 5])
  assert.equal(depth.states, 1 + 2 + 4 + 8 + 16 + 20)
  const bytes = check(model, { maxBytes: 100_000 })
  assert.deepEqual([bytes.complete, bytes.bound], [false, { name: 'bytes', at: 100_000 }])
  assert.ok(bytes.states > 1000 && bytes.states < 12_500, String(bytes.states))
  const seconds = check(model, { maxSeconds: 1e-6 })
  assert.deepEqual([seconds.complete, seconds.bound], [false, { name: 'seconds', at: 1e-6 }])
  const calls: number[] = []
  const stopped = check(model, { onProgress: (n) => calls.push(n) === 2 })
  assert.equal(stopped.complete, false)
  assert.equal(stopped.bound?.name, 'stopped')
  assert.equal(calls.length, 2)
  // A bound that is not hit is no bound.
  const enough = check(model, { maxStates: 181_440, maxDepth: 32, maxSeconds: 100, maxBytes: 1e9 })
  assert.deepEqual([enough.complete, enough.bound, enough.states], [true, undefined, 181_440])
})

test('two runs give the same result, down to the bytes of the witnesses', () => {
  const layout = philosophersLayout(3, 3)
  const run = (): Omit<CheckResult, 'seconds'> => {
    const { seconds: _, ...rest } = check(open(layout, philosophers(layout)))
    return rest
  }
  assert.deepEqual(run(), run())
})

test('a step that chooses differently when it runs again is a bug', () => {
  let n = 1
  const layout = clockLayout
  const state = layout.buffer()
  const model: Model = {
    ...clock(layout.open(state), state),
    step: (_, choose) => (choose(++n), 'blocked'),
  }
  assert.throws(() => check(model), /ran again from the same state and chose among/)
})
