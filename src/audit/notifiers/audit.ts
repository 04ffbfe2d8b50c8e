import { callJobs } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import { Notifiers } from './analyse.ts'
import { apis, registers } from './api.ts'

/** A job for each function that registers notifiers. */
export function notifierJobs(context: Context): Job[] {
  const { code, judge, options } = context
  const notifiers = new Notifiers(code, judge, (s) => rulesFor(s.api, options), options.path)
  return callJobs(context, registers, apis, (func, sites) => notifiers.func(func, sites))
}
