import { checkSchemaVersion, type Judgement, type LitmusResult } from '../litmus/index.ts'

/** One run in the JSON of `tenure check`; docs/litmus.md documents it. */
export type CheckRun = LitmusResult & {
  readonly file: string
  readonly expected?: string
  readonly verdict?: Judgement['verdict']
  /** What differs from what is expected. */
  readonly differs?: readonly string[]
}

export type CheckReport = {
  readonly schema: typeof checkSchemaVersion
  readonly tool: { readonly name: 'tenure'; readonly version: string }
  readonly runs: readonly CheckRun[]
  /** Kernels that a test could not be run on, for they lack an operation. */
  readonly skipped: readonly { readonly file: string; readonly kernel: string; readonly why: string }[]
  readonly diagnostics: readonly object[]
  readonly summary: {
    readonly files: number
    readonly runs: number
    readonly match: number
    readonly mismatch: number
    readonly unknown: number
  }
}

export const checkRun = (file: string, result: LitmusResult, judgement?: Judgement): CheckRun => ({
  file,
  ...result,
  ...(judgement ? { expected: judgement.expected, verdict: judgement.verdict, differs: judgement.why } : {}),
})

export const renderCheckJson = (report: CheckReport): string => `${JSON.stringify(report, null, 2)}\n`

export const checkReport = (parts: Omit<CheckReport, 'schema'>): CheckReport => ({
  schema: checkSchemaVersion,
  ...parts,
})
