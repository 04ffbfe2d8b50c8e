import type { Expr, Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachExpr, eachStmt } from '../each.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import { mismatch, type ReferenceApi } from '../protocols/reference.ts'
import type { Hop, Repair, Site } from '../result.ts'
import { witnessOf } from '../witness.ts'
import type { Ending, Holding, HoldingEvent, HoldingSite } from './event.ts'
import { flagTexts } from './flags.ts'
import { splicesOnly } from './iterators.ts'
import { type HoldingPlan, liftHolding, planOf, type Question, writes } from './lift.ts'
import { type Held, lockHeld } from './locks.ts'
import { ownerOf } from '../ways/types.ts'
import { useOf } from './places.ts'
import { byCondition } from './release.ts'
import { Stories, type Story, type StoryRelease } from './stories.ts'
import { HoldingWalk, Unfinished } from './walk.ts'
import { liftedTest, repairedTest, whereOf } from '../lifted.ts'

const most = { up: 3, callers: 8, ways: 12_000, wrapped: 100 }

/** `joined`: there were too many ways to tell them apart. */
type Found = { readonly endings: readonly Ending[]; readonly lost?: string; readonly joined?: boolean }

/** Judges the calls of a function that acquire pages. */
export class Holdings {
  readonly #code: Code
  readonly #judge: Judge
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #rules: (api: ReferenceApi) => Rules
  readonly #path: string
  readonly #stories: Stories
  readonly #walks = new Map<string, Found>()

  constructor(
    code: Code,
    judge: Judge,
    apis: ReadonlyMap<string, ReferenceApi>,
    rules: (api: ReferenceApi) => Rules,
    path: string,
  ) {
    this.#code = code
    this.#judge = judge
    this.#apis = apis
    this.#rules = rules
    this.#path = path
    this.#stories = new Stories(code, apis)
  }

  /** Calls of functions through which what a site takes gets to others, by place; those that were told already. */
  readonly #wrappers = new Map<string, Site>()
  readonly #seen = new Set<string>()

  func(sites: readonly HoldingSite[]): Site[] {
    this.#wrappers.clear()
    const found = sites.map((s) => this.#site(s))
    const told = found.map((site, i) => {
      if (site.contract === undefined || !handsOn.test(site.contract)) return site
      const kept = this.#told(sites[i]!, undefined, '')
      return kept.verdict === 'broken' ? kept : site
    })
    const calls = [...this.#wrappers].filter(([key]) => !this.#seen.has(key))
    for (const [key] of calls) this.#seen.add(key)
    return [...told, ...calls.map(([, site]) => site)]
  }

  #walk(site: HoldingSite, root: Func, towards: ReadonlySet<Func>): Found {
    const key = `${site.call.start} ${[...towards].map((f) => `${f.file.path}:${f.name}`).join()}`
    let found = this.#walks.get(key)
    if (found === undefined) {
      found = this.#all(site, root, towards)
      this.#walks.set(key, found)
    }
    return found
  }

  #all(site: HoldingSite, root: Func, towards: ReadonlySet<Func>): Found {
    const only = site.call
    const kernel = this.#splices(site)
    for (const joins of [false, true])
      try {
        const endings = new HoldingWalk(this.#code, this.#apis, towards, { joins, only, kernel }).run(root)
        return { endings, joined: joins }
      } catch (e) {
        if (!(e instanceof Unfinished)) throw e
      }
    return { endings: [], lost: `there are too many ways through ${root.name}()` }
  }

  /** Ways one by one, as many as can be gone: what one of them does it does, whatever the others do. */
  #some(site: HoldingSite, root: Func, towards: ReadonlySet<Func>): readonly Ending[] {
    const how = { most: most.ways, only: site.call, kernel: this.#splices(site) }
    try {
      return new HoldingWalk(this.#code, this.#apis, towards, how).run(root)
    } catch (e) {
      if (!(e instanceof Unfinished)) throw e
      return e.sofar
    }
  }

  /** What it pins is what an iterator is over, and that is never memory of a process. */
  #splices({ api, func, call }: HoldingSite): boolean {
    return api.takes === 'pin' && api.result === 'bytes' && splicesOnly(this.#code, func, call)
  }

  #site(site: HoldingSite): Site {
    if (site.api.undecided !== undefined) return this.#told(site, undefined, site.api.undecided)
    const own = new Set([site.func])
    return this.#at(site, site.func, own, this.#walk(site, site.func, own), 0)
  }

  #at(site: HoldingSite, root: Func, towards: ReadonlySet<Func>, walked: Found, up: number): Site {
    const { endings, lost, joined } = walked
    if (lost !== undefined) return this.#ofCore(site, root, undefined) ?? this.#told(site, undefined, lost)
    // What goes wrong with all pages is told before what goes wrong with too few.
    const mine = endings
      .filter((e) => e.holding.site.call === site.call)
      .sort(
        (a, b) =>
          Number(b.holding.outcome === 'all') - Number(a.holding.outcome === 'all') ||
          a.events.length - b.events.length,
      )
    if (mine.length === 0) return this.#unknown(site, noWay)
    let unsure: string | undefined
    // The ways one by one, when they are asked for, and what was looked for in them.
    let alone: readonly Ending[] | undefined
    const tried = new Set<string>()
    for (const e of mine) {
      const cls = classOf(e)
      if (cls === undefined) continue
      if (e.holding.left === 'all' && mine.some((o) => o.holding.unclear === byCondition)) {
        unsure ??= byCondition
        continue
      }
      if (joined === true && site.api.result === 'bytes' && e.holding.left === 'all') {
        unsure ??= iteratorLeft
        continue
      }
      if (joined === true && cls !== mismatch[site.api.takes] && cls !== 'wrong-foll-flag') {
        if (tried.has(cls)) continue
        tried.add(cls)
        alone ??= this.#some(site, root, towards).filter((o) => o.holding.site.call === site.call)
        const wrong = alone.find((o) => classOf(o) === cls)
        const found =
          wrong === undefined ? undefined : this.#at(site, root, towards, { endings: [wrong] }, up)
        if (found?.verdict === 'broken' && !mine.some((o) => o.holding.unclear === byCondition)) return found
        unsure ??= `there are too many ways through ${root.name}() to tell whether one of them goes wrong`
        continue
      }
      if (cls === mismatch[site.api.takes] && eitherWay(e, mine)) {
        unsure ??= 'one function gives it back in either way, by a condition that is not understood'
        continue
      }
      if (site.api.result === 'bytes' && e.holding.left === 'all') {
        unsure ??= iteratorLeft
        continue
      }
      if (
        e.holding.left === 'all' &&
        e.holding.numbered === true &&
        site.func.file.source.text.includes('pfn_to_page(')
      ) {
        unsure ??= 'pages are given back by their numbers, and by which is not followed'
        continue
      }
      // Where some are given back by a count that is not understood these may be among them.
      const uncounted = mine.find((o) => o.holding.unclear?.startsWith('how many pages') === true)
      if (e.holding.left === 'all' && cls === 'partial-pin' && standsInLoop(site)) {
        unsure ??= 'it is asked for the rest in a loop, and what is then given back is not understood'
        continue
      }
      if (e.holding.left === 'all' && uncounted !== undefined) {
        unsure ??= uncounted.holding.unclear
        continue
      }
      const plan = planOf(e)
      const judged = this.#ask(site, plan)
      if (judged.verdict === 'broken') return this.#broken(site, e, plan, judged, cls)
      unsure ??= `the model does not show what is wrong: ${judged.reason ?? judged.verdict}`
    }
    const core = this.#ofCore(
      site,
      root,
      mine.find((e) => e.holding.unclear === undefined && e.holding.left === 'all'),
    )
    if (core !== undefined) return core
    if (unsure !== undefined) {
      // Whether one way goes wrong or not: what is kept may be wrong in any case.
      const kept = this.#told(site, undefined, unsure)
      return kept.verdict === 'broken' ? kept : this.#unknown(site, unsure, mine[0])
    }
    const unclear = mine.find((e) => e.holding.unclear !== undefined)
    if (unclear !== undefined) return this.#told(site, unclear, unclear.holding.unclear!)
    const other = this.#elsewhere(site, mine)
    if (other !== undefined) return other
    const elsewhere = mine.find((e) => e.holding.left === 'all' && e.kept === 'elsewhere')
    if (elsewhere !== undefined) return this.#told(site, elsewhere)
    const upwards = mine.find((e) => e.holding.left === 'all')
    if (upwards !== undefined) {
      // What hangs on an object is the object's, whoever called: callers are asked where that says nothing.
      const kept = mine.filter((e) => e.holding.left === 'all')
      const told =
        ((upwards.holding.fields ?? []).length > 0 || upwards.place?.includes('.') === true) &&
        kept.every((e) => e.failed !== true)
          ? this.#told(site, upwards)
          : undefined
      // Whoever calls what a module exports has the object that it fills or returns.
      const returned =
        upwards.place === `what ${root.name}() returns` ||
        (upwards.kept === 'caller' && this.#code.exported(root))
      const handsOut = returned && this.#wraps(root, towards)
      if (told !== undefined && told.verdict !== 'unknown' && !(handsOut && up < most.up)) return told
      return this.#up(site, root, towards, upwards, up)
    }
    return this.#calm(site, mine)
  }

  /** What a field keeps, and every release of that field in the module does it in the wrong way. */
  #elsewhere(site: HoldingSite, mine: readonly Ending[]): Site | undefined {
    const { takes } = site.api
    for (const e of mine) {
      if (e.holding.left !== 'all' || e.kept === 'nowhere') continue
      for (const field of e.holding.fields ?? []) {
        const use = useOf(this.#code, site.func.file, field, takes, this.#apis)
        const first = use.releases[0]
        if (first === undefined || use.mixed || use.releases.some((r) => r.as === takes)) continue
        const { id } = e.holding
        const released: Ending = {
          ...e,
          kept: 'nowhere',
          holding: { ...e.holding, left: 'nothing', wrong: mismatch[takes], releasedBy: first.api },
          events: [
            ...e.events,
            { do: 'release', hold: id, api: first.api, as: first.as, many: 'got', at: first.at },
          ],
        }
        const plan = planOf(released)
        const judged = this.#ask(site, plan)
        if (judged.verdict === 'broken') return this.#broken(site, released, plan, judged, mismatch[takes])
      }
    }
    return undefined
  }

  /**
   * What is kept in an object, by what the module does with that object. `lost`: the function itself was not followed to its end; then
   * only what is wrong in any case is said.
   */
  #told(site: HoldingSite, e: Ending | undefined, lost?: string): Site {
    const story = this.#stories.of(site)
    const { takes } = site.api
    const giveUp = (why: string): Site => this.#unknown(site, lost ?? why, e)
    const fields = story.fields.map((f) => `${f.struct}.${f.field}`)
    const right = story.releases.find((r) => r.as === takes)
    const release = right ?? story.releases[0]
    if (release === undefined)
      return giveUp(
        fields.length === 0
          ? 'it is kept in an object, and by which field is not seen'
          : `${fields.join()} keeps it, and nothing in sight gives that back`,
      )
    if (story.mixed) return giveUp(`${fields.join()} keeps other pages, too`)
    if (right !== undefined && story.releases.some((r) => r.as !== takes))
      return giveUp('it is given back in either way, by a condition that is not understood')
    // As they are written where that says enough: on one path a condition has been decided already.
    const text = this.#flagsOf(site)
    const flags = text !== undefined && /FOLL_|[=!]=/.test(text) ? text : (e?.holding.flags ?? text)
    const known = site.api.flags !== undefined
    const told = tell(site, e, flags, story, release)
    const by = new Set(story.ends.map((x) => x.by))
    const byUser = by.has('user') && !by.has('device') && !by.has('work')
    const closed = story.ends.some((x) => x.by === 'user' && x.text.endsWith('.release'))
    const long =
      byUser &&
      (story.sameCall === 'no' || (story.sameCall === 'put' && closed)) &&
      (fields.length > 0 || story.alone) &&
      !story.notifier
    // The flags are chosen by the direction in which a device is given the pages.
    const byDirection = /\bFOLL_WRITE\b/.test(flags ?? '') && /\bDMA_(FROM|TO)_DEVICE\b/.test(flags ?? '')
    const written = story.writes.length > 0 || (byDirection && !story.onlyRead)
    const found: { cls: string; ending: Ending; plan: HoldingPlan; judged: Judged }[] = []
    const ask = (cls: string, question: Question | undefined, ending: Ending): void => {
      const plan = { ...planOf(ending), ...(question !== undefined && { question }) }
      const judged = this.#ask(site, plan)
      if (judged.verdict === 'broken' && shows(cls, judged)) found.push({ cls, ending, plan, judged })
    }
    if (release.as !== takes) ask(mismatch[takes], undefined, told)
    else {
      if (story.sleeps !== undefined) ask('sleeping-release', undefined, asleep(told, story.sleeps))
      // What an iterator gave may be read or written: only what is written nearby is surely this.
      const near = site.api.result !== 'bytes' || story.writes.some((w) => w.at.file === site.func.file.path)
      if (takes === 'get' && written && near && !story.notifier && !isRemoteGet(site.api))
        ask('get-instead-of-pin', 'fork', told)
      if (takes === 'pin' && long) ask('missing-longterm', 'longterm', told)
      if (
        known &&
        written &&
        !isRemoteGet(site.api) &&
        !story.dirtied &&
        !story.notifier &&
        writes(flags) !== false
      )
        ask('missing-dirty', 'dirty', told)
    }
    const [first] = found
    if (first !== undefined) {
      const s = this.#broken(site, first.ending, first.plan, first.judged, first.cls)
      return { ...s, hold: long ? 'longterm' : 'transient', classes: found.map((f) => f.cls) }
    }
    if (lost !== undefined || e === undefined) return giveUp('')
    const held = site.api.lock && e.holding.locked === 'unseen' ? this.#held(site) : true
    if (typeof held === 'object')
      return this.#unlocked(site, told, held.not) ?? giveUp(`${held.not} does not take mmap_lock`)
    if (held !== true) return giveUp('it needs mmap_lock, and that all callers hold it is not seen')
    const longterm = /FOLL_LONGTERM/.test(flags ?? '') || site.api.longterm === true
    if (story.ends.length === 0 && !longterm) return giveUp(`what leads to ${release.api}() is not seen`)
    if (takes === 'pin' && !longterm && story.sameCall === 'no' && !by.has('device') && !by.has('work'))
      return giveUp(
        story.notifier
          ? 'an MMU notifier is there, and whether it gives the pages back is not followed yet'
          : `who decides when ${release.api}() comes is not understood: ${[...story.ends].map((x) => x.text).join(', ')}`,
      )
    if (takes === 'get' && writes(flags) !== false && !story.onlyRead)
      return giveUp(
        'a plain reference (FOLL_GET) is kept to memory that is to be written, and who writes it is not seen',
      )
    if (!story.dirtied && writes(flags) !== false && !story.onlyRead && !longterm)
      return giveUp('it may be written, and nothing marks it dirty: who writes it is not seen')
    const plan = planOf(told)
    const judged = this.#ask(site, plan)
    if (judged.verdict !== 'holds') return giveUp(judged.reason ?? `in the model it is ${judged.verdict}`)
    return {
      ...this.#base(site),
      guard: guardOf(e),
      hold: longterm ? 'longterm' : 'transient',
      escapes: hopsOf(told),
      verdict: 'holds',
      classes: [],
      summary: `${fields.length === 0 ? 'an object' : fields.join(', ')} keeps what ${site.api.name}() took, and ${release.api}() in ${release.at.func}() gives it back`,
      litmus: liftedTest(
        judged,
        this.#rules(site.api),
        whereOf(site),
        'What is kept is given back as it was taken.',
      ),
    }
  }

  /** The flags as they are written, those of a variable with all that is put into it. */
  #flagsOf({ func, call, api }: HoldingSite): string | undefined {
    const arg = api.flags === undefined ? undefined : call.args[api.flags]
    return arg === undefined ? undefined : flagTexts(this.#code, func, arg, 3).join(' ')
  }

  /** What the function leaves to its caller is judged there. */
  #up(site: HoldingSite, root: Func, towards: ReadonlySet<Func>, e: Ending, up: number): Site {
    if (this.#apis.has(root.name)) return this.#handed(site, root, e)
    const callers = this.#code.callers(root).filter((c) => !towards.has(c))
    if (this.#wraps(root, towards) && callers.length <= most.wrapped && up < most.up) {
      for (const c of callers) {
        const next = new Set([...towards, c])
        const found = this.#at(site, c, next, this.#walk(site, c, next), up + 1)
        for (const call of callsOf(c, root.name)) this.#wrapped(root, c, call, found)
      }
      return this.#handed(site, root, e)
    }
    const reason =
      callers.length === 0
        ? `it leaves through ${root.name}(), and no call of it is found`
        : callers.length > most.callers
          ? `${root.name}() hands it to ${callers.length} callers, more than are followed`
          : up === most.up
            ? `it is handed up through more than ${most.up} callers`
            : undefined
    if (reason !== undefined) {
      // It is called through a table, and what it returns or fills is an object of the module's.
      const kept = callers.length === 0 && this.#stories.given(root) ? this.#told(site, e) : undefined
      return kept === undefined || kept.verdict === 'unknown' ? this.#told(site, e, reason) : kept
    }
    const all = callers.map((c) => {
      const next = new Set([...towards, c])
      return this.#at(site, c, next, this.#walk(site, c, next), up + 1)
    })
    // A caller that never comes to it has nothing to give back.
    const some = all.filter((s) => s.reason !== noWay)
    const found = some.length > 0 ? some : all
    return (
      found.find((s) => s.verdict === 'broken') ?? found.find((s) => s.verdict === 'unknown') ?? found[0]!
    )
  }

  /** Others call it from elsewhere. */
  #wraps(root: Func, towards: ReadonlySet<Func>): boolean {
    return !root.static && this.#code.callers(root).some((c) => !towards.has(c) && c.file !== root.file)
  }

  /** A function that others get the pages through: its calls are sites as those of the call in it are. */
  #wrapped(root: Func, c: Func, call: Expr, found: Site): void {
    const { file } = c
    const place = { file: file.path, ...file.source.position(call.start), function: c.name, api: root.name }
    const key = `${place.file}:${place.line}:${place.column}`
    const before = this.#wrappers.get(key)
    if (before === undefined || rank(found) > rank(before))
      this.#wrappers.set(key, { ...found, ...place, flags: [] })
  }

  /** In a call that is itself one of those that are looked for, and in what the core gives back by itself. */
  #ofCore(site: HoldingSite, root: Func, e: Ending | undefined): Site | undefined {
    const ending =
      e ??
      tell(site, undefined, this.#flagsOf(site), noStory, {
        api: site.api.takes === 'pin' ? 'unpin_user_page' : 'put_page',
        as: site.api.takes,
        dirties: false,
        at: {
          file: site.func.file.path,
          line: site.func.file.source.position(site.call.start).line,
          func: site.func.name,
        },
        func: site.func,
      })
    if (this.#apis.has(root.name)) return this.#handed(site, root, ending, e === undefined)
    let out = typeof site.api.out === 'number' ? site.call.args[site.api.out] : undefined
    // `bio->bi_io_vec + 1`: the rest of it.
    if (out?.kind === 'binary' && out.op === '+') out = out.left
    const owner = out?.kind === 'member' ? ownerOf(this.#code, site.func, out.base) : undefined
    return owner === 'bio'
      ? this.#handed(
          site,
          root,
          ending,
          e === undefined,
          'a bio gives back what it holds when it is done (bio_release_pages())',
        )
      : undefined
  }

  /** What is left to the callers of a function is asked at each of its calls. */
  #handed(site: HoldingSite, root: Func, e: Ending, released = false, by?: string): Site {
    const plan = planOf(e)
    const judged = this.#ask(site, {
      ...plan,
      steps: released
        ? plan.steps
        : [
            ...plan.steps,
            { do: 'release', as: site.api.takes, many: 'got', note: by ?? `whoever calls ${root.name}()` },
          ],
    })
    if (judged.verdict !== 'holds')
      return this.#unknown(site, judged.reason ?? `in the model it is ${judged.verdict}`, e)
    const rules = this.#rules(site.api)
    const contract =
      by ?? `whoever calls ${root.name}() gives back what it got: its calls are sites of their own`
    return {
      ...this.#base(site),
      guard: guardOf(e),
      hold: 'transient',
      escapes: hopsOf(e),
      verdict: 'holds',
      classes: [],
      contract,
      summary: `what ${site.api.name}() took is handed on by ${root.name}()`,
      litmus: liftedTest(judged, rules, whereOf(site), 'What is handed on is given back by who gets it.'),
    }
  }

  #held(site: HoldingSite): Held {
    return lockHeld(this.#code, site.func, site.call.start, (f) => this.#stories.entered(f))
  }

  /** Somebody comes to the call without mmap_lock. An mm that is handed in may be one that nobody else has. */
  #unlocked(site: HoldingSite, e: Ending, not: string): Site | undefined {
    if (site.api.mm !== undefined) return undefined
    const plan: HoldingPlan = { ...planOf(e), callerLocks: false }
    const judged = this.#ask(site, plan)
    return judged.verdict === 'broken' && shows('gup-without-mmap-lock', judged)
      ? this.#broken(site, { ...e, place: not }, plan, judged, 'gup-without-mmap-lock')
      : undefined
  }

  #ask(site: HoldingSite, plan: HoldingPlan, name = ''): Judged {
    return this.#judge.judge(liftHolding(nameOf(site) + name, plan), this.#rules(site.api))
  }

  // ── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #base(site: HoldingSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    const { file } = site.func
    const arg = site.api.flags === undefined ? undefined : site.call.args[site.api.flags]
    const text = arg === undefined ? '' : file.source.text.slice(arg.start, arg.end)
    return {
      ...whereOf(site),
      api: site.api.name,
      kind: site.api.takes === 'pin' ? 'page-pin' : 'page-get',
      flags: [...new Set(text.match(/\bFOLL_\w+/g) ?? [])],
    }
  }

  #unknown(site: HoldingSite, reason: string, e?: Ending): Site {
    return {
      ...this.#base(site),
      guard: e === undefined ? 'unknown' : guardOf(e),
      hold: 'transient',
      escapes: e === undefined ? [] : hopsOf(e),
      verdict: 'unknown',
      classes: [],
      reason,
      summary: `${site.api.name}(): not decided: ${reason}`,
    }
  }

  /** Everything that it took is given back on every path, by the right call. */
  #calm(site: HoldingSite, mine: readonly Ending[]): Site {
    const shown = [...mine].sort(
      (a, b) =>
        Number(b.holding.outcome === 'all') - Number(a.holding.outcome === 'all') ||
        b.events.length - a.events.length,
    )[0]!
    const h = shown.holding
    const held =
      site.api.lock && mine.some((e) => e.holding.locked === 'unseen') ? this.#held(site) : undefined
    const locked = held === true
    if (typeof held === 'object') {
      const found = this.#unlocked(site, shown, held.not)
      if (found !== undefined) return found
    }
    const takesNothing = mine.every((e) => e.holding.releasedBy === 'nothing')
    if (!takesNothing) {
      for (const e of mine) {
        if (!e.holding.written || writes(e.holding.flags) === false) continue
        const questions: [string, Question][] = [
          ...(site.api.takes === 'get' && !isRemoteGet(site.api)
            ? [['get-instead-of-pin', 'fork'] as [string, Question]]
            : []),
          ...(isRemoteGet(site.api) ? [] : [['missing-dirty', 'dirty'] as [string, Question]]),
        ]
        for (const [cls, question] of questions) {
          const plan = { ...planOf(e), question }
          const judged = this.#ask(site, plan)
          if (judged.verdict === 'broken' && shows(cls, judged))
            return this.#broken(site, e, plan, judged, cls)
        }
      }
      // The model has no promise yet that these break; so nothing is said of them.
      const open = mine.map((e) => openQuestion(e, mine, locked)).find((q) => q !== undefined)
      if (open !== undefined) return this.#unknown(site, open, shown)
    }
    const judged = mine.map((e) => this.#ask(site, planOf(e)))
    const bad = judged.find((j) => j.verdict !== 'holds')
    if (bad !== undefined)
      return this.#unknown(site, bad.reason ?? `in the model it is ${bad.verdict}`, shown)
    const j = judged[mine.indexOf(shown)]!
    const rules = this.#rules(site.api)
    return {
      ...this.#base(site),
      guard: guardOf(shown),
      hold: 'synchronous',
      escapes: hopsOf(shown),
      verdict: 'holds',
      classes: [],
      ...(takesNothing &&
        this.#splices(site) && {
          contract:
            'what is spliced (MSG_SPLICE_PAGES) is memory that the kernel has: no system call asks for it',
        }),
      ...(site.api.lock && locked && { contract: 'its callers hold mmap_lock' }),
      ...(site.api.lock &&
        h.locked === 'asserted' && { contract: 'its caller holds mmap_lock, which it asserts' }),
      summary: takesNothing
        ? site.api.result === 'bytes'
          ? `${site.api.name}() goes over memory of the kernel, of which it takes nothing`
          : `${site.api.name}() is given no array: it faults the pages in and takes nothing`
        : `what ${site.api.name}() took is given back by ${h.releasedBy}() on every way`,
      litmus: liftedTest(j, rules, whereOf(site), 'Everything that is taken is given back.'),
    }
  }

  #broken(site: HoldingSite, e: Ending, plan: HoldingPlan, judged: Judged, cls: string): Site {
    const base = this.#base(site)
    const rules = this.#rules(site.api)
    const witness = witnessOf(judged, base, this.#path)
    const text = sentence(e, cls)
    const repair = this.#repair(site, plan, cls, rules)
    return {
      ...base,
      guard: guardOf(e),
      hold: e.holding.left === 'all' ? 'longterm' : 'synchronous',
      escapes: hopsOf(e),
      verdict: 'broken',
      classes: [cls],
      summary: text,
      litmus: liftedTest(judged, rules, whereOf(site), text),
      ...(witness !== undefined && { witness }),
      ...(repair !== undefined && { repair }),
    }
  }

  #repair(site: HoldingSite, plan: HoldingPlan, cls: string, rules: Rules): Repair | undefined {
    const found = repairs[cls]
    if (found === undefined) return undefined
    const { name, text, apply } = found
    const next = apply(plan)
    const judged = this.#ask(site, next, `-${name}`)
    if (judged.verdict !== 'holds') return undefined
    return {
      name,
      text: text(plan.api),
      ...repairedTest(judged, rules),
      tried: [],
    }
  }
}

const iteratorLeft =
  'what an iterator gave is left behind on one way, and what the iterator was over is not known'
const noWay = 'no way through the function on which it works was found'

const noStory: Story = {
  fields: [],
  releases: [],
  dirtied: false,
  writes: [],
  onlyRead: true,
  ends: [],
  sameCall: 'no',
  notifier: false,
  mixed: false,
  alone: false,
  sleeps: undefined,
}

const handsOn = /^whoever calls /
const rank = (s: Site): number =>
  s.reason === noWay ? -1 : s.verdict === 'broken' ? 2 : s.verdict === 'unknown' ? 1 : 0

/** The call is one of a loop's. */
function standsInLoop({ func, call }: HoldingSite): boolean {
  const text = func.file.source.text.slice(func.start, call.start)
  // What is opened by a loop and not closed before the call.
  let depth = 0
  for (let i = text.length - 1; i >= 0; i--) {
    if (text[i] === '}') depth++
    else if (text[i] === '{' && --depth < 0) {
      depth = 0
      if (/(\b(while|for)\s*\([^{}]*\)|\bdo)\s*$/.test(text.slice(0, i))) return true
    }
  }
  return false
}

/** The calls of a function in another. */
function callsOf(func: Func, name: string): Expr[] {
  const calls: Expr[] = []
  eachStmt(func.body.stmts, (outer) =>
    eachExpr(outer, (e) => {
      if (e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === name) calls.push(e)
    }),
  )
  return calls
}

/** A page that is got of another process by its address is private memory that is being set up, more often than not: fork and dirt are not asked of it. */
const isRemoteGet = ({ takes, mm }: ReferenceApi): boolean => takes === 'get' && mm !== undefined

const nameOf = (s: HoldingSite): string =>
  `${s.func.name}-${s.func.file.source.position(s.call.start).line}`.replaceAll('_', '-')

function classOf(e: Ending): string | undefined {
  const h = e.holding
  if (h.unclear !== undefined) return undefined
  if (h.wrong !== undefined) return h.wrong
  if (h.left === 'all' && e.kept === 'nowhere')
    return h.outcome === 'short' ? 'partial-pin' : 'error-path-leak'
  if (h.written && writes(h.flags) === false && h.left === 'nothing')
    // Both ways may be no more than what the driver asks for every time.
    return e.events.some(
      (x) => x.do === 'write' && x.hold === h.id && !(x.text ?? '').includes('DMA_BIDIRECTIONAL'),
    )
      ? 'wrong-foll-flag'
      : undefined
  return undefined
}

/** Whether what breaks is what the class says, and not something else in the same test. */
function shows(cls: string, judged: Judged): boolean {
  const codes: Readonly<Record<string, string>> = {
    'missing-longterm': 'longterm-movable',
    'missing-dirty': 'dirty-lost',
    'get-instead-of-pin': 'fork-isolation',
    'sleeping-release': 'lock-context',
    'gup-without-mmap-lock': 'lock-context',
  }
  return codes[cls] === undefined || judged.result!.broken.some((b) => b.code === codes[cls])
}

/** What it is given back by sleeps where that is forbidden. */
function asleep(e: Ending, { at, text, atomic }: NonNullable<Story['sleeps']>): Ending {
  const { id } = e.holding
  const events = e.events.filter((x) => x.do !== 'dirty' || x.hold !== id)
  const last = events.findLastIndex((x) => x.do === 'release' && x.hold === id)
  return {
    ...e,
    events: [
      ...events.slice(0, last),
      { do: 'dirty', hold: id, at, text: `${text} under ${atomic}`, atomic },
      ...events.slice(last).map((x) => (x.do === 'release' ? { ...x, dirties: false } : x)),
    ],
  }
}

/** A path on which the call works, and then what the module does with what is kept, in the order in which it can come. */
function tell(
  site: HoldingSite,
  e: Ending | undefined,
  flags: string | undefined,
  story: Story,
  release: StoryRelease,
): Ending {
  const { func, call, api } = site
  const at = { file: func.file.path, line: func.file.source.position(call.start).line, func: func.name }
  const id = e?.holding.id ?? 0
  const before: readonly HoldingEvent[] =
    e?.holding.unclear === undefined && e !== undefined
      ? e.events.filter((x) => x.do !== 'decide')
      : [{ do: 'acquire', hold: id, outcome: 'all', api, flags, at }]
  const own = before.some((x) => x.do === 'write' && x.hold === id)
  const write = own
    ? undefined
    : (story.writes[0] ??
      (/\bDMA_(FROM|TO)_DEVICE\b/.test(flags ?? '') && !story.onlyRead
        ? { by: 'device' as const, at, text: `a device writes, as the flags say: ${flags}` }
        : undefined))
  const fields = story.fields.map((f) => `${f.struct}.${f.field}`)
  const base: Holding = e?.holding ?? {
    id,
    site,
    outcome: 'all',
    flags,
    left: 'all',
    written: false,
    dirtied: false,
    locked: 'unseen',
  }
  const { unclear: _, wrong: __, ...rest } = base
  // Where the way to the call was not followed, the lock is taken for granted.
  const locked = before.length === 1 ? 'asserted' : base.locked
  return {
    holding: {
      ...rest,
      locked,
      outcome: 'all',
      flags,
      left: 'nothing',
      written: own || write !== undefined,
      dirtied: story.dirtied,
      releasedBy: release.api,
    },
    kept: 'nowhere',
    events: [
      ...before,
      ...(write === undefined
        ? []
        : [{ do: 'write', hold: id, by: write.by, at: write.at, text: write.text } as const]),
      { do: 'leave', hold: id, at, text: fields.join(', ') },
      ...(story.dirtied && !release.dirties ? [{ do: 'dirty', hold: id, at: release.at } as const] : []),
      {
        do: 'release',
        hold: id,
        api: release.api,
        as: release.as,
        many: 'got',
        at: release.at,
        ...(release.dirties && { dirties: true }),
      },
    ],
    end: release.at,
  }
}

/** The function that gives it back in the wrong way gives it back in the right way, too, on another path. */
function eitherWay(e: Ending, all: readonly Ending[]): boolean {
  const { takes } = e.holding.site.api
  const wrong = e.events.find((x) => x.do === 'release' && x.hold === e.holding.id && x.as !== takes)
  return all.some((o) =>
    o.events.some(
      (x) => x.do === 'release' && x.hold === o.holding.id && x.as === takes && x.at.func === wrong?.at.func,
    ),
  )
}

/** What a careful reader would ask, and what is not answered yet. */
function openQuestion(e: Ending, all: readonly Ending[], callersLock: boolean): string | undefined {
  const h = e.holding
  const { api } = h.site
  if (api.lock && h.locked === 'unseen' && !callersLock)
    return 'it needs mmap_lock, and that all callers hold it is not seen'
  // Nobody writes to it who is seen; who is not seen may.
  if (h.handed === undefined || h.written || writes(h.flags) === false) return undefined
  if (api.takes === 'get' && !isRemoteGet(api))
    return `a plain reference (FOLL_GET) is taken to memory that ${h.handed}() may write to, and whether it does is not seen`
  if (!h.dirtied && !all.some((x) => x.holding.dirtied))
    return `${h.handed}() may write to it, and nothing marks it dirty here: whether it does is not seen`
  return undefined
}

const count = (e: Ending): string => (e.holding.outcome === 'short' ? 'the pages that it got' : 'the pages')

function sentence(e: Ending, cls: string): string {
  const { api } = e.holding.site
  const taken = e.events.findIndex((x) => x.do === 'acquire' && x.hold === e.holding.id)
  const last = e.events.findLast((x, i) => i > taken && x.do === 'decide')
  const release = e.events.findLast((x) => x.do === 'release' && x.hold === e.holding.id)
  const by = release?.do === 'release' ? `${release.api}()` : 'the release'
  switch (cls) {
    case 'error-path-leak':
      return `${count(e)} of ${api.name}() are not given back when ${e.end.func}() leaves${last !== undefined ? ` after ${last.text} (line ${last.at.line})` : ''}`
    case 'partial-pin':
      return release === undefined
        ? `when ${api.name}() gives fewer pages than asked for, ${e.end.func}() leaves without giving those back`
        : `fewer pages than asked for are taken for all of them: ${by} is called for as many as were asked for`
    case 'over-unpin':
      return `when ${api.name}() gives fewer pages than asked for, ${by} is called for all that were asked for`
    case 'double-put':
      return `what ${api.name}() took is given back twice on one way, last by ${by}`
    case 'sleeping-release': {
      const x = e.events.find((y) => (y.do === 'release' || y.do === 'dirty') && y.atomic !== undefined)
      const atomic = x !== undefined && 'atomic' in x ? x.atomic : ''
      return `what ${api.name}() took is marked dirty by a call that may sleep (line ${x?.at.line} of ${x?.at.file}), where ${atomic} forbids that`
    }
    case 'gup-without-mmap-lock':
      return `${api.name}() wants mmap_lock, and ${e.place ?? 'nobody'} does not take it`
    case 'put-instead-of-unpin':
      return `what ${api.name}() pinned is given back by ${by}, which drops a reference and leaves the pin`
    case 'get-instead-of-pin':
      return `${api.name}() takes a plain reference to memory that is then written (line ${written(e)}), which fork and writeback do not expect: it wants a pin`
    case 'missing-longterm':
      return `${api.name}() pins without FOLL_LONGTERM, and the pages stay pinned until a user asks for their release${release === undefined ? '' : ` (${by} in ${release.at.func}())`}`
    case 'missing-dirty':
      return `what ${api.name}() took is written (line ${written(e)}) and given back by ${by} without being marked dirty`
    case 'unpin-instead-of-put':
      return `what ${api.name}() took a reference to is given back by ${by}, which drops a pin that nobody has`
    default:
      return `${api.name}() is not told FOLL_WRITE, and the pages are written`
  }
}

/** Where it is written, in words. */
function written(e: Ending): string {
  const w = e.events.find((x) => x.do === 'write' && x.hold === e.holding.id)
  return w === undefined ? '?' : `${w.at.line} of ${w.at.file}`
}

type Fix = {
  readonly name: string
  readonly text: (api: ReferenceApi) => string
  readonly apply: (plan: HoldingPlan) => HoldingPlan
}

const releaseAll = (api: ReferenceApi): string => (api.takes === 'pin' ? 'unpin_user_pages()' : 'put_page()')
const addRelease: Fix = {
  name: 'release',
  text: (api) => `give the pages back with ${releaseAll(api)} before leaving, those that were got`,
  apply: (p) => ({ ...p, steps: [...p.steps, { do: 'release', as: p.api.takes, many: 'got' }] }),
}
const onlyGot = (p: HoldingPlan): HoldingPlan => ({
  ...p,
  steps: p.steps.map((s) => (s.do === 'release' ? { ...s, many: 'got' } : s)),
})
const match: Fix = {
  name: 'match',
  text: (api) => `give them back with ${releaseAll(api)}, which undoes ${api.name}()`,
  apply: (p) => ({
    ...p,
    steps: p.steps.map((s) => (s.do === 'release' ? { ...s, as: p.api.takes } : s)),
  }),
}
const repairs: Readonly<Record<string, Fix>> = {
  'error-path-leak': addRelease,
  'partial-pin': {
    name: 'count',
    text: (api) =>
      `compare with the number asked for, and on fewer give back with ${releaseAll(api)} as many as the call returned`,
    apply: (p) => (p.steps.some((s) => s.do === 'release') ? onlyGot(p) : addRelease.apply(p)),
  },
  'put-instead-of-unpin': match,
  'unpin-instead-of-put': match,
  'over-unpin': {
    name: 'count',
    text: () => 'give back as many as the call returned',
    apply: onlyGot,
  },
  'double-put': {
    name: 'once',
    text: () => 'give them back once',
    apply: (p) => {
      const first = p.steps.findIndex((s) => s.do === 'release')
      return { ...p, steps: p.steps.filter((s, i) => s.do !== 'release' || i === first) }
    },
  },
  'sleeping-release': {
    name: 'later',
    text: () => 'mark and give them back where sleeping is allowed: behind the lock, or in a work item',
    apply: (p) => ({
      ...p,
      steps: p.steps.map((s) => {
        if (s.do !== 'release' && s.do !== 'dirty') return s
        const { atomic: _, ...rest } = s
        return rest
      }),
    }),
  },
  'gup-without-mmap-lock': {
    name: 'lock',
    text: () => 'take mmap_lock for the call, or call the _fast() or _unlocked() form, which does',
    apply: (p) => ({ ...p, callerLocks: true }),
  },
  'get-instead-of-pin': {
    name: 'pin',
    text: () => 'pin the pages with pin_user_pages*() and give them back with unpin_user_pages_dirty_lock()',
    apply: (p) => ({
      ...p,
      api: { ...p.api, takes: 'pin' },
      steps: p.steps.map((s) => (s.do === 'release' ? { ...s, as: 'pin' } : s)),
    }),
  },
  'missing-longterm': {
    name: 'longterm',
    text: (api) =>
      api.flags === undefined
        ? 'pin with a call that takes FOLL_LONGTERM: the pages are moved out of movable memory first'
        : 'add FOLL_LONGTERM: the pages are moved out of movable memory first',
    apply: (p) => ({ ...p, longterm: true }),
  },
  'missing-dirty': {
    name: 'dirty',
    text: (api) =>
      api.takes === 'pin'
        ? 'give them back with unpin_user_pages_dirty_lock(), which marks what was written'
        : 'call set_page_dirty_lock() on each page that was written before put_page()',
    apply: (p) => ({
      ...p,
      steps: p.steps.map((s) => (s.do === 'release' ? { ...s, dirties: true } : s)),
    }),
  },
  'wrong-foll-flag': {
    name: 'foll-write',
    text: () => 'add FOLL_WRITE: what is mapped read-only is refused, what is shared is copied first',
    apply: (p) => ({ ...p, write: true }),
  },
}

function guardOf(e: Ending): string {
  const { locked, site } = e.holding
  const what = site.api.takes === 'pin' ? 'a pin on the pages' : 'a reference to the pages'
  if (!site.api.lock) return what
  return `${what}, mmap_lock ${locked === 'unseen' ? 'of the caller' : locked === 'taken' ? 'for the call' : 'of the caller, as asserted'}`
}

function hopsOf(e: Ending): Hop[] {
  const hops = e.events.flatMap((x: HoldingEvent): Hop[] => {
    const at = { file: x.at.file, line: x.at.line }
    if ('hold' in x && x.hold !== e.holding.id) return []
    switch (x.do) {
      case 'acquire':
        return [
          {
            ...at,
            text:
              x.outcome === 'short'
                ? `${x.api.name}() gives fewer than asked for`
                : `taken by ${x.api.name}()`,
          },
        ]
      case 'release':
        return [
          {
            ...at,
            text: `given back by ${x.api}()${x.many === 'asked' ? ', as many as were asked for' : ''}`,
          },
        ]
      case 'write':
        return [{ ...at, text: `written by ${x.by === 'cpu' ? 'the CPU' : 'a device'}: ${x.text}` }]
      case 'dirty':
        return [{ ...at, text: 'marked dirty' }]
      case 'leave':
        return [
          {
            ...at,
            text: `kept when the call has returned${x.text === undefined || x.text === '' ? '' : `, by ${x.text}`}`,
          },
        ]
      case 'decide':
        return [{ ...at, text: x.text ?? '' }]
      case 'count':
        return [{ ...at, text: `\`${x.text}\` asks how many came` }]
      default:
        return []
    }
  })
  const from = hops.findIndex(
    (h) => h.line === e.holding.site.func.file.source.position(e.holding.site.call.start).line,
  )
  const own = from < 0 ? hops : hops.slice(from)
  if (e.holding.left === 'all')
    own.push({
      file: e.end.file,
      line: e.end.line,
      text: e.kept === 'nowhere' ? 'nothing refers to it any more' : `still held: ${e.place ?? 'elsewhere'}`,
    })
  return own
}
