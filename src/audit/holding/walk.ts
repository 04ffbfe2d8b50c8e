import type { Call, Cleanup, CType, Expr, Func, Local } from '../../source/index.ts'
import type { Code, GraphNode } from '../code.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'
import { caseOf, decide, learn, sign, signOf } from '../ways/facts.ts'
import { reachIn } from '../ways/live.ts'
import { namesOf } from '../ways/names.ts'
import {
  type Assignment,
  type Branches,
  type Ends,
  type Located,
  result,
  type Subject,
  type Unary,
  type Waiting,
} from '../ways/subject.ts'
import {
  isForeign,
  minusOf,
  nothing,
  number,
  one,
  partOf,
  pointee,
  rootOf,
  unseen,
  within,
} from '../ways/symbols.ts'
import { typeOf } from '../ways/types.ts'
import { Apart, Different, Joined } from '../ways/waiting.ts'
import { clip, TooManyWays, Ways } from '../ways/ways.ts'
import { acquire, acquireOther } from './acquire.ts'
import { called } from './calls.ts'
import type { Ending } from './event.ts'
import { Forgetting } from './forget.ts'
import { freed, keeps, keptOf, reached } from './kept.ts'
import { asksForAll, counterOf, eachRound, headOf, over, widen } from './loops.ts'
import { wrote } from './memory.ts'
import { JoinedEnds, type Out, State, valueAt } from './state.ts'
import { about, add, arithmetic, countedDown, isZero, readable, type Val } from './value.ts'
import * as words from './words.ts'

/** There are too many ways: these are the ends of those that were gone. */
export class Unfinished extends Error {
  readonly sofar: readonly Ending[]

  constructor(sofar: readonly Ending[]) {
    super('there are too many ways')
    this.sofar = sofar
  }
}

const { minus } = sign

const most = { visits: 2_000, joined: 12_000, rounds: 2, events: 200 }

/** Goes every way through a function and says what has become of the pages that its calls acquire. */
export class HoldingWalk implements Subject<State, Val> {
  readonly nothing: Val = nothing
  readonly one: Val = one
  readonly number = number
  readonly ways: Ways<State, Val>
  readonly code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  /** Walked into when they are called. */
  readonly towards: ReadonlySet<Func>
  readonly #ended: Out[] = []
  readonly #forgetting = new Forgetting()
  /** Calls of macros, as the expressions that they stand for. */
  readonly macros = new Map<Expr, Expr | undefined>()
  readonly #ids = new Map<Expr, number>()
  readonly #joins: boolean
  readonly #only: Expr | undefined
  /** Its iterator is over memory of the kernel. */
  readonly kernel: boolean

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
    this.kernel = how.kernel ?? false
    this.#joins = how.joins ?? false
    this.#only = how.only
    this.code = code
    this.ways = new Ways<State, Val>(code, this, how.most ?? (this.#joins ? most.joined : most.visits))
    this.#apis = apis
    this.towards = towards
  }

  run(func: Func): Ending[] {
    try {
      return this.#endings(
        func,
        this.ways.through(func, () => new State()),
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
        .filter((h) => h.outcome !== 'none' || h.wrong !== undefined)
        .map(
          (holding): Ending => ({
            holding,
            ...keptOf(holding.id, s, v, func),
            events: s.events,
            end,
            failed: signOf(v, s) === minus || v.sym.startsWith('ERR_PTR('),
          }),
        ),
    )
  }

  // ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

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
    const loc = this.ways.frame.prefix + name
    if (init === undefined) return [this.put(s, loc, undefined)]
    if (init.kind !== 'init') return this.ways.eval(init, s).map((o) => this.put(o.s, loc, o.v))
    const zeroed = this.put(s, loc, undefined)
    zeroed.env.set(`${loc}#z`, nothing)
    let states = [zeroed]
    for (const { path, value } of init.items)
      if (path.length === 1 && path[0]!.startsWith('.') && value.kind !== 'init')
        states = states.flatMap((t) =>
          this.ways.eval(value, t).map((o) => this.put(o.s, `${loc}${path[0]!}`, o.v)),
        )
    return states
  }

  cleanup(c: Cleanup, s: State): readonly State[] {
    if (c.kind !== 'free' || !/^k?v?free/.test(c.name)) return [s]
    const v = s.env.get(this.ways.frame.prefix + c.variable)
    return [v?.ref === undefined ? s : freed(s.fork(), v.ref)]
  }

  arm(s: State, said: readonly (readonly [string, boolean])[]): State | undefined {
    if (said.some(([k, yes]) => s.facts.has(k) && s.facts.get(k) !== yes)) return undefined
    const t = s.fork()
    for (const [k, yes] of said) t.facts.set(k, yes)
    return t
  }

  waiting(): Waiting<State> {
    return this.#joins ? new Joined<State>(this.ways.frame.prefix) : new Apart<State>()
  }

  ends(): Ends<State, Val> {
    const { prefix } = this.ways.frame
    if (this.#joins) return new JoinedEnds(prefix)
    const outermost = this.ways.depth === 1
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
      widen(this, this.code.graph(this.ways.frame.func).nodes, to, s, this.ways.frame)
    }
    const { func } = this.ways.frame
    const graph = this.code.graph(func)
    // A loop that is left behind for good.
    for (const head of s.rounds.keys()) if (!reachIn(func, graph, to, head)) s.rounds.delete(head)
    const { live, asked } = namesOf(func, graph, false)
    this.#forgetting.forget(s, this.ways.frame, live[to]!, asked[to]!)
    return s
  }

  tooLong(s: State): boolean {
    return s.events.length > most.events
  }

  leave(s: State): Out {
    const loc = this.ways.frame.prefix + result
    const t = s.fork()
    t.env.delete(loc)
    return { s: t, v: s.env.get(loc) ?? nothing }
  }

  // ── Loops ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  hasBeenIn(at: number, s: State): boolean {
    return s.rounds.has(headOf(this.code.graph(this.ways.frame.func).nodes, at))
  }

  /** Pages that are there are some: a loop over them has a round. */
  enters(node: GraphNode & { kind: 'test' | 'each' }, s: State): boolean {
    return over(this, node, s)
  }

  /** A loop that a macro makes goes over what it is given, and leaves it as it is. */
  header(e: Expr, s: State): readonly Out[] {
    if (e.kind !== 'call') return this.ways.eval(e, s)
    let outs: readonly Out[] = [{ s, v: nothing }]
    for (const a of e.args) if (a.kind !== 'type') outs = outs.flatMap((o) => this.ways.eval(a, o.s))
    return outs
  }

  each(e: Expr, s: State): State {
    eachRound(this, e, s)
    return s
  }

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
    return { s, loc: `${this.ways.frame.prefix}tmp@${e.start}` }
  }

  read(e: Expr, s: State): readonly Out[] {
    return this.ways.locate(e, s).map(({ s: t, loc: at, base }) => {
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
        if (this.ways.frame.types.get(e.name)?.array === true && !isParam(this.ways.frame.func, e.name))
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
    return typeOf(this.code, this.ways.frame.func, e)
  }

  other(e: Expr, s: State): readonly Out[] {
    if (e.kind === 'sizeof' || e.kind === 'type') return [{ s, v: { sym: this.ways.text(e) } }]
    let outs: State[] = [s]
    if (e.kind === 'asm')
      for (const x of e.operands)
        outs = outs.flatMap((t) =>
          this.ways.eval(x, t).map((o) => {
            const u = o.s.fork()
            for (const h of reached([o.v], u)) u.change(h, { handed: u.holds.get(h)!.handed ?? 'asm' })
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
    const further = of.kind === 'index' && !isZero(of.index) ? this.ways.text(of.index) : undefined
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
    return this.ways.eval(e.value, s).flatMap(({ s: t, v }) =>
      this.ways.locate(e.target, t).map(({ s: u, loc: at, base }) => {
        const loc = at!
        if (base?.hold !== undefined) {
          const w = u.fork()
          if (base.form === 'memory') wrote(this, w, base.hold, 'cpu', e)
          return { s: w, v }
        }
        const w = u.fork()
        keeps(this, w, e.target, v)
        if (v.hold !== undefined && indexed(e.target) && isForeign(rootOf(loc)))
          w.change(v.hold, { stored: readable(loc) })
        if (v.hold !== undefined && v.element === true && e.target.kind === 'index')
          w.change(v.hold, { spread: true })
        if (indexed(e.target) || base?.element === true || /\(.*[-+]|…/.test(loc)) {
          // One of several: what the others hold is still there.
          const old = w.env.get(loc)
          if (old !== undefined && v.hold === undefined)
            if (reached([old], w).some((h) => w.holds.get(h)!.left !== 'nothing')) {
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

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  truth(e: Expr, v: Val, s: State): Branches<State> {
    if (v.element === true && v.hold !== undefined) s.change(v.hold, { checked: true })
    return this.compare(e, '!=', v, nothing, s)
  }

  isCase(v: Val, value: Expr, s: State, yes: boolean): State | undefined {
    const [r] = this.ways.eval(value, s)
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
    const counter = counterOf(this, at)
    const known =
      decide(op, a, b, s) ?? (counted === undefined || counter !== 'no' ? undefined : asksForAll(op, a, b, s))
    const say = (t: State, way: boolean): void => {
      if (counted !== undefined)
        t.say({ do: 'count', hold: counted, at: this.ways.place(at), text: this.ways.text(at) })
      else if (known === undefined && t.live)
        t.say({
          do: 'decide',
          at: this.ways.place(at),
          text: `\`${this.ways.text(at)}\` is ${way ? 'true' : 'false'}`,
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
                h.unclear ??
                `how \`${this.ways.text(at)}\` turns out with the number of pages is not understood`,
            })
      say(t, way)
      ;(way ? yes : no).push(t)
    }
    return { yes, no }
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  call(e: Call, args: readonly Val[], s: State): readonly Out[] {
    const name = e.callee.kind === 'name' ? e.callee.name : undefined
    const api = name === undefined ? undefined : this.#apis.get(name)
    if (api === undefined) return called(this, e, name, args, s.fork())
    return this.#only === undefined || this.#only === e
      ? acquire(this, e, api, args, s.fork())
      : acquireOther(this, e, api, args, s.fork())
  }

  /** The number of the acquisitions of a call, which is the same on every path. */
  idOf(e: Expr): number {
    let id = this.#ids.get(e)
    if (id === undefined) this.#ids.set(e, (id = this.#ids.size))
    return id
  }
}

/** A struct inside another, which is there whatever it holds. */
const isWhole = (t: CType): boolean => t.array || (t.pointer === 0 && /^(struct|union) /.test(t.base))
const isParam = (f: Func, name: string): boolean => f.params.some((p) => p.name === name)

/** `x[i] = …`, `x[i].f = …`. */
function indexed(e: Expr): boolean {
  if (e.kind === 'index') return true
  if (e.kind === 'member') return indexed(e.base)
  return (e.kind === 'cast' || e.kind === 'unary') && indexed(e.of)
}
