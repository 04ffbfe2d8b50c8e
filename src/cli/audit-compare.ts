import { readFileSync } from 'node:fs'
import {
  type AuditOptions,
  type AuditResult,
  audit,
  blame,
  type Change,
  changeOf,
  type Comparison,
  comparison,
  isNewlyBroken,
  Judge,
  match,
} from '../audit/index.ts'
import { hasErrors } from '../base/index.ts'
import { renderDiagnostic } from '../report/diagnostic.ts'
import { ansi, plain } from '../report/style.ts'
import { applyPatch, parsePatch, Program } from '../source/index.ts'
import type { Input } from './audit-input.ts'
import { type Io, UsageError } from './io.ts'
import type { Progress } from './progress.ts'

/** Two trees and what became of the files between them. */
export type Sides = {
  readonly before: Input
  readonly after: Input
  readonly renamed: ReadonlyMap<string, string>
}

/** Lays a patch over a tree. Undefined: it does not apply, and that has been said. */
export function patchedInput(before: Input, file: string, io: Io): Sides | undefined {
  const name = file === '-' ? 'standard input' : file
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (e) {
    throw new UsageError(`the patch ${name} cannot be read: ${e instanceof Error ? e.message : String(e)}`)
  }
  const parsed = parsePatch(text, name)
  const applied =
    parsed.value === undefined || hasErrors(parsed.diagnostics)
      ? { diagnostics: parsed.diagnostics }
      : applyPatch(before.tree, parsed.value, name)
  for (const d of applied.diagnostics) io.err(`${renderDiagnostic(d, io.errIsTerminal ? ansi : plain)}\n`)
  if (applied.value === undefined) return undefined
  const { tree, renamed } = applied.value
  const changed = new Set(applied.value.changed)
  const { scope } = before.program
  const program = new Program(tree, {
    below: before.program,
    scope: (path) => scope(path) || changed.has(path),
  })
  return { before, after: { name: `${before.name} with ${name}`, tree, program }, renamed }
}

/** Audits both sides, equal tests once, and says for what is broken now which change made it so. */
export async function compareAudits(
  { before, after, renamed }: Sides,
  optionsOf: (input: Input) => AuditOptions,
  progress: Progress | undefined,
  auditOf = (input: Input, judge: Judge): Promise<AuditResult> =>
    audit(input.program, optionsOf(input), judge),
): Promise<{ readonly comparison: Comparison; readonly result: AuditResult }> {
  const judge = new Judge()
  const old = await auditOf(before, judge)
  const now = await auditOf(after, judge)
  const lineIn = (p: Program) => (file: string, line: number) => p.file(file)?.source.line(line)
  const pairs = match(old.sites, now.sites, {
    before: lineIn(before.program),
    after: lineIn(after.program),
    renamed,
    otherCall: true,
  })
  const changes: Change[] = []
  const back = new Map([...renamed].map(([from, to]) => [to, from]))
  for (const pair of pairs) {
    const change = changeOf(pair)
    if (change === undefined) continue
    if (change.after === undefined || !isNewlyBroken(change)) {
      changes.push(change)
      continue
    }
    progress?.say(`looking for what broke ${change.after.file}:${change.after.line}`)
    const found = await blame(change.after, before.program, after.program, {
      was: (file) => back.get(file) ?? file,
      audit: async (program) =>
        (await audit(program, { ...optionsOf(after), protocols: [change.after!.kind] }, judge)).sites,
    })
    changes.push(found === undefined ? change : { ...change, blame: found })
  }
  const news = new Set(changes.filter(isNewlyBroken).map((c) => c.after!))
  return {
    comparison: comparison(old, now, pairs, changes),
    result: {
      ...now,
      sites: now.sites.map((s) => (s.verdict === 'broken' && !news.has(s) ? { ...s, known: true } : s)),
    },
  }
}
