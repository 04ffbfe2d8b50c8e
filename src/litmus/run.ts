import { type Diagnostic, hasErrors, type Outcome } from '../base/index.ts'
import { check, type CheckOptions, type CheckResult, type Model, type Trace } from '../check/index.ts'
import { invariants, Kernel, type KernelLayout, type KernelRows } from '../kernel/index.ts'
import type { LitmusTest } from './ast.ts'
import { bind, type Bound } from './bind.ts'
import { showObserved } from './condition.ts'
import { memoryOf, type Thing } from './memory.ts'
import type { Broken, LitmusResult, Timeline } from './result.ts'
import { Words } from './words.ts'

export type RunOptions = Omit<CheckOptions, 'symmetry'> & {
  /** `6.12`; the versions that are understood are the kernel's. */
  readonly kernel: string
  /** Policies that differ from their default. */
  readonly policies?: Readonly<Record<string, string>>
  /** Also gives the memory behind each step of a run, and a shortest run to each final state: for whoever draws them. */
  readonly memory?: boolean
}

/** A search without bounds given stops here: about a minute, and well below a gigabyte. */
export const defaultBounds = { maxStates: 5_000_000 } as const

/** Runs a test on one kernel: every interleaving, up to the bounds. Without a value the diagnostics say why it cannot be run. */
export function runLitmus(test: LitmusTest, options: RunOptions): Outcome<LitmusResult> {
  const { value, diagnostics } = bind(test, options.kernel, options.policies)
  if (value === undefined || hasErrors(diagnostics)) return { diagnostics }
  return { value: runBound(test.name, value, options), diagnostics }
}

/** The model that the checker explores for a test. `open` gives other rows than views, for a reference run. */
export function modelOf(
  bound: Bound,
  open?: (layout: KernelLayout, state: Uint8Array) => KernelRows,
): Model & { readonly kernel: Kernel } {
  const kernel = new Kernel(bound.config, open)
  const { condition, observed } = bound
  return {
    kernel,
    layout: kernel.layout,
    state: kernel.state,
    actors: kernel.actors,
    init: () => kernel.init(),
    step: (actor, choose, violate) => kernel.step(actor, choose, violate),
    label: (actor) => kernel.label(actor),
    quiet: (actor) => kernel.quiet(actor),
    check: (violate) => kernel.check(violate),
    observe: () => {
      const mark = condition === undefined ? '' : condition.holds(kernel) ? '+' : '-'
      return mark + observed.map((o) => showObserved(o, kernel)).join(' ')
    },
  }
}

/** Two of the model's codes are not promises of the kernel: a bound of the model, and a deadlock, which the checker finds. */
const modelBound = 'model-bound'
export const deadlockCode = 'deadlock'
const deadlockPromise = 'nobody waits for ever: in every state somebody can go on, until all are done'

export function runBound(name: string, bound: Bound, options: RunOptions): LitmusResult {
  const model = modelOf(bound)
  const found = check(model, { ...defaultBounds, ...options })
  const words = new Words(model.kernel, bound)
  const memory = options.memory === true ? memoryWith(model.kernel, bound, words) : undefined
  const timeline = (trace: Trace): Timeline => timelineOf(trace, bound, words, memory)
  const broken: Broken[] = found.violations
    .filter((v) => v.code !== modelBound)
    .map(({ code, detail, trace }) => ({ code, promise: promiseOf(code), detail, witness: timeline(trace) }))
  if (found.deadlock)
    broken.push({
      code: deadlockCode,
      promise: deadlockPromise,
      detail: whoWaits(found.deadlock, model),
      witness: timeline(found.deadlock),
    })
  const states = found.outcomes.map(({ text, states: count, trace }) => ({
    text: bound.condition ? text.slice(1) : text,
    count,
    ...(options.memory === true ? { run: timeline(trace) } : {}),
    ...(bound.condition ? { satisfies: text.startsWith('+') } : {}),
  }))
  const sum = (yes: boolean): number => states.reduce((n, s) => n + (s.satisfies === yes ? s.count : 0), 0)
  const [positive, negative] = [sum(true), sum(false)]
  const why = incomplete(found)
  const { condition } = bound
  const outcome = condition && outcomeOf(positive, negative, why === undefined)
  const satisfied = outcome && condition && satisfies(condition.quantifier, outcome)
  return {
    name,
    kernel: options.kernel,
    policies: options.policies ?? {},
    ...(condition ? { condition: condition.text, quantifier: condition.quantifier } : {}),
    ...(outcome ? { outcome } : {}),
    ...(satisfied === undefined ? {} : { satisfied }),
    states,
    positive,
    negative,
    broken: broken.sort((a, b) => (a.code < b.code ? -1 : 1)),
    complete: why === undefined,
    ...(why === undefined ? {} : { why }),
    counts: { states: found.states, edges: found.edges, depth: found.depth },
    seconds: found.seconds,
  }
}

const promiseOf = (code: string): string => invariants.find((i) => i.code === code)?.promise ?? ''

function outcomeOf(positive: number, negative: number, complete: boolean): LitmusResult['outcome'] {
  if (positive > 0 && negative > 0) return 'Sometimes'
  if (!complete) return 'Unknown'
  return positive > 0 ? 'Always' : 'Never'
}

function satisfies(
  quantifier: 'exists' | '~exists' | 'forall',
  outcome: NonNullable<LitmusResult['outcome']>,
): boolean | undefined {
  if (outcome === 'Unknown') return undefined
  switch (quantifier) {
    case 'exists':
      return outcome !== 'Never'
    case '~exists':
      return outcome === 'Never'
    case 'forall':
      return outcome === 'Always'
  }
}

/** Why what was not found may still be there. */
function incomplete(found: CheckResult): string | undefined {
  const short = found.violations.find((v) => v.code === modelBound)
  if (short) return short.detail
  if (!found.bound) return undefined
  const { name, at } = found.bound
  switch (name) {
    case 'states':
      return `the search stopped at ${at.toLocaleString('en')} states`
    case 'depth':
      return `the search stopped at runs of ${at} steps`
    case 'seconds':
      return `the search stopped after ${at} seconds, at ${found.states.toLocaleString('en')} states`
    case 'bytes':
      return `the search stopped at ${Math.round(at / 1e6)} MB, at ${found.states.toLocaleString('en')} states`
    case 'stopped':
      return `the search was stopped at ${at.toLocaleString('en')} states`
    case 'compact':
      return `${found.states.toLocaleString('en')} states were told apart by hashes of 64 bits: with a probability of up to ${at.toExponential(0)} one was missed`
    case 'first':
      return 'the search stopped at the first broken invariant'
  }
}

function whoWaits(trace: Trace, model: Model & { readonly kernel: Kernel }): string {
  model.state.set(trace.steps.at(-1)?.after ?? trace.initial)
  const waiting = model.actors.flatMap((a, i) => {
    const label = model.label(i)
    return label.name === 'ended' ? [] : [`${a.name} at ${label.statement ?? label.name}`]
  })
  return `nobody can go on: ${waiting.join(', ')}`
}

function memoryWith(k: Kernel, bound: Bound, words: Words): (state: Uint8Array) => Thing[] {
  const bytes = k.layout.buffer()
  const rows = k.layout.open(bytes)
  return (state) => {
    bytes.set(state)
    return memoryOf(k, bound, rows, (mm, vpn) => words.address(mm, vpn))
  }
}

function timelineOf(
  trace: Trace,
  bound: Bound,
  words: Words,
  memory?: (state: Uint8Array) => Thing[],
): Timeline {
  let before = trace.initial
  const drawn = (state: Uint8Array) => (memory ? { memory: memory(state) } : {})
  return {
    actors: bound.procs.map((p) => ({
      name: p.name,
      context: [p.context.kind, p.context.name].filter((w) => w !== '').join(' '),
      role: p.comment ?? '',
    })),
    pages: words.pages(trace.initial),
    ...drawn(trace.initial),
    steps: trace.steps.map(({ actor, label, after }) => {
      const changes = words.changes(before, after)
      before = after
      return {
        actor,
        step: label.name,
        ...(label.statement === undefined ? {} : { statement: label.statement }),
        ...(label.place === undefined ? {} : { place: label.place }),
        changes,
        pages: words.pages(after),
        ...drawn(after),
      }
    }),
  }
}

/** Whether anything in a list of diagnostics keeps a test from being run on a kernel that lacks an operation, and nothing else does. */
export const onlyNotInThisKernel = (diagnostics: readonly Diagnostic[]): boolean =>
  hasErrors(diagnostics) &&
  diagnostics.every((d) => d.severity !== 'error' || d.code === 'litmus/not-in-this-kernel')
