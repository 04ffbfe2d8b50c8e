import { callJobs } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import { gets, kind as pageGet } from '../protocols/page-get.ts'
import { kind as pagePin, pins } from '../protocols/page-pin.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import { Holdings } from './analyse.ts'

const tables: Readonly<Record<string, readonly ReferenceApi[]>> = { [pagePin]: pins, [pageGet]: gets }
export const holdingKinds: readonly string[] = Object.keys(tables)

/** A job for each function that takes references to pages; the core's own are among them. */
export function holdingJobs(context: Context, kinds: readonly string[]): Job[] {
  const { code, judge, options } = context
  const wanted = new Map(kinds.flatMap((k) => tables[k]!).map((a) => [a.name, a]))
  // Both kinds are followed whichever is asked for: a function that takes by either gives back in one place.
  const apis = new Map([...pins, ...gets].map((a) => [a.name, a]))
  const holdings = new Holdings(code, judge, apis, (api) => rulesFor(api, options), options.path)
  return callJobs(context, wanted, new Map(), (_, sites) => holdings.func(sites))
}
