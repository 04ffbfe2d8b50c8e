import { type Call, type Func, stmtExprs, visit } from '../source/index.ts'
import { type Context, filesWith, type Job } from './protocol.ts'
import type { Site } from './result.ts'

/** A call of something that a protocol has a table of. */
export type CallOf<A> = { readonly func: Func; readonly call: Call; readonly api: A }

/** The calls in a function of what a table names. */
export function callsOf<A>(func: Func, apis: ReadonlyMap<string, A>): CallOf<A>[] {
  for (const name of apis.keys()) if (func.mentions(name)) return calls(func, apis)
  return []
}

function calls<A>(func: Func, apis: ReadonlyMap<string, A>): CallOf<A>[] {
  const found: CallOf<A>[] = []
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind !== 'call' || x.callee.kind !== 'name') return
      const api = apis.get(x.callee.name)
      if (api !== undefined) found.push({ func, call: x, api })
    })
  return found
}

/** A job for each function with such calls; the core's own versions of them, `own`, are left out. */
export function callJobs<A>(
  { program, options }: Context,
  apis: ReadonlyMap<string, A>,
  own: ReadonlyMap<string, unknown>,
  decide: (func: Func, sites: readonly CallOf<A>[]) => readonly Site[],
): Job[] {
  const jobs: Job[] = []
  for (const path of filesWith(program, apis.keys())) {
    options.signal?.throwIfAborted()
    const file = program.file(path)
    if (file === undefined) continue
    const { text } = file.source
    const here = new Map([...apis].filter(([name]) => text.includes(name)))
    for (const func of file.functions) {
      const sites = own.has(func.name) ? [] : callsOf(func, here)
      if (sites.length > 0) jobs.push({ func, decide: () => decide(func, sites) })
    }
  }
  return jobs
}
