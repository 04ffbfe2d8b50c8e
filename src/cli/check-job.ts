import { type Diagnostic, hasErrors, Source } from '../base/index.ts'
import { defaultPolicies } from '../kernel/index.ts'
import {
  asked,
  compare,
  type Judgement,
  type LitmusResult,
  onlyNotInThisKernel,
  parse,
  runLitmus,
  type RunOptions,
} from '../litmus/index.ts'

/** One run of one test, as plain data: it goes to a worker. */
export type Job = {
  readonly file: string
  readonly text: string
  readonly kernel: string
  readonly policies: Readonly<Record<string, string>>
  /** The clause of the Result lines that it is to be compared with. */
  readonly clause?: number
  readonly bounds: Omit<RunOptions, 'kernel' | 'policies' | 'onProgress'>
}

export type PlainDiagnostic = {
  readonly severity: Diagnostic['severity']
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly length?: number
  readonly notes: readonly string[]
  readonly help: readonly string[]
}

export type Done = {
  readonly result?: LitmusResult
  readonly judgement?: Judgement
  readonly diagnostics: readonly Diagnostic[]
  /** The test is right; this kernel does not have what it calls. */
  readonly absent: boolean
}

/** Runs a job. The test is read anew: what is read holds places in its text and cannot be sent. */
export function runJob(job: Job, onProgress: NonNullable<RunOptions['onProgress']>): Done {
  const { value: test, diagnostics } = parse(new Source(job.file, job.text))
  if (test === undefined || hasErrors(diagnostics)) return { diagnostics, absent: false }
  const { kernel, policies, bounds } = job
  const run = runLitmus(test, { ...bounds, kernel, policies, onProgress })
  if (run.value === undefined)
    return { diagnostics: run.diagnostics, absent: onlyNotInThisKernel(run.diagnostics) }
  const expect = job.clause === undefined ? undefined : test.expect[job.clause]
  return {
    result: run.value,
    ...(expect ? { judgement: compare(expect, run.value) } : {}),
    diagnostics: run.diagnostics,
    absent: false,
  }
}

/** The runs that a test asks for by its Result lines, or that were asked for on the command line. */
export function jobsOf(
  file: string,
  text: string,
  bounds: Job['bounds'],
  want: {
    readonly kernels: readonly string[]
    readonly policies: Readonly<Record<string, string>> | undefined
  },
): Job[] {
  const { value: test } = parse(new Source(file, text))
  if (test === undefined) return []
  const all = asked(test).map((a) => ({ ...a, clause: test.expect.indexOf(a.expect!) }))
  const job = (kernel: string, policies: Readonly<Record<string, string>>, clause?: number): Job => ({
    file,
    text,
    kernel,
    policies,
    bounds,
    ...(clause === undefined ? {} : { clause }),
  })
  if (want.kernels.length === 0 && want.policies === undefined)
    return all.length > 0 ? all.map((a) => job(a.kernel, a.policies, a.clause)) : [job(defaultKernel, {})]
  const named = [...new Set(all.map((a) => a.kernel))]
  const kernels = want.kernels.length > 0 ? want.kernels : named.length > 0 ? named : [defaultKernel]
  const policies = want.policies ?? {}
  return kernels.flatMap((kernel) => {
    const known = all.filter((a) => a.kernel === kernel && same(a.policies, policies))
    return known.length > 0 ? known.map((a) => job(kernel, policies, a.clause)) : [job(kernel, policies)]
  })
}

const defaultKernel = '6.12'

/** A policy that is not given has its default. */
const same = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.entries(defaultPolicies).every(([k, byDefault]) => (a[k] ?? byDefault) === (b[k] ?? byDefault))

export function plainDiagnostic(d: Diagnostic): PlainDiagnostic {
  const at = d.primary?.span
  return {
    severity: d.severity,
    code: d.code,
    message: d.message,
    ...(at ? { file: at.source.name, ...at.source.position(at.start), length: at.end - at.start } : {}),
    notes: d.notes ?? [],
    help: (d.hints ?? []).map((h) => h.text),
  }
}
