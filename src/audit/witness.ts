import type { Judged } from './judge.ts'
import type { Witness } from './result.ts'

type At = { readonly file: string; readonly line: number; readonly column: number }

/** The shortest run of a test that breaks, told for the reader of a report. */
export function witnessOf(j: Judged, site: At, path: string): Witness | undefined {
  const broken = j.result?.broken ?? []
  // What the reader came for first; a leaked lock or count is of less interest than memory that belongs to somebody else.
  const first = broken.find((b) => b.code === 'use-after-free') ?? broken[0]
  if (first === undefined) return undefined
  return {
    invariant: first.code,
    promise: first.promise,
    detail: first.detail,
    actors: first.witness.actors,
    pages: first.witness.pages,
    steps: first.witness.steps.map((s) => ({
      actor: s.actor,
      step: s.step,
      ...(s.statement !== undefined && { statement: s.statement }),
      ...(s.place !== undefined && { place: s.place }),
      changes: s.changes,
      pages: s.pages,
    })),
    replay: `tenure audit ${quoted(path)} --litmus DIR && tenure check DIR/${siteFile(site)}`,
  }
}

/** The file that a site's test is written to: one for each place. */
export const siteFile = (s: At): string => `${s.file.replaceAll('/', '-')}-${s.line}-${s.column}.litmus`

/** As a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
