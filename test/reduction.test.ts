import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, type Model } from '../src/check/index.ts'
import { asked, bind, type Bound, modelOf, runBound } from '../src/litmus/index.ts'
import { corpus } from './corpus-counts.ts'

/*
 * A reduced search must find what a full one finds, and a quiet step must be what it says. Both are looked at for the whole corpus: the
 * answers of each run, and in each state of it every quiet step with every step of somebody else.
 */

type Run = { readonly key: string; readonly bound: Bound; readonly kernel: string }

const runs: Run[] = corpus().flatMap(({ file, test: t }) =>
  asked(t).map(({ kernel, policies }) => {
    const { value: bound } = bind(t, kernel, policies)
    return { key: `${file} on ${kernel} ${JSON.stringify(policies)}`, bound: bound!, kernel }
  }),
)

test('a reduced search gives the same outcomes, codes and shortest witnesses, all over the corpus, in fewer states', () => {
  let full = 0
  let reduced = 0
  for (const { key, bound, kernel } of runs) {
    const [a, b] = [false, true].map((reduce) => runBound(key, bound, { kernel, reduce })) as [
      ReturnType<typeof runBound>,
      ReturnType<typeof runBound>,
    ]
    const told = (r: typeof a): unknown => ({ ...r, counts: undefined, seconds: undefined })
    assert.deepEqual(told(b), told(a), key)
    assert.ok(b.counts.states <= a.counts.states, key)
    full += a.counts.states
    reduced += b.counts.states
  }
  assert.ok(reduced < 0.97 * full, `${reduced} of ${full} states: nothing to speak of is reduced`)
})

test('hashes instead of states give the same, and never call it complete', () => {
  for (const { key, bound } of runs.filter((_, i) => i % 7 === 0)) {
    const a = check(modelOf(bound))
    const b = check(modelOf(bound), { compact: true })
    assert.deepEqual([b.states, b.edges, b.depth], [a.states, a.edges, a.depth], key)
    assert.deepEqual(b.violations, a.violations, key)
    assert.deepEqual(b.outcomes, a.outcomes, key)
    assert.deepEqual([b.complete, b.bound?.name], [false, 'compact'])
  }
})

type After = { readonly state: string; readonly raised: string }

/** What an actor can do in a state: each result, with the codes that the step raises. */
function successors(model: Model, from: Uint8Array, actor: number): After[] {
  const out: After[] = []
  const waiting: number[][] = [[]]
  for (let given = waiting.pop(); given !== undefined; given = waiting.pop()) {
    const answers = given
    let asks = 0
    const raised = new Set<string>()
    model.state.set(from)
    const went = model.step(
      actor,
      (n) => {
        const at = asks++
        if (at < answers.length) return answers[at]!
        for (let other = 1; other < n; other++) waiting.push([...answers, other])
        answers.push(0)
        return 0
      },
      (v) => void raised.add(v.code),
    )
    if (went === 'moved') out.push({ state: textOf(model.state), raised: [...raised].sort().join() })
  }
  return out
}

const textOf = (state: Uint8Array): string => Buffer.from(state).toString('latin1')
const stateOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** The codes that are broken in a state. */
function broken(model: Model, state: Uint8Array): Set<string> {
  const codes = new Set<string>()
  model.state.set(state)
  model.check?.((v) => void codes.add(v.code))
  return codes
}

/** Why a quiet step of `actor` is none. */
function noise(model: Model, from: Uint8Array, actor: number): string | undefined {
  const alone = successors(model, from, actor)
  if (alone.length !== 1) return 'it cannot go, or has several ends'
  const [quiet] = alone as [After]
  const hidden = (before: Uint8Array, after: string): string | undefined => {
    const codes = broken(model, stateOf(after))
    return [...broken(model, before)].find((code) => !codes.has(code))
  }
  if (hidden(from, quiet.state) !== undefined) return `it hides ${hidden(from, quiet.state)}`
  for (let other = 0; other < model.actors.length; other++) {
    if (other === actor) continue
    const behind = successors(model, stateOf(quiet.state), other)
    for (const step of successors(model, from, other)) {
      const name = model.actors[other]!.name
      const [then, ...more] = successors(model, stateOf(step.state), actor)
      if (then === undefined || more.length > 0) return `a step of ${name} forbids it`
      if (then.raised !== quiet.raised) return `it reports something else behind a step of ${name}`
      if (!behind.some((b) => b.state === then.state && b.raised === step.raised))
        return `it does not commute with a step of ${name}`
      if (hidden(stateOf(step.state), then.state) !== undefined)
        return `behind a step of ${name} it hides something`
    }
  }
  return undefined
}

test('every quiet step commutes with every step that another can take, in all states of the corpus', () => {
  const labels = new Set<string>()
  let pairs = 0
  for (const { key, bound } of runs) {
    const model = modelOf(bound)
    model.layout.reset(model.state)
    model.init()
    const seen = new Set([textOf(model.state)])
    for (const text of seen) {
      const state = stateOf(text)
      for (let actor = 0; actor < model.actors.length; actor++) {
        model.state.set(state)
        if (model.quiet!(actor)) {
          const label = model.label(actor).name
          labels.add(label.split(' > ').at(-1)!)
          pairs++
          assert.equal(noise(model, state, actor), undefined, `${key}: ${label}`)
        }
        for (const after of successors(model, state, actor)) seen.add(after.state)
      }
    }
  }
  assert.ok(pairs > 1000, `${pairs}`)
  assert.ok(labels.size >= 10, [...labels].join(', '))
})
