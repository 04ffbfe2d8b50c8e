import { type Func, stmtExprs, visit } from '../../source/index.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import { type PublishSite, Publishes } from './analyse.ts'
import { apis, publishes } from './api.ts'

/** A job for each function that puts files behind descriptors. */
export function publishJobs({ program, code, judge, options }: Context): Job[] {
  const all = new Publishes(code, judge, (s) => rulesFor(s.api, options), options.path)
  const jobs: Job[] = []
  for (const path of filesWith(program, publishes.keys())) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) {
      const sites = sitesIn(func)
      if (sites.length === 0) continue
      jobs.push({
        func,
        decide: () => all.func(func, sites),
        undecided: () => sites.map((s) => all.undecided(s)),
      })
    }
  }
  return jobs
}

/** The calls in a function, but for the core's own. */
function sitesIn(func: Func): PublishSite[] {
  if (apis.has(func.name) || ![...publishes.keys()].some((n) => func.mentions(n))) return []
  const found: PublishSite[] = []
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind !== 'call' || x.callee.kind !== 'name') return
      const api = publishes.get(x.callee.name)
      if (api !== undefined) found.push({ func, call: x, api })
    })
  return found
}
