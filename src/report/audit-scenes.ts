import type { Comparison } from '../audit/compare.ts'
import type { AuditResult, Site, Verdict } from '../audit/result.ts'
import { hasErrors, Source } from '../base/index.ts'
import { type LitmusTest, parse, print, runLitmus } from '../litmus/index.ts'
import type { ReportData } from './page-data.ts'
import { type Scene, sceneOf } from './picture/scene.ts'

/**
 * What a report page holds of an audit. The tests behind its findings are run once more, equal ones once, to have the memory behind each
 * step; nothing is decided here. `read` gives the text of a file of the tree, if it can.
 */
export function reportData(result: AuditResult, read: (file: string) => string | undefined): ReportData {
  return { result, ...scenesOf(result), lines: linesOf(result, read) }
}

/** The same of a comparison: the sites that are not as they were, as they are now, or as they were when they are gone. */
export function comparisonData(
  { before, changes }: Comparison,
  result: AuditResult,
  read: (file: string) => string | undefined,
): ReportData {
  const sites = changes.map((c) => c.after ?? c.before!)
  const count = (v: Verdict): number => sites.filter((s) => s.verdict === v).length
  const summary = {
    ...result.summary,
    sites: sites.length,
    holds: count('holds'),
    broken: count('broken'),
    unknown: count('unknown'),
  }
  const by = { checked: 'made by', together: 'made together by', trace: 'changed on the way' } as const
  return {
    ...reportData({ ...result, sites, summary }, read),
    compared: {
      with: `${before.path}, Linux ${before.kernel}`,
      changes: changes.map(({ change, before: old, blame }) => ({
        change,
        ...(old !== undefined && { was: old.verdict }),
        blame: (blame?.places ?? []).map(
          (p) =>
            `${by[blame!.by]} ${p.file}:${p.line}${p.side === 'old' ? ' (taken out)' : ''}: ${p.text.trim()}`,
        ),
      })),
    },
  }
}

function scenesOf(result: AuditResult): Pick<ReportData, 'scenes' | 'sceneOf'> {
  const scenes: Scene[] = []
  const known = new Map<string, number | null>()
  const indexOf = (site: Site): number | null => {
    if (site.witness === undefined || site.litmus === undefined) return null
    const { value: test, diagnostics } = parse(new Source(site.litmus.name, site.litmus.text))
    if (test === undefined || hasErrors(diagnostics)) return null
    const key = `${site.witness.invariant}\n${shapeOf(test)}`
    const old = known.get(key)
    if (old !== undefined) return old
    const scene = run(test, site.witness.invariant)
    const index = scene === undefined ? null : scenes.push(scene) - 1
    known.set(key, index)
    return index
  }
  return { sceneOf: result.sites.map(indexOf), scenes }
}

/** The run that the finding is about, with the memory behind its steps. The Result line of a lifted test says which kernel it is of. */
function run(test: LitmusTest, invariant: string): Scene | undefined {
  const [asked] = test.expect
  const kernel = asked?.kernels.find((k) => k !== '*')
  if (asked === undefined || kernel === undefined) return undefined
  const { value } = runLitmus(test, { kernel, policies: asked.policies, memory: true })
  const broken = value?.broken.find((b) => b.code === invariant)
  if (value === undefined || broken === undefined) return undefined
  const { code, promise, detail } = broken
  return sceneOf(broken.witness, test.name, `Linux ${value.kernel}`, { code, promise, detail })
}

/** A test without what differs from site to site: its name, its comment, the places of its lines. */
function shapeOf(test: LitmusTest): string {
  return print({ ...test, name: 'x', comment: '' }).replaceAll(/\/\/ \S+:\d+$/gm, '')
}

/** The lines that the report speaks of, and a few around each call. */
function linesOf(
  { sites }: AuditResult,
  read: (file: string) => string | undefined,
): Record<string, Record<number, string>> {
  const wanted = new Map<string, Set<number>>()
  const want = (file: string, from: number, to: number): void => {
    const lines = wanted.get(file) ?? new Set<number>()
    wanted.set(file, lines)
    for (let n = Math.max(1, from); n <= to; n++) lines.add(n)
  }
  for (const s of sites) {
    want(s.file, s.line - 3, s.line + 4)
    for (const { file, line } of s.escapes) want(file, line, line)
    for (const { place = '' } of s.witness?.steps ?? []) {
      const [, file, line] = /^(.*):(\d+)$/.exec(place) ?? []
      if (file === s.file) want(file, Number(line), Number(line))
    }
  }
  const out: Record<string, Record<number, string>> = Object.create(null)
  for (const [file, numbers] of wanted) {
    const text = read(file)?.split('\n')
    if (text === undefined) continue
    out[file] = Object.fromEntries(
      [...numbers].flatMap((n) => {
        const line = text[n - 1]
        return line === undefined ? [] : [[n, line.replace(/\r$/, '').slice(0, 400)]]
      }),
    )
  }
  return out
}
