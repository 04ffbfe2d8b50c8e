import type { Call, Expr, Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachExpr, eachStmt } from '../each.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import { liftedTest, whereOf } from '../lifted.ts'
import { mismatch, type ReferenceApi } from '../protocols/reference.ts'
import type { Site } from '../result.ts'
import { ownerOf } from '../ways/types.ts'
import { classOf, eitherWay, isRemoteGet, openQuestion, shows, standsInLoop } from './classes.ts'
import type { Ending, HoldingSite } from './event.ts'
import { flagTexts } from './flags.ts'
import { splicesOnly } from './iterators.ts'
import { type HoldingPlan, planOf, type Question, writes } from './lift.ts'
import { type Held, lockHeld } from './locks.ts'
import { useOf } from './places.ts'
import { byCondition } from './release.ts'
import { guardOf, hopsOf } from './sentences.ts'
import { Stories } from './stories.ts'
import { asleep, noStory, tell } from './told.ts'
import { Verdicts } from './verdicts.ts'
import { HoldingWalk, Unfinished } from './walk.ts'

const twiceRemoved = 'on one way it seems not to be given back, two functions away from where it is taken'
const most = { up: 3, callers: 8, ways: 12_000, wrapped: 100 }

/** `joined`: there were too many ways to tell them apart. */
type Found = { readonly endings: readonly Ending[]; readonly lost?: string; readonly joined?: boolean }

/** Judges the calls of a function that acquire pages. */
export class Holdings {
  readonly #code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #rules: (api: ReferenceApi) => Rules
  readonly #verdicts: Verdicts
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
    this.#apis = apis
    this.#rules = rules
    this.#verdicts = new Verdicts(judge, rules, path)
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
    if (mine.length === 0) return this.#verdicts.unknown(site, noWay)
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
      const judged = this.#verdicts.ask(site, plan)
      if (judged.verdict === 'broken') return this.#verdicts.broken(site, e, plan, judged, cls)
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
      return kept.verdict === 'broken' ? kept : this.#verdicts.unknown(site, unsure, mine[0])
    }
    const unclear = mine.find((e) => e.holding.unclear !== undefined)
    if (unclear !== undefined) return this.#told(site, unclear, unclear.holding.unclear!)
    const other = this.#elsewhere(site, mine)
    if (other !== undefined) return other
    const elsewhere = mine.find((e) => e.holding.left === 'all' && e.kept === 'elsewhere')
    if (elsewhere !== undefined)
      return this.#orLeft(this.#told(site, elsewhere), site, root, towards, mine, joined === true, up)
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
      if (told !== undefined && told.verdict !== 'unknown' && !(handsOut && up < most.up))
        return this.#orLeft(told, site, root, towards, mine, joined === true, up)
      const so = this.#up(site, root, towards, upwards, up)
      return this.#orLeft(so, site, root, towards, mine, joined === true, up)
    }
    return this.#calm(site, mine)
  }

  /** What an object keeps is judged by the object; but where something fails there may be nobody who has that object still. */
  #orLeft(
    told: Site,
    site: HoldingSite,
    root: Func,
    towards: ReadonlySet<Func>,
    mine: readonly Ending[],
    joined: boolean,
    up: number,
  ): Site {
    if (up > 0 || site.api.result === 'bytes') return told
    const left =
      this.#leftBehind(site, root, towards, mine, joined) ?? this.#leftAbove(site, root, towards, up)
    if (left === undefined || told.verdict !== 'broken') return left ?? told
    return { ...told, classes: [...new Set([...told.classes, ...left.classes])] }
  }

  /** It fails and leaves them in the object, and where else it fails it gives them back: nobody else does. */
  #leftBehind(
    site: HoldingSite,
    root: Func,
    towards: ReadonlySet<Func>,
    mine: readonly Ending[],
    joined: boolean,
  ): Site | undefined {
    const leaves = (e: Ending): boolean =>
      e.failed === true &&
      e.holding.left === 'all' &&
      e.holding.unclear === undefined &&
      (e.kept === 'caller' || e.holding.stored !== undefined)
    // Of a loop the next round may be what fails, and the pages those of the one before.
    if (standsInLoop(site) || !mine.some(leaves)) return undefined
    const all = joined
      ? this.#some(site, root, towards).filter((o) => o.holding.site.call === site.call)
      : mine
    const givesBack = (o: Ending): boolean =>
      o.failed === true &&
      o.holding.left === 'nothing' &&
      o.holding.unclear === undefined &&
      o.events.some((x) => x.do === 'release' && x.hold === o.holding.id)
    if (!all.some(givesBack)) return undefined
    const e = all.find(leaves)
    if (e === undefined) return undefined
    const callers = this.#code.callers(root).filter((c) => !towards.has(c))
    if (callers.length > most.callers) return undefined
    for (const c of callers) {
      const { endings, lost } = this.#walk(site, c, new Set([...towards, c]))
      const here = endings.filter(
        (o) => o.holding.site.call === site.call && o.holding.outcome === e.holding.outcome,
      )
      const stays = (o: Ending): boolean =>
        o.holding.left === 'all' &&
        o.holding.unclear === undefined &&
        (o.failed === true || returnsNothing(c))
      if (lost !== undefined || !here.some(stays)) return undefined
    }
    const plan = planOf({ ...e, kept: 'nowhere' })
    const judged = this.#verdicts.ask(site, plan)
    if (judged.verdict !== 'broken') return undefined
    const cls = e.holding.outcome === 'short' ? 'partial-pin' : 'error-path-leak'
    return this.#verdicts.broken(site, e, plan, judged, cls)
  }

  /** A caller frees the object when something else fails, with the pages in it. */
  #leftAbove(site: HoldingSite, root: Func, towards: ReadonlySet<Func>, up: number): Site | undefined {
    const callers = this.#code.callers(root).filter((c) => !towards.has(c) && c.file === root.file)
    if (callers.length > most.callers || up >= most.up) return undefined
    for (const c of callers) {
      // In a loop it may be the next round's that are left.
      if (callsOf(c, root.name).some((call) => standsInLoop({ ...site, func: c, call: call as Call })))
        continue
      const next = new Set([...towards, c])
      const { endings, lost, joined } = this.#walk(site, c, next)
      if (lost !== undefined) continue
      const left = (o: Ending): boolean => {
        const cls = classOf(o)
        return (
          o.holding.site.call === site.call &&
          o.failed === true &&
          (cls === 'error-path-leak' || cls === 'partial-pin')
        )
      }
      const unsure = endings.some((o) => o.holding.unclear !== undefined && o.holding.site.call === site.call)
      let e = unsure ? undefined : endings.find(left)
      if (e !== undefined && joined === true) e = this.#some(site, c, next).find(left)
      if (e !== undefined) {
        const plan = planOf(e)
        const judged = this.#verdicts.ask(site, plan)
        if (judged.verdict === 'broken') return this.#verdicts.broken(site, e, plan, judged, classOf(e)!)
      }
      const above = this.#leftAbove(site, c, next, up + 1)
      if (above !== undefined) return above
    }
    return undefined
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
        const judged = this.#verdicts.ask(site, plan)
        if (judged.verdict === 'broken')
          return this.#verdicts.broken(site, released, plan, judged, mismatch[takes])
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
    const giveUp = (why: string): Site => this.#verdicts.unknown(site, lost ?? why, e)
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
      const judged = this.#verdicts.ask(site, plan)
      if (judged.verdict === 'broken' && shows(cls, judged)) found.push({ cls, ending, plan, judged })
    }
    if (release.as !== takes) ask(mismatch[takes], undefined, told)
    else {
      if (story.sleeps !== undefined) ask('sleeping-release', undefined, asleep(told, story.sleeps))
      // What an iterator gave may be read or written: only what is written nearby is surely this.
      const near = site.api.result !== 'bytes' || story.writes.some((w) => w.at.file === site.func.file.path)
      if (takes === 'get' && written && near && !story.notifier && !isRemoteGet(site.api))
        ask('get-instead-of-pin', 'fork', told)
      if (known && written && writes(flags) === false && told.holding.written && surelyWritten(told))
        ask('wrong-foll-flag', undefined, told)
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
      const s = this.#verdicts.broken(site, first.ending, first.plan, first.judged, first.cls)
      return { ...s, hold: long ? 'longterm' : 'transient', classes: found.map((f) => f.cls) }
    }
    if (lost !== undefined || e === undefined) return giveUp('')
    const held = site.api.lock && e.holding.locked === 'unseen' ? this.#held(site) : true
    if (typeof held === 'object')
      return this.#unlocked(site, told, held.not) ?? giveUp(`${held.not} does not take mmap_lock`)
    if (held !== true) return giveUp('it needs mmap_lock, and that all callers hold it is not seen')
    const longterm = /FOLL_LONGTERM/.test(flags ?? '') || site.api.longterm === true
    if (story.ends.length === 0 && !longterm) return giveUp(`what leads to ${release.api}() is not seen`)
    const soon = by.has('device') || (by.has('work') && !by.has('user'))
    if (takes === 'pin' && !longterm && story.sameCall === 'no' && !soon)
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
    const judged = this.#verdicts.ask(site, plan)
    if (judged.verdict !== 'holds') return giveUp(judged.reason ?? `in the model it is ${judged.verdict}`)
    return {
      ...this.#verdicts.base(site),
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
        if (this.#returns(site, c, next) && up + 2 < most.up) this.#wrappedAgain(site, c, next, up + 1)
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

  /** A wrapper of a wrapper: what it returns keeps the pages, and its calls are sites, too. */
  #wrappedAgain(site: HoldingSite, c: Func, towards: ReadonlySet<Func>, up: number): void {
    const callers = this.#code.callers(c).filter((x) => !towards.has(x))
    if (callers.length > most.callers) return
    for (const x of callers) {
      const next = new Set([...towards, x])
      const at = this.#at(site, x, next, this.#walk(site, x, next), up + 1)
      // Conditions over what both functions have set are seldom seen to be the same two calls away.
      const found = at.verdict === 'broken' ? this.#told(site, undefined, twiceRemoved) : at
      for (const call of callsOf(x, c.name)) this.#wrapped(c, x, call, found)
    }
  }

  #returns(site: HoldingSite, c: Func, towards: ReadonlySet<Func>): boolean {
    return (
      c.returns.pointer > 0 &&
      this.#wraps(c, towards) &&
      this.#walk(site, c, towards).endings.some((e) => e.holding.left === 'all' && e.failed !== true)
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
    const judged = this.#verdicts.ask(site, {
      ...plan,
      steps: released
        ? plan.steps
        : [
            ...plan.steps,
            { do: 'release', as: site.api.takes, many: 'got', note: by ?? `whoever calls ${root.name}()` },
          ],
    })
    if (judged.verdict !== 'holds')
      return this.#verdicts.unknown(site, judged.reason ?? `in the model it is ${judged.verdict}`, e)
    const rules = this.#rules(site.api)
    const contract =
      by ?? `whoever calls ${root.name}() gives back what it got: its calls are sites of their own`
    return {
      ...this.#verdicts.base(site),
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
    const judged = this.#verdicts.ask(site, plan)
    return judged.verdict === 'broken' && shows('gup-without-mmap-lock', judged)
      ? this.#verdicts.broken(site, { ...e, place: not }, plan, judged, 'gup-without-mmap-lock')
      : undefined
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
          const judged = this.#verdicts.ask(site, plan)
          if (judged.verdict === 'broken' && shows(cls, judged))
            return this.#verdicts.broken(site, e, plan, judged, cls)
        }
      }
      // The model has no promise yet that these break; so nothing is said of them.
      const open = mine.map((e) => openQuestion(e, mine, locked)).find((q) => q !== undefined)
      if (open !== undefined) return this.#verdicts.unknown(site, open, shown)
    }
    const judged = mine.map((e) => this.#verdicts.ask(site, planOf(e)))
    const bad = judged.find((j) => j.verdict !== 'holds')
    if (bad !== undefined)
      return this.#verdicts.unknown(site, bad.reason ?? `in the model it is ${bad.verdict}`, shown)
    const j = judged[mine.indexOf(shown)]!
    const rules = this.#rules(site.api)
    return {
      ...this.#verdicts.base(site),
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
}

const iteratorLeft =
  'what an iterator gave is left behind on one way, and what the iterator was over is not known'
const noWay = 'no way through the function on which it works was found'

/** By the CPU, or by a device that is told to do nothing else. */
const surelyWritten = (e: Ending): boolean =>
  e.events.some(
    (x) =>
      x.do === 'write' &&
      x.hold === e.holding.id &&
      (x.by === 'cpu' || /DMA_FROM_DEVICE/.test(x.text ?? '')) &&
      !(x.text ?? '').includes('DMA_BIDIRECTIONAL'),
  )
const returnsNothing = (f: Func): boolean => f.returns.base === 'void' && f.returns.pointer === 0

const handsOn = /^whoever calls /
const rank = (s: Site): number =>
  s.reason === noWay ? -1 : s.verdict === 'broken' ? 2 : s.verdict === 'unknown' ? 1 : 0

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
