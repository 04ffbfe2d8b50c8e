import { editsOf } from './edits.ts'
import { identify } from './identity.ts'
import { Judge } from './judge.ts'
import { Knowledge } from './knowledge.ts'
import { type Part, partOf, sharesOf, Turns } from './part.ts'
import { type AuditOptions, type Context, newest } from './protocol.ts'
import { standing } from './protocols/index.ts'
import { type AuditResult, auditSchemaVersion, type Hop, type Site } from './result.ts'
import { siteFile } from './witness.ts'
import type { Program } from '../source/index.ts'

/** Audits a tree. Plain data comes out; the same tree gives the same. */
export async function audit(
  program: Program,
  options: AuditOptions,
  judge = new Judge(),
): Promise<AuditResult> {
  const context: Context = { program, code: new Knowledge(program), judge, options }
  const asked = options.protocols ?? standing
  await program.ready()
  const parts = await partsOf(context, asked)
  const sites = parts.flatMap((p) => p.sites).sort(byPlace)
  const read = new Map(parts.flatMap((p) => p.read))
  const bodies = new Map(parts.flatMap((p) => p.bodies))
  const count = (v: Site['verdict']): number => sites.filter((s) => s.verdict === v).length
  const reasons: Record<string, number> = {}
  for (const s of sites) if (s.reason !== undefined) reasons[s.reason] = (reasons[s.reason] ?? 0) + 1
  const treeKernel = options.treeKernel
  return {
    schema: auditSchemaVersion,
    tool: { name: 'tenure', version: options.version },
    tree: {
      path: options.path,
      kernel: options.kernel ?? treeKernel ?? newest,
      kernelFrom: options.kernel !== undefined ? 'option' : treeKernel !== undefined ? 'Makefile' : 'default',
    },
    protocols: [...asked],
    summary: {
      filesSeen: program.tree.files.length,
      filesParsed: read.size,
      functions: [...read.values()].reduce((n, f) => n + f, 0),
      functionsRead: bodies.size,
      functionsUnderstood: [...bodies.values()].filter((whole) => whole).length,
      skipped: skippedIn(parts),
      sites: sites.length,
      holds: count('holds'),
      broken: count('broken'),
      unknown: count('unknown'),
      unknownReasons: reasons,
    },
    sites: finished(program, sites, options),
    problems: once(parts.flatMap((p) => p.problems)),
  }
}

const byPlace = (a: Site, b: Site): number =>
  compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.kind, b.kind)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** A file that was asked for twice is told once. */
function once(problems: AuditResult['problems']): AuditResult['problems'] {
  const told = new Map(problems.map((p) => [`${p.file}:${p.line ?? 0}: ${p.message}`, p]))
  return [...told].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p)
}

/** With their names, and their repairs as edits where they can be. */
function finished(program: Program, sites: readonly Site[], { replay }: AuditOptions): Site[] {
  const ids = identify(sites)
  const lineOf = (file: string, line: number) => program.file(file)?.source.line(line)
  return sites.map((s, i) => {
    const edits = editsOf(s, lineOf)
    const again =
      replay === undefined || s.litmus === undefined
        ? replay
        : `${replay} --litmus DIR && tenure check DIR/${siteFile(s)}`
    return {
      id: ids[i]!,
      ...s,
      escapes: tidied(s.escapes),
      ...(again !== undefined && { replay: again }),
      ...(s.witness !== undefined && again !== undefined && { witness: { ...s.witness, replay: again } }),
      ...(edits !== undefined && s.repair !== undefined && { repair: { ...s.repair, edits } }),
    }
  })
}

/** One line of several arguments is joined, and what a way passes twice in a row is told once. */
function tidied(hops: readonly Hop[]): Hop[] {
  const all = hops.map((h) => ({ ...h, text: h.text.replace(/\( /g, '(').replace(/ \)/g, ')') }))
  const same = (a: Hop, b: Hop | undefined): boolean =>
    a.text === b?.text && a.line === b.line && a.file === b.file
  return all.filter((h, i) => !same(h, all[i - 1]))
}

/** The parts of an audit, by two other threads where that can be. */
async function partsOf(context: Context, asked: readonly string[]): Promise<readonly Part[]> {
  const { program, options } = context
  // Each thread tells of its own functions.
  const told: [number, number][] = []
  const teller = (part: number) => (done: number, of: number) => {
    told[part] = [done, of]
    const sum = (i: 0 | 1): number => told.reduce((n, t) => n + (t?.[i] ?? 0), 0)
    options.onProgress?.(sum(0), sum(1))
  }
  const shares = sharesOf(asked)
  const turns = new Turns()
  const aside = (part: number): Promise<Part> | undefined =>
    shares.length > 1 ? options.aside?.(program, asked, turns, options, teller(part)) : undefined
  const first = aside(0)
  const second = first === undefined ? undefined : aside(1)
  return first === undefined || second === undefined
    ? [await partOf(context, shares, turns, teller(0))]
    : await Promise.all([first, second])
}

/** Functions with sites of which a part was not understood, by reason. */
function skippedIn(parts: readonly Part[]): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const [, why] of new Map(parts.flatMap((p) => p.skipped)))
    for (const reason of why) reasons[reason] = (reasons[reason] ?? 0) + 1
  return reasons
}
