import {
  type Call,
  type Cleanup,
  type CType,
  type Expr,
  type Func,
  type Local,
  type Stmt,
  visit,
} from '../../source/index.ts'
import type { Code, GraphNode } from '../code.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import { mismatch } from '../protocols/reference.ts'
import { Table } from '../table.ts'
import type { Place } from '../trace/event.ts'
import { substitute } from '../ways/macros.ts'
import { caseOf, decide, isConstant, type Known, learn, normal, sign, signOf } from '../ways/facts.ts'
import { reachIn } from '../ways/live.ts'
import { namesOf } from '../ways/names.ts'
import {
  type Assignment,
  type Branches,
  type Ends,
  type Frame,
  type Located,
  result,
  type Subject,
  type Unary,
  type Waiting,
  type Out as WayOut,
} from '../ways/subject.ts'
import {
  calculate,
  isForeign,
  isLocal,
  minusOf,
  nothing,
  number,
  one,
  partOf,
  pointee,
  rootOf,
  type Sym,
  unseen,
  within,
  withoutOuter,
} from '../ways/symbols.ts'
import { ownerOf, typeOf } from '../ways/types.ts'
import { Apart, Different, Joined } from '../ways/waiting.ts'
import { clip, TooManyWays, Ways } from '../ways/ways.ts'
import { leavesAlone } from './effects.ts'
import type { Ending, Holding, HoldingEvent, HoldingSite } from './event.ts'
import * as words from './words.ts'

/** There are too many ways: these are the ends of those that were gone. */
export class Unfinished extends Error {
  readonly sofar: readonly Ending[]

  constructor(sofar: readonly Ending[]) {
    super('there are too many ways')
    this.sofar = sofar
  }
}

type Val = Sym & {
  /** It is a page of this acquisition, or its memory (`form`), or the number of pages that it gave. */
  readonly hold?: number
  readonly form?: Form
  /** Any of several pages. */
  readonly element?: boolean
  /** It stood in one of several structs: that this page stands in that one is not known. */
  readonly slot?: boolean
  readonly got?: number
  /** Each of them, in a loop over all. */
  readonly every?: boolean
  /** A sum that the number of pages of this acquisition is a part of. */
  readonly part?: number
  /** It is counted down from this. */
  readonly down?: { readonly sym: string; readonly got?: number }
}

/** The page itself, its memory, or a number that says where it is. */
type Form = 'page' | 'memory' | 'number'
const valueText = (v: Val): string => `${v.sym}/${v.ref ?? ''}/${v.hold ?? ''}/${v.got ?? ''}/${v.part ?? ''}`

type Out = WayOut<State, Val>

const { minus, zero, plus, any: anySign } = sign

/** One point of a path. Changed only by its owner: `fork()` first. */
class State implements Known<Val> {
  readonly env: Table<Val>
  readonly signs: Table<number>
  readonly facts: Table<boolean>
  readonly holds: Map<
    number,
    Holding & {
      readonly asked: Val
      /** The array, or the part of one, that it was given. */
      readonly into?: string | undefined
      readonly inside?: boolean | undefined
      /** How many it was asked for the last time. */
      readonly last?: Val
      /** One by one, they were put into an array. */
      readonly spread?: boolean
      /** References that were added to what the call took. */
      readonly extra?: number
      readonly checked?: boolean
      readonly counted?: boolean
    }
  >
  events: readonly HoldingEvent[]
  rounds: Map<number, number>
  /** Objects that others can find. */
  readonly published: Set<string>
  locked: 'taken' | 'asserted' | 'unseen'
  /** What was taken that forbids to sleep, the innermost last. */
  atomic: readonly string[]

  constructor(from?: State) {
    this.env = from?.env.fork() ?? new Table(valueText)
    this.signs = from?.signs.fork() ?? new Table(String)
    this.facts = from?.facts.fork() ?? new Table(String)
    this.holds = new Map(from?.holds)
    this.events = from?.events ?? []
    this.rounds = new Map(from?.rounds)
    this.published = new Set(from?.published)
    this.locked = from?.locked ?? 'unseen'
    this.atomic = from?.atomic ?? []
  }

  fork(): State {
    return new State(this)
  }

  key(): string {
    const holds = [...this.holds.values()].map(
      (h) =>
        `${h.id}${h.outcome}${h.left}${h.unclear ?? ''}${h.wrong ?? ''}${h.written}${h.dirtied}${h.checked === true}${h.counted === true}${h.extra ?? ''}${h.handed ?? ''}${h.site.call.start}`,
    )
    return `${this.env.digest}|${this.signs.digest}|${this.facts.digest}|${holds.join()}|${this.locked}${this.atomic.length}|${[...this.published].join()}|${[...this.rounds].filter(([, n]) => n > 1).join()}`
  }

  /** What a path is asked in the end: how its acquisitions stand, and what names them. Paths that are alike in it may be joined. */
  standing(): string {
    const env: string[] = []
    for (const [k, v] of this.env)
      if (this.#open(v.hold) || this.#open(v.got) || v.sym.includes('FOLL_'))
        env.push(`${k}=${v.hold ?? v.sym}/${v.form ?? ''}/${v.got ?? ''}/${v.element ?? ''}`)
    let key = `${env.sort().join(';')}|${this.locked}${this.atomic.length}`
    const holds: string[] = []
    for (const h of this.holds.values())
      if (h.unclear !== undefined) holds.push(`${h.id}?${h.wrong ?? ''}`)
      else if (this.#open(h.id))
        holds.push(
          `${h.id}${h.outcome}${h.written}${h.dirtied}${h.checked === true}${h.counted === true}${h.extra ?? ''}${h.handed !== undefined}`,
        )
      else if (h.outcome !== 'none') holds.push(`${h.id}-${h.wrong ?? ''}${h.written}${h.dirtied}`)
    key += holds.sort().join()
    // Whether a loop over what is there had its round decides how it is left.
    const once = this.live ? 1 : 2
    for (const [at, n] of this.rounds) if (n >= once) key += `|${at}`
    return key
  }

  /** Something is still to be done about it. */
  #open(id: number | undefined): boolean {
    if (id === undefined) return false
    const h = this.holds.get(id)!
    return h.left !== 'nothing' && h.unclear === undefined
  }

  /**
   * Becomes what is true of either path; they stand alike. What has another value in each gets a new name, the same for all
   * that has the same two, so what was equal in both still is. Tells whether anything changed.
   */
  join(o: State, at: string): boolean {
    let changed = false
    const names = new Map<string, string>()
    const signs = new Map<string, number>()
    const either = (loc: string, a: Val, b: Val): Val => {
      const pair = `${a.sym}\n${b.sym}`
      let sym = names.get(pair)
      if (sym === undefined) {
        sym = `${at}~${loc}`
        names.set(pair, sym)
        signs.set(sym, signOf(a, this) | signOf(b, o))
      }
      if (sym !== a.sym) changed = true
      const { hold, form, element, got, part } = a
      // What may be NULL still points nowhere else.
      const ref = a.ref === b.ref || b.num === 0 ? a.ref : a.num === 0 ? b.ref : undefined
      return {
        sym,
        ref: ref ?? clip(`*${sym}`),
        ...(hold !== undefined && hold === b.hold && { hold }),
        ...(form !== undefined && form === b.form && { form }),
        ...(element !== undefined && { element }),
        ...(got !== undefined && got === b.got && { got }),
        ...(part !== undefined && part === (b.part ?? b.got) && { part }),
      }
    }
    for (const loc of new Set([...this.env.keys(), ...o.env.keys()])) {
      const a = this.env.get(loc) ?? valueAt(loc, this)
      const b = o.env.get(loc) ?? valueAt(loc, o)
      if (a.sym !== b.sym || a.ref !== b.ref) this.env.set(loc, either(loc, a, b))
    }
    for (const [id, h] of this.holds) {
      const other = o.holds.get(id)
      if (other === undefined) continue
      if (h.asked.sym !== other.asked.sym)
        this.holds.set(id, { ...h, asked: either(`${id}#asked`, h.asked, other.asked) })
      if (h.flags !== other.flags && h.flags !== undefined) {
        const { flags: _, ...rest } = this.holds.get(id)!
        this.holds.set(id, { ...rest, flags: undefined })
        changed = true
      }
    }
    for (const [id, h] of o.holds) {
      const mine = this.holds.get(id)
      // Which calls failed is the same to us.
      if (mine === undefined) this.holds.set(id, h)
      else if (mine.unclear === undefined && h.unclear !== undefined) this.holds.set(id, h)
    }
    for (const [sym, sign] of this.signs) {
      if (signs.has(sym)) continue
      const both = sign | (o.signs.get(sym) ?? anySign)
      if (both === sign) continue
      changed = true
      if (both === anySign) this.signs.delete(sym)
      else this.signs.set(sym, both)
    }
    for (const [sym, sign] of signs) {
      if ((this.signs.get(sym) ?? anySign) !== sign) changed = true
      if (sign === anySign) this.signs.delete(sym)
      else this.signs.set(sym, sign)
    }
    for (const [k, yes] of this.facts)
      if (o.facts.get(k) !== yes) {
        this.facts.delete(k)
        changed = true
      }
    for (const [head, n] of o.rounds)
      if ((this.rounds.get(head) ?? 0) < n) {
        this.rounds.set(head, n)
        changed = true
      }
    for (const p of o.published)
      if (!this.published.has(p)) {
        this.published.add(p)
        changed = true
      }
    return changed
  }

  surely(v: Val): number | undefined {
    if (v.part !== undefined) return plus
    if (v.got !== undefined && (v.sym.startsWith('short#') || v.sym === this.holds.get(v.got)?.asked.sym))
      return plus
    return v.sym.startsWith('&') || v.hold !== undefined || v.sym.startsWith('new@') ? plus : undefined
  }

  compared(op: '<' | '==', a: Val, b: Val): boolean | undefined {
    const sides = [
      [a, b, true],
      [b, a, false],
    ] as const
    const asked = (v: Val, w: Val, outcome: (h: Holding) => boolean): boolean => {
      const h = v.got === undefined ? undefined : this.holds.get(v.got)!
      return h !== undefined && outcome(h) && (w.sym === h.asked.sym || w.sym === h.last?.sym)
    }
    for (const [v, w, less] of sides)
      if (asked(v, w, (h) => h.outcome === 'short')) return op === '==' ? false : less
    // A page that is there is no error, and nor is its number.
    for (const [v, w] of sides)
      if (op === '==' && v.hold !== undefined && v.form !== 'memory' && w.num === undefined && isConstant(w))
        return false
    // An error is never a number of pages.
    for (const [v, w, less] of sides)
      if (asked(v, w, () => signOf(v, this) === minus)) return op === '==' ? false : less
    return undefined
  }

  say(e: HoldingEvent): void {
    this.events = [...this.events, e]
  }

  change(
    id: number,
    by: Partial<Holding> & {
      readonly checked?: boolean
      readonly counted?: boolean
      readonly last?: Val
      readonly extra?: number
      readonly spread?: boolean
    },
  ): void {
    this.holds.set(id, { ...this.holds.get(id)!, ...by })
  }

  get live(): boolean {
    for (const h of this.holds.values()) if (h.left !== 'nothing') return true
    return false
  }
}

const most = { visits: 2_000, joined: 12_000, depth: 6, rounds: 2, events: 200 }

/** Goes every way through a function and says what has become of the pages that its calls acquire. */
export class HoldingWalk implements Subject<State, Val> {
  readonly nothing: Val = nothing
  readonly one: Val = one
  readonly number = number
  readonly #ways: Ways<State, Val>
  readonly #code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #towards: ReadonlySet<Func>
  readonly #ended: Out[] = []
  readonly #conds = new Map<Func, ReadonlyMap<Expr, Stmt | undefined>>()
  readonly #ids = new Map<Expr, number>()
  readonly #joins: boolean
  readonly #only: Expr | undefined
  readonly #kernel: boolean

  /**
   * `towards`: functions that are walked into when they are called, since a site lies behind them. `joins`: paths on which the
   * acquisitions stand alike go on as one where they meet. What always holds of that holds of each of them; that one of them goes wrong
   * may be an error. `only`: the one call that is followed; what others take is a value like any other. `kernel`: its iterator is over
   * memory of the kernel.
   */
  constructor(
    code: Code,
    apis: ReadonlyMap<string, ReferenceApi>,
    towards: ReadonlySet<Func>,
    how: {
      readonly joins?: boolean
      readonly most?: number
      readonly only?: Expr
      readonly kernel?: boolean
    } = {},
  ) {
    this.#kernel = how.kernel ?? false
    this.#joins = how.joins ?? false
    this.#only = how.only
    this.#code = code
    this.#ways = new Ways<State, Val>(code, this, how.most ?? (this.#joins ? most.joined : most.visits))
    this.#apis = apis
    this.#towards = towards
  }

  run(func: Func): Ending[] {
    try {
      return this.#endings(
        func,
        this.#ways.through(func, () => new State()),
      )
    } catch (e) {
      if (e instanceof TooManyWays) throw new Unfinished(this.#endings(func, this.#ended))
      throw e
    }
  }

  #endings(func: Func, outs: readonly Out[]): Ending[] {
    const end: Place = { file: func.file.path, line: func.endLine, func: func.name }
    return outs.flatMap(({ s, v }) =>
      [...s.holds.values()]
        .filter((h) => h.outcome !== 'none')
        .map(
          (holding): Ending => ({
            holding,
            ...this.#kept(holding.id, s, v, func),
            events: s.events,
            end,
            failed: signOf(v, s) === minus || v.sym.startsWith('ERR_PTR('),
          }),
        ),
    )
  }

  // ── Where it is reached from ───────────────────────────────────────────────────────────────────────────────────────

  #kept(id: number, s: State, returned: Val, func: Func): { kept: Ending['kept']; place?: string } {
    const found = this.#keeper(id, s, returned, func)
    const { handed } = s.holds.get(id)!
    // Who knows where it is may well be who has it given back.
    if (found.kept !== 'nowhere') return found
    const { stored } = s.holds.get(id)!
    if (stored !== undefined) return { kept: 'elsewhere', place: stored }
    return handed === undefined ? found : { kept: 'elsewhere', place: `what ${handed}() was told` }
  }

  #keeper(id: number, s: State, returned: Val, func: Func): { kept: Ending['kept']; place?: string } {
    const at = [...s.env].filter(([, v]) => v.hold === id).map(([loc]) => loc)
    if (returned.hold === id) return { kept: 'caller', place: `what ${func.name}() returns` }
    const objects = new Set<string>(at.map(rootOf))
    let caller: string | undefined
    for (let grown = true; grown; ) {
      grown = false
      for (const o of objects) {
        if (isForeign(o)) {
          if (o.startsWith('*') && /^\**\(?\*?0:/.test(o)) caller ??= o
          else return { kept: 'elsewhere', place: readable(at.find((l) => rootOf(l) === o) ?? o) }
          continue
        }
        if (returned.ref !== undefined && rootOf(returned.ref) === o)
          return { kept: 'caller', place: `what ${func.name}() returns` }
        if (s.published.has(o)) return { kept: 'elsewhere', place: 'an object that others find' }
        for (const [loc, v] of s.env)
          if (
            v.ref !== undefined &&
            rootOf(v.ref) === o &&
            !objects.has(rootOf(loc)) &&
            !isLocal(rootOf(loc))
          ) {
            objects.add(rootOf(loc))
            grown = true
          }
      }
    }
    // Nobody frees the object, and nobody finds it: most likely somebody does, in a way that was not seen.
    const inside = [...s.env].some(
      ([loc, v]) =>
        /^new@\w+\./.test(loc) && (v.hold === id || (v.ref !== undefined && objects.has(rootOf(v.ref)))),
    )
    if (caller === undefined && inside) return { kept: 'elsewhere', place: 'an object that is not freed' }
    return caller === undefined
      ? { kept: 'nowhere' }
      : { kept: 'caller', place: readable(at.find((l) => isForeign(rootOf(l))) ?? caller) }
  }

  // ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get #frame(): Frame {
    return this.#ways.frame
  }

  #place(e: { readonly start: number }): Place {
    return this.#ways.place(e)
  }

  #text(e: { readonly start: number; readonly end: number }): string {
    return this.#ways.text(e)
  }

  fork(s: State): State {
    return s.fork()
  }

  put(before: State, loc: string, v: Val | undefined): State {
    const s = before.fork()
    for (const k of s.env.keys()) if (k !== loc && within(k, loc)) s.env.delete(k)
    s.env.set(loc, v ?? { sym: `${loc}#0` })
    return s
  }

  declare({ name, init }: Local, s: State): readonly State[] {
    const loc = this.#frame.prefix + name
    if (init === undefined) return [this.put(s, loc, undefined)]
    if (init.kind !== 'init') return this.#ways.eval(init, s).map((o) => this.put(o.s, loc, o.v))
    const zeroed = this.put(s, loc, undefined)
    zeroed.env.set(`${loc}#z`, nothing)
    let states = [zeroed]
    for (const { path, value } of init.items)
      if (path.length === 1 && path[0]!.startsWith('.') && value.kind !== 'init')
        states = states.flatMap((t) =>
          this.#ways.eval(value, t).map((o) => this.put(o.s, `${loc}${path[0]!}`, o.v)),
        )
    return states
  }

  cleanup(c: Cleanup, s: State): readonly State[] {
    if (c.kind !== 'free' || !/^k?v?free/.test(c.name)) return [s]
    const v = s.env.get(this.#frame.prefix + c.variable)
    return [v?.ref === undefined ? s : this.#free(s.fork(), v.ref)]
  }

  arm(s: State, said: readonly (readonly [string, boolean])[]): State | undefined {
    if (said.some(([k, yes]) => s.facts.has(k) && s.facts.get(k) !== yes)) return undefined
    const t = s.fork()
    for (const [k, yes] of said) t.facts.set(k, yes)
    return t
  }

  waiting(): Waiting<State> {
    return this.#joins ? new Joined<State>(this.#frame.prefix) : new Apart<State>()
  }

  ends(): Ends<State, Val> {
    const { prefix } = this.#frame
    if (this.#joins) return new JoinedEnds(prefix)
    const outermost = this.#ways.depth === 1
    return new Different<State, Val>(
      (v) => `${v.sym}/${v.hold}/${v.ref}`,
      outermost ? (out) => this.#ended.push(out) : undefined,
    )
  }

  arrive(s: State, from: number, to: number): State | undefined {
    if (to <= from) {
      // Backwards is around a loop, more or less: nodes are numbered in the order of the text.
      const n = (s.rounds.get(to) ?? 0) + 1
      if (n > most.rounds) return undefined
      s.rounds.set(to, n)
      this.#widen(this.#code.graph(this.#frame.func).nodes, to, s, this.#frame)
    }
    const { func } = this.#frame
    const graph = this.#code.graph(func)
    // A loop that is left behind for good.
    for (const head of s.rounds.keys()) if (!reachIn(func, graph, to, head)) s.rounds.delete(head)
    const { live, asked } = namesOf(func, graph, false)
    this.#forget(s, this.#frame, live[to]!, asked[to]!)
    return s
  }

  tooLong(s: State): boolean {
    return s.events.length > most.events
  }

  leave(s: State): Out {
    const loc = this.#frame.prefix + result
    const t = s.fork()
    t.env.delete(loc)
    return { s: t, v: s.env.get(loc) ?? nothing }
  }

  // ── Loops ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  hasBeenIn(at: number, s: State): boolean {
    return s.rounds.has(headOf(this.#code.graph(this.#frame.func).nodes, at))
  }

  /** Pages that are there are some: a loop over them has a round. */
  enters(node: GraphNode & { kind: 'test' | 'each' }, s: State): boolean {
    return this.#over(node, s)
  }

  /** A counter that has been stepped in a loop up to a number may have come to any: the loop is left some time. */
  #widen(nodes: readonly GraphNode[], at: number, s: State, frame: Frame): void {
    const begin = nodes[at]!
    const head = begin.kind === 'fork' && begin.to.length === 1 ? nodes[begin.to[0]!]! : begin
    if (head.kind !== 'test' || head.cond.kind !== 'binary' || this.#counter(head.cond) === 'no') return
    const { left, right } = head.cond
    for (const [side, bound] of [
      [left, right],
      [right, left],
    ] as const) {
      // Against anything else it is not known how the comparison turns out.
      if (side.kind !== 'name' || bound.kind !== 'number') continue
      const loc = frame.prefix + side.name
      const v = s.env.get(loc)
      if (v?.num === undefined) continue
      const sym = `${loc}@${head.cond.start}+`
      if (v.num > 0) s.signs.set(sym, plus)
      else s.signs.delete(sym)
      s.env.set(loc, { sym })
    }
  }

  /** Whether a loop goes over a container of pages that are followed. */
  #over(node: GraphNode & { kind: 'test' | 'each' }, s: State): boolean {
    if (!s.live) return false
    const { func, prefix, types } = this.#frame
    const text = func.file.source.text
    let words_: readonly string[]
    if (node.kind === 'each') words_ = text.slice(node.expr.start, node.expr.end).match(/[A-Za-z_]\w*/g) ?? []
    else {
      const body = this.#loops(func).get(node.cond)
      if (body === undefined) return false
      words_ =
        `${text.slice(node.cond.start, node.cond.end)} ${text.slice(body.start, body.end)}`.match(
          /[A-Za-z_]\w*/g,
        ) ?? []
    }
    return [...new Set(words_)].some((w) => {
      const v = s.env.get(prefix + w) ?? (types.has(w) ? valueAt(prefix + w, s) : undefined)
      if (v === undefined || v.got !== undefined) return false
      // A page by itself; the number of the first one may be where a range begins.
      if (v.hold !== undefined && v.ref === undefined && v.form !== 'number' && types.get(w)?.array !== true)
        return false
      return this.#reached([v], s).some((h) => s.holds.get(h)!.left !== 'nothing')
    })
  }

  /** A loop that a macro makes goes over what it is given, and leaves it as it is. */
  header(e: Expr, s: State): readonly Out[] {
    if (e.kind !== 'call') return this.#ways.eval(e, s)
    let outs: readonly Out[] = [{ s, v: nothing }]
    for (const a of e.args) if (a.kind !== 'type') outs = outs.flatMap((o) => this.#ways.eval(a, o.s))
    return outs
  }

  /** What stands for one of them in a loop over a scatter list, or over objects in a list. */
  each(e: Expr, s: State): State {
    this.#each(e, s)
    return s
  }

  #each(e: Expr, s: State): void {
    if (e.kind !== 'call' || e.callee.kind !== 'name') return
    const { name } = e.callee
    const set = (to: Expr | undefined, v: Val): void => {
      if (to?.kind === 'name') s.env.set(this.#frame.prefix + to.name, v)
      else if (to?.kind === 'unary' && to.op === '&' && to.of.kind === 'name')
        s.env.set(this.#frame.prefix + to.of.name, v)
    }
    const live = (ids: readonly number[]): number | undefined =>
      ids.find((h) => s.holds.get(h)!.left !== 'nothing')
    if (name.startsWith('for_each_sg')) {
      const [from] = e.args[0] === undefined ? [] : this.#ways.eval(e.args[0], s)
      const hold = from === undefined ? undefined : live(this.#reached([from.v], s))
      if (hold !== undefined)
        set(e.args[1], { sym: `page#${hold}`, hold, form: 'page', element: true, every: true })
    } else if (name.startsWith('list_for_each_entry'))
      for (const root of s.published) {
        if (!root.startsWith('new@') || live(this.#reached([{ sym: '', ref: root }], s)) === undefined)
          continue
        set(e.args[0], { sym: `${root}#`, ref: root })
        return
      }
  }

  /** Locals that nothing reads any more, and what is known of values that nobody names any more. */
  #forget(s: State, frame: Frame, names: ReadonlySet<string>, conditions: ReadonlySet<string>): void {
    for (const [k, v] of s.env) {
      if (!k.startsWith(frame.prefix)) continue
      const name = this.#variable(k, frame)
      if (!names.has(name) && name !== result && v.hold === undefined) s.env.delete(k)
    }
    let known: Set<string> | undefined
    /** What is known of a value by a name that something still has. */
    const held = (key: string): boolean => {
      if (known === undefined) {
        known = new Set()
        for (const [k, v] of s.env)
          if (
            !known.has(v.sym) &&
            (!k.startsWith(frame.prefix) || v.got !== undefined || conditions.has(this.#variable(k, frame)))
          )
            known.add(v.sym)
        for (const h of s.holds.values()) known.add(h.asked.sym)
      }
      if (known.has(key)) return true
      for (const k of known) if (key.indexOf(k) >= 0) return true
      return false
    }
    for (const k of s.signs.keys()) if (!this.#namedIn(k, conditions) && !held(k)) s.signs.delete(k)
    for (const k of s.facts.keys()) if (!this.#namedIn(k, conditions) && !held(k)) s.facts.delete(k)
  }

  /** The variable of a frame that a place is in. */
  #variable(loc: string, frame: Frame): string {
    let name = this.#variables.get(loc)
    if (name === undefined) {
      name = /^\w*/.exec(loc.slice(frame.prefix.length))![0]
      this.#variables.set(loc, name)
    }
    return name
  }
  readonly #variables = new Map<string, string>()

  /** Whether conditions name all that something is known of; what an #if says they always do. */
  #namedIn(key: string, conditions: ReadonlySet<string>): boolean {
    let known = this.#named.get(conditions)
    if (known === undefined) this.#named.set(conditions, (known = new Map()))
    let named = known.get(key)
    if (named === undefined) {
      named =
        key.startsWith('#if ') ||
        key.startsWith('user(') ||
        (!key.includes('#') &&
          (key.match(/[A-Za-z_]\w*/g) ?? []).every((w) => conditions.has(w) || /^[A-Z_0-9]+$/.test(w)))
      known.set(key, named)
    }
    return named
  }
  readonly #named = new Map<ReadonlySet<string>, Map<string, boolean>>()

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All elements of an array are one place. */
  behind(
    _: Expr,
    pointer: Val,
    s: State,
    { field }: { readonly field?: string },
  ): readonly Located<State, Val>[] {
    const at = pointee(pointer)
    return [{ s, loc: field === undefined ? at : this.part(at, field), base: pointer }]
  }

  part(loc: string, field: string): string {
    return partOf(loc, field)
  }

  temporary(e: Expr, { s }: Out): Located<State, Val> {
    return { s, loc: `${this.#frame.prefix}tmp@${e.start}` }
  }

  read(e: Expr, s: State): readonly Out[] {
    return this.#ways.locate(e, s).map(({ s: t, loc: at, base }) => {
      const loc = at!
      if (base?.hold !== undefined) {
        // One of an array that the call made itself.
        if (base.form === 'page' && base.ref !== undefined && (e.kind === 'index' || e.kind === 'unary')) {
          const { ref: _, ...page } = base
          return { s: t, v: e.kind === 'index' && !isZero(e.index) ? { ...page, element: true } : page }
        }
        return { s: t, v: { sym: `${base.sym}.${e.start}` } }
      }
      if (e.kind === 'name') {
        if (this.#frame.types.get(e.name)?.array === true && !isParam(this.#frame.func, e.name))
          return { s: t, v: { sym: `&${loc}`, ref: loc } }
        if (loc.startsWith('g:') && /^[A-Z][A-Z0-9_]*$/.test(e.name)) return { s: t, v: { sym: e.name } }
      }
      const field = e.kind === 'member' ? this.#field(e) : undefined
      if (field?.array === true) return { s: t, v: { sym: `&${loc}`, ref: loc } }
      let v = valueAt(loc, t)
      // Zeroed, if it is a plain field; what is not known to be one is not known.
      if (v === nothing && !t.env.has(loc) && (field === undefined || isWhole(field))) v = unseen(loc)
      if (v.hold !== undefined && base?.element === true) v = { ...v, element: true, slot: true }
      return { s: t, v: e.kind === 'index' && v.hold !== undefined ? { ...v, element: true } : v }
    })
  }

  /** The type of `x->f`, where that of `x` is known. */
  #field(e: Expr & { kind: 'member' }): CType | undefined {
    return typeOf(this.#code, this.#frame.func, e)
  }

  other(e: Expr, s: State): readonly Out[] {
    if (e.kind === 'sizeof' || e.kind === 'type') return [{ s, v: { sym: this.#text(e) } }]
    let outs: State[] = [s]
    if (e.kind === 'asm')
      for (const x of e.operands)
        outs = outs.flatMap((t) =>
          this.#ways.eval(x, t).map((o) => {
            const u = o.s.fork()
            for (const h of this.#reached([o.v], u)) u.change(h, { handed: u.holds.get(h)!.handed ?? 'asm' })
            return u
          }),
        )
    return outs.map((t) => ({ s: t, v: { sym: `x@${e.start}#` } }))
  }

  branching(outs: readonly Out[]): void {
    for (const o of outs)
      for (const h of o.s.holds.values())
        if (h.outcome !== 'none' && h.left !== 'nothing')
          o.s.change(h.id, { unclear: h.unclear ?? 'it stands in an argument of a macro that branches' })
  }

  addressOf({ of }: Unary, { loc, base }: Located<State, Val>): Val {
    const further = of.kind === 'index' && !isZero(of.index) ? this.#text(of.index) : undefined
    if (base?.hold !== undefined)
      return further === undefined ? base : { ...base, element: true, sym: clip(`${base.sym}[${further}`) }
    return further === undefined
      ? { sym: `&${loc!}`, ref: loc! }
      : { sym: clip(`&${loc!}[${further}`), ref: loc!, element: true }
  }

  unary(e: Unary, v: Val): Val {
    return e.op === '-' ? minusOf(v) : { sym: `${e.op}(${v.sym})` }
  }

  stepped(e: Unary, loc: string, s: State): { before: Val; after: Val } {
    const before = valueAt(loc, s)
    const after = add(before, e.op === '++' ? 1 : -1, e.start)
    return { before, after: e.op === '--' ? countedDown(after, before) : after }
  }

  binary(op: string, a: Val, b: Val, s: State): Val {
    return arithmetic(op, a, b, s)
  }

  assign(e: Assignment, s: State): readonly Out[] {
    return this.#ways.eval(e.value, s).flatMap(({ s: t, v }) =>
      this.#ways.locate(e.target, t).map(({ s: u, loc: at, base }) => {
        const loc = at!
        if (base?.hold !== undefined) {
          const w = u.fork()
          if (base.form === 'memory') this.#wrote(w, base.hold, 'cpu', e)
          return { s: w, v }
        }
        const w = u.fork()
        this.#keeps(w, e.target, v)
        if (v.hold !== undefined && indexed(e.target) && isForeign(rootOf(loc)))
          w.change(v.hold, { stored: readable(loc) })
        if (v.hold !== undefined && v.element === true && e.target.kind === 'index')
          w.change(v.hold, { spread: true })
        if (indexed(e.target) || base?.element === true || /\(.*[-+]|…/.test(loc)) {
          // One of several: what the others hold is still there.
          const old = w.env.get(loc)
          if (old !== undefined && v.hold === undefined)
            if (this.#reached([old], w).some((h) => w.holds.get(h)!.left !== 'nothing')) {
              // And what this one points to has its place beside them, from where it is given back as they are.
              if (v.ref !== undefined) w.published.add(rootOf(v.ref))
              return { s: w, v }
            }
        }
        const now = e.op === '=' ? v : arithmetic(e.op.replace('=', ''), valueAt(loc, u), v, u)
        return { s: this.put(w, loc, now), v: now }
      }),
    )
  }

  /** A field that is given pages, or the array of them. */
  #keeps(s: State, target: Expr, v: Val): void {
    const hold = v.hold ?? (v.ref === undefined ? undefined : s.env.get(v.ref)?.hold)
    let e = target
    while (e.kind === 'index' || e.kind === 'cast' || (e.kind === 'unary' && e.op === '&'))
      e = e.kind === 'index' ? e.base : e.of
    if (hold === undefined || e.kind !== 'member') return
    const struct = ownerOf(this.#code, this.#frame.func, e.base)
    if (struct === undefined) return
    const { fields = [] } = s.holds.get(hold)!
    if (!fields.some((f) => f.struct === struct && f.field === (e as { field: string }).field))
      s.change(hold, { fields: [...fields, { struct, field: e.field }] })
  }

  /** A field that several pages are copied to. */
  #keepsAll(s: State, target: Expr, copies: readonly (readonly [string, Val])[]): void {
    let e = target
    while (e.kind === 'cast' || e.kind === 'binary' || (e.kind === 'unary' && e.op === '&'))
      e = e.kind === 'binary' ? e.left : e.of
    for (const [, v] of copies) if (v.hold !== undefined) this.#keeps(s, e, v)
  }

  #wrote(s: State, hold: number, by: 'cpu' | 'device', e: Expr, dir = ''): void {
    s.change(hold, { written: true })
    const text = this.#text(e)
    s.say({ do: 'write', hold, by, at: this.#place(e), text: text.includes(dir) ? text : `${text}: ${dir}` })
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  truth(e: Expr, v: Val, s: State): Branches<State> {
    if (v.element === true && v.hold !== undefined) s.change(v.hold, { checked: true })
    return this.compare(e, '!=', v, nothing, s)
  }

  isCase(v: Val, value: Expr, s: State, yes: boolean): State | undefined {
    const [r] = this.#ways.eval(value, s)
    const t = s.fork()
    return caseOf(v, r!.v, yes, t) ? t : undefined
  }

  sameAs(e: Call): { readonly of: Expr; readonly never: boolean } | undefined {
    const [of] = e.args
    return e.callee.kind === 'name' && words.transparent.test(e.callee.name) && of !== undefined
      ? { of, never: /^(WARN|BUG)/.test(e.callee.name) }
      : undefined
  }

  compare(at: Expr, op: string, a: Val, b: Val, s: State): Branches<State> {
    const yes: State[] = []
    const no: State[] = []
    const counted = a.got ?? b.got
    const counter = this.#counter(at)
    const known =
      decide(op, a, b, s) ?? (counted === undefined || counter !== 'no' ? undefined : asksForAll(op, a, b, s))
    const say = (t: State, way: boolean): void => {
      if (counted !== undefined)
        t.say({ do: 'count', hold: counted, at: this.#place(at), text: this.#text(at) })
      else if (known === undefined && t.live)
        t.say({
          do: 'decide',
          at: this.#place(at),
          text: `\`${this.#text(at)}\` is ${way ? 'true' : 'false'}`,
        })
    }
    for (const way of known === undefined ? [true, false] : [known]) {
      const t = s.fork()
      if (counted !== undefined) {
        const { asked } = t.holds.get(counted)!
        if (a.sym === asked.sym || b.sym === asked.sym) t.change(counted, { counted: true })
      }
      if (known === undefined && !learn(op, a, b, way, t)) continue
      if (known === undefined)
        for (const h of t.holds.values())
          if (
            h.left !== 'nothing' &&
            h.outcome !== 'none' &&
            counter !== 'loop' &&
            (counter === 'yes' || counted === h.id) &&
            h.site.api.result !== 'bytes' &&
            (counted === h.id || about(h.asked, a) || about(h.asked, b)) &&
            a.num === undefined &&
            b.num === undefined
          )
            t.change(h.id, {
              unclear:
                h.unclear ?? `how \`${this.#text(at)}\` turns out with the number of pages is not understood`,
            })
      say(t, way)
      ;(way ? yes : no).push(t)
    }
    return { yes, no }
  }

  /** One side of a comparison is stepped in the function; in the condition of a loop that only says whether it goes on. */
  #counter(at: Expr): 'yes' | 'loop' | 'no' {
    if (at.kind !== 'binary') return 'no'
    const { func } = this.#frame
    const text = func.file.source.text.slice(func.start, func.end)
    const stepped = [at.left, at.right].some(
      (e) =>
        e.kind === 'name' && new RegExp(`(\\+\\+|--)\\s*${e.name}\\b|\\b${e.name}\\s*(\\+\\+|--)`).test(text),
    )
    if (!stepped) return 'no'
    return [...this.#loops(func).keys()].some((c) => c.start <= at.start && at.end <= c.end) ? 'loop' : 'yes'
  }

  /** The conditions of its loops, with what is done in them. */
  #loops(func: Func): ReadonlyMap<Expr, Stmt | undefined> {
    let found = this.#conds.get(func)
    if (found === undefined) {
      const all = new Map<Expr, Stmt | undefined>()
      const look = (stmts: readonly Stmt[]): void => {
        for (const x of stmts) {
          if ((x.kind === 'for' || x.kind === 'while' || x.kind === 'do') && x.cond !== undefined)
            for (const c of partsOf(x.cond)) all.set(c, x.kind === 'do' ? undefined : x.body)
          for (const inner of insideOf(x)) look([inner])
        }
      }
      look(func.body.stmts)
      this.#conds.set(func, (found = all))
    }
    return found
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  call(e: Call, args: readonly Val[], s: State): readonly Out[] {
    const name = e.callee.kind === 'name' ? e.callee.name : undefined
    const api = name === undefined ? undefined : this.#apis.get(name)
    if (api === undefined) return this.#other(e, name, args, s.fork())
    return this.#only === undefined || this.#only === e
      ? this.#acquire(e, api, args, s.fork())
      : this.#acquireOther(e, api, args, s.fork())
  }

  #acquire(e: Call, api: ReferenceApi, args: readonly Val[], s: State, again = false): Out[] {
    const site: HoldingSite = { func: this.#frame.func, call: e, api }
    const at = this.#place(e)
    // Until 5.9 the remote calls took the task, too.
    const shift = api.mm === 0 && args.length === 8 ? 1 : 0
    const asked = api.nr === 'one' ? one : (args[api.nr + shift] ?? { sym: `x@${e.start}#` })
    const flags = api.flags === undefined ? undefined : args[api.flags + shift]?.sym
    const to = api.out === 'returned' ? undefined : args[api.out + shift]
    const id = this.#idOf(e)
    const before = s.holds.get(id)
    const fresh = `${api.name}@${e.start}`
    const base = {
      id,
      site,
      flags,
      asked,
      into: to?.sym,
      inside: to?.element,
      written: false,
      dirtied: false,
      locked: s.locked,
      // What was said of an earlier round is still true.
      ...(before?.wrong !== undefined && { wrong: before.wrong }),
      ...(before?.unclear !== undefined && { unclear: before.unclear }),
    }
    if (
      before !== undefined &&
      before.left !== 'nothing' &&
      before.outcome !== 'none' &&
      to?.num !== 0 &&
      !again
    ) {
      if (api.result !== 'bytes' && this.#isRest(id, to, s)) return this.#acquireRest(id, asked, fresh, s)
      // Once for each of many: of one of them it is followed what becomes of it, the others are values like any other. Which one it is
      // may be decided anew each time.
      const others = this.#acquireOther(e, api, args, s.fork())
      const t = s.fork()
      letGo(t, id)
      return [...others, ...this.#acquire(e, api, args, t, true)]
    }
    const fail = s.fork()
    // It fails after it gave something in an earlier round: that is what there is to tell.
    fail.holds.set(
      id,
      before === undefined || before.outcome === 'none'
        ? { ...base, outcome: 'none', left: 'nothing' }
        : before,
    )
    const failed: Val =
      api.result === 'count'
        ? { sym: `${fresh}#-`, got: id }
        : api.result === 'pointer'
          ? { sym: `${fresh}#err` }
          : { ...nothing, got: id }
    if (api.result === 'count' || api.result === 'all') fail.signs.set(failed.sym, minus)
    const results: Out[] = [{ s: fail, v: api.result === 'all' ? { sym: `${fresh}#-`, got: id } : failed }]
    if (api.result === 'all') fail.signs.set(`${fresh}#-`, minus)
    if (to?.num === 0) {
      // A NULL array takes nothing: the pages are faulted in, and that is all.
      return [
        ...results.map((r) => ({ s: r.s, v: { ...r.v, sym: r.v.sym } })),
        { s: this.#none(s, base, at), v: { ...asked, sym: `${fresh}#n` } },
      ]
    }
    if (api.undecided !== undefined) {
      s.holds.set(id, { ...base, outcome: 'all', left: 'all', unclear: api.undecided })
      s.say({ do: 'acquire', hold: id, outcome: 'all', api, flags, at })
      return [...results, { s, v: { sym: `${fresh}#n`, got: id } }]
    }
    if (api.result === 'bytes') return [...results, ...this.#acquireBytes(e, api, base, args, to, fresh, s)]
    const shorts = api.nr !== 'one' && asked.num !== 1 && api.result !== 'all'
    for (const outcome of shorts ? (['all', 'short'] as const) : (['all'] as const)) {
      const t = s.fork()
      t.holds.set(id, { ...base, outcome, left: 'all' })
      t.say({ do: 'acquire', hold: id, outcome, api, flags, at })
      const page: Val = { sym: `page#${id}`, hold: id, form: 'page' }
      let v: Val
      if (api.out === 'returned') v = page
      else {
        const loc = to === undefined ? `x@${e.start}` : pointee(to)
        t.env.set(loc, page)
        if (to !== undefined) t.signs.set(to.sym, plus)
        v = outcome === 'short' ? { sym: `short#${id}`, got: id } : { ...asked, got: id }
        t.signs.set(v.sym, plus)
        if (asked.num === undefined) t.signs.set(asked.sym, plus)
        if (api.result === 'bool') v = { ...one }
        if (api.result === 'all') v = { sym: `${fresh}#n`, got: id }
        if (api.result === 'all') t.signs.set(v.sym, plus)
      }
      t.signs.set(page.sym, plus)
      if (typeof api.out === 'number' && e.args[api.out + shift] !== undefined)
        this.#keeps(t, e.args[api.out + shift]!, page)
      results.push({ s: t, v })
    }
    return results
  }

  /** The number of the acquisitions of a call, which is the same on every path. */
  #idOf(e: Expr): number {
    let id = this.#ids.get(e)
    if (id === undefined) this.#ids.set(e, (id = this.#ids.size))
    return id
  }

  /**
   * What an iterator is over, as much as comes: the result counts bytes, and who asked goes on with those. Pinning takes nothing of
   * memory that is not the user's (`iov_iter_extract_will_pin()`).
   */
  #acquireBytes(
    e: Call,
    api: ReferenceApi,
    base: Omit<Holding, 'outcome' | 'left'> & { readonly asked: Val },
    args: readonly Val[],
    to: Val | undefined,
    fresh: string,
    s: State,
  ): Out[] {
    const { id } = base
    const outs: Out[] = []
    const user = `user(${args[0]?.sym ?? ''})`
    const known = this.#kernel ? zero : s.signs.get(user)
    const bytes: Val = { sym: `${fresh}#n`, got: id }
    const negative = s.fork()
    negative.signs.set(`${fresh}#-`, minus)
    if (known !== zero) {
      const t = s.fork()
      if (api.takes === 'pin') t.signs.set(user, plus)
      t.holds.set(id, {
        ...base,
        outcome: 'all',
        left: 'all',
      })
      t.say({ do: 'acquire', hold: id, outcome: 'all', api, flags: base.flags, at: this.#place(e) })
      const page: Val = { sym: `page#${id}`, hold: id, form: 'page' }
      // `&pages`: the array may be made by the call.
      const at = to === undefined ? `x@${e.start}` : pointee(to)
      const array = api.array === true ? undefined : t.env.get(at)
      if (api.array !== true && to?.sym.startsWith('&') === true)
        t.env.set(array?.ref ?? at, array?.ref === undefined ? { ...page, ref: `*${at}` } : page)
      else t.env.set(at, page)
      if (array?.ref !== undefined) t.signs.set(array.sym, plus)
      t.signs.set(page.sym, plus)
      t.signs.set(bytes.sym, plus)
      const arg = typeof api.out === 'number' ? e.args[api.out] : undefined
      if (arg !== undefined) this.#keeps(t, arg, page)
      outs.push({ s: t, v: bytes })
    }
    if (api.takes === 'pin' && known !== plus) {
      const t = s.fork()
      t.signs.set(user, zero)
      t.signs.set(bytes.sym, plus)
      // Where it is known to be memory of the kernel that is all there is to say.
      if (known === zero) outs.push({ s: this.#none(t, base, this.#place(e)), v: bytes })
      else {
        t.holds.set(id, { ...base, outcome: 'none', left: 'nothing' })
        outs.push({ s: t, v: bytes })
      }
    }
    negative.holds.set(id, { ...base, outcome: 'none', left: 'nothing' })
    outs.push({ s: negative, v: { sym: `${fresh}#-`, got: id } })
    return outs
  }

  /** It is asked for what is behind what is there already: `pages + pinned`. */
  #isRest(id: number, to: Val | undefined, s: State): boolean {
    const into = to?.hold ?? (to?.ref === undefined ? undefined : s.env.get(to.ref)?.hold)
    const { asked, into: first } = s.holds.get(id)!
    return into === id && to?.element === true && asked.num === undefined && to.sym !== first
  }

  /**
   * The call of a loop, once more, for the rest. What it gives belongs to the same acquisition; what it does not give leaves that as it is.
   */
  #acquireRest(id: number, asked: Val, fresh: string, s: State): Out[] {
    const fail = s.fork()
    const negative = `${fresh}#-`
    fail.signs.set(negative, minus)
    fail.change(id, { outcome: 'short', last: asked })
    const all = s.fork()
    all.change(id, { outcome: 'all', last: asked })
    all.signs.set(asked.sym, plus)
    const short = s.fork()
    short.signs.set(`short#${id}`, plus)
    short.change(id, { outcome: 'short', last: asked })
    return [
      { s: fail, v: { sym: negative, got: id } },
      { s: all, v: { ...asked, got: id } },
      { s: short, v: { sym: `short#${id}`, got: id } },
    ]
  }

  /** A call that takes pages which are not followed: it works or fails, and what it fills holds nothing that is asked about. */
  #acquireOther(e: Call, api: ReferenceApi, args: readonly Val[], s: State): Out[] {
    const fresh = `${api.name}@${e.start}`
    const shift = api.mm === 0 && args.length === 8 ? 1 : 0
    const asked = api.nr === 'one' ? one : args[api.nr + shift]
    const fail = s.fork()
    if (fail.live) fail.say({ do: 'decide', at: this.#place(e), text: `${api.name}() fails` })
    let failed: Val = nothing
    if (api.result === 'pointer') failed = { sym: `${fresh}#err` }
    else if (api.result !== 'bool' && api.result !== 'count-or-zero') {
      failed = { sym: `${fresh}#-` }
      fail.signs.set(failed.sym, minus)
    }
    const page: Val = { sym: `${fresh}#page`, ref: `*${fresh}#page` }
    s.signs.set(page.sym, plus)
    if (api.out === 'returned')
      return [
        { s: fail, v: failed },
        { s, v: page },
      ]
    const to = args[api.out + shift]
    if (to !== undefined && to.num !== 0) {
      const loc = pointee(to)
      const old = s.env.get(loc)?.hold
      if (to.element !== true || old === undefined || s.holds.get(old)!.left === 'nothing') {
        s.env.set(loc, page)
        if (old !== undefined) onlyNumbers(s, old)
      }
    }
    const v: Val = api.result === 'bool' || asked?.num === 1 ? one : { sym: `${fresh}#n` }
    s.signs.set(v.sym, plus)
    return [
      { s: fail, v: failed },
      { s, v },
    ]
  }

  #none(s: State, base: Omit<Holding, 'outcome' | 'left'> & { readonly asked: Val }, at: Place): State {
    const t = s.fork()
    t.holds.set(base.id, { ...base, outcome: 'all', left: 'nothing', releasedBy: 'nothing' })
    t.say({
      do: 'acquire',
      hold: base.id,
      outcome: 'none',
      api: base.site.api,
      flags: base.flags,
      at,
      text: 'NULL',
    })
    return t
  }

  #other(e: Call, name: string | undefined, args: readonly Val[], s: State): readonly Out[] {
    const from = args.find((a): a is Val & { hold: number } => a.hold !== undefined)
    if (name !== undefined && /^(iov_iter_extract_will_pin|user_backed_iter)$/.test(name))
      return [{ s, v: { sym: `user(${args[0]?.sym ?? ''})` } }]
    if (name !== undefined && /^iov_iter_is_(kvec|bvec|xarray|folioq|discard)$/.test(name)) {
      // One over the kernel's memory is not over a user's.
      const user = `user(${args[0]?.sym ?? ''})`
      if (s.signs.get(user) === plus) return [{ s, v: nothing }]
      const kernel = s.fork()
      kernel.signs.set(user, zero)
      return [
        { s, v: nothing },
        { s: kernel, v: one },
      ]
    }
    if (name !== undefined && words.overKernel.test(name) && args[0] !== undefined) {
      s.signs.set(`user(${args[0].sym})`, zero)
      // It is over these from now on, whoever they came from.
      if (args[2] !== undefined && this.#reached(args.slice(2, 3), s).length > 0)
        s.env.set(`${pointee(args[0])}.over`, args[2])
      return [{ s, v: nothing }]
    }
    if (name !== undefined && words.overUser.test(name)) {
      const iter =
        args[
          name === 'import_iovec' ? 5 : name === 'import_single_range' ? 4 : name === 'import_ubuf' ? 3 : 0
        ]
      if (iter !== undefined) s.signs.set(`user(${iter.sym})`, plus)
    }
    const counted = args.find((a) => a.got !== undefined && this.#inBytes(a.got, s))
    if (counted !== undefined && name !== undefined && (words.pure.test(name) || words.keepsValue.test(name)))
      return [{ s, v: { sym: clip(`${name}(${args.map((a) => a.sym).join()})`), got: counted.got! } }]
    const fresh = (): Val =>
      name !== undefined && words.pure.test(name)
        ? {
            sym: clip(`${name}(${args.map((a) => a.sym).join()})`),
            ...(from !== undefined &&
              words.keepsValue.test(name) && { hold: from.hold, form: 'page', element: true }),
          }
        : { sym: `${name ?? 'call'}@${e.start}#`, ref: `*${name ?? 'call'}@${e.start}` }
    const plain = (): Out[] => [{ s, v: fresh() }]
    if (name === undefined) return this.#given(e, 'a function pointer', args, s)
    if (this.#locks(e, name, s)) return plain()
    if (words.atomicTaken.test(name)) {
      s.atomic = [...s.atomic, name]
      return plain()
    }
    if (words.atomicDropped.test(name)) {
      s.atomic = s.atomic.slice(0, -1)
      return plain()
    }
    if (words.containerOf.test(name) && args[0] !== undefined && e.args[2] !== undefined)
      return [{ s, v: args[0].hold === undefined ? around(args[0], this.#text(e.args[2])) : fresh() }]
    if (/^is_error_\w*pfn$/.test(name) && args[0]?.hold !== undefined) return [{ s, v: nothing }]
    // What was got has a struct page.
    if (words.hasPage.test(name) && args[0]?.hold !== undefined) return [{ s, v: one }]
    if (/^IS_ERR(_OR_NULL)?$/.test(name)) {
      const v = args[0]
      if (v?.sym.startsWith('ERR_PTR(') === true) return [{ s, v: one }]
      if (v?.hold !== undefined || v?.ref?.startsWith('new@') === true) return [{ s, v: nothing }]
      if (v?.sym.endsWith('#err') === true || (v?.num === 0 && name === 'IS_ERR_OR_NULL'))
        return [{ s, v: one }]
      return plain()
    }
    if (name === 'PTR_ERR' && args[0] !== undefined) {
      const v: Val = { sym: `PTR_ERR(${args[0].sym})` }
      s.signs.set(v.sym, minus)
      return [{ s, v }]
    }
    const release = words.releases.get(name)
    if (release !== undefined) return this.#release(e, name, release, args, s)
    const takes = words.takesOver.get(name)
    if (takes !== undefined) {
      for (const h of this.#reached(args.slice(takes, takes + 1), s)) {
        const { left, site, wrong } = s.holds.get(h)!
        if (left === 'nothing') continue
        if (site.api.takes === 'get') {
          s.change(h, { left: 'nothing', releasedBy: name })
          s.say({ do: 'release', hold: h, api: name, as: 'get', many: 'got', at: this.#place(e) })
        } else
          s.change(h, { unclear: wrong ?? `it is given to ${name}(), which drops a reference in the end` })
      }
      return plain()
    }
    if (words.addsReference.test(name)) {
      const id = args[0]?.hold
      if (id !== undefined) s.change(id, { extra: (s.holds.get(id)!.extra ?? 0) + 1 })
      return words.addsReference.exec(name)![1] === undefined ? plain() : [{ s, v: one }]
    }
    if (words.allocates.test(name)) {
      const zeroed = /zalloc|calloc|zeroed/.test(name) ? 'z' : ''
      let sym = `new@${e.start}${zeroed}`
      // What was allocated there the last time still holds pages: this is another.
      for (let n = 1; n < 4 && this.#keepsPages(sym, s); n++) sym = `new@${e.start}_${n}${zeroed}`
      const none = s.fork()
      if (none.live) none.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
      s.signs.set(`${sym}#`, plus)
      return [
        { s, v: { sym: `${sym}#`, ref: sym } },
        { s: none, v: nothing },
      ]
    }
    if (words.frees.test(name)) {
      if (args[0]?.ref !== undefined) return [{ s: this.#free(s, args[0].ref), v: nothing }]
      return plain()
    }
    if (words.alias.test(name)) {
      const v = args[0]
      const hold =
        v?.hold ??
        (v?.ref === undefined ? undefined : (s.env.get(v.ref)?.hold ?? s.env.get(`${v.ref}.sgl`)?.hold))
      if (hold === undefined) return plain()
      const sym = `${name}(${v!.sym})`
      s.signs.set(sym, plus)
      if (words.toNumber.test(name)) s.change(hold, { numbered: true })
      return [
        {
          s,
          v: {
            sym,
            hold,
            form: words.toMemory.test(name) ? 'memory' : words.toNumber.test(name) ? 'number' : 'page',
            ...(v!.element === true && { element: true }),
            ...(v!.every === true && { every: true }),
          },
        },
      ]
    }
    if (words.dirties.test(name)) {
      for (const h of this.#reached(args, s)) {
        const atomic = words.dirtiesLocked.test(name) ? s.atomic.at(-1) : undefined
        s.change(h, {
          dirtied: true,
          ...(atomic !== undefined && { wrong: s.holds.get(h)!.wrong ?? 'sleeping-release' }),
        })
        s.say({
          do: 'dirty',
          hold: h,
          at: this.#place(e),
          text: `${name}()`,
          ...(atomic !== undefined && { atomic }),
        })
      }
      return plain()
    }
    const map = words.maps.get(name)
    if (map !== undefined) {
      // `PCI_DMA_TODEVICE` is the older name of the same number.
      const dir = args[map.direction]?.sym.replace(/^PCI_/, '').replace(/(TO|FROM)DEVICE$/, '$1_DEVICE')
      const holds = this.#reached(args.slice(map.arg, map.arg + 1), s)
      const written = dir === 'DMA_FROM_DEVICE' || dir === 'DMA_BIDIRECTIONAL'
      const failed = written && holds.length > 0 && map.fails !== undefined ? s.fork() : undefined
      for (const h of holds) {
        if (written) this.#wrote(s, h, 'device', e, dir)
        else if (dir !== 'DMA_TO_DEVICE') s.change(h, { handed: s.holds.get(h)!.handed ?? name })
      }
      if (failed === undefined) return plain()
      // What was not mapped no device has written.
      if (map.fails === 'error')
        return [
          { s, v: nothing },
          { s: failed, v: { sym: '-EIO', num: -5 } },
        ]
      const v = { sym: `${name}@${e.start}` }
      s.signs.set(v.sym, plus)
      return [
        { s, v },
        { s: failed, v: nothing },
      ]
    }
    const queue = words.queues.get(name)
    if (queue !== undefined) {
      if (queue.in === undefined || args[queue.in]?.num !== 0)
        for (const h of this.#reached(args.slice(1, 2), s)) this.#wrote(s, h, 'device', e)
      return plain()
    }
    const move = words.moves.get(name)
    if (move !== undefined) {
      const [hold] = this.#reached(args.slice(move.from, move.from + 1), s)
      const to = args[move.to]
      if (hold === undefined) return plain()
      const sgl = name.startsWith('bvec') ? 'bv_page' : name.includes('append_table') ? 'sgt.sgl' : 'sgl'
      if (to !== undefined) s.env.set(`${pointee(to)}.${sgl}`, { sym: `page#${hold}`, hold, form: 'page' })
      if (words.movesOne.test(name)) s.change(hold, { spread: true })
      return plain()
    }
    if (words.writesSecond.test(name)) {
      if (args[1]?.hold !== undefined) this.#wrote(s, args[1].hold, 'cpu', e)
      return plain()
    }
    if (name === 'dma_mapping_error' && s.events.some((x) => x.do === 'write' && x.by === 'device')) {
      // It could not be mapped: then nothing was written.
      const last = s.events.findLast((x) => x.do === 'write' && x.by === 'device')!
      const failed = s.fork()
      failed.events = failed.events.filter((x) => x !== last)
      if (last.do === 'write')
        failed.change(last.hold, {
          written: failed.events.some((x) => x.do === 'write' && x.hold === last.hold),
        })
      const at = this.#place(e)
      s.say({ do: 'decide', at, text: 'it is mapped for the device' })
      failed.say({ do: 'decide', at, text: 'it cannot be mapped for the device' })
      return [
        { s, v: nothing },
        { s: failed, v: one },
      ]
    }
    if (words.writes.test(name)) {
      const v = args[0]
      if (v?.hold !== undefined) this.#wrote(s, v.hold, 'cpu', e)
      // Pages that are copied from one array to another.
      if (/^memcpy$|^memmove$/.test(name) && args[0] !== undefined && args[0].hold === undefined) {
        const from = args[1]?.hold === undefined ? args[1]?.ref : undefined
        const copies = from === undefined ? [] : [...s.env].filter(([k]) => k === from || within(k, from))
        if (copies.some(([, w]) => w.hold !== undefined)) {
          for (const [k, w] of copies)
            if (w.hold !== undefined) s.env.set(clip(`${pointee(args[0])}${k.slice(from!.length)}`), w)
          this.#keepsAll(s, e.args[0]!, copies)
          return plain()
        }
      }
      for (const h of this.#reached(args.slice(1, 2), s))
        if ((args[1]?.hold === undefined || name === 'WRITE_ONCE') && s.holds.get(h)!.left !== 'nothing')
          s.change(h, { unclear: s.holds.get(h)!.unclear ?? `it is copied by ${name}()` })
      return plain()
    }
    if (
      words.asks.test(name) ||
      words.harmless.test(name) ||
      (words.pure.test(name) && !words.keepsValue.test(name))
    )
      return plain()
    if (words.keepsValue.test(name)) return plain()
    if (words.publishes.test(name)) {
      for (const a of args) if (a.ref !== undefined && !isLocal(rootOf(a.ref))) s.published.add(rootOf(a.ref))
      // A page by itself in a list, an array, a tree: which of them is taken out again is not followed.
      for (const a of args)
        if (a.hold !== undefined && a.form !== 'memory' && s.holds.get(a.hold)!.left !== 'nothing')
          s.change(a.hold, {
            unclear: s.holds.get(a.hold)!.unclear ?? `it is put where others find it by ${name}()`,
          })
      return plain()
    }
    return this.#given(e, name, args, s)
  }

  #keepsPages(root: string, s: State): boolean {
    for (const [k, v] of s.env)
      if (v.hold !== undefined && rootOf(k) === root && s.holds.get(v.hold)!.left !== 'nothing') return true
    return false
  }

  #inBytes(id: number, s: State): boolean {
    return s.holds.get(id)?.site.api.result === 'bytes'
  }

  #locks(e: Call, name: string, s: State): boolean {
    const mmap =
      name.startsWith('mmap_') ||
      /mmap_(sem|lock)\b/.test(e.args[0] === undefined ? '' : this.#text(e.args[0]))
    if (!mmap) return false
    if (words.asserted.test(name)) {
      if (s.locked === 'unseen') s.locked = 'asserted'
      return true
    }
    if (words.lockTaken.test(name)) {
      s.locked = 'taken'
      s.say({ do: 'lock', write: name.includes('write'), at: this.#place(e) })
      return true
    }
    if (words.lockDropped.test(name)) {
      if (s.locked === 'taken') s.say({ do: 'unlock', write: name.includes('write'), at: this.#place(e) })
      s.locked = 'unseen'
      return true
    }
    return false
  }

  #free(s: State, of: string): State {
    const ref = withoutOuter(of)
    for (const k of s.env.keys()) if (k === ref || within(k, ref)) s.env.delete(k)
    return s
  }

  /** The acquisitions whose pages can be reached from arguments. */
  #reached(args: readonly Val[], s: State): number[] {
    const found = new Set<number>()
    const seen = new Set<string>()
    const queue: string[] = []
    for (const a of args) {
      if (a.hold !== undefined) found.add(a.hold)
      if (a.ref !== undefined) queue.push(withoutOuter(a.ref))
    }
    for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
      if (seen.has(ref)) continue
      seen.add(ref)
      for (const [k, v] of s.env)
        if (k === ref || within(k, ref) || k.startsWith(`*${ref}`)) {
          if (v.hold !== undefined) found.add(v.hold)
          if (v.ref !== undefined && !seen.has(v.ref)) queue.push(withoutOuter(v.ref))
        }
    }
    return [...found].filter((h) => s.holds.get(h)!.outcome !== 'none')
  }

  /** Whether the pages themselves can be reached, and not their memory or a number only. */
  #asPage(id: number, args: readonly Val[], s: State): boolean {
    if (args.some((a) => a.hold === id && a.form === 'page')) return true
    const seen = new Set<string>()
    const queue = args.flatMap((a) => (a.ref === undefined ? [] : withoutOuter(a.ref)))
    for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
      if (seen.has(ref)) continue
      seen.add(ref)
      for (const [k, v] of s.env)
        if (k === ref || within(k, ref) || k.startsWith(`*${ref}`)) {
          if (v.hold === id && v.form === 'page') return true
          if (v.ref !== undefined) queue.push(withoutOuter(v.ref))
        }
    }
    return false
  }

  #release(
    e: Call,
    name: string,
    release: {
      readonly as: 'pin' | 'get'
      readonly arg: number
      readonly count?: number
      readonly dirties?: number | true
    },
    args: readonly Val[],
    s: State,
  ): Out[] {
    const arg = args[release.arg]
    const none = [{ s, v: nothing }]
    if (arg === undefined) return none
    const id =
      release.count === undefined
        ? arg.hold
        : (arg.hold ?? (arg.ref === undefined ? undefined : s.env.get(arg.ref)?.hold))
    if (id === undefined) {
      // By its number: of a range whose ends are others, perhaps.
      const from = e.args[release.arg]
      if (from?.kind === 'call' && from.callee.kind === 'name' && from.callee.name === 'pfn_to_page')
        for (const [, v] of s.env)
          if (v.form === 'number' && v.hold !== undefined && s.holds.get(v.hold)!.left !== 'nothing')
            s.change(v.hold, {
              left: 'nothing',
              unclear:
                s.holds.get(v.hold)!.unclear ??
                `${name}() is given a range of numbers that is not understood`,
            })
      return none
    }
    const h = s.holds.get(id)!
    const unclear = (why: string): Out[] => {
      s.change(id, { unclear: h.unclear ?? why, left: 'nothing' })
      return none
    }
    if (h.outcome === 'none') return none
    if (release.as === 'get' && (h.extra ?? 0) > 0) {
      s.change(id, { extra: h.extra! - 1 })
      return none
    }
    const inLoop = h.asked.num !== 1 && release.count === undefined
    const bound = inLoop ? this.#bound(e, s) : undefined
    const count = release.count === undefined ? (inLoop ? bound : h.asked) : args[release.count]
    // Others of the array, in front of those that are followed or behind them.
    const others =
      release.count !== undefined &&
      arg.every !== true &&
      arg.sym !== h.into &&
      (arg.element === true ||
        (h.inside === true && (count?.sym.includes('@') === true || count?.sym.includes('~') === true))) &&
      count?.got !== id &&
      count?.part !== id &&
      count?.sym !== h.asked.sym
    if (others) return none
    if (h.left === 'nothing') {
      // `p = x->pages[i]; unpin_user_pages(&p, 1, true)`: the next time it is another of them.
      const inside = arg.ref === undefined ? undefined : s.env.get(arg.ref)
      if (inLoop || arg.element === true || inside?.element === true || h.unclear !== undefined) return none
      s.change(id, { wrong: h.wrong ?? 'double-put' })
      s.say({ do: 'release', hold: id, api: name, as: release.as, many: 'got', at: this.#place(e) })
      return none
    }
    if (release.as !== h.site.api.takes && arg.slot === true) return none
    if (release.as !== h.site.api.takes) s.change(id, { wrong: h.wrong ?? mismatch[h.site.api.takes] })
    if (bound?.asks === true && h.checked !== true && arg.every !== true) return unclear(byCondition)
    let many: 'got' | 'asked' | undefined
    if (count === undefined) many = undefined
    else if (count.got === id || count.part === id) many = 'got'
    else if (count.sym === h.asked.sym)
      many = h.outcome === 'all' ? 'got' : h.checked === true ? 'got' : 'asked'
    if (many === undefined && h.checked === true && inLoop) many = 'got'
    if (many === undefined && arg.every === true) many = 'got'
    // One page of each round, and the array of all of them.
    if (many === undefined && (h.asked.num === 1 || h.spread === true) && count?.num === undefined)
      many = 'got'
    if (many === undefined) return unclear(`how many pages ${name}() gives back is not understood`)
    const dirties =
      release.dirties !== undefined && typeof release.dirties === 'number' && args[release.dirties]?.num !== 0
    s.change(id, { left: 'nothing', dirtied: h.dirtied || dirties, releasedBy: name })
    const sure = typeof release.dirties === 'number' && (args[release.dirties]?.num ?? 0) !== 0
    const atomic = sure ? s.atomic.at(-1) : undefined
    if (atomic !== undefined) s.change(id, { wrong: s.holds.get(id)!.wrong ?? 'sleeping-release' })
    if (many === 'asked')
      s.change(id, { wrong: s.holds.get(id)!.wrong ?? (h.counted === true ? 'over-unpin' : 'partial-pin') })
    s.say({
      do: 'release',
      hold: id,
      api: name,
      as: release.as,
      many,
      at: this.#place(e),
      ...(dirties && { dirties }),
      ...(atomic !== undefined && { atomic }),
    })
    return none
  }

  /** Up to what the loop around a call runs: `i < nr`. */
  #bound(e: Expr, s: State): (Val & { readonly asks: boolean }) | undefined {
    const { func } = this.#frame
    const inside = (x: { readonly start: number; readonly end: number }): boolean =>
      x.start <= e.start && e.end <= x.end
    let asks = false
    let best: Expr | undefined
    let size = Infinity
    const look = (stmts: readonly Stmt[]): void => {
      for (const x of stmts) {
        if (x.kind === 'for' && x.body.start <= e.start && e.end <= x.body.end && x.end - x.start < size) {
          size = x.end - x.start
          best = x.cond
          asks = false
        }
        if (
          x.kind === 'while' &&
          counterDown(x.cond) !== undefined &&
          x.body.start <= e.start &&
          e.end <= x.body.end &&
          x.end - x.start < size
        ) {
          size = x.end - x.start
          best = x.cond
          asks = false
        }
        if (x.kind === 'if' && inside(x) && !inside(x.cond)) asks = true
        look(insideOf(x))
      }
    }
    look(func.body.stmts)
    const cond = best as Expr | undefined
    const counter = counterDown(cond)
    if (counter !== undefined) {
      const at = valueAt(this.#frame.prefix + counter, s)
      return at.num === undefined ? { ...(at.down ?? at), asks } : undefined
    }
    if (cond?.kind !== 'binary' || (cond.op !== '<' && cond.op !== '!=')) return undefined
    const v = this.#ways.eval(cond.right, s)[0]?.v
    return v === undefined ? undefined : { ...v, asks }
  }

  /** A function of the driver's own: walked into where it can get at the pages. */
  #given(e: Call, name: string, args: readonly Val[], s: State): readonly Out[] {
    const own = e.callee.kind === 'name' ? this.#code.resolveHere(name, this.#frame.func.file) : undefined
    if (own !== undefined)
      for (const i of kernelIterators(own))
        if (args[i] !== undefined) s.signs.set(`user(${args[i].sym})`, zero)
    const v: Val =
      own !== undefined && this.#alwaysFails(own)
        ? { sym: `ERR_PTR(${name}@${e.start})` }
        : { sym: `${name}@${e.start}#`, ref: `*${name}@${e.start}` }
    const held = this.#reached(this.#withAround(name, args, s), s).filter(
      (h) => s.holds.get(h)!.left !== 'nothing' || s.holds.get(h)!.wrong === undefined,
    )
    const expanded = held.length > 0 && own === undefined ? this.#expanded(e, name) : undefined
    if (expanded !== undefined) return this.#ways.eval(expanded, s)
    const callee =
      e.callee.kind === 'name'
        ? this.#callee(name, held.length > 0, () => held.some((h) => this.#asPage(h, args, s)))
        : undefined
    if (callee === undefined || this.#ways.depth > most.depth || this.#ways.isIn(callee)) {
      const alone = held.length > 0 && this.#leavesAlone(name, args, s)
      for (const h of alone ? [] : held) {
        const { left, unclear, handed } = s.holds.get(h)!
        if (left === 'nothing') continue
        if (words.hypervisor.test(name)) this.#wrote(s, h, 'device', e)
        // Its memory, or where it is, is not what it is given back by.
        if (this.#asPage(h, args, s))
          s.change(h, { unclear: unclear ?? `it is given to ${name}()`, left: 'nothing' })
        else s.change(h, { handed: handed ?? name })
      }
      // An object of ours: whoever is given it may show it to others, unless it is seen that he does not.
      const given = args.findIndex(
        (a) => a.ref?.startsWith('new@') === true && !s.published.has(rootOf(a.ref)),
      )
      if (given >= 0) {
        const found = this.#code.resolve(name, this.#frame.func.file)
        for (const [i, a] of args.entries())
          if (
            i >= given &&
            a.ref?.startsWith('new@') === true &&
            (found === undefined || !leavesAlone(this.#code, found, i))
          )
            s.published.add(rootOf(a.ref))
      }
      // What it was given a pointer to may be anything now.
      for (const a of args)
        if (a.ref !== undefined && !a.ref.startsWith('*') && a.sym.startsWith('&')) {
          const now = s.env.get(a.ref)
          if (now?.hold === undefined) s.env.set(a.ref, { sym: `${name}@${e.start}.${a.ref}#` })
        }
      return [{ s, v }]
    }
    const { rounds, facts } = s
    const inside = `${this.#ways.depth}:`
    const outs = this.#ways.through(callee, ({ prefix }) => {
      const inner = s.fork()
      inner.rounds = new Map()
      callee.params.forEach((p, i) => {
        const a = args[i]
        if (a !== undefined) inner.env.set(prefix + p.name, a)
      })
      return inner
    })
    return outs.map((o) => {
      const t = o.s.fork()
      t.rounds = new Map(rounds)
      for (const [k, yes] of facts) t.facts.set(k, yes)
      for (const [k, w] of s.signs) if (!t.signs.has(k)) t.signs.set(k, w)
      for (const [k, w] of t.env) if (k.startsWith(inside) && w.hold === undefined) t.env.delete(k)
      return { s: t, v: o.v.sym === nothing.sym && callee.returns.base === 'void' ? v : o.v }
    })
  }

  /** What is given a struct that is a part of one of ours, and knows the one around it, is given that. */
  #withAround(name: string, args: readonly Val[], s: State): readonly Val[] {
    const part = (a: Val): boolean => a.ref !== undefined && /^new@\w+\./.test(a.ref)
    if (!s.live || !args.some(part)) return args
    const callee = this.#code.resolve(name, this.#frame.func.file)
    if (callee === undefined) return args
    const textOf = (f: Func): string => f.file.source.text.slice(f.start, f.end)
    const text = textOf(callee)
    const looks = (t: string): boolean => /\bcontainer_of\b/.test(t)
    const own = (): boolean =>
      (text.match(/\b[A-Za-z_]\w*(?=\s*\()/g) ?? []).some((n) => {
        const f = this.#code.resolveHere(n, callee.file)
        return f !== undefined && f.end - f.start < 300 && looks(textOf(f))
      })
    if (!looks(text) && !own()) return args
    return args.map((a) => (part(a) ? { ...a, ref: rootOf(a.ref!) } : a))
  }

  /** A macro that is an expression, with what it is given in it. */
  #expanded(e: Call, name: string): Expr | undefined {
    if (this.#macros.has(e)) return this.#macros.get(e)
    const macro = e.callee.kind === 'name' ? this.#code.macro(name, this.#frame.func.file) : undefined
    let found: Expr | undefined
    if (macro?.body.kind === 'expr' && macro.params !== undefined && !macro.params.includes('...')) {
      let again = false
      visit(macro.body.expr, (x) => {
        if (x.kind === 'name' && x.name === name) again = true
      })
      if (!again) found = substitute(macro.body.expr, new Map(macro.params.map((p, i) => [p, e.args[i]])), e)
    }
    this.#macros.set(e, found)
    return found
  }
  readonly #macros = new Map<Expr, Expr | undefined>()

  /** A function elsewhere in the tree that does nothing to the pages that it is handed. */
  #leavesAlone(name: string, args: readonly Val[], s: State): boolean {
    const found = this.#code.resolve(name, this.#frame.func.file)
    return (
      found !== undefined &&
      args.every(
        (a, i) =>
          this.#reached([a], s).every((h) => s.holds.get(h)!.left === 'nothing') ||
          leavesAlone(this.#code, found, i),
      )
    )
  }

  /** All that it returns is ERR_PTR(…). */
  #alwaysFails(func: Func): boolean {
    const returns = this.#code.graph(func).nodes.flatMap((n) => (n.kind === 'return' ? [n.value] : []))
    return (
      func.returns.pointer > 0 &&
      returns.length > 0 &&
      returns.every((r) => r?.kind === 'call' && r.callee.kind === 'name' && r.callee.name === 'ERR_PTR')
    )
  }

  /** In the module of a function that a site lies behind: what took the pages may give them back there. */
  #beside(func: Func): boolean {
    for (const f of this.#towards)
      if (f.file === func.file || this.#code.moduleFiles(f.file).includes(func.file.path)) return true
    return false
  }

  #callee(name: string, matters: boolean, asPage: () => boolean): Func | undefined {
    const { file } = this.#frame.func
    const here = this.#code.resolveHere(name, file)
    if (here !== undefined && (matters || this.#towards.has(here))) return here
    if (here !== undefined) return undefined
    if (!matters) return [...this.#towards].find((f) => f.name === name && !f.static)
    const found = this.#code.resolve(name, file)
    if (found !== undefined && matters && this.#beside(found)) return found
    if (found === undefined || (found.inline && found.file.path.endsWith('.h'))) return found
    if (this.#code.moduleFiles(file).includes(found.file.path)) return found
    return asPage() && (givesBack(found) || found.end - found.start < 700) ? found : undefined
  }
}

/** The ends of ways that stand alike, joined; what they give joins like a variable. */
class JoinedEnds implements Ends<State, Val> {
  readonly #prefix: string
  readonly #outs = new Map<string, State>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  add({ s, v }: Out): void {
    const key = `${v.num ?? ''}/${signOf(v, s)}/${v.hold}/${v.got}/${v.ref?.startsWith('new@') === true ? v.ref : ''}|${s.standing()}`
    const old = this.#outs.get(key)
    s.env.set(`${this.#prefix}${result}`, v)
    if (old === undefined) this.#outs.set(key, s)
    else old.join(s, `${this.#prefix}end`)
  }

  all(): Out[] {
    return [...this.#outs.values()].map((s) => {
      const v = s.env.get(`${this.#prefix}${result}`)!
      s.env.delete(`${this.#prefix}${result}`)
      return { s, v }
    })
  }
}

/** The pages are gone from where they were, and their numbers are kept: the ends of a range, as it seems, whose middle has no name. */
function onlyNumbers(s: State, id: number): void {
  const h = s.holds.get(id)!
  if (h.left === 'nothing') return
  let numbered = false
  for (const [, v] of s.env)
    if (v.hold === id) {
      if (v.form !== 'number') return
      numbered = true
    }
  if (numbered)
    s.change(id, {
      left: 'nothing',
      unclear: h.unclear ?? 'only numbers of pages are kept, and ranges are not followed',
    })
}

/** What was acquired is not followed any more: the next that the same call gives is. */
function letGo(s: State, id: number): void {
  for (const [k, v] of s.env)
    if (v.hold === id || v.got === id || v.part === id) {
      // An array is there as before, and so is a variable; what is in it is not known.
      if (v.hold === id && (rootOf(k) === k || valueAt(`${rootOf(k)}.`, s) !== nothing)) {
        s.env.delete(k)
        continue
      }
      const { hold: _, got: __, form: ___, part: ____, ...rest } = v
      const sym = clip(`${v.sym}~`)
      const sign = signOf(v, s)
      if (sign !== anySign) s.signs.set(sym, sign)
      s.env.set(k, { ...rest, sym })
    }
  s.events = s.events.filter((x) => !('hold' in x) || x.hold !== id)
  s.holds.delete(id)
}

/** A condition and, of `a && b`, its parts. */
function partsOf(e: Expr): readonly Expr[] {
  return e.kind === 'binary' && (e.op === '&&' || e.op === '||')
    ? [e, ...partsOf(e.left), ...partsOf(e.right)]
    : [e]
}

/** Where a loop begins anew whose condition, or a part of it, is at a node. */
function headOf(nodes: readonly GraphNode[], at: number): number {
  if (nodes[at]!.kind === 'each') return at
  let head = at
  while (head > 0 && nodes[head]!.kind === 'test') head--
  return head
}

/** Parameters that a function makes an iterator over memory of the kernel. */
function kernelIterators(func: Func): readonly number[] {
  const found: number[] = []
  const text = func.file.source.text.slice(func.start, func.end)
  for (const m of text.matchAll(/\biov_iter_(?:kvec|bvec|xarray|folio_queue)\s*\(\s*(\w+)/g)) {
    const i = func.params.findIndex((p) => p.name === m[1])
    if (i >= 0) found.push(i)
  }
  return found
}

const releaseCall = new RegExp(`\\b(${[...words.releases.keys()].join('|')})\\s*\\(`)

/** A function of the core that gives pages back, itself or by one beside it. */
function givesBack(func: Func): boolean {
  const { text } = func.file.source
  const own = text.slice(func.start, func.end)
  if (own.length > 6_000) return false
  if (releaseCall.test(own)) return true
  return func.file.functions.some(
    (f) => f !== func && own.includes(`${f.name}(`) && releaseCall.test(text.slice(f.start, f.end)),
  )
}

/** What a place holds on a path. */
function valueAt(loc: string, s: State): Val {
  const v = s.env.get(loc)
  if (v !== undefined) return v
  const root = rootOf(loc)
  if (/^new@\w+z$/.test(root) && root !== loc && !s.published.has(root)) return nothing
  if (root !== loc && s.env.has(`${root}#z`)) return nothing
  return unseen(loc)
}

/** A loop that gives back some of the pages: which, the walk cannot tell. */
export const byCondition = 'a loop gives it back under a condition that is not understood'

/** A struct inside another, which is there whatever it holds. */
const isWhole = (t: CType): boolean => t.array || (t.pointer === 0 && /^(struct|union) /.test(t.base))
const isZero = (e: Expr): boolean => e.kind === 'number' && e.value === 0

/** What `container_of(v, T, field)` points to. */
function around(v: Val, field: string): Val {
  const ref = pointee(v)
  if (!ref.endsWith(`.${field}`))
    return { sym: clip(`container_of(${v.sym},${field})`), ref: clip(`${ref}^${field}`) }
  const outer = ref.slice(0, -field.length - 1)
  const sym = outer.startsWith('*') ? outer.slice(1) : outer.startsWith('new@') ? `${outer}#` : `&${outer}`
  return { sym, ref: outer }
}
const isParam = (f: Func, name: string): boolean => f.params.some((p) => p.name === name)
const readable = (loc: string): string =>
  loc
    .replace(/^[*]*/, '')
    .replaceAll(/\d+:|@\d+|g:|#/g, '')
    .replaceAll('*', '')

function add(v: Val, by: number, at: number): Val {
  if (v.num !== undefined) return number(v.num + by)
  if (v.hold !== undefined || v.ref !== undefined) return { ...v, sym: `(${v.sym}+${at})`, element: true }
  return { sym: clip(`(${v.sym}+${by})`) }
}

/** One less than it was; from what it is counted down is still known. */
function countedDown(v: Val, old: Val): Val {
  if (v.num !== undefined || v.hold !== undefined) return v
  return { ...v, down: old.down ?? { sym: old.sym, ...(old.got !== undefined && { got: old.got }) } }
}

/** What a loop counts down to nothing: `i--`, `--i >= 0`, `i > 0`. */
function counterDown(cond: Expr | undefined): string | undefined {
  let c = cond
  if (c?.kind === 'binary' && /^(>=?|!=)$/.test(c.op) && c.right.kind === 'number') c = c.left
  if (c?.kind === 'unary' && c.op === '--') c = c.of
  return c?.kind === 'name' ? c.name : undefined
}

function arithmetic(op: string, a: Val, b: Val, s: State): Val {
  // Pages, from a number of bytes.
  const bytes = [a, b].find((v) => v.got !== undefined && s.holds.get(v.got)?.site.api.result === 'bytes')
  if (bytes !== undefined) {
    if (op === '+' && (a.num === 0 || b.num === 0)) return bytes
    const sum = clip(`(${a.sym}${op}${b.sym})`)
    // More than was there before.
    if (op === '+' && signOf(bytes, s) === plus && (signOf(bytes === a ? b : a, s) & minus) === 0)
      s.signs.set(sum, plus)
    return { sym: sum, got: bytes.got! }
  }
  // What a call gave, added to what it gave before.
  if (op === '+' && b.got !== undefined && a.got === b.got) {
    const h = s.holds.get(b.got)
    if (h?.outcome === 'all') return { ...h.asked, got: b.got }
    if (h?.outcome === 'short') return { sym: `short#${b.got}`, got: b.got }
  }
  if (a.num !== undefined && b.num !== undefined && op !== '&') {
    const n = calculate(op, a.num, b.num)
    if (n !== undefined) return number(n)
  }
  if (op === '+' && a.num === 0) return b
  if ((op === '+' || op === '-' || op === '|') && b.num === 0) return a
  if (op === '|' && a.num === 0) return b
  if (op === '-' && a.sym === b.sym) return nothing
  if (a.hold !== undefined || (a.ref !== undefined && op === '+' && a.sym.startsWith('&')))
    return { ...a, element: true, sym: clip(`(${a.sym}${op}${b.sym})`) }
  // Further on in an array.
  if (a.ref !== undefined && op === '+' && (a.ref.startsWith('new@') || s.env.get(a.ref)?.hold !== undefined))
    return { ...a, element: true, sym: clip(`(${a.sym}+${b.sym})`) }
  if (b.hold !== undefined) return { ...b, element: true, sym: clip(`(${a.sym}${op}${b.sym})`) }
  if (op === '+') {
    // All that were asked for came: their number may be added by that name as well.
    const all = (v: Val): number | undefined => {
      if (v.num === undefined)
        for (const h of s.holds.values())
          if (h.outcome !== 'none' && (h.asked.sym === v.sym || h.last?.sym === v.sym)) return h.id
      return undefined
    }
    const part = a.got ?? a.part ?? b.got ?? b.part ?? all(b)
    if (part !== undefined) return { sym: clip(`(${a.sym}+${b.sym})`), part }
  }
  return { sym: clip(`(${a.sym}${op}${b.sym})`) }
}

const about = (asked: Val, v: Val): boolean => asked.num === undefined && v.sym === asked.sym

/** The statements in a statement. */
function insideOf(x: Stmt): readonly Stmt[] {
  switch (x.kind) {
    case 'block':
      return x.body
    case 'if':
      return [x.then, ...(x.otherwise === undefined ? [] : [x.otherwise])]
    case 'for':
    case 'while':
    case 'do':
    case 'switch':
    case 'macro':
      return [x.body]
    case 'arms':
      return x.arms.flatMap((a) => a.body)
    default:
      return []
  }
}

/**
 * How many it gave, against a number that is not understood: that is taken to be as many as were wanted, or there would be nothing to
 * compare. Which way is right is still to be seen: only that a short one passes for all is missed, where the number was another.
 */
function asksForAll(op: string, x: Val, y: Val, s: State): boolean | undefined {
  const [v, w] = x.got !== undefined ? [x, y] : [y, x]
  if (v.got === undefined || w.got !== undefined || w.num !== undefined) return undefined
  const h = s.holds.get(v.got)!
  if (signOf(v, s) !== plus || h.outcome === 'none') return undefined
  const { op: o, a, not } = normal(op, x, y)
  const yes = o === '==' ? h.outcome === 'all' : h.outcome === 'short' && a === v
  return yes !== not
}

/** `x[i] = …`, `x[i].f = …`. */
function indexed(e: Expr): boolean {
  if (e.kind === 'index') return true
  if (e.kind === 'member') return indexed(e.base)
  return (e.kind === 'cast' || e.kind === 'unary') && indexed(e.of)
}
