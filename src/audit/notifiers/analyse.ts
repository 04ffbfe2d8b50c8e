import type { CFile, Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Event, ThingSite } from '../things/event.ts'
import { seeded } from '../things/seeded.ts'
import type { State } from '../things/state.ts'
import { sign, signOf } from '../ways/facts.ts'
import { sameField } from '../things/roles.ts'
import { type About, type Out, ThingWalk } from '../things/walk.ts'
import { TooManyWays } from '../ways/ways.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import type { Hop, Site } from '../result.ts'
import { apis, unregisters, wantsLock } from './api.ts'
import { liftNotifier } from './lift.ts'
import { type Plan, type Step, stepsOf } from './plan.ts'
import { fixes } from './repair.ts'
import { type Table, tablesOf } from './table.ts'
import { brokenSite, firstRepair, hopsOf, liftedTest, testName, unknownSite, whereOf } from '../lifted.ts'

export const notifierKind = 'notifier'
export type RegisterSite = ThingSite

const most = { releasers: 12, callers: 6 }

/** One way through the code, with what is to be shown of it. */
type Way = {
  readonly plan: Plan
  readonly hops: readonly Hop[]
  /** What is wrong with it, if something seems to be. */
  readonly cls?: string
  readonly by?: string
  /** It may be a way that cannot be. */
  readonly rough?: true
}

/** By what invariant each class is shown. */
const shownBy: Readonly<Record<string, readonly string[]>> = {
  'notifier-freed-early': ['use-after-free'],
  'notifier-not-registered': ['refcount-balance', 'secondary-outlives-primary', 'use-after-free'],
  'notifier-deadlock': ['deadlock'],
  'notifier-without-retry': ['secondary-outlives-primary', 'use-after-free'],
}

/** Judges the calls of a function that register notifiers. */
export class Notifiers {
  readonly #code: Code
  readonly #judge: Judge
  readonly #rules: (site: RegisterSite) => Rules
  readonly #path: string

  constructor(code: Code, judge: Judge, rules: (site: RegisterSite) => Rules, path: string) {
    this.#code = code
    this.#judge = judge
    this.#rules = rules
    this.#path = path
  }

  func(func: Func, sites: readonly RegisterSite[]): Site[] {
    return sites.map((s) => this.#site(func, s))
  }

  #site(func: Func, site: RegisterSite): Site {
    const kind = site.api.name.startsWith('mmu_interval') ? 'interval' : 'classic'
    const given =
      kind === 'interval'
        ? site.call.args.at(-1)
        : site.api.role.does === 'get-notifier'
          ? site.call.args[0]
          : undefined
    const tables = tablesOf(this.#code, func, kind, given)
    if (tables.length === 0) return this.#unknown(site, 'which callbacks it is registered with is not seen')
    const found = tables.map((t) => this.#with(func, site, t))
    return (
      found.find((s) => s.verdict === 'broken') ?? found.find((s) => s.verdict === 'unknown') ?? found[0]!
    )
  }

  /** With these callbacks. */
  #with(func: Func, site: RegisterSite, table: Table): Site {
    const { notifier } = table
    if (table.unseen !== undefined)
      return this.#unknown(site, `its callback ${table.unseen}() is not in sight`)
    const locks = new Set(['mmap_lock', ...(notifier?.lock === undefined ? [] : [notifier.lock])])
    const about: About = { apis, locks, frees: true }
    const walked = this.#walk(func, about)
    if (walked === undefined) return this.#unknown(site, `there are too many ways through ${func.name}()`)
    const { outs, coarse } = walked
    const mine = outs.flatMap((o) =>
      o.s.things.flatMap((t, n) => (t.site?.call === site.call ? [{ o, n, t }] : [])),
    )
    if (mine.length === 0)
      return this.#unknown(site, 'no way through the function on which it is registered was found')
    const asks = this.#asks(func)
    const base = this.#planOf(site, table, asks)
    const failing = mine.filter(({ o, n }) => failsIn(o.s, n))
    const working = mine.filter(({ o, n }) => !failsIn(o.s, n))
    const ways: Way[] = []
    const rough = (r?: { readonly rough: boolean }): { rough?: true } =>
      coarse || r?.rough === true ? { rough: true } : {}
    // It fails, and the function goes on as if it had not.
    const checked = failing.find((f) => reports(func, f.o))
    const failed = checked === undefined ? [] : stepsOf(after(checked.o.s, checked.n), checked.n)
    const unasked = failing.find((f) => !reports(func, f.o) && !freed(f.o.s, f.n))
    const kept = working.filter(({ o, n }) => o.s.things[n]!.live)
    const releases = kept.length === 0 ? [] : this.#releases(func, site, about, kept[0]!)
    if (unasked !== undefined) {
      const seen = this.#releases(func, site, about, unasked)
      const release = seen.find((r) => r.always)
      const then = stepsOf(after(unasked.o.s, unasked.n), unasked.n)
      ways.push({
        plan: {
          ...base,
          before: before(unasked.o.s, unasked.n),
          failed: undefined,
          unasked: true,
          then,
          later: release?.steps ?? [],
          installs: release === undefined && notifier?.drops !== undefined,
        },
        hops: [...hopsOf(unasked.o.s.events), ...(release?.hops ?? [])],
        ...(release !== undefined && { by: release.by }),
        cls: 'notifier-not-registered',
        ...rough(release),
      })
    }
    for (const { o, n } of working) {
      const held = before(o.s, n)
      const then = stepsOf(after(o.s, n), n)
      const plan: Plan = { ...base, before: held, failed, then, later: [] }
      const hops = hopsOf(o.s.events)
      if (o.s.things[n]!.live && !freed(o.s, n)) {
        for (const r of releases)
          ways.push({
            plan: { ...plan, later: r.steps },
            hops: [...hops, ...r.hops],
            by: r.by,
            ...rough(r),
            ...issueOf(plan, [...then, ...r.steps], table),
          })
        if (releases.length === 0) ways.push({ plan, hops, ...rough(), ...issueOf(plan, then, table) })
      } else ways.push({ plan, hops, ...rough(), ...issueOf(plan, then, table) })
    }
    if (ways.length === 0)
      return this.#unknown(site, 'no way through the function on which it is registered was found')
    const told = this.#told(site, table, distinct(ways), kept.length > 0 && releases.length === 0)
    if (base.installs && notifier?.lock === undefined && told.classes[0] !== 'notifier-not-registered') {
      const name = notifier?.callback.name ?? 'its callback'
      const does = (what: string): boolean => notifier?.steps.some((s) => s.do === what) === true
      if (does('set-seq') && does('drop'))
        return this.#unknown(site, `under which lock ${name}() sets the sequence is not seen`)
    }
    if (told.verdict !== 'broken' || told.classes[0] === 'notifier-without-retry')
      if (base.installs && notifier?.drops === undefined && notifier?.unseen !== undefined)
        return this.#unknown(
          site,
          `whether ${notifier.callback.name}() takes away what is installed is not seen: it calls ${notifier.unseen}()`,
        )
    return told
  }

  #told(site: RegisterSite, table: Table, ways: readonly Way[], unreleased: boolean): Site {
    const rules = this.#rules(site)
    const judged = ways.map((way) => ({ way, j: this.#ask(site, way.plan, rules) }))
    // What breaks in the way that a class is about.
    for (const { way, j } of judged) {
      if (j.verdict !== 'broken' || way.rough === true) continue
      const codes = j.result!.broken.map((b) => b.code)
      const cls =
        way.cls !== undefined && shownBy[way.cls]!.some((c) => codes.includes(c))
          ? way.cls
          : way.cls === undefined && way.plan.installs && codes.includes('secondary-outlives-primary')
            ? 'notifier-without-retry'
            : undefined
      if (cls !== undefined) return this.#broken(site, table, way, j, cls, rules)
    }
    const odd = judged.find(({ j }) => j.verdict !== 'holds')
    if (odd?.way.rough === true)
      return this.#unknown(site, `there are too many ways through ${odd.way.by ?? site.func.name}()`, odd.way)
    if (odd !== undefined) {
      const codes = odd.j.result?.broken.map((b) => b.code).join(', ')
      return this.#unknown(
        site,
        odd.j.reason ??
          `in the model it is ${odd.j.verdict} (${codes ?? 'nothing'}), which is not understood`,
        odd.way,
      )
    }
    const doubt = judged.find(({ way }) => way.cls !== undefined)
    if (doubt !== undefined) return this.#unknown(site, 'the model does not show what seems wrong', doubt.way)
    if (unreleased)
      return this.#unknown(site, `who unregisters it is not found in the module`, judged[0]?.way)
    return this.#calm(site, table, judged)
  }

  /** Every way through a function; where there are too many, with less known of each. */
  #walk(func: Func, about: About): { readonly outs: readonly Out[]; readonly coarse: boolean } | undefined {
    const outs = this.#once(func, about)
    if (outs !== undefined) return { outs, coarse: false }
    const rough = this.#once(func, { ...about, coarse: true })
    return rough === undefined ? undefined : { outs: rough, coarse: true }
  }

  /** Every way through a function; undefined, there are too many. */
  #once(func: Func, about: About, start?: State): readonly Out[] | undefined {
    const walk = new ThingWalk(this.#code, about, { later: start !== undefined })
    try {
      return start === undefined ? walk.run(func) : walk.run(func, start)
    } catch (e) {
      if (!(e instanceof TooManyWays)) throw e
      return undefined
    }
  }

  /** Whether the module installs what it looks up under a notifier, and keeps by nothing else. */
  #asks(func: Func): boolean {
    const begins = inModule(this.#code, func.file, 'mmu_interval_read_begin')
    return inModule(this.#code, func.file, 'hmm_range_fault').some((f) => begins.includes(f))
  }

  #planOf(site: RegisterSite, { kind, notifier, freedByCore }: Table, asks: boolean): Plan {
    const { file } = site.func
    const { line } = file.source.position(site.call.start)
    const lock = notifier?.lock ?? 'lock'
    return {
      kind,
      api: site.api.name,
      at: { file: file.path, line, func: site.func.name },
      before: [],
      failed: undefined,
      then: [],
      later: [],
      installs: kind === 'interval' && asks && notifier !== undefined,
      freedByCore,
      callback: notifier?.steps.map((s) => ({ ...s, note: lock })),
    }
  }

  /** Functions of the module that unregister it, and what they do then. */
  #releases(
    func: Func,
    site: RegisterSite,
    about: About,
    { o, n }: { readonly o: Out; readonly n: number },
  ): { steps: Step[]; hops: Hop[]; by: string; rough: boolean; always: boolean }[] {
    const { key } = o.s.things[n]!
    const found: { steps: Step[]; hops: Hop[]; by: string; rough: boolean; always: boolean }[] = []
    const all = this.#releasers(func, key)
    const precise = all.map((f) => ({ f, rough: false }))
    const roughly = all.map((f) => ({ f, rough: true }))
    for (const { f, rough } of [...precise, ...roughly]) {
      if (rough && found.length > 0) break
      const outs = this.#once(
        f,
        { ...about, ...(rough && { coarse: true as const }) },
        seeded(alone(o.s, n), f, [n]),
      )
      if (outs === undefined) continue
      const does = (x: Out): boolean =>
        events(x.s).some(
          (e) =>
            e.do === 'unregister' &&
            (e.thing === n ||
              sameField(x.s.things[e.thing]!.key, key) ||
              // What is got is put by whatever pointer it is reached by.
              (e.api === 'mmu_notifier_put' &&
                (site.api.role.does === 'get-notifier' || x.s.things[e.thing]!.key === undefined))),
        )
      const doing = outs.filter((x) => does(x) && !anew(x.s, site))
      for (const x of doing) {
        const e = events(x.s)
        const at = e.find((y) => y.do === 'unregister')!
        const thing = 'thing' in at ? at.thing : n
        found.push({
          steps: stepsOf(e, thing),
          hops: hopsOf(e),
          by: f.name,
          rough,
          // Who looks at the notifier itself can tell whether it is registered.
          always: ![f, this.#code.resolveHere(at.at.func, f.file)].some(
            (x) => x !== undefined && looksAt(x, func, key),
          ),
        })
      }
    }
    return found
  }

  /** Those that call what unregisters, and callers that hold a lock around them or free the object. */
  #releasers(func: Func, key: string | undefined): Func[] {
    // A struct of this file is known to this file only.
    const own = func.file.structs.some((x) => x.name === key?.split('.')[0])
    const files = new Set<CFile>(
      own ? [func.file] : unregisters.flatMap((n) => inModule(this.#code, func.file, n)),
    )
    const direct = [...files].flatMap((f) =>
      f.functions.filter((g) => g !== func && unregisters.some((n) => g.mentions(n))),
    )
    const above = direct.flatMap((d) =>
      this.#code
        .callers(d)
        .filter((c) => c !== func && !direct.includes(c))
        .slice(0, most.callers),
    )
    return [...new Set([...direct, ...above])].slice(0, most.releasers)
  }

  #ask(site: RegisterSite, plan: Plan, rules: Rules, name = ''): Judged {
    return this.#judge.judge(liftNotifier(testName(site) + name, plan), rules)
  }

  // ── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #base(site: RegisterSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    return {
      ...whereOf(site),
      api: site.api.name,
      kind: notifierKind,
      flags: [],
    }
  }

  #unknown(site: RegisterSite, reason: string, way?: Way): Site {
    return unknownSite(
      { ...this.#base(site), guard: 'unknown', hold: 'longterm', escapes: way?.hops ?? [] },
      reason,
    )
  }

  #calm(site: RegisterSite, table: Table, judged: readonly { way: Way; j: Judged }[]): Site {
    const { way, j } = [...judged].sort(
      (a, b) =>
        b.way.plan.later.length + b.way.plan.then.length - a.way.plan.later.length - a.way.plan.then.length,
    )[0]!
    const by = judged.find((x) => x.way.by !== undefined)?.way.by
    const text = sentence(site, table, { ...way, ...(by !== undefined && { by }) })
    return {
      ...this.#base(site),
      guard: guardOf(table),
      hold: by === undefined ? 'synchronous' : 'longterm',
      escapes: way.hops,
      verdict: 'holds',
      classes: [],
      ...(wantsLock(site.api.name) &&
        !way.plan.before.some((s) => s.do === 'lock' && s.lock === 'mmap_lock') && {
          contract: 'the caller holds the mmap_lock for writing',
        }),
      summary: text,
      litmus: liftedTest(j, this.#rules(site), whereOf(site), text),
    }
  }

  #broken(site: RegisterSite, table: Table, way: Way, j: Judged, cls: string, rules: Rules): Site {
    return brokenSite(
      { ...this.#base(site), guard: guardOf(table), hold: 'longterm', escapes: way.hops },
      j,
      rules,
      this.#path,
      {
        classes: [cls],
        summary: sentence(site, table, way, cls),
        repair: firstRepair(
          fixes[cls] ?? [],
          (fix) => this.#ask(site, fix.apply(way.plan), rules, `-${fix.name}`),
          rules,
          (j) => j.result?.broken.map((b) => b.code).join(', ') ?? j.reason ?? 'not decided',
        ),
      },
    )
  }
}

/** Files that are linked together with this one and mention a word that few files do. */
function inModule(code: Code, file: CFile, word: string): CFile[] {
  const paths = new Set([file.path, ...code.moduleFiles(file)])
  return code.mentioning(word).filter((f) => paths.has(f.path))
}

// ── Ways ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of one function: events behind the last `later` are another's. */
function events(s: State): readonly Event[] {
  return s.events.slice(s.events.findLastIndex((e) => e.do === 'later') + 1)
}
const registered = (s: State, n: number): number =>
  s.events.findIndex((e) => e.do === 'register' && e.thing === n)
const failsIn = (s: State, n: number): boolean => {
  const e = s.events[registered(s, n)]
  return e?.do === 'register' && e.fails === true
}
/** Locks that are held where it is registered. */
const heldAt = (s: State, n: number): readonly Event[] => {
  const held: Event[] = []
  for (const e of s.events.slice(0, registered(s, n))) {
    if (e.do === 'hold') held.push(e)
    if (e.do !== 'drop') continue
    const at = held.findLastIndex((h) => h.do === 'hold' && h.lock === e.lock)
    if (at >= 0) held.splice(at, 1)
  }
  return held
}
const before = (s: State, n: number): Step[] =>
  heldAt(s, n).flatMap((e): Step[] =>
    e.do === 'hold' ? [{ do: 'lock', lock: e.lock, write: e.write, at: e.at }] : [],
  )
/** What comes then, with the locks that are still held; that of the mm is the registration's affair. */
const after = (s: State, n: number): readonly Event[] =>
  [...heldAt(s, n), ...s.events.slice(registered(s, n) + 1)].filter(
    (e) => !('lock' in e) || e.lock !== 'mmap_lock',
  )
const freed = (s: State, n: number): boolean => s.events.some((e) => e.do === 'free' && e.thing === n)
/** It registers one itself. */
const anew = (s: State, site: RegisterSite): boolean =>
  s.things.filter((t) => t.site?.call === site.call).length > 1

/** The caller is told: by an errno, an error pointer, NULL or false. */
function reports(func: Func, { s, v }: Out): boolean {
  if (v.err === true) return true
  const { base, pointer } = func.returns
  if (base === 'void' && pointer === 0) return false
  if ((pointer > 0 || base === 'bool') && v.num === 0) return true
  return signOf(v, s) === sign.minus
}

/** What another function knows: this notifier, and what fields were given. */
function alone(s: State, n: number): State {
  const t = s.fork()
  t.things = s.things.map((x, i) => (i === n ? { ...x } : { ...x, live: false, refs: 0 }))
  return t
}

function distinct(ways: readonly Way[]): Way[] {
  const seen = new Map<string, Way>()
  for (const w of ways) {
    const key = JSON.stringify([w.plan, w.cls], (k, v: unknown) =>
      k === 'at' || k === 'note' ? undefined : v,
    )
    if (!seen.has(key)) seen.set(key, w)
  }
  return [...seen.values()]
}

/** What is wrong with these steps, as a reader would see it; the checker has the last word. */
function issueOf(plan: Plan, steps: readonly Step[], table: Table): { cls?: string } {
  if (!wantsLock(plan.api) && plan.before.some((s) => s.do === 'lock' && s.lock === 'mmap_lock'))
    return { cls: 'notifier-deadlock' }
  const held = new Set<string>()
  const taken = new Set(
    table.notifier?.steps.flatMap((s) => (s.do === 'lock' ? [table.notifier!.lock ?? ''] : [])),
  )
  let gone = false
  for (const s of steps) {
    if (s.do === 'lock') held.add(s.lock)
    else if (s.do === 'unlock') held.delete(s.lock)
    else if (s.do === 'free') {
      if (!gone) return { cls: 'notifier-freed-early' }
    } else if (s.do === 'unregister') {
      if ([...held].some((l) => taken.has(l)) && s.api !== 'mmu_notifier_put')
        return { cls: 'notifier-deadlock' }
      if (s.api === 'mmu_notifier_put') {
        // A callback may still run when it is freed behind this.
        if (steps.slice(steps.indexOf(s)).some((x) => x.do === 'free')) return { cls: 'notifier-freed-early' }
      }
      gone = true
    }
  }
  return {}
}

/**
 * It asks the notifier itself whether it is registered. Its `ops` are set before that, and say nothing if they are not taken back where it
 * fails.
 */
function looksAt(func: Func, registers: Func, key: string | undefined): boolean {
  const field = key?.slice(key.lastIndexOf('.') + 1) ?? '\\w+'
  const cleared = new RegExp(`\\b${field}\\.ops\\s*=\\s*NULL`).test(textOf(registers)) ? '|ops' : ''
  return new RegExp(`\\b${field}\\.(mm|users|hlist|interval_tree${cleared})\\b|hlist_unhashed`).test(
    textOf(func).replaceAll(/\bmmu_notifier_unregister\([^;]*;/g, ''),
  )
}
const textOf = (f: Func): string => f.file.source.text.slice(f.start, f.end)

// ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function guardOf({ notifier, kind }: Table): string {
  if (notifier === undefined) return 'told of the end of the process only'
  const what = kind === 'interval' ? 'interval notifier' : 'MMU notifier'
  return notifier.lock === undefined ? what : `${what}, under ${notifier.lock}`
}

function sentence(site: RegisterSite, table: Table, way: Way, cls?: string): string {
  const { api, func } = site
  switch (cls) {
    case 'notifier-freed-early':
      return way.by === undefined
        ? `${func.name}() frees the object on a way on which its notifier is still registered`
        : `the object is freed by ${way.by}() while its notifier's callback may still run`
    case 'notifier-not-registered':
      return `${api.name}() may fail, and ${func.name}() goes on as if it had not: ${way.plan.later.length > 0 ? `${way.by ?? 'another function'}() unregisters what is not registered` : 'nobody is told of what is unmapped'}`
    case 'notifier-deadlock':
      if (way.plan.before.some((s) => s.do === 'lock' && s.lock === 'mmap_lock') && !wantsLock(api.name))
        return `${func.name}() holds the mmap_lock, which ${api.name}() takes`
      return `${way.by ?? func.name}() unregisters the notifier under ${table.notifier?.lock ?? 'a lock'}, which its callback takes: each waits for the other`
    case 'notifier-without-retry':
      return `the callback ${table.notifier?.callback.name ?? ''}() does not do what whoever installs relies on`
    default:
      return way.by === undefined
        ? `${api.name}(): registered and unregistered on every way`
        : `${api.name}(): registered, and unregistered by ${way.by}()`
  }
}
