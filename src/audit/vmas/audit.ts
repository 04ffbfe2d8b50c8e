import { type Call, type Func, opsOf } from '../../source/index.ts'
import { type CallOf, callsOf } from '../calls.ts'
import { Entries } from '../holding/entries.ts'
import { type Held, lockHeld } from '../holding/locks.ts'
import type { Judged, Rules } from '../judge.ts'
import { brokenSite, firstRepair, hopsOf, liftedTest, testName, unknownSite, whereOf } from '../lifted.ts'
import { type Context, filesWith, type Job, rulesFor } from '../protocol.ts'
import type { Hop, Repair, Site } from '../result.ts'
import { archLocked, calledLocked, type LookupApi, lookups } from './api.ts'
import { fixes, liftLookup, type Plan } from './lift.ts'
import { type Way, waysOf } from './walk.ts'

export const vmaKind = 'vma-lookup'
type LookupSite = CallOf<LookupApi>
const most = { callers: 12 }

/** A job for each function that looks VMAs up. The core's own files are left out: what it holds is not only mmap_lock. */
export function vmaJobs(context: Context): Job[] {
  const { program, options } = context
  const all = new Lookups(context)
  const jobs: Job[] = []
  const whole = [...program.filesWith('find_vma')].includes('mm/mmap.c')
  for (const path of filesWith(program, lookups.keys())) {
    options.signal?.throwIfAborted()
    if (whole && /^(mm|tools|fs\/proc)\//.test(path)) continue
    const file = program.file(path)
    for (const func of file?.functions ?? []) {
      if (lookups.has(func.name)) continue
      // A driver may have something else of that name.
      const sites = callsOf(func, lookups).filter((s) => !file!.functions.some((f) => f.name === s.api.name))
      if (sites.length > 0) jobs.push({ func, decide: () => sites.flatMap((s) => all.site(s)) })
    }
  }
  return jobs
}

class Lookups {
  readonly #context: Context
  readonly #entries: Entries

  constructor(context: Context) {
    this.#context = context
    this.#entries = new Entries(context.code)
  }

  /** A look-up, and those of the functions that hand on what it found. */
  site(site: LookupSite): Site[] {
    const { code } = this.#context
    const ways = waysOf(code, site.func, site.call, site.api.locks === true)
    const own = this.#decide(site, ways)
    if (ways === undefined || !ways.some((w) => w.returned !== undefined)) return [own]
    const locks = ways.some((w) => w.returned === 'held' && w.steps.some((s) => s.do === 'lock'))
    const plain = ways.some((w) => w.returned !== undefined && !w.steps.some((s) => s.do === 'lock'))
    if (own.verdict === 'broken') return [own]
    if (locks && plain)
      return [this.#unknown(site, `whether ${site.func.name}() returns with mmap_lock is not seen`)]
    const callers = code.callers(site.func)
    if (callers.length > most.callers)
      return [this.#unknown(site, `what the callers of ${site.func.name}() do with the VMA is not followed`)]
    const api: LookupApi = { ...site.api, name: site.func.name, ...(locks && { locks: true as const }) }
    const theirs = callers.flatMap((func) =>
      callsOf(func, new Map([[api.name, api]])).map((s) =>
        this.#decide(s, waysOf(code, func, s.call, locks)),
      ),
    )
    return [own, ...theirs.filter((s) => this.#context.program.scope(s.file))]
  }

  #held(func: Func, call: Call): Held {
    const { code } = this.#context
    if (this.#core(func)) return true
    if (func.macro?.includes('SYSCALL') === true) return { not: `${func.name}, a system call` }
    const held = lockHeld(code, func, call.start, (f) =>
      this.#core(f) ? undefined : this.#entries.entered(f),
    )
    // Who looks without the lock and asks afterwards whether it was taken.
    return typeof held === 'object' && func.file.source.text.includes('mmap_lock_speculate')
      ? undefined
      : held
  }

  /** The core calls it with the lock, and nobody else does. */
  #core(func: Func): boolean {
    if (archLocked.test(func.name)) return true
    return opsOf(func.file).some(
      (o) =>
        o.func === func.name &&
        calledLocked.get(o.struct.replace(/^struct /, ''))?.includes(o.field) === true,
    )
  }

  #decide(site: LookupSite, ways: readonly Way[] | undefined): Site {
    if (ways === undefined) return this.#unknown(site, `there are too many ways through ${site.func.name}()`)
    if (ways.length === 0)
      return this.#unknown(site, 'no way through the function on which it is called was found')
    const rules = this.#rules(site)
    let doubt: { why: string; hops: Hop[] } | undefined
    let shown: { way: Way; j: Judged } | undefined
    let held: Held = true
    const asks = ways.some((w) => w.found !== 'held')
    if (asks) held = this.#held(site.func, site.call)
    for (const way of ways) {
      const hops = hopsOf(way.steps)
      if (way.found !== 'held' && held === undefined) {
        doubt ??= { why: `whether whoever calls ${site.func.name}() holds mmap_lock is not seen`, hops }
        continue
      }
      if (way.lost !== undefined && !way.late) {
        doubt ??= { why: way.lost, hops }
        continue
      }
      const callers = way.asserted || (way.found === 'entry' && held === true)
      const plan: Plan = { as: site.api.as, callers, steps: stepsOf(way, site) }
      const j = this.#context.judge.judge(liftLookup(testName(site), plan), rules)
      if (j.verdict === 'broken')
        return this.#broken(site, way, plan, j, typeof held === 'object' ? held.not : undefined)
      if (j.verdict !== 'holds') doubt ??= { why: j.reason ?? `in the model it is ${j.verdict}`, hops }
      else if (shown === undefined || plan.steps.length > shown.way.steps.length) shown = { way, j }
    }
    if (doubt !== undefined) return this.#unknown(site, doubt.why, doubt.hops)
    const { way, j } = shown!
    const text = way.steps.some((s) => s.do === 'use')
      ? 'what it finds is looked at under the mmap_lock under which it was found'
      : 'it is only asked whether there is one'
    return {
      ...this.#base(site),
      guard: way.asserted
        ? "mmap_lock, the caller's: it is asserted"
        : way.found === 'held'
          ? 'mmap_lock'
          : "mmap_lock, the caller's",
      hold: 'synchronous',
      escapes: hopsOf(way.steps),
      verdict: 'holds',
      classes: [],
      summary: `${site.api.name}(): ${text}`,
      litmus: liftedTest(j, rules, whereOf(site), text),
    }
  }

  #rules(site: LookupSite): Rules {
    return rulesFor(site.api, this.#context.options)
  }

  #broken(site: LookupSite, way: Way, plan: Plan, j: Judged, by: string | undefined): Site {
    const rules = this.#rules(site)
    const base = this.#base(site)
    const late = j.result!.broken.every((b) => b.code === 'use-after-unlock')
    const text = late
      ? 'what was found is looked at after the mmap_lock under which it was found was dropped: another thread may have unmapped it, and freed it'
      : `it is called without mmap_lock${by === undefined ? '' : ` (${by})`}: another thread may change what it walks, and free what it finds`
    return brokenSite(
      { ...base, guard: 'nothing', hold: 'synchronous', escapes: hopsOf(way.steps) },
      j,
      rules,
      this.#context.options.path,
      {
        classes: [late ? 'use-after-unlock' : 'gup-without-mmap-lock'],
        summary: `${site.api.name}(): ${text}`,
        text,
        repair: this.#repair(site, plan, rules),
      },
    )
  }

  #repair(site: LookupSite, plan: Plan, rules: Rules): Repair | undefined {
    return firstRepair(
      fixes,
      (fix) => {
        const next = fix.apply(plan)
        return next && this.#context.judge.judge(liftLookup(`${testName(site)}-${fix.name}`, next), rules)
      },
      rules,
    )
  }

  #unknown(site: LookupSite, reason: string, escapes: readonly Hop[] = []): Site {
    return unknownSite({ ...this.#base(site), guard: 'unknown', hold: 'synchronous', escapes }, reason)
  }

  #base(site: LookupSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    return { ...whereOf(site), api: site.api.name, kind: vmaKind, flags: [] }
  }
}

/** Where the look-up itself takes the lock the test takes it before. */
const stepsOf = (way: Way, site: LookupSite): Way['steps'] => {
  if (site.api.locks !== true) return way.steps
  const find = way.steps.findIndex((s) => s.do === 'find')
  return [{ do: 'lock', at: way.steps[find]!.at, text: site.api.name }, ...way.steps.slice(find)]
}
