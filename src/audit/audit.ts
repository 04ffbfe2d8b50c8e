import { editsOf } from './edits.ts'
import { identify } from './identity.ts'
import { Judge } from './judge.ts'
import { Knowledge } from './knowledge.ts'
import { type AuditOptions, type Context, type Job, newest } from './protocol.ts'
import { all, standing } from './protocols/index.ts'
import { type AuditResult, auditSchemaVersion, type Site } from './result.ts'
import { siteFile } from './witness.ts'
import type { Func, Program } from '../source/index.ts'

/** Audits a tree. Plain data comes out; the same tree gives the same. */
export async function audit(
  program: Program,
  options: AuditOptions,
  judge = new Judge(),
): Promise<AuditResult> {
  const context: Context = { program, code: new Knowledge(program), judge, options }
  const asked = options.protocols ?? standing
  const sites: Site[] = []
  const funcs = await judgeAll(context, asked, sites)
  sites.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column))
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
      filesParsed: program.counts.files,
      functions: program.counts.functions,
      skipped: skippedIn(funcs),
      sites: sites.length,
      holds: count('holds'),
      broken: count('broken'),
      unknown: count('unknown'),
      unknownReasons: reasons,
    },
    sites: finished(program, sites, options),
    problems: once(program.tree.problems),
  }
}

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
    return {
      id: ids[i]!,
      ...s,
      ...(s.witness !== undefined &&
        replay !== undefined && {
          witness: {
            ...s.witness,
            replay: `${replay} --litmus DIR && tenure check DIR/${siteFile(s)}`,
          },
        }),
      ...(edits !== undefined && s.repair !== undefined && { repair: { ...s.repair, edits } }),
    }
  })
}

/** Every site of the kinds asked for, judged. Gives the functions that they are in. */
async function judgeAll(context: Context, asked: readonly string[], into: Site[]): Promise<Set<Func>> {
  const { program, options } = context
  const wanted = all
    .map((protocol) => ({ protocol, kinds: protocol.kinds.filter((k) => asked.includes(k)) }))
    .filter((w) => w.kinds.length > 0)
  await program.ready()
  const todo: Job[] = []
  for (const { protocol, kinds } of wanted) {
    options.signal?.throwIfAborted()
    const jobs = protocol.jobs(context, kinds)
    todo.push(...jobs.filter((j) => program.scope(j.func.file.path)))
  }
  const funcs = new Set(todo.map((j) => j.func))
  for (const [i, job] of todo.entries()) {
    await breathe()
    options.signal?.throwIfAborted()
    into.push(...(job.decide() ?? job.undecided()))
    options.onProgress?.(i + 1, todo.length)
  }
  return funcs
}

/** Lets signals and timers in. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Functions with sites of which a part was not understood, by reason. */
function skippedIn(funcs: Iterable<Func>): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const f of funcs)
    for (const reason of new Set(f.body.problems.map((p) => p.reason)))
      reasons[reason] = (reasons[reason] ?? 0) + 1
  return reasons
}
