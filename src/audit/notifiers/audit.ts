import { type Func, stmtExprs, visit } from '../../source/index.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import { Notifiers, type RegisterSite } from './analyse.ts'
import { apis, registers } from './api.ts'

/** A job for each function that registers notifiers. */
export function notifierJobs({ program, code, judge, options }: Context): Job[] {
  const notifiers = new Notifiers(code, judge, (s) => rulesFor(s.api, options), options.path)
  const jobs: Job[] = []
  for (const path of filesWith(program, registers.keys())) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) {
      const sites = sitesIn(func)
      if (sites.length === 0) continue
      jobs.push({
        func,
        decide: () => notifiers.func(func, sites),
        undecided: () => sites.map((s) => notifiers.undecided(s)),
      })
    }
  }
  return jobs
}

/** The calls in a function, but for the core's own. */
function sitesIn(func: Func): RegisterSite[] {
  if (apis.has(func.name) || ![...registers.keys()].some((n) => func.mentions(n))) return []
  const found: RegisterSite[] = []
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind !== 'call' || x.callee.kind !== 'name') return
      const api = registers.get(x.callee.name)
      if (api !== undefined) found.push({ func, call: x, api })
    })
  return found
}
