import { type Func, stmtExprs, visit } from '../../source/index.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import { Imports } from './analyse.ts'
import { acquires } from './api.ts'
import type { ImportSite } from './event.ts'

export const importNames = (): readonly string[] => [...acquires.keys()]

/** A job for each function that borrows dma-bufs. */
export async function importJobs(context: Context): Promise<Job[]> {
  const { program, code, judge, options } = context
  const imports = new Imports(code, judge, (site) => rulesFor(site.api, options), options.path)
  const jobs: Job[] = []
  for (const path of await filesWith(program, acquires.keys())) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) {
      const sites = sitesIn(func)
      if (sites.length === 0) continue
      jobs.push({
        func,
        decide: () => imports.func(func, sites),
        undecided: () => sites.map((s) => imports.undecided(s)),
      })
    }
  }
  return jobs
}

/** The calls in a function, except in the core's own versions of them. */
function sitesIn(func: Func): ImportSite[] {
  if (acquires.has(func.name) || ![...acquires.keys()].some((n) => func.mentions(n))) return []
  const found: ImportSite[] = []
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind !== 'call' || x.callee.kind !== 'name') return
      const api = acquires.get(x.callee.name)
      if (api !== undefined) found.push({ func, call: x, api })
    })
  return found
}
