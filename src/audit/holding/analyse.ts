import { compareVersions } from '../../kernel/index.ts'
import { print } from '../../litmus/index.ts'
import type { Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import { mismatch, type ReferenceApi } from '../protocols/reference.ts'
import type { Hop, Repair, Site } from '../result.ts'
import type { Place } from '../trace/event.ts'
import { witnessOf } from '../witness.ts'
import type { Ending, HoldingEvent, HoldingSite } from './event.ts'
import { flagTexts } from './flags.ts'
import { type HoldingPlan, type HoldingStep, liftHolding, planOf, type Setting, writes } from './lift.ts'
import { useOf } from './places.ts'
import { Stories, type Story } from './story.ts'
import { byCondition, HoldingWalk, TooManyWays } from './walk.ts'

const most = { up: 3, callers: 8, ways: 12_000 }

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

  /** Undefined: the tree has to be asked first, then again. */
  func(func: Func, sites: readonly HoldingSite[]): Site[] | undefined {
    const before = this.#code.missing
    const walked = this.#walk(func, new Set([func]))
    const found = sites.map((s) => this.#site(s, walked))
    // What the module does elsewhere is asked when it is known what the function does.
    if (this.#code.missing !== before) return undefined
    const told = found.map((site, i) =>
      site.verdict === 'unknown' ? (this.#story(sites[i]!, walked) ?? site) : site,
    )
    return this.#code.missing === before ? told : undefined
  }

  undecided(site: HoldingSite): Site {
    return this.#unknown(site, 'what it needs of the tree was not found in the end')
  }

  #walk(root: Func, towards: ReadonlySet<Func>): Found {
    const key = [...towards].map((f) => `${f.file.path}:${f.name}`).join()
    const known = this.#walks.get(key)
    if (known !== undefined) return known
    const before = this.#code.missing
    const found = this.#all(root, towards)
    if (this.#code.missing === before) this.#walks.set(key, found)
    return found
  }

  #all(root: Func, towards: ReadonlySet<Func>): Found {
    for (const joins of [false, true])
      try {
        const endings = new HoldingWalk(this.#code, this.#apis, towards, { joins }).run(root)
        return { endings, joined: joins }
      } catch (e) {
        if (!(e instanceof TooManyWays)) throw e
      }
    return { endings: [], lost: `there are too many ways through ${root.name}()` }
  }

  /** Ways one by one, as many as can be gone: what one of them does it does, whatever the others do. */
  #some(root: Func, towards: ReadonlySet<Func>): readonly Ending[] {
    try {
      return new HoldingWalk(this.#code, this.#apis, towards, { most: most.ways }).run(root)
    } catch (e) {
      if (!(e instanceof TooManyWays)) throw e
      return e.sofar
    }
  }

  #site(site: HoldingSite, walked: Found): Site {
    if (site.api.undecided !== undefined) return this.#unknown(site, site.api.undecided)
    return this.#at(site, site.func, new Set([site.func]), walked, 0)
  }

  #at(site: HoldingSite, root: Func, towards: ReadonlySet<Func>, walked: Found, up: number): Site {
    const { endings, lost, joined } = walked
    if (lost !== undefined) return this.#unknown(site, lost)
    // What goes wrong with all pages is told before what goes wrong with too few.
    const mine = endings
      .filter((e) => e.holding.site.call === site.call)
      .sort(
        (a, b) =>
          Number(b.holding.outcome === 'all') - Number(a.holding.outcome === 'all') ||
          a.events.length - b.events.length,
      )
    if (mine.length === 0)
      return this.#unknown(site, 'no way through the function on which it works was found')
    let unsure: string | undefined
    for (const e of mine) {
      const cls = classOf(e)
      if (cls === undefined) continue
      if (e.holding.left === 'all' && mine.some((o) => o.holding.unclear === byCondition)) {
        unsure ??= byCondition
        continue
      }
      if (joined === true && cls !== mismatch[site.api.takes] && cls !== 'wrong-foll-flag') {
        const alone = this.#some(root, towards).filter((o) => o.holding.site.call === site.call)
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
        unsure ??=
          'what an iterator gave is left behind on one way, and what the iterator was over is not known'
        continue
      }
      const plan = planOf(e)
      const judged = this.#ask(site, plan)
      if (judged.verdict === 'broken') return this.#broken(site, e, plan, judged, cls)
      unsure ??= `the model does not show what is wrong: ${judged.reason ?? judged.verdict}`
    }
    if (unsure !== undefined) return this.#unknown(site, unsure, mine[0])
    const unclear = mine.find((e) => e.holding.unclear !== undefined)
    if (unclear !== undefined) return this.#unknown(site, unclear.holding.unclear!, unclear)
    const other = this.#elsewhere(site, mine)
    if (other !== undefined) return other
    const elsewhere = mine.find((e) => e.holding.left === 'all' && e.kept === 'elsewhere')
    if (elsewhere !== undefined)
      return this.#unknown(
        site,
        'it is kept in an object, and who releases it there is not followed yet',
        elsewhere,
      )
    const upwards = mine.find((e) => e.holding.left === 'all')
    if (upwards !== undefined) return this.#up(site, root, towards, upwards, up)
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
   * Where the walk does not decide it: what the module does with the pages elsewhere may be wrong whatever way the code goes. Only what is
   * there to be seen counts: who releases them, in which way, on whose behalf, and who writes to them.
   */
  #story(site: HoldingSite, walked: Found): Site | undefined {
    // What is got of another process by address is written for that process, page by page, while it waits.
    if (site.api.undecided !== undefined || (site.api.takes === 'get' && site.api.mm !== undefined))
      return undefined
    const story = this.#stories.of(site)
    if (story === undefined || story.releases.length === 0 || story.mixed) return undefined
    const { takes } = site.api
    const mine = walked.endings.filter((e) => e.holding.site.call === site.call)
    const keeps = mine.find(
      (e) => e.holding.left === 'all' && e.kept !== 'nowhere' && e.holding.outcome === 'all',
    )
    const kept = !story.sameCall || keeps !== undefined
    const flags = this.#flags(site)
    const { file } = site.func
    const at: Place = {
      file: file.path,
      line: file.source.position(site.call.start).line,
      func: site.func.name,
    }
    const wrong = story.releases.every((r) => r.as !== takes)
    if (!wrong && story.releases.some((r) => r.as !== takes)) return undefined
    const long = kept && story.by.has('user') && [...story.by].every((b) => b === 'user' || b === 'remove')
    const wrote =
      flags.write !== true
        ? undefined
        : (story.writes[0] ??
          // The flags are chosen by the direction in which a device is given the pages.
          (/\bDMA_(FROM|TO)_DEVICE\b/.test(flags.text)
            ? { by: 'device' as const, at, text: `the device writes: ${flags.text}` }
            : undefined))
    const dirtied = story.dirties.length > 0 || story.releases.some((r) => r.dirties)
    const quiet = !wrong && !long && (wrote === undefined || dirtied)
    // The walk has followed every way to the object that keeps it: then what the object does with it is what counts.
    const clear =
      keeps !== undefined &&
      walked.lost === undefined &&
      story.unseen.length === 0 &&
      mine.every((e) => classOf(e) === undefined && e.holding.unclear === undefined)
    if (quiet && !clear) return undefined
    const events: HoldingEvent[] = [
      { do: 'acquire', hold: 0, outcome: 'all', api: site.api, flags: flags.text, at },
    ]
    if (wrote !== undefined) events.push({ do: 'write', hold: 0, ...wrote })
    if (long) events.push({ do: 'to-user', hold: 0, at })
    // What goes on being written when the process is back in user space is written after that, too.
    if (long && wrote !== undefined) events.push({ do: 'write', hold: 0, ...wrote })
    const release = story.releases.find((r) => r.dirties) ?? story.releases[0]!
    if (dirtied) events.push({ do: 'dirty', hold: 0, at: story.dirties[0] ?? release.at })
    events.push({ do: 'release', hold: 0, api: release.api, as: release.as, many: 'got', at: release.at })
    const told: Ending = {
      holding: {
        id: 0,
        site,
        outcome: 'all',
        flags: flags.text,
        left: 'nothing',
        written: wrote !== undefined,
        dirtied,
        locked: site.api.lock ? 'asserted' : 'unseen',
        releasedBy: release.api,
      },
      kept: 'nowhere',
      events,
      end: release.at,
    }
    const plan: HoldingPlan = {
      ...planOf(told),
      write: flags.write === true,
      longterm: flags.longterm !== false,
    }
    const found: { cls: string; judged: Judged; plan: HoldingPlan }[] = []
    const settings: readonly Setting[] =
      takes === 'get' && wrote !== undefined ? ['fork', 'own', 'file'] : ['own', 'file']
    for (const setting of settings) {
      const set = { ...plan, setting }
      const judged = this.#ask(site, set)
      if (judged.verdict !== 'broken') continue
      for (const b of judged.result!.broken) {
        const cls = classIn(b.code, site.api, wrong)
        if (cls !== undefined && !found.some((f) => f.cls === cls)) found.push({ cls, judged, plan: set })
      }
    }
    const [first] = found
    if (first === undefined) return clear ? this.#keptWell(site, told, plan, story, flags, keeps) : undefined
    const said = this.#broken(site, told, first.plan, first.judged, first.cls)
    return { ...said, hold: long ? 'longterm' : 'transient', classes: found.map((f) => f.cls) }
  }

  /** An object keeps it, and whoever ends the object gives it back, in the right way. */
  #keptWell(
    site: HoldingSite,
    told: Ending,
    plan: HoldingPlan,
    story: Story,
    flags: { readonly write: boolean | undefined; readonly longterm: boolean | undefined },
    keeps: Ending,
  ): Site | undefined {
    const { takes } = site.api
    const rules = this.#rules(site.api)
    const refusesFiles = flags.longterm === true && compareVersions(rules.kernel, '6.5') >= 0
    const ended = story.by.has('device') || story.by.has('notifier')
    const open =
      takes === 'pin' && flags.longterm !== true && !ended
        ? 'it is kept without FOLL_LONGTERM, and who ends it is not understood'
        : takes === 'get' && flags.write !== false
          ? 'a plain reference (FOLL_GET) to memory that may be written is kept'
          : flags.write !== false && !told.holding.dirtied && !refusesFiles
            ? 'it may be written, and nothing marks it dirty'
            : undefined
    if (open !== undefined) return this.#unknown(site, open, keeps)
    const release = story.releases[0]!
    const judged = this.#ask(site, { ...plan, setting: 'own' })
    if (judged.verdict !== 'holds') return undefined
    const where = story.fields[0] ?? keeps.place ?? 'an object'
    return {
      ...this.#base(site),
      guard: guardOf(keeps),
      hold: ended ? 'transient' : 'longterm',
      escapes: hopsOf(keeps),
      verdict: 'holds',
      classes: [],
      contract: `${where} keeps it, and ${release.func.name}() gives it back by ${release.api}(), ${release.at.file}:${release.at.line}`,
      summary: `what ${site.api.name}() took is kept, and given back by ${release.api}() where the object that keeps it ends`,
      litmus: {
        name: judged.test.name,
        text: textOf(judged, rules, site, 'What is kept is given back where the object ends.'),
        states: judged.result!.counts.states,
        complete: judged.result!.complete,
      },
    }
  }

  /** The flags of a call: as they stand there, or what its callers and the lines before make of a variable. */
  #flags(site: HoldingSite): { text: string; write: boolean | undefined; longterm: boolean | undefined } {
    const arg = site.api.flags === undefined ? undefined : site.call.args[site.api.flags]
    if (arg === undefined) return { text: '', write: undefined, longterm: undefined }
    const all = flagTexts(this.#code, site.func, arg, 3)
    const text = all.join(' ')
    const closed = all.every((t) => !/[a-z]\w*\b/.test(t) || t.endsWith('?'))
    const has = (flag: string): boolean => new RegExp(`\\b${flag}\\b`).test(text)
    return {
      text,
      write: has('FOLL_WRITE') || text.trim() === '1' ? true : closed ? false : undefined,
      longterm: has('FOLL_LONGTERM') ? true : closed ? false : undefined,
    }
  }

  /** What the function leaves to its caller is judged there. */
  #up(site: HoldingSite, root: Func, towards: ReadonlySet<Func>, e: Ending, up: number): Site {
    const callers = this.#code.callers(root).filter((c) => !towards.has(c))
    const reason =
      callers.length === 0
        ? `it leaves through ${root.name}(), and no call of it is found`
        : callers.length > most.callers
          ? `${root.name}() hands it to ${callers.length} callers, more than are followed`
          : up === most.up
            ? `it is handed up through more than ${most.up} callers`
            : undefined
    if (reason !== undefined) return this.#unknown(site, reason, e)
    const found = callers.map((c) => {
      const next = new Set([...towards, c])
      return this.#at(site, c, next, this.#walk(c, next), up + 1)
    })
    return (
      found.find((s) => s.verdict === 'broken') ?? found.find((s) => s.verdict === 'unknown') ?? found[0]!
    )
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
      file: file.path,
      ...file.source.position(site.call.start),
      function: site.func.name,
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
    const takesNothing = mine.every((e) => e.holding.releasedBy === 'nothing')
    if (!takesNothing) {
      // The model has no promise yet that these break; so nothing is said of them.
      const open = mine.map((e) => openQuestion(e, mine)).find((q) => q !== undefined)
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
      ...(site.api.lock &&
        h.locked === 'asserted' && { contract: 'its caller holds mmap_lock, which it asserts' }),
      summary: takesNothing
        ? `${site.api.name}() is given no array: it faults the pages in and takes nothing`
        : `what ${site.api.name}() took is given back by ${h.releasedBy}() on every way`,
      litmus: {
        name: j.test.name,
        text: textOf(j, rules, site, 'Everything that is taken is given back.'),
        states: j.result!.counts.states,
        complete: j.result!.complete,
      },
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
      litmus: {
        name: judged.test.name,
        text: textOf(judged, rules, site, text),
        states: judged.result!.counts.states,
        complete: judged.result!.complete,
      },
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
      states: judged.result!.counts.states,
      litmus: print({ ...judged.test, expect: [expectation(judged, rules)] }),
      tried: [],
    }
  }
}

/** What breaks, in the words of finding classes. */
function classIn(code: string, { takes }: ReferenceApi, wrong: boolean): string | undefined {
  switch (code) {
    case 'longterm-movable':
      return 'missing-longterm'
    case 'dirty-lost':
      return 'missing-dirty'
    case 'fork-isolation':
      return takes === 'get' ? 'get-instead-of-pin' : undefined
    case 'refcount-balance':
      return wrong ? mismatch[takes] : undefined
    default:
      return undefined
  }
}

const nameOf = (s: HoldingSite): string =>
  `${s.func.name}-${s.func.file.source.position(s.call.start).line}`.replaceAll('_', '-')

function classOf(e: Ending): string | undefined {
  const h = e.holding
  if (h.unclear !== undefined) return undefined
  if (h.wrong !== undefined) return h.wrong
  if (h.left === 'all' && e.kept === 'nowhere')
    return h.outcome === 'short' ? 'partial-pin' : 'error-path-leak'
  if (h.written && writes(h.flags) === false && h.left === 'nothing') return 'wrong-foll-flag'
  return undefined
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
function openQuestion(e: Ending, all: readonly Ending[]): string | undefined {
  const h = e.holding
  const { api } = h.site
  if (api.lock && h.locked === 'unseen')
    return 'it needs mmap_lock, and whether the callers hold that is not looked at yet'
  if (api.takes === 'get' && (h.written || writes(h.flags) !== false))
    return 'a plain reference (FOLL_GET) is taken to memory that is to be written: what fork and reclaim do to that is not decided yet'
  const cared = !h.written && all.some((x) => x.holding.dirtied)
  if (
    writes(h.flags) !== false &&
    !h.dirtied &&
    !cared &&
    (h.written || writes(h.flags) === undefined || api.takes === 'pin')
  )
    return 'it may be written, and nothing marks it dirty here: whether a write is lost is not decided yet'
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
    case 'put-instead-of-unpin':
      return `what ${api.name}() pinned is given back by ${by}, which drops a reference and leaves the pin`
    case 'missing-longterm':
      return `what ${api.name}() pinned is kept until user space asks for its release (${by}), and the pin does not say FOLL_LONGTERM`
    case 'missing-dirty':
      return `what ${api.name}() took is written to and given back by ${by}, and nobody marks it dirty`
    case 'get-instead-of-pin':
      return `what ${api.name}() took a plain reference to (FOLL_GET) is written to: a child of fork shares it`
    case 'unpin-instead-of-put':
      return `what ${api.name}() took a reference to is given back by ${by}, which drops a pin that nobody has`
    default:
      return `${api.name}() is not told FOLL_WRITE, and the pages are written`
  }
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
  'missing-longterm': {
    name: 'foll-longterm',
    text: () => 'add FOLL_LONGTERM: pages in movable memory and CMA are moved out first',
    apply: (p) => ({ ...p, longterm: true }),
  },
  'missing-dirty': {
    name: 'dirty',
    text: (api) =>
      api.takes === 'pin'
        ? 'give them back with unpin_user_pages_dirty_lock()'
        : 'mark them with set_page_dirty_lock() before they are given back',
    apply: (p) => ({
      ...p,
      steps: p.steps.flatMap((s): HoldingStep[] =>
        s.do === 'release' ? [{ do: 'dirty', ...(s.at && { at: s.at }) }, s] : [s],
      ),
    }),
  },
  'get-instead-of-pin': {
    name: 'pin',
    text: () =>
      'pin it instead (pin_user_pages_fast() with FOLL_LONGTERM, unpin_user_page()): fork copies what is pinned',
    apply: (p) => ({
      ...p,
      api: { ...p.api, takes: 'pin' },
      longterm: true,
      steps: p.steps.map((s) => (s.do === 'release' ? { ...s, as: 'pin' } : s)),
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
      case 'to-user':
        return [{ ...at, text: 'the system call is over, and it is still held' }]
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

const expectation = (j: Judged, rules: Rules) => ({
  kernels: [rules.kernel],
  policies: rules.policies,
  ...(j.result!.outcome !== undefined && j.result!.outcome !== 'Unknown' && { outcome: j.result!.outcome }),
  broken: j.result!.broken.map((b) => b.code),
})

function textOf(j: Judged, rules: Rules, site: HoldingSite, text: string): string {
  const { file } = site.func
  const { line } = file.source.position(site.call.start)
  return print({
    ...j.test,
    comment: `Lifted from ${file.path}:${line}, ${site.func.name}().\n${text}`,
    expect: j.result!.complete ? [expectation(j, rules)] : [],
  })
}
