import { diffLines, type Func, type Hunk, MemoryTree, Overlay, Program } from '../source/index.ts'
import type { Blame, BlamedPlace } from './compare.ts'
import type { Site } from './result.ts'

/** One change of one file between two trees. */
type Changed = { readonly file: string; readonly hunk: Hunk }

export type BlameOptions = {
  /** Audits these files of a program, and gives their sites. */
  readonly audit: (program: Program) => Promise<readonly Site[]>
  /** Where a file of the new tree was in the old one. */
  readonly was: (file: string) => string
}

/** So many changes are tried for one finding. */
const most = 24

/**
 * What made a site of the new tree break: each change in the functions that the finding speaks of is undone alone, and the file is
 * audited again. The line that shows a hazard is often older than the one that makes it, so nothing is guessed from lines alone.
 */
export async function blame(
  site: Site,
  before: Program,
  after: Program,
  { audit, was }: BlameOptions,
): Promise<Blame | undefined> {
  const places = placesOf(site)
  const changes = [...new Set(places.map((p) => p.file))].flatMap((file) =>
    changesIn(file, places, before, after, was),
  )
  if (changes.length === 0) return undefined
  const without = async (undone: readonly Changed[]): Promise<boolean> => {
    const texts = new Map<string, string>()
    for (const file of new Set(undone.map((c) => c.file)))
      texts.set(
        file,
        undo(
          after.tree.text(file) ?? '',
          undone.flatMap((c) => (c.file === file ? [c.hunk] : [])),
        ),
      )
    const top = new MemoryTree('undone', new Map([...texts].map(([f, text]) => [f, Buffer.from(text)])))
    const program = new Program(new Overlay(after.tree, top, { path: after.tree.path }), {
      below: after,
      scope: (path) => path === site.file,
    })
    try {
      const found = await audit(program)
      return !found.some((s) => s.function === site.function && s.api === site.api && isAsBad(s, site))
    } finally {
      await program.close()
    }
  }
  const guilty: Changed[] = []
  for (const c of changes.slice(0, most)) if (await without([c])) guilty.push(c)
  if (guilty.length > 0) return { by: 'checked', places: guilty.map((c) => placeOf(c, places, was)) }
  if (changes.length <= most && changes.length > 1 && (await without(changes)))
    return { by: 'together', places: changes.map((c) => placeOf(c, places, was)) }
  const seen = changes.filter((c) => places.some((p) => p.file === c.file && isIn(c.hunk, p.line)))
  return seen.length > 0 ? { by: 'trace', places: seen.map((c) => placeOf(c, places, was)) } : undefined
}

const isAsBad = (s: Site, site: Site): boolean =>
  s.verdict === 'broken' && site.classes.every((c) => s.classes.includes(c))

type Place = { readonly file: string; readonly line: number }

/** The lines that the finding speaks of: itself, the run, the way of the value. */
function placesOf(s: Site): Place[] {
  const run = (s.witness?.steps ?? []).flatMap((w) => {
    const m = /^(.*):(\d+)$/.exec(w.place ?? '')
    return m === null ? [] : [{ file: m[1]!, line: Number(m[2]) }]
  })
  return [...run, ...s.escapes, { file: s.file, line: s.line }]
}

/** The changes within the functions that hold one of the lines; anywhere in the file when there are none there. */
function changesIn(
  file: string,
  places: readonly Place[],
  before: Program,
  after: Program,
  was: (file: string) => string,
): Changed[] {
  const now = after.tree.text(file)
  if (now === undefined) return []
  const old = before.tree.files.includes(was(file)) ? (before.tree.text(was(file)) ?? '') : ''
  const all = diffLines(old, now).map((hunk) => ({ file, hunk }))
  const functions = (after.file(file)?.functions ?? []).filter((f) =>
    places.some((p) => p.file === file && firstLine(f) <= p.line && p.line <= f.endLine),
  )
  const near = all.filter(({ hunk }) =>
    functions.some((f) => {
      const end = hunk.newStart + Math.max(0, hunk.newLines.length - 1)
      return hunk.newStart <= f.endLine + 1 && end >= firstLine(f)
    }),
  )
  return near.length > 0 ? near : all
}

const firstLine = (f: Func): number => f.file.source.position(f.start).line

const isIn = (h: Hunk, line: number): boolean => line >= h.newStart && line < h.newStart + h.newLines.length

function undo(text: string, hunks: readonly Hunk[]): string {
  const lines = text.split('\n')
  for (const h of hunks.toSorted((a, b) => b.newStart - a.newStart))
    lines.splice(h.newStart - 1, h.newLines.length, ...h.oldLines)
  return lines.join('\n')
}

/** The line of a change that says most: one that the run goes through, else the first that came, else the first that went. */
function placeOf(
  { file, hunk }: Changed,
  places: readonly Place[],
  was: (file: string) => string,
): BlamedPlace {
  const says = (text: string): boolean => /\w/.test(text) && !/^\s*(\/\*|\*|\/\/)/.test(text)
  const onTheWay = places.find((p) => p.file === file && isIn(hunk, p.line))
  if (onTheWay !== undefined) {
    const text = hunk.newLines[onTheWay.line - hunk.newStart]!.trim()
    return { file, line: onTheWay.line, side: 'new', text }
  }
  const came = hunk.newLines.findIndex(says)
  const went = hunk.oldLines.findIndex(says)
  if (went >= 0 && (came < 0 || hunk.oldLines.length > hunk.newLines.length))
    return { file: was(file), line: hunk.oldStart + went, side: 'old', text: hunk.oldLines[went]!.trim() }
  const n = Math.max(0, came)
  return { file, line: hunk.newStart + n, side: 'new', text: (hunk.newLines[n] ?? '').trim() }
}
