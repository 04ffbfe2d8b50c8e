import { createHash } from 'node:crypto'
import type { AuditResult, Site } from '../audit/result.ts'
import { modelled } from '../audit/audit.ts'
import { hasErrors, Source } from '../base/index.ts'
import { type LitmusTest, parse, print, runLitmus } from '../litmus/index.ts'
import { renderReportPage } from '../report/html.ts'
import type { ReportData } from '../report/page-data.ts'
import { type Scene, sceneOf } from '../report/picture/scene.ts'
import { pageScript } from './page-script.ts'

/**
 * The report page of an audit. The tests behind its findings are run once more, equal ones once, to have the memory behind each step;
 * nothing is decided here. `read` gives the text of a file of the tree, if it can.
 */
export function auditPage(result: AuditResult, read: (file: string) => string | undefined): string {
  const { scenes, sceneOf } = scenesOf(result)
  const data: ReportData = { result, scenes, sceneOf, lines: linesOf(result, read) }
  return renderReportPage(data, {
    script: pageScript(),
    sha256: (text) => createHash('sha256').update(text).digest('base64'),
  })
}

export function scenesOf(result: AuditResult): Pick<ReportData, 'scenes' | 'sceneOf'> {
  const scenes: Scene[] = []
  const known = new Map<string, number | null>()
  const indexOf = (site: Site): number | null => {
    if (site.witness === undefined || site.litmus === undefined) return null
    const { value: test, diagnostics } = parse(new Source(site.litmus.name, site.litmus.text))
    if (test === undefined || hasErrors(diagnostics)) return null
    const key = `${site.witness.invariant}\n${shapeOf(test)}`
    const old = known.get(key)
    if (old !== undefined) return old
    const scene = run(test, site, result)
    known.set(key, scene === undefined ? null : scenes.push(scene) - 1)
    return known.get(key)!
  }
  return { sceneOf: result.sites.map(indexOf), scenes }
}

/** The run that the finding is about, with the memory behind its steps. */
function run(test: LitmusTest, site: Site, result: AuditResult): Scene | undefined {
  const asked = test.expect[0]
  const { value } = runLitmus(test, {
    kernel: asked?.kernels.find((k) => k !== '*') ?? modelled(result.tree.kernel),
    policies: asked?.policies ?? {},
    memory: true,
  })
  const broken = value?.broken.find((b) => b.code === site.witness!.invariant)
  if (value === undefined || broken === undefined) return undefined
  return sceneOf(broken.witness, test.name, `Linux ${value.kernel}`, {
    code: broken.code,
    promise: broken.promise,
    detail: broken.detail,
  })
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
      [...numbers].flatMap((n) =>
        text[n - 1] === undefined ? [] : [[n, text[n - 1]!.replace(/\r$/, '').slice(0, 400)]],
      ),
    )
  }
  return out
}
