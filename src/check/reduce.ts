import { Bug } from '../base/index.ts'
import type { Model, Trace, TraceStep, Violate } from './model.ts'

/** Quiet steps that are taken in one go; a loop of nothing else comes to an end here, and everybody may step in. */
const MOST = 32

/**
 * The model with every step followed at once by the quiet steps that it makes possible: the states between are not seen. That is a partial
 * order reduction: whatever others could do in such a state they can do behind it, with the same end, and it breaks no invariant that the
 * state behind it does not. Every state that is seen is explored in full, so nobody is put off for ever.
 */
export function reduced(model: Model): Model {
  const { actors } = model
  return {
    ...model,
    init() {
      model.init()
      hush(model, nothing)
    },
    step(actor, choose, violate) {
      const went = model.step(actor, choose, violate)
      if (went === 'moved') hush(model, violate)
      return went
    },
    label: (actor) => model.label(actor),
    ...(model.check ? { check: (violate: Violate) => model.check!(violate) } : {}),
    ...(model.observe ? { observe: () => model.observe!() } : {}),
    actors,
  }
}

/** Takes quiet steps until there is none. `taken` is told of each before it is taken. */
function hush(model: Model, violate: Violate, taken?: (actor: number) => void): void {
  for (let left = MOST; left > 0; left--) {
    const actor = quietActor(model)
    if (actor === undefined) return
    taken?.(actor)
    if (model.step(actor, noChoice, violate) !== 'moved')
      throw new Bug(`a quiet step of ${model.actors[actor]!.name} cannot be taken`)
  }
}

/** Daemons may stop anywhere, also before a quiet step. */
function quietActor(model: Model): number | undefined {
  const { actors } = model
  for (let a = 0; a < actors.length; a++) if (actors[a]!.daemon !== true && model.quiet!(a)) return a
  return undefined
}

const nothing = (): void => {}
const noChoice = (n: number): number => {
  if (n !== 1) throw new Bug(`a quiet step chooses among ${n}`)
  return 0
}

/** A trace of the reduced model as one of the model: with its quiet steps told one by one. */
export function expanded(model: Model, trace: Trace): Trace {
  const { layout, state } = model
  const steps: TraceStep[] = []
  let before = trace.initial
  const record = (actor: number, choices: readonly number[], go: () => void): void => {
    state.set(before)
    const label = model.label(actor)
    go()
    const after = state.slice()
    steps.push({ actor, label, choices, after, changes: layout.diff(before, after) })
    before = after
  }
  const quietly = (): void => {
    for (let left = MOST; left > 0; left--) {
      state.set(before)
      const actor = quietActor(model)
      if (actor === undefined) return
      record(actor, [], () => void model.step(actor, noChoice, nothing))
    }
  }
  layout.reset(state)
  model.init()
  before = state.slice()
  const initial = before
  quietly()
  for (const { actor, choices } of trace.steps) {
    let asked = 0
    record(actor, choices, () => {
      // The last step of a witness may be that of an actor that has ended and reports.
      if (model.step(actor, () => choices[asked++]!, nothing) !== 'moved') state.set(before)
    })
    quietly()
  }
  return { initial, steps }
}
