import { hasErrors, type Outcome } from '../base/index.ts'
import { kernels } from '../kernel/index.ts'
import type { Expect, LitmusTest } from './ast.ts'
import { printExpect } from './expect.ts'
import type { Judgement, LitmusResult } from './result.ts'
import { runLitmus, type RunOptions } from './run.ts'

/** A run that a test's Result lines ask for. */
export type Asked = {
  readonly kernel: string
  readonly policies: Readonly<Record<string, string>>
  /** Absent: it is run without an expectation. */
  readonly expect?: Expect
}

/** Every run that the Result lines ask for, a kernel at a time; `*` stands for every kernel that was read. */
export function asked(test: LitmusTest): Asked[] {
  return test.expect.flatMap((expect) =>
    expect.kernels
      .flatMap((k) => (k === '*' ? kernels : [k]))
      .map((kernel) => ({ kernel, policies: expect.policies, expect })),
  )
}

/** Runs a test as asked and says whether what was found is what is expected. */
export function judge(
  test: LitmusTest,
  { kernel, policies, expect }: Asked & { expect: Expect },
  options: Omit<RunOptions, 'kernel' | 'policies'> = {},
): Outcome<Judgement> {
  const { value, diagnostics } = runLitmus(test, { ...options, kernel, policies })
  if (value === undefined || hasErrors(diagnostics)) return { diagnostics }
  return { value: compare(expect, value), diagnostics }
}

/** What is expected of a run against what it gave. The codes that break must be exactly those that are named. */
export function compare(expect: Expect, result: LitmusResult): Judgement {
  const expected = printExpect({ ...expect, kernels: [result.kernel] })
  const found = new Set(result.broken.map((b) => b.code))
  const wrong: string[] = []
  const open: string[] = []
  if (expect.outcome !== undefined && expect.outcome !== result.outcome) {
    if (result.outcome === undefined)
      wrong.push(`${expect.outcome} is expected of a condition, and there is none`)
    else if (result.outcome === 'Unknown' && possible(expect.outcome, result))
      open.push(`${expect.outcome} is expected; that is not known: ${result.why}`)
    else wrong.push(`${expect.outcome} is expected, and it is ${result.outcome}`)
  }
  for (const code of expect.broken)
    if (!found.has(code)) {
      if (result.complete) wrong.push(`${code} is expected to break, and holds`)
      else open.push(`${code} is expected to break, and did not so far: ${result.why}`)
    }
  for (const code of found)
    if (!expect.broken.includes(code)) wrong.push(`${code} breaks, and is not expected to`)
  if (
    !result.complete &&
    wrong.length === 0 &&
    open.length === 0 &&
    !(expect.outcome === 'Sometimes' || expect.outcome === undefined)
  )
    open.push(`not known: ${result.why}`)
  if (!result.complete && wrong.length === 0 && open.length === 0 && expect.broken.length === 0)
    open.push(`nothing broke so far, and that is not all: ${result.why}`)
  return {
    expected,
    result,
    verdict: wrong.length > 0 ? 'mismatch' : open.length > 0 ? 'unknown' : 'match',
    why: [...wrong, ...open],
  }
}

/** Whether an outcome can still come out of a search that is not over. */
function possible(outcome: NonNullable<Expect['outcome']>, { positive, negative }: LitmusResult): boolean {
  if (outcome === 'Always') return negative === 0
  if (outcome === 'Never') return positive === 0
  return true
}
