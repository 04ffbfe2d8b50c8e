import type { Func } from '../../source/index.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import { gets, kind as pageGet } from '../protocols/page-get.ts'
import { kind as pagePin, pins } from '../protocols/page-pin.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import { Holdings } from './analyse.ts'
import { callsIn } from './walk.ts'

const tables: Readonly<Record<string, readonly ReferenceApi[]>> = { [pagePin]: pins, [pageGet]: gets }
export const holdingKinds: readonly string[] = Object.keys(tables)

/** A job for each function that takes references to pages. */
export function holdingJobs(context: Context, kinds: readonly string[]): Job[] {
  const { program, code, judge, options } = context
  const wanted = new Map(kinds.flatMap((k) => tables[k]!).map((a) => [a.name, a]))
  // Both kinds are followed whichever is asked for: a function that takes by either gives back in one place.
  const apis = new Map([...pins, ...gets].map((a) => [a.name, a]))
  const holdings = new Holdings(code, judge, apis, (api) => rulesFor(api, options), options.path)
  const jobs: Job[] = []
  for (const path of filesWith(program, wanted.keys())) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) jobs.push(...jobOf(func))
  }
  return jobs

  function jobOf(func: Func): Job[] {
    const sites = callsIn(func, wanted)
    if (sites.length === 0) return []
    return [
      {
        func,
        decide: () => holdings.func(func, sites),
        undecided: () => sites.map((s) => holdings.undecided(s)),
      },
    ]
  }
}
