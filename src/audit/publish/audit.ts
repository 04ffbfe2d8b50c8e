import { callJobs } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import { Publishes } from './analyse.ts'
import { apis, publishes } from './api.ts'

/** A job for each function that puts files behind descriptors. */
export function publishJobs(context: Context): Job[] {
  const { code, judge, options } = context
  const all = new Publishes(code, judge, (s) => rulesFor(s.api, options), options.path)
  return callJobs(context, publishes, apis, (func, sites) => all.func(func, sites))
}
