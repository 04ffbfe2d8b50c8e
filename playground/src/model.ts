import * as base from '../../src/base/index.ts'
import * as kernel from '../../src/kernel/index.ts'
import * as litmus from '../../src/litmus/index.ts'
import {
  cellOf,
  combinations,
  confirmedBy,
  insertions,
  spelled,
  questions,
  shapesOf,
  testOf,
} from '../../src/flags/index.ts'
import { type Diagnostic, hasErrors, Source } from '../../src/base/index.ts'
import {
  constants,
  invariants,
  isVersion,
  kernels,
  ops,
  policies,
  releases,
  whyAbsent,
} from '../../src/kernel/index.ts'
import {
  asked,
  bind,
  compare,
  declarationKinds,
  declarationWords,
  type Judgement,
  type LitmusResult,
  parse,
  printExpect,
  runLitmus,
  signature,
} from '../../src/litmus/index.ts'

/**
 * Everything of tenure that the page uses of the model. It is built as one function: the page calls it, and its worker is made of its
 * text, so that the model is loaded once, and also where a page cannot load scripts into workers (`file://`).
 */
export type Setting = { readonly kernel: string; readonly policies: Readonly<Record<string, string>> }

/** A diagnostic without its source: what is wrong, and where in the text. */
export type Problem = {
  readonly severity: Diagnostic['severity']
  readonly code: string
  readonly message: string
  readonly from: number
  readonly to: number
  readonly notes: readonly string[]
  readonly help: readonly string[]
  /** What could stand there instead. */
  readonly fix?: string
}

export type Run = {
  readonly result?: LitmusResult
  /** What the test's Result lines say of this setting, if they say anything. */
  readonly judgement?: Judgement
  readonly problems: readonly Problem[]
}

const problemOf = (d: Diagnostic): Problem => ({
  severity: d.severity,
  code: d.code,
  message: d.message,
  from: d.primary?.span.start ?? 0,
  to: d.primary?.span.end ?? 0,
  notes: [...(d.primary?.text ? [d.primary.text] : []), ...(d.notes ?? [])],
  help: (d.hints ?? []).map((h) => h.text),
  ...fixOf(d),
})

function fixOf(d: Diagnostic): { fix?: string } {
  const fix = d.hints?.find((h) => h.replacement !== undefined)?.replacement
  return fix === undefined ? {} : { fix }
}

/** What is wrong with a text, also for a kernel. */
export function problems(text: string, { kernel, policies }: Setting): Problem[] {
  const { value: test, diagnostics } = parse(new Source('', text))
  if (test === undefined || hasErrors(diagnostics)) return diagnostics.map(problemOf)
  return [...diagnostics, ...bind(test, kernel, policies).diagnostics].map(problemOf)
}

/** The name of a test, and the settings that its Result lines ask for. */
export function about(text: string): { name: string; asked: (Setting & { what: string })[] } {
  const { value: test } = parse(new Source('', text))
  if (test === undefined) return { name: '', asked: [] }
  return {
    name: test.name,
    asked: asked(test).map(({ kernel, policies, expect }) => ({
      kernel,
      policies,
      what: expect ? printExpect({ ...expect, kernels: ['0.0'] }).slice(4) : '',
    })),
  }
}

export function run(
  text: string,
  { kernel, policies }: Setting,
  onProgress: (states: number, depth: number) => void,
): Run {
  const { value: test, diagnostics } = parse(new Source('', text))
  if (test === undefined || hasErrors(diagnostics)) return { problems: diagnostics.map(problemOf) }
  const { value: result, diagnostics: more } = runLitmus(test, { kernel, policies, memory: true, onProgress })
  const all = [...diagnostics, ...more].map(problemOf)
  if (result === undefined) return { problems: all }
  const clause = asked(test).find((a) => a.kernel === kernel && samePolicies(a.policies, policies))?.expect
  return { result, problems: all, ...(clause ? { judgement: compare(clause, result) } : {}) }
}

function samePolicies(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const value = (of: Readonly<Record<string, string>>, name: keyof typeof policies) =>
    of[name] ?? policies[name].default
  return (Object.keys(policies) as (keyof typeof policies)[]).every((n) => value(a, n) === value(b, n))
}

/** What the auditor is built without, and finds here. */
export const shared = { base, kernel, litmus }

/** What the editor knows of words. */
export type Word = {
  readonly name: string
  readonly detail: string
  readonly doc: string
  readonly source?: string
}

export const words = (() => {
  const operations = [...ops.values()].filter((op) => !op.internal)
  return {
    ops: operations.map(
      (op): Word => ({
        name: op.name,
        detail: signature(op),
        doc: [
          op.doc,
          ...(op.since === undefined ? [] : [`In kernels since ${op.since}.`]),
          ...(op.until === undefined ? [] : [`In kernels before ${op.until}.`]),
        ].join(' '),
        source: op.source,
      }),
    ),
    constants: Object.keys(constants),
    declarations: declarationKinds,
    /** Operations are explained as such. */
    states: declarationWords.filter((w) => !ops.has(w) && !(w in constants)),
    invariants: invariants.map((i): Word => ({ name: i.code, detail: 'invariant', doc: i.promise })),
  }
})()

export const settings = {
  kernels,
  /** Every release that is understood, those between too. */
  releases,
  isVersion,
  policies: Object.values(policies).map((p) => ({
    name: p.name,
    says: p.says,
    values: p.values as Readonly<Record<string, string>>,
    default: p.default as string,
  })),
}

/** Which operations a kernel does not have, and why. */
export const absentIn = (kernel: string): ReadonlyMap<string, string> =>
  new Map(
    [...ops.values()].flatMap((op) => {
      const why = whyAbsent(op, kernel)
      return why === undefined ? [] : [[op.name, why]]
    }),
  )

// As a worker it answers; in a page there is a document.
type Ask = { readonly id: number; readonly text: string; readonly setting: Setting }
export type Answer = { readonly id: number } & (
  | { readonly progress: { readonly states: number; readonly depth: number } }
  | { readonly run: Run }
  | { readonly failed: string }
)
if (typeof document === 'undefined') {
  const say = (a: Answer) => self.postMessage(a)
  self.addEventListener('message', ({ data: { id, text, setting } }: MessageEvent<Partial<Ask>>) => {
    // What is asked of the auditor, in a worker that has both, is not for us.
    if (id === undefined || text === undefined || setting === undefined) return
    try {
      say({ id, run: run(text, setting, (states, depth) => say({ id, progress: { states, depth } })) })
    } catch (e) {
      say({ id, failed: e instanceof Error ? e.message : String(e) })
    }
  })
}

/** The flags table: its questions, its shapes, a cell and the test behind it. */
export {
  cellOf as flagCell,
  combinations as flagCombinations,
  confirmedBy as flagsConfirmed,
  insertions as flagInsertions,
  spelled as flagsSpelled,
  questions as flagQuestions,
  shapesOf as flagShapes,
  testOf as flagTest,
}
