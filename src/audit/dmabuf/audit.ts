import { callJobs } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import { Imports } from './analyse.ts'
import { acquires, type Api, exports } from './api.ts'

export const importJobs = (context: Context): Job[] => jobsOf(context, acquires, false)
export const exportJobs = (context: Context): Job[] => jobsOf(context, exports, true)

/** A job for each function with such calls. */
function jobsOf(context: Context, apis: ReadonlyMap<string, Api>, exporting: boolean): Job[] {
  const { code, judge, options } = context
  const imports = new Imports(code, judge, (site) => rulesFor(site.api, options), options.path, exporting)
  return callJobs(context, apis, apis, (func, sites) => imports.func(func, sites))
}
