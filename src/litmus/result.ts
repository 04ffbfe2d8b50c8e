import type { Thing } from './memory.ts'

/**
 * What running a test gave: plain data, the same from run to run but for `seconds`. `tenure check --format json` prints it;
 * docs/litmus.md documents it.
 */
export const checkSchemaVersion = 1

export type LitmusResult = {
  readonly name: string
  readonly kernel: string
  /** Those that differ from their default. */
  readonly policies: Readonly<Record<string, string>>
  readonly condition?: string
  readonly quantifier?: 'exists' | '~exists' | 'forall'
  /** Of the condition's proposition over all final states. `Unknown`: a bound was hit, and what was seen does not decide it. */
  readonly outcome?: 'Always' | 'Sometimes' | 'Never' | 'Unknown'
  /** Whether the condition with its quantifier is true; absent when unknown. */
  readonly satisfied?: boolean
  /** Final observations, sorted, how many final states show each, and whether they satisfy the proposition. */
  readonly states: readonly {
    readonly text: string
    readonly count: number
    readonly satisfies?: boolean
    /** A shortest run to such a state, if asked for. */
    readonly run?: Timeline
  }[]
  /** Final states that satisfy the proposition, and that do not. */
  readonly positive: number
  readonly negative: number
  /** Invariants that break, each with a shortest run; sorted by code. A deadlock is one of them. */
  readonly broken: readonly Broken[]
  /** False: what was not found may still be there. */
  readonly complete: boolean
  /** Why it is not complete, in words, with the figure. */
  readonly why?: string
  readonly counts: { readonly states: number; readonly edges: number; readonly depth: number }
  readonly seconds: number
}

export type Broken = {
  readonly code: string
  /** One sentence: what should always be so. */
  readonly promise: string
  /** What happened, in the words of this run. */
  readonly detail: string
  readonly witness: Timeline
}

/** A shortest run to where an invariant breaks. */
export type Timeline = {
  readonly actors: readonly { readonly name: string; readonly context: string; readonly role: string }[]
  /** How the pages stand at first. */
  readonly pages: string
  /** Everything that there is at first, if asked for. */
  readonly memory?: readonly Thing[]
  readonly steps: readonly TimelineStep[]
}

export type TimelineStep = {
  readonly actor: number
  /** The operation's step, `follow_pfn: walk`. */
  readonly step: string
  readonly statement?: string
  readonly place?: string
  /** What the step changed, in words. */
  readonly changes: readonly string[]
  /** How the pages stand behind it: `f0 bo B (ref 1) at A:p; f1 free`. */
  readonly pages: string
  readonly memory?: readonly Thing[]
}

/** What a test says about itself, and what was found. */
export type Judgement = {
  /** The clause, as written. */
  readonly expected: string
  readonly result: LitmusResult
  /** `unknown`: a bound was hit before it could be told. */
  readonly verdict: 'match' | 'mismatch' | 'unknown'
  /** What differs, in words. */
  readonly why: readonly string[]
}
