import type { Func, Program } from '../../source/index.ts'
import type { Judge, Rules } from '../judge.ts'
import type { Knowledge } from '../knowledge.ts'
import { gets, kind as pageGet } from '../protocols/page-get.ts'
import { kind as pagePin, pins } from '../protocols/page-pin.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Site } from '../result.ts'
import { Holdings } from './analyse.ts'
import type { HoldingSite } from './event.ts'
import { callsIn } from './walk.ts'

const tables: Readonly<Record<string, readonly ReferenceApi[]>> = { [pagePin]: pins, [pageGet]: gets }
export const holdingKinds: readonly string[] = Object.keys(tables)

type Options = {
  readonly path: string
  readonly onProgress?: (done: number, of: number) => void
  readonly signal?: AbortSignal
}

/** Every call that takes references to pages, judged. Gives the functions that they are in. */
export async function holdingSites(
  program: Program,
  code: Knowledge,
  judge: Judge,
  kinds: readonly string[],
  rules: (api: ReferenceApi) => Rules,
  options: Options,
  into: Site[],
): Promise<Func[]> {
  const wanted = new Map(kinds.flatMap((k) => tables[k]!).map((a) => [a.name, a]))
  if (wanted.size === 0) return []
  // Both kinds are followed whichever is asked for: a function that takes by either gives back in one place.
  const apis = new Map([...pins, ...gets].map((a) => [a.name, a]))
  await program.prepare(wanted.keys())
  const paths = new Set<string>()
  for (const name of wanted.keys()) for (const path of await program.filesWith(name)) paths.add(path)
  let waiting: [Func, HoldingSite[]][] = []
  for (const path of [...paths].sort()) {
    options.signal?.throwIfAborted()
    for (const func of program.file(path)?.functions ?? []) {
      const sites = callsIn(func, wanted)
      if (sites.length > 0) waiting.push([func, sites])
    }
  }
  const funcs = waiting.map(([f]) => f)
  const holdings = new Holdings(code, judge, apis, rules, options.path)
  // What the walks ask of the tree is found in a few passes; each leaves fewer functions undecided.
  for (let round = 0; waiting.length > 0; round++) {
    const again: typeof waiting = []
    for (const [func, sites] of waiting) {
      await breathe()
      options.signal?.throwIfAborted()
      const found = holdings.func(func, sites)
      if (found === undefined && round < mostRounds) again.push([func, sites])
      else into.push(...(found ?? sites.map((s) => holdings.undecided(s))))
      options.onProgress?.(into.length, funcs.length)
    }
    waiting = again
    if (code.open) await code.fetch()
  }
  return funcs
}

const mostRounds = 40

/** Lets signals and timers in. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
