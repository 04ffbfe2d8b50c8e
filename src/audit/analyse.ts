import type { CFile, Func } from '../source/index.ts'
import type { Code } from './code.ts'
import { type Judged, Judge, type Rules } from './judge.ts'
import { lift } from './lift/lift.ts'
import { type Plan, planSteps, type Step, tidy } from './lift/plan.ts'
import { type Notifier, notifiersOf } from './notifier.ts'
import { type LookupApi, lookupNamed } from './protocols/pfn-lookup.ts'
import { type CallSite, flagsOf } from './sites.ts'
import type { Event, Place } from './trace/event.ts'
import type { Value } from './trace/state.ts'
import { type Kept, type Limits, type Path, Walk } from './trace/walk.ts'
import { TooManyWays } from './ways/ways.ts'

/** What became of one call: the paths that decide it, judged. */
export type Finding = {
  readonly site: CallSite
  readonly verdict: 'holds' | 'broken' | 'unknown'
  readonly classes: readonly string[]
  readonly contract?: string
  readonly reason?: string
  /** The plan that is shown: the one that breaks, or else the one that does most. */
  readonly plan?: Plan
  readonly judged?: Judged
  /** The path that the plan was made from. */
  readonly events: readonly Event[]
  /** Numbers of the site's look-ups in it. */
  readonly values: ReadonlySet<number>
  readonly notifier?: Notifier
  /** It hands the value out, and is a look-up itself. */
  readonly handsOut: boolean
}

type Case = {
  readonly plan: Plan
  readonly judged: Judged
  readonly events: readonly Event[]
  readonly values: ReadonlySet<number>
}

/** Loops are gone around once; twice where that is cheap, for what a first round leaves to the second. */
const limits: readonly Limits[] = [
  { visits: 5_000, depth: 12, rounds: 2 },
  { visits: 80_000, depth: 12, rounds: 1 },
]

/** How far the value is followed up, and to how many callers. */
const most = { up: 6, callers: 16, roots: 40 }

export class Analyse {
  readonly #code: Code
  readonly #judge: Judge
  readonly #rules: (api: LookupApi) => Rules
  readonly #notifiers = new Map<CFile, Notifier[]>()
  readonly #walks = new Map<Func, Walks>()

  constructor(code: Code, judge: Judge, rules: (api: LookupApi) => Rules) {
    this.#code = code
    this.#judge = judge
    this.#rules = rules
  }

  /** All sites of one function: they share their walks. */
  func(func: Func, sites: readonly CallSite[]): Finding[] {
    const walks = this.#walksOf(func)
    const walk: WalkFn = (root, towards, about) => {
      const known = walks[about]
      const there = known.get(root)
      if (there !== undefined) return there
      const paths = this.#walk(root, towards, about)
      known.set(root, paths)
      return paths
    }
    return sites.map((site) => this.#site(func, site, walk))
  }

  #walksOf(func: Func): Walks {
    let walks = this.#walks.get(func)
    if (walks === undefined) {
      walks = { values: new Map(), faults: new Map() }
      this.#walks.set(func, walks)
    }
    return walks
  }

  /** Twice around loops where that is cheap, once where it is not, or not at all. */
  #walk(
    root: Func,
    towards: ReadonlySet<Func>,
    about: 'values' | 'faults',
    focus?: { readonly file: string; readonly line: number },
  ): Walked {
    let walked: Walked | undefined
    for (const l of limits) {
      const walk = new Walk(this.#code, {
        limits: l,
        towards,
        about,
        notifier: this.#sequence(root.file),
        ...(focus !== undefined && { focus }),
      })
      try {
        return { paths: walk.run(root), complete: true }
      } catch (e) {
        if (!(e instanceof TooManyWays)) throw e
        walked = { paths: walk.partial(), complete: false }
      }
    }
    return walked!
  }

  #sequence(file: CFile): { fields: ReadonlySet<string>; retries: ReadonlySet<string> } {
    const fields = new Set<string>()
    for (const n of this.#of(file)) if (n.kind === 'classic') for (const f of n.fields) fields.add(f)
    return { fields, retries: new Set() }
  }

  #of(file: CFile): Notifier[] {
    let found = this.#notifiers.get(file)
    if (found === undefined) {
      found = notifiersOf(this.#code, file, new Set())
      this.#notifiers.set(file, found)
    }
    return found
  }

  #site(func: Func, site: CallSite, walk: WalkFn): Finding {
    if (site.api.out.kind === 'none') return this.#fault(func, site, walk)
    const done: Finding[] = []
    const start = this.#at(func, new Set([func]), site, walk, 0, done)
    return start
  }

  /** The site as seen from a root function: its paths, and from there up while the value gets out. */
  #at(
    root: Func,
    towards: ReadonlySet<Func>,
    site: CallSite,
    walk: WalkFn,
    up: number,
    done: Finding[],
  ): Finding {
    let { paths, complete } = walk(root, towards, 'values')
    const compares = paths.some((p) => p.events.some((e) => e.kind === 'same'))
    if (!complete && !compares && !paths.some((p) => valuesOf(p.events, site).size > 0)) {
      // Too many ways, and none of those walked was this call's: walk again for it alone.
      const focus = { file: site.file.path, line: site.line }
      const alone = this.#walk(root, towards, 'values', focus)
      ;({ paths, complete } = alone)
    }

    const about = paths.flatMap((p) => {
      const values = valuesOf(p.events, site)
      return values.size === 0 ? [] : [{ path: p, values }]
    })
    const tooMany = `there are too many ways through ${root.name}()`
    if (about.length === 0)
      return !complete
        ? undecided(site, tooMany)
        : up === 0
          ? undecided(site, 'no way through the function on which the look-up works was found')
          : { ...undecided(site, ''), verdict: 'holds' }

    const found = about.map((a) => a.path)
    const notifier = this.#notifierFor(site.file, site, found) ?? this.#notifierFor(root.file, site, found)
    const cases = distinct(
      about.map(({ path, values }) => this.#case(site, withTables(path, notifier), values, notifier)),
    )
    const broken = cases.filter((c) => c.judged.verdict === 'broken')
    const base = { site, handsOut: false, ...(notifier !== undefined && { notifier }) }
    if (broken.length > 0) return this.#broken(base, broken)

    if (!complete) return undecided(site, tooMany)
    if (notifier !== undefined && notifier.drops === undefined && notifier.unseen !== undefined)
      return {
        ...undecided(
          site,
          `whether ${notifier.callback.name}() takes away what is installed is not seen: it calls ${notifier.unseen}()`,
        ),
        notifier,
      }
    const escaping = about.filter(({ path, values }) => escapes(path, values))
    const shown = best(cases)
    const calm = {
      ...base,
      classes: [],
      plan: shown.plan,
      judged: shown.judged,
      events: shown.events,
      values: shown.values,
    }
    const held = escaping.map(({ path, values }) => lockAfterAsking(path, values))
    if (notifier?.drops !== undefined && escaping.length > 0 && held.every((h) => h !== 'unasked')) {
      // What it leaves behind it has asked about: it is the callback's to take away. Where the lock is still held, the caller goes on.
      const lock = held.find((h): h is { lock: string } => typeof h === 'object')
      if (lock !== undefined && cases.every((c) => c.judged.verdict === 'holds'))
        return {
          ...calm,
          verdict: 'holds',
          contract: `it returns with ${lock.lock} held, which ${notifier.callback.name}() takes: the caller installs what it got before it drops the lock`,
        }
    } else {
      // What is pinned may go anywhere, and stay.
      const pinned = site.api.putBy !== undefined
      const lost = pinned ? undefined : this.#lost(about, notifier)
      const answers: Finding[] = []
      // What is kept beside the caller's own objects is looked for in the module; what goes to the caller is followed there.
      const { fields } = keptBy(escaping, (loc) => !isParameters(loc))
      if (fields.length > 0 && !pinned) {
        const kept = this.#fields(root, site, escaping, fields, calm)
        if (kept !== undefined) answers.push(kept)
      }
      const up_ = escaping.filter(({ path, values }) => goesUp(path, values))
      if (up_.length > 0 && !answers.some((a) => a.verdict === 'broken')) {
        const out = this.#out(root, towards, site, walk, up, up_, calm, done)
        if (out !== undefined) answers.push(out)
      }
      const worst =
        answers.find((a) => a.verdict === 'broken') ?? answers.find((a) => a.verdict === 'unknown')
      if (worst?.verdict === 'broken') return worst
      if (lost !== undefined) return { ...calm, verdict: 'unknown', reason: lost }
      const table = pinned ? undefined : tableOf(escaping)
      if (table !== undefined && answers.length === 0)
        return {
          ...calm,
          verdict: 'unknown',
          reason: `it is written to what ${table} points to, and who reads that is not seen`,
        }
      const answer = worst ?? answers.at(-1)
      if (answer !== undefined) return answer
    }
    const open = cases.find((c) => c.judged.verdict === 'unknown')
    if (open !== undefined)
      return {
        ...calm,
        verdict: 'unknown',
        reason: open.judged.reason ?? 'the search did not end',
        judged: open.judged,
        plan: open.plan,
      }
    if (shown.judged.verdict === 'vacuous')
      return {
        ...calm,
        verdict: 'unknown',
        reason: 'in the model the look-up never works, so nothing is shown',
      }
    return { ...calm, verdict: 'holds' }
  }

  #broken(
    base: { site: CallSite; handsOut: boolean; notifier?: Notifier },
    broken: readonly Case[],
  ): Finding {
    const shown = [...broken].sort(
      (a, b) => weight(a.plan.steps) - weight(b.plan.steps) || a.plan.steps.length - b.plan.steps.length,
    )[0]!
    return {
      ...base,
      verdict: 'broken',
      classes: [this.#classOf(shown, base.notifier)],
      plan: shown.plan,
      judged: shown.judged,
      events: shown.events,
      values: shown.values,
    }
  }

  #classOf({ plan, judged }: Case, notifier: Notifier | undefined): string {
    if (judged.result?.broken.every((b) => b.code === 'longterm-movable') === true) return 'missing-longterm'
    if (plan.steps.some((s) => s.do === 'use-vma')) return 'use-after-unlock'
    return plan.callback !== undefined && notifier !== undefined
      ? 'notifier-without-retry'
      : 'pfn-outlives-lock'
  }

  /** The value leaves the root: by contract, to callers, or into a field that is read elsewhere. */
  #out(
    root: Func,
    towards: ReadonlySet<Func>,
    site: CallSite,
    walk: WalkFn,
    up: number,
    escaping: readonly { path: Path; values: ReadonlySet<number> }[],
    calm: Omit<Finding, 'verdict'>,
    done: Finding[],
  ): Finding | undefined {
    if (lookupNamed.has(root.name) && !root.static)
      return {
        ...calm,
        verdict: 'holds',
        handsOut: true,
        contract: `${root.name}() hands the value out: what its callers do with it is judged where they call it`,
      }
    const contract = this.#contract(
      root,
      escaping.map((e) => e.path),
    )
    if (contract !== undefined) return this.#byContract(site, escaping, contract, calm)

    const callers = this.#code.callers(root).filter((c) => !towards.has(c))
    if (callers.length > 0 && up < most.up) {
      if (callers.length > most.callers)
        return {
          ...calm,
          verdict: 'unknown',
          reason: `${root.name}() hands it to ${callers.length} callers, more than are followed`,
        }
      const found = callers.map((c) => this.#at(c, new Set([...towards, c]), site, walk, up + 1, done))
      const bad = found.find((f) => f.verdict === 'broken')
      if (bad !== undefined) return bad
      const open = found.find((f) => f.verdict === 'unknown')
      if (open !== undefined) return open
      // The caller that shows most; with a contract if one of them has it.
      const good = found.filter((f) => f.plan !== undefined)
      return (
        good.find((f) => f.contract !== undefined) ??
        good.sort((a, b) => weight(b.plan!.steps) - weight(a.plan!.steps))[0] ?? { ...calm, verdict: 'holds' }
      )
    }
    if (site.api.putBy !== undefined) return undefined
    const kept = keptBy(escaping, isParameters)
    if (kept.plain) {
      if (callers.length > 0)
        return { ...calm, verdict: 'unknown', reason: `it is handed up through more than ${most.up} callers` }
      return {
        ...calm,
        verdict: 'unknown',
        reason: this.#code.exported(root)
          ? `it leaves through ${root.name}(), which is exported, and nobody in this tree calls it`
          : `it leaves through ${root.name}(), and no call of it is found`,
      }
    }
    return this.#fields(root, site, escaping, kept.fields, calm)
  }

  /** What is done with the fields that keep it, wherever in the module they are read. */
  #fields(
    root: Func,
    site: CallSite,
    escaping: readonly { path: Path; values: ReadonlySet<number> }[],
    fields: readonly Kept[],
    calm: Omit<Finding, 'verdict'>,
  ): Finding | undefined {
    const later: Event[][] = []
    for (const file of new Set(fields.flatMap((k) => this.#code.moduleWith(root.file, k.field, k.struct))))
      for (const func of file.functions) {
        if (func === root) continue
        const text = file.source.text.slice(func.start, func.end)
        if (!fields.some((k) => new RegExp(`(->|\\.)\\s*${k.field}\\b`).test(text))) continue
        const kept = fields.map((k) => ({ ...k, of: -1 }))
        let paths: Path[] | undefined
        try {
          paths = new Walk(this.#code, { limits: { visits: 4_000, depth: 5, rounds: 1 }, kept }).run(func)
        } catch (e) {
          if (!(e instanceof TooManyWays)) throw e
        }
        if (paths === undefined)
          return {
            ...calm,
            verdict: 'unknown',
            reason: `there are too many ways through ${func.name}(), which reads it from a field`,
          }
        for (const p of paths) {
          const used = p.events.filter(
            (e) =>
              'value' in e &&
              e.value === -1 &&
              (e.kind === 'cpu' || e.kind === 'device' || e.kind === 'guest' || e.kind === 'lost'),
          )
          if (used.length > 0)
            later.push(p.events.filter((e) => used.includes(e) || e.kind === 'lock' || e.kind === 'unlock'))
        }
      }
    if (later.length === 0) return undefined
    const use = later.find((l) =>
      l.some((e) => e.kind !== 'lost' && e.kind !== 'lock' && e.kind !== 'unlock'),
    )
    if (use === undefined) {
      const lost = later.flat().find((e) => e.kind === 'lost')
      return lost?.kind === 'lost' ? { ...calm, verdict: 'unknown', reason: lost.reason } : undefined
    }
    const { path, values } = escaping[0]!
    const of = [...values].at(-1)!
    const events = [...path.events, ...use.map((e) => ('value' in e ? { ...e, value: of } : e) as Event)]
    const c = this.#case(site, { ...path, events }, values, calm.notifier)
    if (c.judged.verdict === 'broken') return this.#broken(calm, [c])
    return {
      ...calm,
      verdict: c.judged.verdict === 'holds' ? 'holds' : 'unknown',
      plan: c.plan,
      judged: c.judged,
      events,
      values,
    }
  }

  // ── Notifiers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The notifier that the paths ask, or that stands behind the lock under which they ask. */
  #notifierFor(file: CFile, site: CallSite, paths: readonly Path[]): Notifier | undefined {
    const all = this.#of(file).filter((n) => n.kind === 'interval')
    const asks =
      site.api.out.kind === 'array' ||
      paths.some((p) => p.events.some((e) => e.kind === 'retry' || e.kind === 'seq'))
    if (!asks) return undefined
    const locks = new Set<string>()
    for (const p of paths) {
      const held: string[] = []
      for (const e of p.events) {
        if (e.kind === 'lock' && !e.lock.mmap) held.push(e.lock.name)
        else if (e.kind === 'unlock' && !e.lock.mmap) held.splice(held.lastIndexOf(e.lock.name), 1)
        else if (e.kind === 'retry') for (const h of held) locks.add(h)
      }
    }
    const candidates = all.length > 0 ? all : notifiersOf(this.#code, file, locks)
    const found = candidates.find((n) => n.lock !== undefined && locks.has(n.lock)) ?? candidates[0]
    // The interval notifier may only count, and an mmu_notifier of the same driver, which is called after it, take away.
    const other =
      found !== undefined && found.drops === undefined
        ? this.#of(file).find(
            (n) =>
              n.kind === 'classic' && n.drops !== undefined && n.registered.file === found.registered.file,
          )
        : undefined
    if (found !== undefined && other === undefined && found.drops === undefined) {
      // What is not seen is given the benefit of the doubt here, and no verdict in the end.
      const unseen = found.unseen ?? this.#of(file).find((n) => n.kind === 'classic')?.unseen
      const at = found.steps.findIndex((s) => s.do === 'set-seq') + 1
      if (unseen !== undefined)
        return {
          ...found,
          unseen,
          steps: [...found.steps.slice(0, at), { do: 'drop', note: `${unseen}()` }, ...found.steps.slice(at)],
        }
    }
    if (found === undefined || other === undefined) return found
    const drop = other.steps.find((s) => s.do === 'drop')!
    return {
      ...found,
      drops: other.drops,
      steps: [
        ...found.steps,
        { do: 'lock', ...(drop.at && { at: drop.at }) },
        drop,
        { do: 'unlock', ...(drop.at && { at: drop.at }) },
      ],
    }
  }

  /** A module that counts invalidations and has a function to ask: whoever takes the value from it has to ask. */
  #contract(root: Func, paths: readonly Path[]): Notifier | undefined {
    const own = this.#of(root.file)
    const classic = own.find((n) => n.kind === 'classic' && n.retry !== undefined && n.fields.size > 0)
    if (classic !== undefined && this.#leavesModule(root)) return classic
    // The whole range goes out, sequence and all, and has not been asked about yet.
    const asked = paths.every((p) => p.events.some((e) => e.kind === 'retry'))
    const read = paths.every((p) => p.events.some((e) => e.kind === 'seq'))
    if (read && !asked)
      return own.find((n) => n.kind === 'interval' && n.retry !== undefined && n.retry.func !== root.name)
    return undefined
  }

  /** Exported, or called from files that are not linked together with its own. */
  #leavesModule(root: Func): boolean {
    if (root.static) return false
    if (this.#code.exported(root)) return true
    const own = new Set(this.#code.moduleFiles(root.file))
    return this.#code.callers(root).some((c) => !own.has(c.file.path))
  }

  #byContract(
    site: CallSite,
    escaping: readonly { path: Path; values: ReadonlySet<number> }[],
    n: Notifier,
    calm: Omit<Finding, 'verdict'>,
  ): Finding {
    const { path, values } = escaping[0]!
    const retry = n.retry!
    const at: Place = { file: retry.file, line: retry.line, func: retry.func }
    const cut = this.#cut(site, path, values, { ...n, lock: 'lock' })
    const steps = planSteps(path.events, { ...cut, notifier: true, driverLock: undefined })
    const reg = steps.findLast((s) => s.do === 'lookup')?.reg ?? 0
    const plan: Plan = {
      memory: site.api.memory,
      callback: [
        { do: 'lock', at: placeOf(n.callback) },
        { do: 'set-seq', at: placeOf(n.callback) },
        { do: 'drop', at: placeOf(n.callback) },
        { do: 'unlock', at: placeOf(n.callback) },
      ],
      steps: [
        ...(steps.some((s) => s.do === 'seq') ? [] : [{ do: 'seq', at } as Step]),
        ...steps,
        { do: 'lock', lock: 'driver', write: true, at },
        { do: 'retry', at },
        { do: 'install', reg, at },
        { do: 'unlock', lock: 'driver', write: true, at },
      ],
    }
    const judged = this.#decide(site, plan)
    const contract = `the value leaves under an MMU notifier (${n.callback.name}): whoever uses it asks ${retry.func}(), ${retry.file}:${retry.line}, under the lock that the callback takes`
    if (judged.verdict !== 'holds')
      return {
        ...calm,
        verdict: 'unknown',
        reason: judged.reason ?? 'the contract does not hold in the model',
        plan,
        judged,
        notifier: n,
      }
    return { ...calm, verdict: 'holds', contract, plan, judged, notifier: n, events: path.events, values }
  }

  // ── Plans ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #cut(site: CallSite, path: Path, values: ReadonlySet<number>, notifier: Notifier | undefined) {
    const apis = new Map<number, string>()
    for (const e of path.events) if (e.kind === 'lookup') apis.set(e.value, e.api)
    return {
      values,
      api: (v: number) => apis.get(v) ?? site.api.name,
      flags: flagsOf(site),
      callerHolds: site.api.mmapLock,
      driverLock: notifier?.lock,
      notifier: notifier !== undefined,
    }
  }

  #case(site: CallSite, path: Path, values: ReadonlySet<number>, notifier: Notifier | undefined): Case {
    const steps = planSteps(path.events, this.#cut(site, path, values, notifier))
    if (notifier === undefined && site.api.out.kind === 'array')
      return {
        plan: { memory: site.api.memory, steps },
        judged: {
          test: lift(nameOf(site), { memory: site.api.memory, steps }, this.#rules(site.api).kernel),
          verdict: 'unknown',
          reason: 'the callback of its interval notifier was not found',
        },
        events: path.events,
        values,
      }
    const plan: Plan = {
      memory: site.api.memory,
      steps: notifier === undefined ? steps : asInstalls(steps),
      ...(notifier !== undefined && { callback: notifier.steps }),
    }
    const judged = this.#decide(site, plan)
    return { plan, judged, events: path.events, values }
  }

  #decide(site: CallSite, plan: Plan): Judged {
    const rules = this.#rules(apiOf(plan, site))
    return this.#judge.judge(lift(nameOf(site), plan, rules.kernel), rules)
  }

  /** The first thing that took a value out of sight, where nothing answers for it. */
  #lost(
    about: readonly { path: Path; values: ReadonlySet<number> }[],
    notifier: Notifier | undefined,
  ): string | undefined {
    for (const { path, values } of about) {
      let asked = false
      for (const e of path.events) {
        if (e.kind === 'retry') asked = true
        if (e.kind === 'seq') asked = false
        if (e.kind === 'lost' && values.has(e.value) && !(asked && notifier !== undefined)) return e.reason
      }
    }
    return undefined
  }

  // ── Faults ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** fixup_user_fault gives nothing back; what can go wrong is a VMA from before, when it dropped mmap_lock. */
  #fault(func: Func, site: CallSite, walk: WalkFn): Finding {
    const seen: Case[] = []
    const look = (root: Func, towards: ReadonlySet<Func>): string | undefined => {
      const { paths, complete } = walk(root, towards, 'faults')
      if (!complete) return `there are too many ways through ${root.name}()`
      for (const p of paths) {
        const i = p.events.findIndex((e) => e.kind === 'fault' && atSite(e.at, site))
        const e = p.events[i]
        if (e?.kind !== 'fault' || !e.ok) continue
        const rest = p.events.slice(i + 1)
        const end = rest.findIndex((x) => (x.kind === 'unlock' && x.lock.mmap) || x.kind === 'fault')
        const stale =
          e.dropped === true
            ? rest.slice(0, end < 0 ? undefined : end).find((x) => x.kind === 'stale-vma')
            : undefined
        const locked = p.events.slice(0, i).find((x) => x.kind === 'lock' && x.lock.mmap)
        const found = p.events.slice(0, i).findLast((x) => x.kind === 'vma')
        const steps: Step[] = tidy(
          [
            ...(locked === undefined
              ? []
              : [{ do: 'lock', lock: 'mmap', write: false, at: locked.at } as Step]),
            ...(stale === undefined ? [] : [{ do: 'find-vma', ...(found && { at: found.at }) } as Step]),
            { do: 'fault', write: e.write, at: e.at, ...(e.dropped !== undefined && { dropped: e.dropped }) },
            ...(stale === undefined
              ? []
              : [
                  { do: 'use-vma', at: stale.at, note: stale.kind === 'stale-vma' ? stale.text : '' } as Step,
                ]),
          ],
          true,
        )
        const plan: Plan = { memory: 'pfnmap', steps }
        seen.push({ plan, judged: this.#decide(site, plan), events: p.events, values: new Set() })
      }
      return undefined
    }
    let trouble = look(func, new Set([func]))
    // The VMA is the caller's: it goes on with it when this returns.
    if (
      trouble === undefined &&
      func.params.some((p) => p.type.base === 'struct vm_area_struct') &&
      site.args[site.api.unlocked ?? -1] !== undefined
    )
      for (const caller of this.#code.callers(func).slice(0, most.callers))
        trouble ??= look(caller, new Set([func, caller]))
    const base = { site, handsOut: false }
    const broken = distinct(seen).filter((c) => c.judged.verdict === 'broken')
    if (broken.length > 0) return this.#broken(base, broken)
    if (trouble !== undefined) return undecided(site, trouble)
    if (seen.length === 0)
      return undecided(site, 'no way through the function on which the fault works was found')
    const shown = best(distinct(seen))
    const calm = {
      ...base,
      classes: [],
      plan: shown.plan,
      judged: shown.judged,
      events: shown.events,
      values: shown.values,
    }
    const open = seen.find((c) => c.judged.verdict === 'unknown')
    if (open !== undefined)
      return { ...calm, verdict: 'unknown', reason: open.judged.reason ?? 'the search did not end' }
    return { ...calm, verdict: 'holds' }
  }
}

/** `complete` false: there were too many ways, these are some of them, as far as they were walked. */
type Walked = { readonly paths: readonly Path[]; readonly complete: boolean }
type Walks = Record<'values' | 'faults', Map<Func, Walked>>
/** The look-up that a plan really makes: a local function may bear the name of another. */
export function apiOf(plan: Plan, site: CallSite): LookupApi {
  const made = plan.steps.find((s) => s.do === 'lookup')
  return (made?.do === 'lookup' ? lookupNamed.get(made.api) : undefined) ?? site.api
}

/** Whether a path asked the notifier after its last look-up, and which lock it still holds from there when it returns. */
function lockAfterAsking(path: Path, values: ReadonlySet<number>): 'unasked' | 'released' | { lock: string } {
  let asked = false
  const held: string[] = []
  let under: string | undefined
  for (const e of path.events) {
    if (e.kind === 'lookup' && values.has(e.value)) asked = false
    if (e.kind === 'lock' && !e.lock.mmap) held.push(e.lock.name)
    if (e.kind === 'unlock' && !e.lock.mmap) held.splice(held.lastIndexOf(e.lock.name), 1)
    if (e.kind === 'retry') {
      asked = true
      under = held.at(-1)
    }
  }
  if (!asked) return 'unasked'
  return under !== undefined && held.includes(under) ? { lock: under } : 'released'
}

type WalkFn = (root: Func, towards: ReadonlySet<Func>, about: 'values' | 'faults') => Walked

const undecided = (site: CallSite, reason: string): Finding => ({
  site,
  verdict: 'unknown',
  reason,
  classes: [],
  events: [],
  values: new Set(),
  handsOut: false,
})

/** Under a notifier what a device is given is what the callback takes away, whether it was asked about or not. */
function asInstalls(steps: readonly Step[]): Step[] {
  return steps.map((s) =>
    s.do === 'give'
      ? {
          do: 'install',
          reg: s.reg,
          ...(s.at && { at: s.at }),
          ...(s.note !== undefined && { note: s.note }),
        }
      : s,
  )
}

const atSite = (at: Place, site: CallSite): boolean => at.file === site.file.path && at.line === site.line

/** The look-ups of a path that are this call's, and worked. A local function that bears an API's name stands for what it calls. */
function valuesOf(events: readonly Event[], site: CallSite): Set<number> {
  const local = site.file.functions.some((f) => f.name === site.api.name && f.static)
  const found = new Set<number>()
  for (const e of events) {
    if (e.kind !== 'lookup') continue
    if (local ? e.at.func === site.api.name && e.at.file === site.file.path : atSite(e.at, site))
      found.add(e.value)
  }
  return found
}

/** Whether something that outlives the root holds the value when it returns. */
function escapes(path: Path, values: ReadonlySet<number>): boolean {
  const holds = (v: Value): boolean => v.of !== undefined && values.has(v.of)
  if (path.returned !== undefined && (holds(path.returned) || path.returned.of === undefined)) return true
  // Who is told that it failed does not look at what it left.
  if (path.result === 'neg' || path.result?.startsWith('-E') === true) return false
  return path.left.some(([, v]) => holds(v) && v.form !== 'dma')
}

/** An object that the function was handed. */
const isParameters = (loc: string): boolean => loc.startsWith('*(0:')

/** It reaches the caller: as a result, or in an object of the caller's. */
function goesUp(path: Path, values: ReadonlySet<number>): boolean {
  if (path.returned !== undefined && (path.returned.of === undefined || values.has(path.returned.of)))
    return true
  return path.left.some(
    ([loc, v]) => isParameters(loc) && v.of !== undefined && values.has(v.of) && v.form !== 'dma',
  )
}

/** What is written to a table that the notifier's callback clears is a mapping: whoever reads the table uses it. */
function withTables(path: Path, notifier: Notifier | undefined): Path {
  const { drops } = notifier ?? {}
  if (drops === undefined) return path
  const events = path.events.map((e): Event => {
    const table = e.kind === 'hop' ? /\b(\w+)\[/.exec(e.text)?.[1] : undefined
    if (e.kind !== 'hop' || table === undefined || !drops.includes(`${table}[`)) return e
    return {
      kind: 'device',
      value: e.value,
      text: `${e.text}, which ${notifier!.callback.name}() clears`,
      at: e.at,
    }
  })
  return { ...path, events }
}

/** The field that points to memory which it was written to, in an object from before: a table there may be a device's. */
function tableOf(escaping: readonly { path: Path; values: ReadonlySet<number> }[]): string | undefined {
  for (const { path, values } of escaping)
    for (const [loc, v] of path.left) {
      const field = /^\*\(\*\(.*\.(\w+)\)$/.exec(loc)?.[1]
      if (field === undefined || v.of === undefined || !values.has(v.of) || v.form === 'dma') continue
      // What the call itself fills in is looked after by whoever asks.
      const written = new RegExp(`\\b${field}\\[`)
      if (path.events.some((e) => e.kind === 'hop' && e.value === v.of && written.test(e.text))) return field
    }
  return undefined
}

/** Fields that keep it when nobody is left to hand it to; `plain`: it also leaves as a number, by return or through a pointer. */
function keptBy(
  escaping: readonly { path: Path; values: ReadonlySet<number> }[],
  which: (loc: string) => boolean,
): {
  plain: boolean
  fields: Kept[]
} {
  const fields = new Map<string, Kept>()
  let plain = false
  for (const { path, values } of escaping) {
    if (path.returned?.of !== undefined && values.has(path.returned.of)) plain = true
    for (const [loc, v] of path.left) {
      if (!which(loc)) continue
      if (v.of === undefined || !values.has(v.of) || v.form === 'dma') continue
      const field = /\.(\w+)(\[\])?$/.exec(loc)?.[1]
      if (field === undefined) {
        if (!loc.endsWith('.*')) plain = true
        continue
      }
      const hop = path.events.findLast((e) => e.kind === 'hop' && e.field === field)
      const struct = hop?.kind === 'hop' ? hop.struct : undefined
      fields.set(`${struct}.${field}`, {
        field,
        of: v.of,
        form: v.form ?? 'pfn',
        ...(struct !== undefined && { struct }),
      })
    }
  }
  return { plain, fields: [...fields.values()] }
}

const useCount = (steps: readonly Step[]): number =>
  Math.min(
    1,
    steps.filter((s) => s.do === 'cpu' || s.do === 'give' || s.do === 'install' || s.do === 'use-vma').length,
  )

/** How much happens: uses weigh most. */
function weight(steps: readonly Step[]): number {
  let n = 0
  for (const s of steps)
    n += s.do === 'cpu' || s.do === 'give' || s.do === 'install' || s.do === 'use-vma' ? 10 : 1
  return n
}

function best(cases: readonly Case[]): Case {
  const real = cases.filter((c) => c.judged.verdict !== 'vacuous')
  return [...(real.length > 0 ? real : cases)].sort(
    (a, b) => useCount(b.plan.steps) - useCount(a.plan.steps) || a.plan.steps.length - b.plan.steps.length,
  )[0]!
}

function distinct(cases: readonly Case[]): Case[] {
  const seen = new Map<string, Case>()
  for (const c of cases) {
    const key = JSON.stringify(c.plan)
    if (!seen.has(key)) seen.set(key, c)
  }
  return [...seen.values()]
}

export const nameOf = (site: CallSite): string => `${site.func.name}-${site.line}`

const placeOf = (func: Func): Place => ({ file: func.file.path, line: func.line, func: func.name })
