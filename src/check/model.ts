import type { AnyLayout, Change } from '../state/index.ts'

/**
 * What the checker explores. It knows nothing of kernels: a puzzle is a model, too.
 *
 * The model owns one scratch buffer, `state`, that its rows are views on. The checker copies a stored state into it,
 * lets one actor take one atomic step, and copies the successor out. Nothing outside `state` may change what a step
 * does.
 */
export interface Model {
  readonly layout: AnyLayout
  readonly state: Uint8Array
  readonly actors: readonly Actor[]
  /** Writes the initial state. */
  init(): void
  /**
   * One atomic step of an actor, in place. `blocked`: it cannot go now, and nothing that it did or reported has
   * happened (the buffer is then garbage); `ended`: it has nothing left to do, and changes nothing.
   * Nondeterminism is `choose(n)`, a number below n; the checker runs the step again, from the same state, once per
   * answer. A step may report `violate(…)` any number of times: the step is then the last one of a witness.
   */
  step(actor: number, choose: Choose, violate: Violate): 'moved' | 'blocked' | 'ended'
  /** The name of the step that the actor would take next, for the timeline. Called only when a trace is shown. */
  label(actor: number): StepLabel
  /**
   * Whether the actor can take a step now, without a choice, that nothing depends on but what it makes possible: whatever others can do before
   * it they can do behind it, with the same end; it stays possible meanwhile; and it hides no violation. Asked for a reduced search only.
   */
  quiet?(actor: number): boolean
  /** Broken state invariants. Called once for each new state. */
  check?(violate: Violate): void
  /** What is observed in a final state (every actor that must end has ended), as a line of the outcome table. */
  observe?(): string
}

export type Actor = {
  readonly name: string
  /** An actor of the environment: it may stop anywhere, and need not end. */
  readonly daemon?: boolean
}

export type Choose = (n: number) => number

export type Violate = (violation: Violation) => void

/**
 * `code` is that of an invariant; `detail` says who, which, where, in the words of the state. One witness is kept per
 * code.
 */
export type Violation = { readonly code: string; readonly detail: string }

export type StepLabel = {
  /** The step's name, `follow_pfn: walk`. */
  readonly name: string
  /** What the reader sees as source: the statement, and where it stands. */
  readonly statement?: string
  readonly place?: string
}

export type CheckOptions = {
  /** Bounds; one that is hit makes the result incomplete. 0 is no bound. */
  readonly maxStates?: number
  readonly maxDepth?: number
  readonly maxSeconds?: number
  readonly maxBytes?: number
  /** Stop at the first violation: its witness is a shortest one. */
  readonly stopAtFirst?: boolean
  /** Use the layout's symmetric sets. Default true. */
  readonly symmetry?: boolean
  /**
   * Do not permute quiet steps: fewer states, the same codes, deadlock and outcomes. Witnesses of violations are told by a second search, which
   * is full; where a bound stops that one, and for outcomes, they may be longer than they must be. Default false.
   */
  readonly reduce?: boolean
  /** Keep a hash of 64 bits of each state that was explored, not the state: less memory, and never complete. Default false. */
  readonly compact?: boolean
  /** Called now and then, for progress. Returning true stops the search. */
  readonly onProgress?: (states: number, depth: number) => boolean | void
}

export type CheckResult = {
  /** False when a bound was hit: what was not found may still be there. */
  readonly complete: boolean
  /** Which bound, and its figure. `compact`: none, but states were told apart by hashes; the probability that one was missed. */
  readonly bound?: {
    readonly name: 'states' | 'depth' | 'seconds' | 'bytes' | 'stopped' | 'first' | 'compact'
    readonly at: number
  }
  readonly states: number
  /** Transitions taken, also those to states seen before. */
  readonly edges: number
  readonly depth: number
  readonly seconds: number
  readonly violations: readonly (Violation & { readonly trace: Trace })[]
  /** A state in which some actor that must end cannot, and nobody can move. */
  readonly deadlock?: Trace
  /** Final observations, sorted, with how many final states show each and a shortest way to one. */
  readonly outcomes: readonly { readonly text: string; readonly states: number; readonly trace: Trace }[]
}

export type Trace = { readonly initial: Uint8Array; readonly steps: readonly TraceStep[] }

export type TraceStep = {
  readonly actor: number
  readonly label: StepLabel
  readonly choices: readonly number[]
  readonly after: Uint8Array
  readonly changes: readonly Change[]
}
