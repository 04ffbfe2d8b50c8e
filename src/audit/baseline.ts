import { match } from './compare.ts'
import type { AuditResult, Site } from './result.ts'

/** Findings that are known, as a file: what is in it does not count again. Lines are not in it, so it outlives edits elsewhere. */
export type Baseline = {
  readonly schema: typeof schema
  readonly findings: readonly Known[]
}

type Known = Pick<Site, 'kind' | 'file' | 'function' | 'api' | 'classes'> & {
  /** The line of the call, to tell calls of one function apart. */
  readonly text: string
}

const schema = 1

type LineOf = (file: string, line: number) => string | undefined

export const baselineOf = (result: AuditResult, lineOf: LineOf): Baseline => ({
  schema,
  findings: result.sites
    .filter((s) => s.verdict === 'broken')
    .map((s) => ({
      kind: s.kind,
      file: s.file,
      function: s.function,
      api: s.api,
      classes: s.classes,
      text: (lineOf(s.file, s.line) ?? '').trim(),
    })),
})

/** Throws what is wrong with the file. */
export function parseBaseline(text: string): Baseline {
  const file = JSON.parse(text) as Partial<Baseline>
  if (file.schema !== schema || !Array.isArray(file.findings))
    throw new Error(`it is no baseline of schema ${schema}`)
  for (const [i, f] of file.findings.entries())
    for (const key of ['kind', 'file', 'function', 'api', 'classes', 'text'] as const)
      if ((f as Partial<Known>)[key] === undefined) throw new Error(`finding ${i + 1} has no "${key}"`)
  return file as Baseline
}

/** The result with its known findings marked, and what the baseline has and the tree does not any more. */
export function withBaseline(
  result: AuditResult,
  baseline: Baseline,
  lineOf: LineOf,
): { readonly result: AuditResult; readonly gone: Baseline['findings'] } {
  const old = baseline.findings.map((f, line) => ({ ...f, line }))
  const pairs = match(
    old,
    result.sites.filter((s) => s.verdict === 'broken'),
    {
      before: (_, line) => old[line]!.text,
      after: lineOf,
      renamed: new Map(),
      otherCall: false,
    },
  )
  const known = new Set<Site>()
  const gone: Known[] = []
  for (const { before, after } of pairs) {
    if (before === undefined) continue
    if (after === undefined) gone.push(baseline.findings[before.line]!)
    // Broken in another way than is known counts.
    else if (after.classes.every((c) => before.classes.includes(c))) known.add(after)
  }
  return {
    result: { ...result, sites: result.sites.map((s) => (known.has(s) ? { ...s, known: true } : s)) },
    gone,
  }
}
