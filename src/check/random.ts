import { Choices } from './choices.ts'
import type { CheckResult, Model, Trace, TraceStep, Violation } from './model.ts'

export type WalkOptions = {
  /** The same seed, the same walks. Default 1. */
  readonly seed?: number
  /** How many walks. Default 1,000. */
  readonly walks?: number
  /** Steps after which a walk is given up. Default 1,000. */
  readonly maxDepth?: number
  /** 0 is no bound. */
  readonly maxSeconds?: number
  /** Stop at the first violation. */
  readonly stopAtFirst?: boolean
}

/**
 * Walks through a model at random, for one that is too large to search: each step is one of those possible, all
 * equally likely. The result is never complete, its witnesses are those that were met and not shortest ones; `states`
 * counts visits, and so do the outcomes.
 */
export function walk(model: Model, options: WalkOptions = {}): CheckResult {
  const start = performance.now()
  const { actors, state, layout } = model
  const { seed = 1, walks = 1000, maxDepth = 1000, maxSeconds = 0, stopAtFirst = false } = options
  const random = generator(seed)
  const choices = new Choices()
  const violations = new Map<string, Violation & { readonly trace: Trace }>()
  const outcomes = new Map<string, { states: number; trace: Trace }>()
  let deadlock: Trace | undefined
  let bound: CheckResult['bound']
  let states = 0
  let edges = 0
  let depth = 0

  for (let n = 0; n < walks && bound === undefined; n++) {
    layout.reset(state)
    model.init()
    const initial = state.slice()
    const path: Taken[] = []
    let current: Uint8Array = initial
    const trace = (last?: Taken): Trace => tell(model, initial, last === undefined ? path : [...path, last])
    const note = (raised: readonly Violation[], last?: Taken): void => {
      for (const violation of raised) {
        if (violations.has(violation.code)) continue
        violations.set(violation.code, { ...violation, trace: trace(last) })
        if (stopAtFirst) bound = { name: 'first', at: states }
      }
    }
    for (;;) {
      states++
      depth = Math.max(depth, path.length)
      const broken: Violation[] = []
      state.set(current)
      model.check?.((v) => void broken.push(v))
      note(broken)
      let over = true
      let ways = 0
      let next: Taken | undefined
      for (let actor = 0; actor < actors.length; actor++) {
        let ended = false
        choices.begin()
        do {
          state.set(current)
          const raised: Violation[] = []
          const went = model.step(actor, choices.choose, (v) => void raised.push(v))
          if (went === 'blocked') continue
          const moved = went === 'moved'
          if (went === 'ended') ended = true
          const taken = (): Taken => ({
            actor,
            choices: choices.taken(),
            before: current,
            after: moved ? state.slice() : current,
          })
          if (raised.length > 0) note(raised, taken())
          // The k-th way replaces the one picked so far with chance 1/k: so all are equally likely.
          if (moved && differs(state, current) && random() * ++ways < 1) next = taken()
        } while (choices.next())
        if (!ended && actors[actor]!.daemon !== true) over = false
      }
      edges += next === undefined ? 0 : 1
      if (over && model.observe) {
        state.set(current)
        const text = model.observe()
        const seen = outcomes.get(text)
        if (seen) seen.states++
        else outcomes.set(text, { states: 1, trace: trace() })
      }
      if (!over && next === undefined) deadlock ??= trace()
      if (maxSeconds > 0 && performance.now() - start > maxSeconds * 1000)
        bound ??= { name: 'seconds', at: maxSeconds }
      if (next === undefined || path.length === maxDepth || bound !== undefined) break
      path.push(next)
      current = next.after
    }
  }
  return {
    complete: false,
    bound: bound ?? { name: 'stopped', at: states },
    states,
    edges,
    depth,
    seconds: (performance.now() - start) / 1000,
    violations: [...violations.values()],
    ...(deadlock ? { deadlock } : {}),
    outcomes: [...outcomes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([text, { states, trace }]) => ({ text, states, trace })),
  }
}

type Taken = {
  readonly actor: number
  readonly choices: readonly number[]
  readonly before: Uint8Array
  readonly after: Uint8Array
}

function tell(model: Model, initial: Uint8Array, path: readonly Taken[]): Trace {
  const steps = path.map(({ actor, choices, before, after }): TraceStep => {
    model.state.set(before)
    return { actor, label: model.label(actor), choices, after, changes: model.layout.diff(before, after) }
  })
  return { initial, steps }
}

function differs(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return true
  return false
}

/** Numbers from 0 up to 1: a Weyl sequence through a mixing function (the constants of Steele and others' SplitMix). */
function generator(seed: number): () => number {
  let at = seed | 0
  return () => {
    at = (at + 0x9e3779b9) | 0
    let x = Math.imul(at ^ (at >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
  }
}
