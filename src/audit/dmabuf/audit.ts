import { callJobs } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import type { Api } from '../things/api.ts'
import type { About } from '../things/walk.ts'
import { Imports } from './analyse.ts'
import { aboutExports, aboutImports, acquires, exports } from './api.ts'

export const importJobs = (context: Context): Job[] => jobsOf(context, acquires, aboutImports)
export const exportJobs = (context: Context): Job[] => jobsOf(context, exports, aboutExports)

/** A job for each function with such calls. */
function jobsOf(context: Context, apis: ReadonlyMap<string, Api>, about: About): Job[] {
  const { code, judge, options } = context
  const imports = new Imports(code, judge, (site) => rulesFor(site.api, options), options.path, about)
  return callJobs(context, apis, apis, (func, sites) => imports.func(func, sites))
}
