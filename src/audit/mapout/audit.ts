import { type Expr, type Func, type Global, type OpsEntry, opsOf } from '../../source/index.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import type { Knowledge } from '../knowledge.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import type { Hop, Site } from '../result.ts'
import type { Place } from '../trace/event.ts'
import { type Copies, copiesOf } from './copies.ts'
import { countedBy, type Fate, fateOf, Lives, locksOf, revokers } from './lives.ts'
import { classes, freedSentence, guardOf, freedAt, hops, repairs, said, sentence } from './findings.ts'
import { liftMapping, type MapPlan, type Question, questions } from './lift.ts'
import { foundUnderLock, liftFound } from './found.ts'
import { type Dispatcher, dispatchers, handlerFields, handsOn, helpers, mapsDmaBuf } from './helpers.ts'
import { type MapSite, mapSites } from './sites.ts'
import { type Ending, From, type Insertion, start, walk } from './walk.ts'
import { brokenSite, firstRepair, liftedTest, unknownSite } from '../lifted.ts'

export const mapOutKind = 'map-out'

/** A job for each function that maps memory out. */
export function mapOutJobs(context: Context): Job[] {
  const { program, options } = context
  const sites = mapSites(program, options.signal)
  const mappings = new Mappings(context, sites)
  return sites.map((site) => ({
    func: site.func,
    decide: () => [mappings.site(site)],
  }))
}

/** One way through a handler, with what its faults do. */
export type Way = {
  readonly ending: Ending
  readonly plan: MapPlan
  readonly inserted: readonly Insertion[]
  readonly contract?: string
  /** Nothing is decided about it, and why. */
  readonly reason?: string
  readonly ops: string
  readonly copies?: Copies
  readonly fate?: Fate
}
export type Surveyed = {
  readonly struct: string
  readonly reason?: string
  readonly revokes: readonly string[]
  readonly ways: readonly (Way & { readonly has: readonly string[] })[]
}
type Handler = {
  readonly func: Func
  readonly role: MapSite['role']
  readonly refusesWrite: boolean
  readonly refusesPrivate: boolean
  readonly dispatched: string | undefined
  readonly ops: string
}
type Ways = { readonly ways: readonly Way[]; readonly reason?: string }

/** The ops of a GEM object: its mapping is dispatched by drivers/gpu/drm/drm_gem.c:drm_gem_mmap_obj. */
const gemObject = 'drm_gem_object_funcs'

const takeUnderLock = {
  name: 'take-under-lock',
  text: 'Take a reference before the lock is dropped, and give it back where nothing is mapped; or keep the lock.',
}

/** What is known of the mappings of a tree. */
export class Mappings {
  readonly #code: Knowledge
  readonly #judge: Judge
  readonly #rules: Rules
  readonly #path: string
  readonly #sites: readonly MapSite[]
  readonly #known = new Map<Func, Ways>()
  readonly #lives: Lives

  constructor({ code, judge, options }: Context, sites: readonly MapSite[]) {
    this.#code = code
    this.#lives = new Lives(code)
    this.#judge = judge
    this.#rules = rulesFor({}, options)
    this.#path = options.path
    this.#sites = sites
  }

  site(site: MapSite): Site {
    if (site.role === 'fault') return this.#fault(site)
    const late = this.#late(site)
    if (late !== undefined) return late
    const { ways, reason } = this.#ways(site.func, site)
    if (reason !== undefined) return this.unknown(site, reason)
    const found = this.#verdict(site, ways)
    if (site.role !== 'inserts' || found.verdict !== 'broken') return found
    // It maps what it is told to.
    const callers = this.#code.callers(site.func)
    if (callers.length === 0)
      return this.unknown(site, 'it maps what it is told to, and no call of it is found', ways)
    const told = ways.map((w) => ({
      ...w,
      plan: { ...w.plan, checksSize: true, checksOffset: true, refusesPrivate: true },
    }))
    return this.#verdict(site, told, 'it maps what it is told to: its callers are judged where they call it')
  }

  /** What it maps was found under a lock, and is used when that is dropped. */
  #late(site: MapSite): Site | undefined {
    const found = foundUnderLock(this.#code, site.func)
    if (found === undefined) return undefined
    const name = `${site.func.name}-${site.func.line}-found`.replaceAll('_', '-')
    const judged = this.#judge.judge(liftFound(name, place(site.func), found, false), this.#rules)
    if (judged.verdict !== 'broken') return undefined
    const kept = this.#judge.judge(liftFound(`${name}-kept`, place(site.func), found, true), this.#rules)
    const { ways } = this.#ways(site.func, site)
    const { foundAt, droppedAt, usedAt, freed } = found
    const text = `${found.what} is found under ${found.lock.replace(/^\./, '')}, and used when that is dropped (${usedAt.file}:${usedAt.line}): ${freed.func}() takes it out and frees it (${found.entry}), and nothing keeps it.`
    const hop = (at: Place, what: string): Hop => ({ file: at.file, line: at.line, text: what })
    const escapes = [
      hop(foundAt, `found under ${found.lock.replace(/^\./, '')}`),
      hop(droppedAt, 'the lock is dropped'),
      hop(usedAt, 'used'),
      hop(freed, `freed by ${freed.func}()`),
    ]
    return brokenSite({ ...this.#base(site, ways), escapes }, judged, this.#rules, this.#path, {
      classes: ['use-after-unlock'],
      summary: text,
      repair: firstRepair([takeUnderLock], () => kept, this.#rules),
    })
  }

  /** A fault handler is judged with the handlers that give it to their mappings. */
  #fault(site: MapSite): Site {
    const { func } = site
    const users: Way[] = []
    const near = this.#code.moduleFiles(func.file)
    for (const s of this.#sites) {
      if (s.role === 'fault' || s.type === 'vm_fault') continue
      if (s.func.file.path !== func.file.path && !near.includes(s.func.file.path)) continue
      for (const w of this.#ways(s.func, s).ways)
        if (w.ops !== '' && isFunc(this.#faultOf(w.ops, s.func), func)) users.push(w)
    }
    if (users.length > 0) return this.#verdict(site, users)
    const ofObjects = this.#faultsOfObjects(func)
    const faults = this.#faults(func)
    if (typeof faults === 'string') return this.unknown(site, faults)
    if (ofObjects) {
      const way = {
        plan: {
          ...base(place(func)),
          checksSize: true,
          checksOffset: true,
          ...(faults.plan && { faults: faults.plan }),
          sets: ['VM_DONTDUMP', 'VM_DONTEXPAND', 'VM_IO', 'VM_PFNMAP'],
        },
        inserted: faults.inserted,
        ops: '',
        ending: empty,
      }
      return this.#verdict(site, [way], 'drm_gem_mmap_obj() has checked the length, and sets the flags')
    }
    if (faults.inserted.some((i) => i.fault))
      return this.unknown(site, 'it does not compare the offset, and no handler that uses it is seen')
    const way = {
      plan: {
        ...base(place(func)),
        ...(faults.plan && { faults: faults.plan }),
        sets: faults.plan?.by === 'vmf_insert_pfn' ? ['VM_PFNMAP'] : [],
        refusesPrivate: true,
      },
      inserted: faults.inserted,
      ops: '',
      ending: empty,
    }
    return this.#verdict(site, [way], 'whoever makes the mapping sets the flags that it needs')
  }

  #verdict(site: MapSite, ways: readonly Way[], contract?: string): Site {
    let unsure: string | undefined
    let shown: { way: Way; judged: Judged } | undefined
    for (const way of ways) {
      if (way.reason !== undefined) {
        unsure ??= way.reason
        continue
      }
      const sets = asked(way.plan)
      const all = sets.map((asks) => this.#ask(site, way.plan, asks))
      for (const [i, judged] of all.entries()) {
        if (judged.verdict !== 'broken') continue
        const one = sets[i]!.find((q) => this.#ask(site, way.plan, [q]).verdict === 'broken')
        if (one !== undefined) return this.#broken(site, way, one)
      }
      const judged = all.at(-1)!
      const bad = all.find((j) => j.verdict !== 'holds')
      if (bad !== undefined) unsure ??= bad.reason ?? `in the model it is ${bad.verdict}`
      else if (way.fate?.is === 'unseen')
        unsure ??= `how long what it maps lives is not seen: ${way.fate.why}`
      else if (shown === undefined || tells(way) > tells(shown.way)) shown = { way, judged }
    }
    if (unsure !== undefined || shown === undefined)
      return this.unknown(site, unsure ?? 'no way through it is understood', ways)
    const { way, judged } = shown
    const by = contract ?? ways.map((w) => w.contract).find((c) => c !== undefined)
    const text = by === undefined ? sentence(way) : `Holds by contract: ${by}.`
    return {
      ...this.#base(site, ways),
      verdict: 'holds',
      classes: [],
      ...(by !== undefined && { contract: by }),
      ...(ways.some((w) => w.inserted.some((i) => handsOn(i.helper))) && { handsOn: true as const }),
      summary: text,
      litmus: this.#litmus(site, judged, text),
    }
  }

  #broken(site: MapSite, way: Way, question: Question): Site {
    const judged = this.#ask(site, way.plan, [question])
    const code = judged.result!.broken[0]!.code
    const cls =
      code === 'kernel-bug' && question !== 'private'
        ? 'inconsistent-flags'
        : question === 'offset' && way.plan.wraps === true
          ? 'page-count-overflow'
          : question === 'freed' && way.plan.freed?.by === 'removal'
            ? 'no-revocation'
            : classes[question]
    const text = question === 'freed' || question === 'memory' ? freedSentence(way) : said[cls]!
    return brokenSite(this.#base(site, [way]), judged, this.#rules, this.#path, {
      classes: [cls],
      summary: text,
      repair: firstRepair(
        repairs[cls] ?? [],
        (fix) => this.#ask(site, fix.apply(way.plan), [question], `-${fix.name}`),
        this.#rules,
      ),
    })
  }

  #ask(site: MapSite, plan: MapPlan, asks: readonly Question[], name = ''): Judged {
    const here = { ...plan, at: place(site.func) }
    return this.#judge.judge(
      liftMapping(`${site.func.name}-${site.func.line}${name}`.replaceAll('_', '-'), here, asks),
      this.#rules,
    )
  }

  #litmus({ func }: MapSite, j: Judged, text: string): NonNullable<Site['litmus']> {
    return liftedTest(j, this.#rules, { file: func.file.path, line: func.line, function: func.name }, text)
  }

  unknown(site: MapSite, reason: string, ways: readonly Way[] = []): Site {
    return unknownSite(this.#base(site, ways), reason, site.func.name)
  }

  #base(
    { func, role }: MapSite,
    ways: readonly Way[],
  ): Pick<
    Site,
    'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags' | 'guard' | 'hold' | 'escapes'
  > {
    const inserted = ways.flatMap((w) => w.inserted)
    const flags = new Set(ways.flatMap((w) => [...w.plan.sets, ...w.plan.clears.map((f) => `-${f}`)]))
    return {
      file: func.file.path,
      line: func.line,
      column: func.column,
      function: func.name,
      api: [...new Set(inserted.map((i) => i.api))].join(', ') || role,
      kind: mapOutKind,
      flags: [...flags].sort(),
      guard: guardOf(ways),
      hold: 'longterm',
      escapes: [...hops(inserted), ...freedAt(ways)],
    }
  }

  /** What the survey says of a handler. */
  survey(site: MapSite): Surveyed {
    const { ways, reason } = this.#ways(site.func, site)
    const table = opsOf(site.func.file).find(
      (o) => o.func === site.func.name && handlerFields.includes(o.field),
    )
    const revokes = revokers.filter((n) => this.#code.moduleWith(site.func.file, n).length > 0)
    return {
      struct: table?.struct ?? '',
      ...(reason !== undefined && { reason }),
      revokes,
      ways: ways.map((w) => {
        const vmOps = this.#table(w.ops, site.func)
        return {
          ...w,
          has:
            vmOps === undefined
              ? []
              : ['open', 'close', 'fault', 'may_split'].filter((f) => fieldOf(vmOps, f) !== undefined),
        }
      }),
    }
  }

  // ── The ways of a handler ──────────────────────────────────────────────────────────────────────────────────────────

  #ways(func: Func, site: MapSite): Ways {
    let ways = this.#known.get(func)
    if (ways === undefined) {
      ways = this.#findWays(func, site)
      this.#known.set(func, ways)
    }
    return ways
  }

  #findWays(func: Func, site: MapSite): Ways {
    const given = func.params.map((_, i) => ({
      from: i === site.param ? (site.type === 'vm_fault' ? From.vmf : From.vma) : 0,
    }))
    const endings = walk(this.#code, func, given)
    if (endings === undefined) return { ways: [], reason: 'there are more ways through it than are followed' }
    if (site.type === 'vm_fault') {
      const f = this.#faults(func)
      return typeof f === 'string'
        ? { ways: [], reason: f }
        : {
            ways: [
              {
                ending: empty,
                plan: {
                  ...base(place(func)),
                  refusesPrivate: true,
                  sets: ['VM_PFNMAP'],
                  ...(f.plan && { faults: f.plan }),
                },
                inserted: f.inserted,
                ops: '',
                contract: 'its callers are judged where they call it',
              },
            ],
          }
    }
    // mm/vma.c:__mmap_new_file_vma: whatever is not 0 is an error.
    const isError = (is: string | undefined): boolean =>
      is === 'negative' || (is === 'positive' && site.role === 'mmap')
    const good = endings.filter((e) => !isError(e.value.is))
    if (good.length === 0)
      return {
        ways: [{ ending: empty, plan: { ...base(place(func)), refuses: true }, inserted: [], ops: '' }],
      }
    const set = this.#opsBeside(func)
    // Where one way says that it is done, or maps, an answer that is not known is an error's.
    const done = good.some((e) => e.value.is === 'zero' || e.facts.inserted.length > 0)
    const ending = good.map((e) =>
      set !== '' &&
      e.facts.ops === '' &&
      (e.value.is === 'zero' || !done) &&
      !e.facts.inserted.some((i) => handsOn(i.helper))
        ? { ...e, facts: { ...e.facts, ops: set } }
        : e,
    )
    const mapping = ending.filter((e) => e.facts.inserted.length > 0 || e.facts.ops !== '')
    const all = mapping.length > 0 ? mapping : ending
    const by = this.#dispatcher(func)
    const refusesPrivate = by?.refusesCow === true || this.#refusedElsewhere(func)
    const handler = {
      func,
      role: site.role,
      refusesPrivate,
      dispatched: by?.size === false ? undefined : by?.says,
      // Where the way does not say so: it may be set behind what fails on this one.
      ops: all.map((e) => e.facts.ops).find((o) => o !== '') ?? '',
    }
    // Where it asks whether the mapping is writable, and goes on with none that is.
    const goesOn = new Set(good.flatMap((e) => e.facts.writable))
    const refusesWrite = (e: Ending): boolean => e.facts.unwritable.some((p) => !goesOn.has(p))
    return { ways: all.map((e) => this.#way(e, { ...handler, refusesWrite: refusesWrite(e) })) }
  }

  /** Who has looked at the mapping before the handler gets it, by the ops table that it stands in. */
  #dispatcher(func: Func): Dispatcher | undefined {
    for (const o of this.#standsIn(func)) {
      const found = handlerFields.includes(o.field) ? dispatchers.get(o.struct) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The vm_ops that the dispatcher has set from the table of the handler: drivers/gpu/drm/drm_gem.c:drm_gem_mmap_obj. */
  #opsBeside(func: Func): string {
    for (const o of this.#standsIn(func)) {
      if (o.field !== 'mmap' || o.struct !== gemObject) continue
      const beside = opsOf(o.file).find((x) => x.table === o.table && x.field === 'vm_ops')
      if (beside !== undefined) return beside.func
    }
    return ''
  }

  /** The places of tables that it is in, itself or by a header's function that calls it. */
  #standsIn(func: Func): readonly OpsEntry[] {
    const files = func.static ? [func.file] : this.#code.moduleWith(func.file, func.name)
    return files.flatMap((file) =>
      opsOf(file).filter((o) => o.func === func.name || (!func.static && this.#leadsTo(o, func))),
    )
  }

  #leadsTo(o: OpsEntry, func: Func): boolean {
    if (!handlerFields.includes(o.field)) return false
    const by = this.#code.resolve(o.func, o.file)
    return by?.file.path.endsWith('.h') === true && by.mentions(func.name)
  }

  /** Whether it is the fault handler of GEM objects that have no `mmap` of their own. */
  #faultsOfObjects(func: Func): boolean {
    return this.#standsIn(func).some((vm) =>
      this.#code
        .moduleWith(vm.file, vm.table)
        .some((file) =>
          opsOf(file).some(
            (o, _, all) =>
              o.func === vm.table &&
              ((o.struct === gemObject && o.field === 'vm_ops') ||
                (o.struct === 'drm_driver' && o.field === 'gem_vm_ops')) &&
              !all.some((x) => x.table === o.table && x.field === 'mmap'),
          ),
        ),
    )
  }

  /** Its get_unmapped_area refuses private mappings. */
  #refusedElsewhere(func: Func): boolean {
    const tables = new Set(
      opsOf(func.file)
        .filter((o) => o.func === func.name)
        .map((o) => o.table),
    )
    return opsOf(func.file).some((o) => {
      if (o.field !== 'get_unmapped_area' || !tables.has(o.table)) return false
      const area = this.#code.resolveHere(o.func, func.file)
      return (
        area !== undefined &&
        /\bMAP_(PRIVATE|SHARED)\b/.test(func.file.source.text.slice(area.start, area.end))
      )
    })
  }

  #way(ending: Ending, handler: Handler): Way {
    const { func, role, refusesWrite, refusesPrivate, dispatched, ops } = handler
    const { facts } = ending
    const plain = { ending, plan: base(place(func)), inserted: facts.inserted, ops: facts.ops }
    const own = facts.inserted.filter((i) => i.helper.inserts !== 'either' || i.helper.contract === undefined)
    const first = own.find((i) => i.size || i.offset) ?? own[0] ?? facts.inserted[0]
    const theirs = /^\w*$/.test(facts.ops)
      ? undefined
      : `its faults go to ${facts.ops}, whose functions are judged themselves`
    const contract =
      facts.inserted.map((i) => i.helper.contract).find((c) => c !== undefined) ?? dispatched ?? theirs
    let faults: MapPlan['faults']
    let { inserted } = facts
    let reason: string | undefined
    if (facts.ops !== '' && facts.ops !== 'NULL' && theirs === undefined) {
      const handler = this.#faultOf(facts.ops, func)
      if (handler === undefined && first === undefined)
        reason = `what ${facts.ops} does at a fault is not seen`
      if (handler !== undefined && handler !== 'none') {
        const f = this.#faults(handler)
        if (typeof f === 'string') reason = f
        else {
          // It fills all of the mapping at once: then the length that mmap has compared is what bounds it.
          const fills = f.inserted.find((i) => i.size)
          faults =
            f.plan && fills ? { ...f.plan, checks: false, moves: true, relative: true, at: fills.at } : f.plan
          // The core's own inserts in either way, by the flags: into a mixed mapping as that wants it.
          if (faults !== undefined && helpers.has(handler.name) && facts.set.includes('VM_MIXEDMAP'))
            faults = { ...faults, by: 'finish_fault' }
          inserted = [...inserted, ...f.inserted]
        }
      }
    }
    const copies = this.#copies(facts.ops, func, facts.set.includes('VM_DONTCOPY'))
    if (typeof copies === 'string') reason ??= copies
    const handedOn = role !== 'mmap' || dispatched !== undefined || facts.inserted.some((x) => x.helper.keeps)
    const fate = handedOn ? undefined : this.#fate(inserted, facts.ops === '' ? ops : facts.ops, func)
    // A lock keeps faults away from what is about to be freed, if both take it.
    const faulting =
      fate?.is === 'zapped' && faults !== undefined ? this.#faultOf(facts.ops, func) : undefined
    let locked = false
    if (fate?.is === 'zapped' && typeof faulting === 'object') {
      const taken = locksOf(this.#code, faulting, 1)
      locked = taken.some((l) => fate.route.locks.includes(l))
      if (!locked && taken.length > 0)
        reason ??= `whether a fault can map it again before ${fate.route.at.func}() frees it is not seen`
    }
    if (facts.lost !== '') reason ??= facts.lost
    const unsure = facts.inserted.find((i) => i.unsure)
    if (unsure !== undefined)
      reason ??= `whether what is asked before ${unsure.api}() compares the length is not seen`
    const bare = inserted.find((i) => i.bare && (i.size || i.offset || i.fault))
    if (bare !== undefined && dispatched === undefined)
      reason ??= `the offset itself is the frame that ${bare.api}() maps: whose memory that is cannot be seen`
    const handed = first !== undefined && first.helper.inserts === 'either'
    const remaps = first !== undefined && (handed ? facts.set.includes('VM_PFNMAP') : !first.helper.counts)
    const plan: MapPlan = {
      at: place(func),
      refusesPrivate: facts.shared || refusesPrivate,
      refusesWrite,
      checksSize:
        dispatched !== undefined ||
        (first === undefined ? facts.measured || (facts.bounded & From.size) !== 0 : !first.size),
      checksOffset:
        dispatched !== undefined ||
        (first === undefined ? (facts.bounded & From.offset) !== 0 : !first.offset),
      ...(dispatched === undefined && first?.offset === true && first.wraps && { wraps: true as const }),
      sets: facts.set,
      clears: facts.cleared,
      ...(first !== undefined && {
        inserts: {
          by: remaps ? ('remap_pfn_range' as const) : ('vm_insert_pages' as const),
          whole: true,
          moves: first.moves || first.helper.checks === 'full',
          at: first.at,
        },
      }),
      ...(faults !== undefined && first === undefined && { faults }),
      ...(opsOf(func.file).some((o) => o.func === func.name && mapsDmaBuf.has(o.struct)) && {
        exported: true as const,
      }),
      ...(fate?.is === 'wrong' && { memory: fate.how }),
      ...freedOf(fate, typeof copies === 'object', locked),
      ...(typeof copies === 'object' && {
        counts: {
          mmap: copies.mmap,
          own: copies.own,
          open: copies.opens,
          ...(copies.opens && copies.open && { openAt: copies.open }),
          closeAt: copies.drops,
          how: copies.how,
        },
      }),
    }
    return {
      ...plain,
      plan,
      inserted,
      ...(typeof copies === 'object' && { copies }),
      ...(fate !== undefined && { fate }),
      ...(contract !== undefined && { contract }),
      ...(reason !== undefined && { reason }),
    }
  }

  /** What becomes of the memory that a way maps without references to its pages. */
  #fate(inserted: readonly Insertion[], ops: string, func: Func): Fate | undefined {
    const tables = opsOf(func.file).filter((o) => o.func === func.name && handlerFields.includes(o.field))
    const counted = this.#counted(ops, func)
    let found: Fate | undefined
    for (const i of inserted) {
      if (i.of === undefined) continue
      if (i.helper.counts) {
        // What a fault handler gives is mapped whatever it is; a reference does not keep an object of the slab allocator.
        const slab = i.api === 'vmf->page' ? this.#lives.of(i.of.func, i.of.expr, counted).slab : undefined
        if (slab !== undefined) return { is: 'wrong', how: 'slab', at: slab }
        continue
      }
      const life = this.#lives.of(i.of.func, i.of.expr, counted)
      const fate = fateOf(
        life,
        tables,
        counted,
        (name, table) =>
          opsOf(func.file).some((o) => o.table === table && o.field === 'release' && o.func === name),
        func.file.source.text.includes('suppress_bind_attrs'),
      )
      if (fate.is === 'freed' || fate.is === 'wrong') return fate
      if (found === undefined || fateRank(fate) > fateRank(found)) found = fate
    }
    return found
  }

  #counted(ops: string, handler: Func): ReadonlySet<string> {
    const table = ops === '' || ops === 'NULL' ? undefined : this.#table(ops, handler)
    const funcs = ['open', 'close'].map((f) => {
      const name = table && fieldOf(table, f)
      return name === undefined ? undefined : this.#code.resolve(name, table!.file)
    })
    // A mapping holds its file: what counts opens counts it, too.
    const tables = opsOf(handler.file).filter((o) => o.func === handler.name)
    for (const o of opsOf(handler.file))
      if (/^(fb_)?open$/.test(o.field) && tables.some((t) => t.table === o.table))
        funcs.push(this.#code.resolveHere(o.func, handler.file))
    return countedBy(this.#code, funcs)
  }

  #copies(ops: string, handler: Func, dontcopy: boolean): Copies | string | undefined {
    const table = ops === '' || ops === 'NULL' ? undefined : this.#table(ops, handler)
    const closes = table && fieldOf(table, 'close')
    const close = closes === undefined ? undefined : this.#code.resolve(closes, table!.file)
    if (close === undefined) return undefined
    const opens = fieldOf(table!, 'open')
    const mapped = fieldOf(table!, 'mapped')
    const open = opens === undefined ? undefined : this.#code.resolve(opens, table!.file)
    if (opens !== undefined && open === undefined) return `what ${opens}() takes is not seen`
    return copiesOf(
      this.#code,
      handler,
      { open, close, mapped: mapped === undefined ? undefined : this.#code.resolve(mapped, table!.file) },
      {
        dontcopy,
        maySplit: (fieldOf(table!, 'may_split') ?? fieldOf(table!, 'split')) !== undefined,
      },
    )
  }

  /** The fault handler of a vm_ops; `none`: it has none. */
  #faultOf(ops: string, func: Func): Func | 'none' | undefined {
    const table = this.#table(ops, func)
    if (table === undefined) return undefined
    const name = fieldOf(table, 'fault') ?? fieldOf(table, 'huge_fault')
    return name === undefined ? 'none' : this.#code.resolve(name, table.file)
  }

  #table(name: string, func: Func): Global | undefined {
    if (
      !/^\w+$/.test(name) ||
      func.params.some((p) => p.name === name) ||
      func.body.locals.some((l) => l.name === name)
    )
      return undefined
    const withValue = (g: Global | undefined): Global | undefined =>
      g?.value?.kind === 'init' ? g : undefined
    const here = withValue(func.file.globals.findLast((g) => g.name === name && g.value !== undefined))
    if (here !== undefined) return here
    for (const file of this.#code.moduleWith(func.file, name)) {
      const found = withValue(file.globals.findLast((g) => g.name === name && g.value !== undefined))
      if (found !== undefined) return found
    }
    // Short names stand in half of the tree, and are not looked for.
    if (!/_\w{6,}/.test(name)) return undefined
    for (const file of this.#code.mentioning(name)) {
      const found = withValue(file.globals.findLast((g) => g.name === name && g.value !== undefined))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** What a fault handler inserts; a string: why that is not known. */
  #faults(
    func: Func,
  ): { readonly plan?: NonNullable<MapPlan['faults']>; readonly inserted: readonly Insertion[] } | string {
    const known = helpers.get(func.name)
    if (known !== undefined)
      return {
        inserted: [],
        plan: {
          by: known.inserts === 'pfn' ? 'vmf_insert_pfn' : 'finish_fault',
          checks: known.checks === 'full',
          moves: true,
          at: place(func),
        },
      }
    const at = func.params.findIndex((p) => p.type.base === 'struct vm_fault')
    if (at < 0) return `what ${func.name}() does at a fault is not seen`
    const endings = walk(
      this.#code,
      func,
      func.params.map((_, i) => ({ from: i === at ? From.vmf : 0 })),
    )
    if (endings === undefined) return `there are more ways through ${func.name}() than are followed`
    const good = endings.filter((e) => e.value.is !== 'negative')
    const inserted = good.flatMap((e) => e.facts.inserted)
    const first = inserted.find((i) => i.fault) ?? inserted[0]
    if (first === undefined) {
      const lost = good.find((e) => e.facts.lost !== '')
      if (lost !== undefined) return lost.facts.lost
      return { inserted: [] }
    }
    return {
      inserted,
      plan: {
        by: first.helper.inserts === 'pfn' ? 'vmf_insert_pfn' : 'finish_fault',
        checks: !first.fault,
        moves: first.moves || first.helper.contract !== undefined,
        relative: first.relative,
        at: first.at,
      },
    }
  }
}

/** What a user or a removal does to the memory, as the test has it. */
function freedOf(fate: Fate | undefined, counts: boolean, locked: boolean): Pick<MapPlan, 'freed'> {
  if (fate?.is === 'freed' || fate?.is === 'zapped')
    return {
      freed: {
        how: fate.is === 'freed' ? 'free' : locked ? 'refuse' : 'zap',
        by: fate.by,
        at: fate.route.at,
        ...(fate.route.zaps && { zapAt: fate.route.zaps }),
      },
    }
  if (fate?.is === 'kept' && fate.counted !== undefined && counts)
    return { freed: { how: 'put', by: 'user', at: fate.counted.at } }
  return {}
}

/** Of several ways the one is shown in which most is asked. */
const tells = ({ inserted, plan }: Way): number =>
  (inserted.length > 0 ? 1 : 0) +
  (plan.counts === undefined ? 0 : 2) +
  (plan.freed === undefined ? 0 : 2) +
  // What a dma-buf should not be is what is asked about it.
  (plan.exported === true && !plan.sets.includes('VM_PFNMAP') ? 4 : 0)

const fateRank = (f: Fate): number => ['device', 'kept', 'zapped', 'unseen', 'freed', 'wrong'].indexOf(f.is)

const isFunc = (found: Func | 'none' | undefined, func: Func): boolean =>
  found !== undefined && found !== 'none' && found.name === func.name && found.file.path === func.file.path

const empty: Ending = { facts: start, value: { from: 0 } }
const base = (at: Place): MapPlan => ({
  at,
  refusesPrivate: false,
  refusesWrite: false,
  checksSize: false,
  checksOffset: false,
  sets: [],
  clears: [],
})
const place = (func: Func): Place => ({ file: func.file.path, line: func.line, func: func.name })

/** What is asked in one test. */
function asked(plan: MapPlan): readonly (readonly Question[])[] {
  if (plan.refuses) return [[]]
  const bounds = questions.filter(
    (q) => q !== 'copy' && q !== 'freed' && q !== 'memory' && (q !== 'upgrade' || plan.refusesWrite),
  )
  // What mmap makes for one mapping goes with the first of several; and what is freed is gone.
  if (plan.memory !== undefined) return [['memory']]
  const freed: Question[][] = plan.freed === undefined ? [] : [['freed']]
  if (plan.counts === undefined) return [bounds, ...freed]
  return plan.counts.own ? [bounds, ['copy'], ...freed] : [[...bounds, 'copy'], ...freed]
}

function fieldOf(table: Global, field: string): string | undefined {
  if (table.value?.kind !== 'init') return undefined
  const item = table.value.items.find((i) => i.path.length === 1 && i.path[0] === `.${field}`)
  return item && nameOf(item.value)
}
const nameOf = (e: Expr): string | undefined =>
  e.kind === 'name' && e.name !== 'NULL'
    ? e.name
    : e.kind === 'unary' && e.op === '&'
      ? nameOf(e.of)
      : undefined
