import { compareVersions } from '../../kernel/index.ts'
import { callsOf, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import type { Repair, Site } from '../result.ts'
import { acquires, isExport } from './api.ts'
import type { ThingSite } from '../things/event.ts'
import { toldBy } from './callbacks.ts'
import { keepersOf, type Kept, keptOf } from '../things/kept.ts'
import { liftDmaBuf } from './lift.ts'
import { lockAbove } from './locks.ts'
import {
  assertedIn,
  type Issue,
  issuesOf,
  partOf,
  type Plan,
  planOf,
  type PlanThing,
  withMapping,
} from './plan.ts'
import { fixes } from './repair.ts'
import { fieldKey } from '../ways/types.ts'
import { releasersOf } from './releasers.ts'
import { seeded } from '../things/seeded.ts'
import type { State } from '../things/state.ts'
import { type About, type Out, ThingWalk } from '../things/walk.ts'
import { TooManyWays } from '../ways/ways.ts'
import { brokenSite, firstRepair, hopsOf, liftedTest, testName, unknownSite, whereOf } from '../lifted.ts'

export const importKind = 'dma-buf-import'
export const exportKind = 'dma-buf-export'

const most = { up: 3, callers: 8, stories: 3 }

/** One way through the code to its end, as far as one site goes. */
type Way = {
  readonly s: State
  readonly plan: Plan
  readonly issues: readonly Issue[]
  /** Nothing can be said of it, and why. */
  readonly unclear?: string
  readonly by?: string
  /** Functions that give it back, one after the other. */
  readonly funcs?: readonly Func[]
  /** What is taken on trust. */
  readonly contract?: string
}

type MakeWay = (t: State, more?: Partial<Way>) => Way

type Walked = { readonly outs: readonly Out[]; readonly lost?: string }

/** Judges the calls of a function that borrow dma-bufs. */
export class Imports {
  readonly #code: Code
  readonly #judge: Judge
  readonly #rules: (site: ThingSite) => Rules
  readonly #path: string
  readonly #about: About
  readonly #walks = new Map<Func, Walked>()
  readonly #ways = new WeakMap<Out, Map<number, Way[] | 'returned'>>()

  constructor(code: Code, judge: Judge, rules: (site: ThingSite) => Rules, path: string, about: About) {
    this.#code = code
    this.#judge = judge
    this.#rules = rules
    this.#path = path
    this.#about = about
  }

  func(func: Func, sites: readonly ThingSite[]): Site[] {
    const walked = this.#walk(func, new Set([func]))
    return sites.map((s) => this.#at(s, func, new Set([func]), walked, 0))
  }

  #walk(func: Func, towards: ReadonlySet<Func>): Walked {
    const known = towards.size === 1 ? this.#walks.get(func) : undefined
    if (known !== undefined) return known
    let walked: Walked
    try {
      walked = { outs: new ThingWalk(this.#code, this.#about, { towards }).run(func) }
    } catch (e) {
      if (!(e instanceof TooManyWays)) throw e
      walked = { outs: [], lost: `there are too many ways through ${func.name}()` }
    }
    if (towards.size === 1) this.#walks.set(func, walked)
    return walked
  }

  #at(site: ThingSite, root: Func, towards: ReadonlySet<Func>, { outs, lost }: Walked, up: number): Site {
    if (lost !== undefined) return this.#unknown(site, lost)
    const ways: Way[] = []
    let returned: Out | undefined
    for (const o of outs)
      for (const [n, t] of o.s.things.entries()) {
        if (t.site?.call !== site.call && t.published?.call !== site.call) continue
        const way = this.#waysOf(site, o, n, root)
        if (way === 'returned') returned = o
        else ways.push(...way)
      }
    const rules = this.#rules(site)
    // What is wrong and shown to be.
    let doubt: { reason: string; way: Way } | undefined
    for (const w of [...ways].sort((a, b) => a.plan.steps.length - b.plan.steps.length)) {
      const all = w.issues.filter((i) => isOf(w, i, site))
      if (w.unclear !== undefined || all.length === 0) continue
      const own = all.filter((i) => excused(w, i) === undefined)
      if (own.length === 0) {
        doubt ??= { reason: excused(w, all[0]!)!, way: w }
        continue
      }
      // Who moves the memory may keep what is mapped, and so hide it; the heap does not.
      const moves = w.plan.things.some((x) => x.dynamic !== undefined)
      for (const exporter of moves ? (['gpu'] as const) : (['gpu', 'heap'] as const)) {
        const from = { ...w, plan: { ...w.plan, exporter } }
        const judged = this.#ask(site, from.plan, rules)
        if (judged.verdict === 'broken') return this.#broken(site, from, judged, classesOf(own), rules)
        doubt ??= {
          reason: `the model does not show what is wrong: ${judged.reason ?? judged.verdict}`,
          way: w,
        }
      }
    }
    if (doubt !== undefined) return this.#unknown(site, doubt.reason, doubt.way)
    const unclear = ways.find((w) => w.unclear !== undefined)
    if (unclear !== undefined) return this.#unknown(site, unclear.unclear!, unclear)
    if (returned !== undefined) return this.#up(site, root, towards, up)
    const right = ways.filter((w) => w.issues.length === 0)
    if (right.length === 0)
      return this.#unknown(
        site,
        ways.length === 0
          ? 'no way through the function on which it works was found'
          : 'what goes wrong here is told at another call of this function',
        ways[0],
      )
    const by = ways.find((w) => w.by !== undefined)?.by
    return this.#calm(site, right, rules, by)
  }

  /** All sites that have to do with one dma-buf share what is found out about a path. */
  #waysOf(site: ThingSite, out: Out, n: number, root: Func): Way[] | 'returned' {
    const buf = out.s.bufOf(n)
    let known = this.#ways.get(out)
    if (known === undefined) this.#ways.set(out, (known = new Map()))
    const ways = known.get(buf) ?? this.#way(site, out, n, root)
    known.set(buf, ways)
    return ways
  }

  /** What becomes of one thing at the end of a path, and in the functions that give back what an object keeps. */
  #way(site: ThingSite, out: Out, n: number, root: Func): Way[] | 'returned' {
    const { s } = out
    const buf = s.bufOf(n)
    const way: MakeWay = (t, more = {}) => {
      const funcs = [root, ...(more.funcs ?? [])]
      const told = this.#told(site, t, n)
      const plan = planOf(t, n, () => told.dynamic)
      const found = this.#underLocks(site, told.maps === true ? withMapping(plan) : plan, funcs)
      return { ...found, s: t, ...told.said, ...more }
    }
    const mine = s.things.flatMap((t, i) => (s.bufOf(i) === buf && s.owns(i) ? [{ t, i }] : []))
    const unclear = s.things.find((t, i) => s.bufOf(i) === buf && t.unclear !== undefined)?.unclear
    if (unclear !== undefined) return [way(s, { unclear })]
    const kept = new Map<number, Kept>(mine.map(({ i }) => [i, keptOf(i, out)]))
    for (const { t, i } of mine) {
      const k = kept.get(i)!
      if (k.where !== 'nowhere') continue
      if (t.escaped !== undefined) return [way(s, { unclear: `it is given to ${t.escaped}` })]
      return [this.#givenAway(way(s), root)]
    }
    if (mine.length === 0) return [this.#givenAway(way(s), root)]
    if (mine.some(({ i }) => kept.get(i)!.where === 'returned')) {
      const contract = isExport(site.api) ? publishedBy(this.#code, root) : undefined
      if (contract === undefined) return 'returned'
      const t = s.fork()
      t.change(buf, { refs: s.things[buf]!.refs - 1 })
      t.say({ do: 'publish', thing: buf, at: { file: root.file.path, line: root.endLine, func: root.name } })
      return [way(t, { contract })]
    }
    // Kept in an object: who gives it back from there.
    return this.#stories(
      site,
      s,
      mine.map((m) => m.i),
      way,
      most.stories,
    )
  }

  /** How the importer hears of moves, by the call that attaches: on this path, or elsewhere in the module. */
  #told(
    site: ThingSite,
    s: State,
    n: number,
  ): { dynamic?: PlanThing['dynamic']; maps?: boolean; said?: Partial<Way> } {
    const buf = s.bufOf(n)
    const attaches = s.things.filter((t, i) => t.kind === 'attach' && s.bufOf(i) === buf)
    if (attaches.length === 0) return {}
    const own = attaches.find((t) => t.site !== undefined)?.site
    const at = own ?? dynamicIn(this.#code, site.func, keepersOf(s, attachesOf(s, buf)))
    const told = at === undefined ? undefined : toldBy(this.#code, at)
    if (told === undefined) return {}
    if (told.does === 'unknown') return { dynamic: 'drops', said: { unclear: told.why } }
    if (told.does === 'none') return { dynamic: 'none' }
    if (told.does !== 'theirs') return { dynamic: told.does, maps: own !== undefined }
    const contract = 'its callers give the callback that drops the mapping'
    return { dynamic: 'drops', maps: own !== undefined, said: { contract } }
  }

  #stories(
    site: ThingSite,
    s: State,
    left: readonly number[],
    way: MakeWay,
    depth: number,
    before: readonly Func[] = [],
  ): Way[] {
    const keys = keepersOf(s, left)
    const what = s.things[left[0]!]!
    const noun = {
      buf: 'dma-buf',
      attach: 'attachment',
      sgt: 'table',
      pin: 'pin',
      reg: 'notifier',
      file: 'file',
    }[what.kind]
    if (keys.length === 0)
      return [way(s, { unclear: `the ${noun} is kept in an object, and in which field is not seen` })]
    if (depth === 0) return [way(s, { unclear: `too many functions give it back, one after the other` })]
    let partly: Way[] | undefined
    for (const func of releasersOf(this.#code, site.func.file, keys)) {
      const funcs = [...before, func]
      let outs: readonly Out[]
      try {
        outs = new ThingWalk(this.#code, this.#about, { later: true }).run(func, seeded(s, func, left))
      } catch (e) {
        if (!(e instanceof TooManyWays)) throw e
        continue
      }
      const rest = (o: Out): number[] => left.filter((i) => o.s.owns(i))
      // What it takes anew is another story.
      const clean = outs.filter((o) => o.s.things.every((_, i) => i < s.things.length || !o.s.owns(i)))
      const all = clean.filter((o) => rest(o).length === 0)
      if (all.length > 0) return all.map((o) => way(o.s, { by: func.name, funcs }))
      const some = clean.filter((o) => rest(o).length < left.length)
      for (const o of some) {
        const further = this.#stories(site, o.s, rest(o), way, depth - 1, funcs)
        if (further.every((w) => w.unclear === undefined))
          return further.map((w) => ({ ...w, by: `${func.name}() and ${w.by ?? ''}` }))
        partly ??= further
      }
    }
    return (
      partly ?? [
        way(s, {
          unclear: `the ${noun} is kept in ${keys.join(', ')}, and who gives it back from there is not found`,
        }),
      ]
    )
  }

  /** A reference that the function was handed: whose it is the caller decides. */
  #givenAway(w: Way, root: Func): Way {
    const buf = w.plan.things.findIndex((t) => t.kind === 'buf' && t.given)
    if (buf < 0 || !w.issues.some((i) => i.cls === 'double-put' && i.n === buf)) return w
    if (callersReference(this.#code, root)) return w
    return {
      ...w,
      unclear: `${root.name}() puts a reference that it was handed: whether it is its to put is not known`,
    }
  }

  /** Looks for who holds the reservation lock where a part of the plan needs it and does not take it. */
  #underLocks(
    site: ThingSite,
    plan: Plan,
    funcs: readonly Func[],
  ): Pick<Way, 'plan' | 'issues'> & Partial<Pick<Way, 'contract' | 'unclear'>> {
    const always = compareVersions(this.#rules(site).kernel, '6.2') >= 0
    // Before 6.2 it was for those that can be told of moves.
    const needs = (n: number): boolean => {
      const t = plan.things[n]!
      return always || (t.kind === 'attach' ? t : plan.things[t.of!]!).dynamic !== undefined
    }
    let now = plan
    let contract: string | undefined
    for (const [part, func] of funcs.entries()) {
      const issues = issuesOf(now, needs)
      if (!issues.some((i) => i.cls === 'missing-resv-lock' && partOf(now, i.step!) === part)) continue
      const above = lockAbove(this.#code, func)
      if (above.held === 'unknown') return { plan: now, issues, unclear: above.why }
      if (above.held === 'no') continue
      contract = above.contract
      now = assertedIn(now, part)
    }
    return { plan: now, issues: issuesOf(now, needs), ...(contract !== undefined && { contract }) }
  }

  /** What the function returns is judged in its callers. */
  #up(site: ThingSite, root: Func, towards: ReadonlySet<Func>, up: number): Site {
    const callers = this.#code.callers(root).filter((c) => !towards.has(c))
    const reason =
      callers.length === 0
        ? `it leaves through ${root.name}(), and no call of it is found`
        : callers.length > most.callers
          ? `${root.name}() hands it to ${callers.length} callers, more than are followed`
          : up === most.up
            ? `it is handed up through more than ${most.up} callers`
            : undefined
    if (reason !== undefined) return this.#unknown(site, reason)
    const found = callers.map((c) => {
      const next = new Set([...towards, c])
      return this.#at(site, c, next, this.#walk(c, next), up + 1)
    })
    return (
      found.find((s) => s.verdict === 'broken') ?? found.find((s) => s.verdict === 'unknown') ?? found[0]!
    )
  }

  #ask(site: ThingSite, plan: Plan, rules: Rules, name = ''): Judged {
    const unlocked = compareVersions(rules.kernel, '6.1') >= 0
    return this.#judge.judge(liftDmaBuf(testName(site) + name, plan, { unlocked }), rules)
  }

  // ── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #base(site: ThingSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    const dynamic = site.api.name === 'dma_buf_dynamic_attach'
    return {
      ...whereOf(site),
      api: site.api.name,
      kind: isExport(site.api) ? exportKind : importKind,
      flags: site.api.role.does === 'attach' ? [dynamic ? 'dynamic' : 'static'] : [],
    }
  }

  #unknown(site: ThingSite, reason: string, w?: Way): Site {
    const escapes = w === undefined ? [] : hopsOf(w.s.events)
    return unknownSite({ ...this.#base(site), guard: 'unknown', hold: 'longterm', escapes }, reason)
  }

  #calm(site: ThingSite, ways: readonly Way[], rules: Rules, by: string | undefined): Site {
    const judged = ways.map((w) => this.#ask(site, w.plan, rules))
    const bad = judged.findIndex((j) => j.verdict !== 'holds')
    if (bad >= 0) {
      const j = judged[bad]!
      // Nothing is wrong but that the memory moves.
      if (
        j.verdict === 'broken' &&
        ways[bad]!.plan.things.some((x) => x.dynamic === 'ignores' || x.dynamic === 'none')
      )
        return this.#broken(site, ways[bad]!, j, ['map-after-move'], rules)
      const why = j.result?.broken.map((b) => b.code).join(', ')
      return this.#unknown(
        site,
        j.reason ??
          `in the model it is ${j.verdict}${why === undefined ? '' : ` (${why})`}, which is not understood`,
        ways[bad],
      )
    }
    // The longest way shows most.
    const shown = [...ways.keys()].sort((a, b) => ways[b]!.plan.steps.length - ways[a]!.plan.steps.length)[0]!
    const w = ways[shown]!
    const j = judged[shown]!
    const contract = ways.find((x) => x.contract !== undefined)?.contract
    const text = 'What is taken is given back, in order.'
    return {
      ...this.#base(site),
      guard: 'the reference, and what is mapped',
      hold: by === undefined ? 'synchronous' : 'longterm',
      escapes: hopsOf(w.s.events),
      verdict: 'holds',
      classes: [],
      ...(contract !== undefined && { contract }),
      summary:
        by === undefined
          ? `${site.api.name}(): undone on every way through the function`
          : `${site.api.name}(): kept, and given back by ${by}()`,
      litmus: liftedTest(j, rules, whereOf(site), text),
    }
  }

  #broken(site: ThingSite, w: Way, judged: Judged, classes: readonly string[], rules: Rules): Site {
    return brokenSite(
      {
        ...this.#base(site),
        guard: 'the reference, and what is mapped',
        hold: w.by === undefined ? 'synchronous' : 'longterm',
        escapes: hopsOf(w.s.events),
      },
      judged,
      rules,
      this.#path,
      {
        classes,
        summary: sentence(site, w, classes[0]!),
        repair: this.#repair(site, w.plan, classes, rules),
      },
    )
  }

  /** Each class that is told has one, on top of those before it. What one alone does not mend is not shown. */
  #repair(site: ThingSite, plan: Plan, classes: readonly string[], rules: Rules): Repair | undefined {
    let next = plan
    const found = firstRepair(
      classes.flatMap((cls) => fixes[cls] ?? []),
      (fix) => {
        next = fix.apply(next)
        return this.#ask(site, next, rules, `-${fix.name}`)
      },
      rules,
    )
    return found && { ...found, tried: [] }
  }
}

/** Why something that looks wrong may be right. */
function excused(w: Way, issue: Issue): string | undefined {
  if (issue.cls !== 'dma-direction-mismatch') return undefined
  const dirs = w.plan.steps.flatMap((x) =>
    'dir' in x && x.dir !== undefined && x.n === issue.n ? [x.dir] : [],
  )
  return dirs.every((d) => /^DMA_[A-Z_]+$/.test(d))
    ? undefined
    : 'whether it is unmapped in the direction that it was mapped in is not seen'
}

const attachesOf = (s: State, buf: number): number[] =>
  s.things.flatMap((t, i) => (t.kind === 'attach' && s.bufOf(i) === buf ? [i] : []))

/** The call by which the module of a function attaches, so that it is told of moves, what it keeps in one of these fields. */
function dynamicIn(code: Code, func: Func, keys: readonly string[]): ThingSite | undefined {
  const api = acquires.get('dma_buf_dynamic_attach')!
  for (const file of code.moduleWith(func.file, api.name))
    for (const f of file.functions)
      for (const call of f.mentions(api.name) ? callsOf(f) : [])
        if (call.callee.kind === 'name' && call.callee.name === api.name && fills(code, f, keys))
          return { func: f, call, api }
  return undefined
}

/** Whether a function assigns to one of these fields. */
const fills = (code: Code, func: Func, keys: readonly string[]): boolean =>
  func.body.stmts
    .flatMap((x) => stmtExprs(x))
    .some((outer) => {
      let found = false
      visit(outer, (e) => {
        if (e.kind !== 'assign' || e.target.kind !== 'member') return
        const key = fieldKey(code, func, e.target)
        if (key !== undefined && keys.includes(key)) found = true
      })
      return found
    })

/** Functions that the core calls with a dma-buf whose reference stays the core's, and those that only they call. */
function callersReference(code: Code, func: Func, up = 2): boolean {
  if (borrowing.some(([struct, field]) => code.fills(struct, field, func.name))) return true
  const callers = up === 0 ? [] : code.callers(func)
  return callers.length > 0 && callers.every((c) => callersReference(code, c, up - 1))
}
/** Functions that make a dma-buf for the core, which publishes it. */
function publishedBy(code: Code, func: Func): string | undefined {
  const found = exporting.find(([struct, field]) => code.fills(struct, field, func.name))
  return found === undefined ? undefined : `the core publishes what ${found[0]}.${found[1]} returns`
}
const exporting: readonly (readonly [string, string])[] = [
  ['drm_gem_object_funcs', 'export'],
  ['drm_driver', 'gem_prime_export'],
  ['vb2_mem_ops', 'get_dmabuf'],
  ['dma_heap_ops', 'allocate'],
]
const borrowing: readonly (readonly [string, string])[] = [
  ['drm_driver', 'gem_prime_import'],
  ['vb2_mem_ops', 'attach_dmabuf'],
]

/** Which call a mistake is told at: the one that acquired what it is about, or, if that is not a site, what hangs on it. */
function isOf({ s, plan }: Way, issue: Issue, site: ThingSite): boolean {
  const owner = plan.ids[issue.n]
  const { published, site: made } = owner === undefined ? {} : s.things[owner]!
  const own = issue.cls === 'fd-published-early' ? published : made
  if (own !== undefined) return own.call === site.call
  const other = plan.ids.map((i) => s.things[i]!.site).find((x) => x !== undefined)
  return other === undefined || other.call === site.call
}

const order = [
  'fd-published-early',
  'double-detach',
  'double-put',
  'attach-map-order',
  'error-path-leak',
  'dma-direction-mismatch',
  'missing-resv-lock',
]
function classesOf(issues: readonly Issue[]): string[] {
  const all = order.filter((c) => issues.some((i) => i.cls === c))
  // What is undone twice is undone in a wrong order as well.
  return all.includes('double-detach')
    ? all.filter((c) => c !== 'attach-map-order' && c !== 'error-path-leak')
    : all
}

function sentence(site: ThingSite, w: Way, cls: string): string {
  const last = w.s.events.findLast((e) => e.do === 'decide')
  const after = last === undefined ? '' : ` after ${last.text} (line ${last.at.line})`
  const { does } = site.api.role
  const noun =
    does === 'attach' ? 'attachment' : does === 'map' ? 'mapping' : does === 'pin' ? 'pin' : 'reference'
  switch (cls) {
    case 'error-path-leak':
      return `the ${noun} of ${site.api.name}() is not given back when ${site.func.name}() leaves${after}`
    case 'double-detach':
      return `what ${site.api.name}() made is undone twice${after}`
    case 'double-put':
      return `the dma-buf is put more often than it was taken${after}`
    case 'attach-map-order':
      return `what ${site.api.name}() made is undone in the wrong order`
    case 'fd-published-early':
      return `the dma-buf is used or put behind its publication as a descriptor, which another thread may have closed by then`
    case 'map-after-move':
      return `the exporter moves the memory, and the importer, which attaches with ${site.api.name}(), goes on using what was mapped`
    case 'missing-resv-lock':
      return `${site.api.name}() needs the reservation lock of the dma-buf, and nobody takes it`
    default:
      return `what ${site.api.name}() mapped is unmapped in another direction`
  }
}
