import { type Func, stmtExprs, visit } from '../../source/index.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import { Imports } from './analyse.ts'
import { acquires, type Api, exports } from './api.ts'
import type { ImportSite } from './event.ts'

type Apis = ReadonlyMap<string, Api>

export const importJobs = (context: Context): Job[] => jobsOf(context, acquires, false)
export const exportJobs = (context: Context): Job[] => jobsOf(context, exports, true)

/** A job for each function with such calls. */
function jobsOf(context: Context, apis: Apis, exporting: boolean): Job[] {
  const { program, code, judge, options } = context
  const imports = new Imports(code, judge, (site) => rulesFor(site.api, options), options.path, exporting)
  const jobs: Job[] = []
  for (const path of filesWith(program, apis.keys())) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) {
      const sites = sitesIn(func, apis)
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
function sitesIn(func: Func, apis: Apis): ImportSite[] {
  if (apis.has(func.name) || ![...apis.keys()].some((n) => func.mentions(n))) return []
  const found: ImportSite[] = []
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind !== 'call' || x.callee.kind !== 'name') return
      const api = apis.get(x.callee.name)
      if (api !== undefined) found.push({ func, call: x, api })
    })
  return found
}
