import type { Call, Cleanup, CType, Expr, Func, Init, Local } from '../../source/index.ts'
import { hypercall, mmapLockFields } from '../api.ts'
import type { Code } from '../code.ts'
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
import { tagOf, typeOf } from '../ways/types.ts'
import { Apart, Different } from '../ways/waiting.ts'
import { clip, Ways } from '../ways/ways.ts'
import { type About, aboutOf, stripped } from './about.ts'
import { applied } from './calls.ts'
import { type Event, eventsOf, type Lock, type Trail, Trails } from './event.ts'
import { compareInts, intOf, signs } from './ints.ts'
import { type Form, type Int, State, unknown, type Value } from './state.ts'
import {
  comparable,
  copyFields,
  isNumber,
  moved,
  type Out,
  readAt,
  taintOf,
  valueText,
  withoutInt,
} from './values.ts'
import { arithmetic, guards, transparent } from './words.ts'

/** `rounds`: how often a loop is gone around. */
export type Limits = { readonly visits: number; readonly depth: number; readonly rounds: number }
export type WalkOptions = {
  readonly limits?: Limits
  readonly kept?: readonly Kept[]
  readonly towards?: ReadonlySet<Func>
  readonly notifier?: SequenceFields
  /** Only look-ups on this line give a value: for functions with too many ways. */
  readonly focus?: { readonly file: string; readonly line: number }
  /** What is written down: what happens to looked-up values, or what happens around a fault. The other is left out, so that ways meet. */
  readonly about?: 'values' | 'faults'
}
/** A field that an earlier walk left something in. */
export type Kept = {
  readonly struct?: string
  readonly field: string
  readonly of: number
  readonly form: Form
}
/** Fields that the module's notifier counts up, and functions that compare them. */
export type SequenceFields = { readonly fields: ReadonlySet<string>; readonly retries: ReadonlySet<string> }

/** One way through a function. `left`: what holds something looked up when it returns, outside of its own locals. */
export type Path = {
  readonly events: readonly Event[]
  readonly left: readonly (readonly [string, Value])[]
  readonly returned: Value | undefined
  readonly result: Int | undefined
}

export type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

/**
 * Goes every way through a function, and through the functions that it calls where they matter, and writes down what happens to
 * looked-up values. Branches are taken together where the variables that decide them are known (`ret` after a look-up, `unlocked` after
 * a fault), points that are equal in everything known are gone from once, a loop goes around twice.
 */
export class Walk implements Subject<State, Value> {
  readonly code: Code
  readonly ways: Ways<State, Value>
  readonly trails = new Trails()
  readonly limits: Limits
  /** Fields whose content is taken for looked-up from the start: what an earlier walk left in them. */
  readonly kept: readonly Kept[]
  /** Functions that lead to the site: walked into whatever their arguments are. */
  readonly towards: ReadonlySet<Func>
  readonly leads: ReadonlySet<string>
  readonly notifier: SequenceFields
  readonly about: 'values' | 'faults'
  readonly focus: { readonly file: string; readonly line: number } | undefined
  /** What equal calls came to. */
  readonly calls = new Map<string, readonly Out[]>()
  readonly nothing: Value = { int: 'zero' }
  readonly one: Value = { int: 'pos' }
  readonly #uses = new Map<number, Trail>()

  constructor(code: Code, options: WalkOptions) {
    this.code = code
    this.limits = options.limits ?? { visits: 30_000, depth: 8, rounds: 2 }
    this.kept = options.kept ?? []
    this.towards = options.towards ?? new Set()
    this.leads = new Set([...this.towards].map((f) => f.name))
    this.about = options.about ?? 'values'
    this.focus = options.focus
    this.notifier = options.notifier ?? { fields: new Set(), retries: new Set() }
    this.ways = new Ways(code, this, this.limits.visits)
  }

  /** Every way through a function, from its beginning. */
  run(func: Func): Path[] {
    const outs = this.ways.through(func, ({ prefix }) => {
      let state = new State(new Map(), new Map(), this.trails.empty)
      for (const p of func.params)
        if (p.type.base === 'struct vm_area_struct' && p.type.pointer === 1)
          state = state.withValue(prefix + p.name, { vma: 'fresh', to: `*(${prefix}${p.name})` })
      return state
    })
    return outs.map(
      ({ s, v }): Path => ({
        events: eventsOf(s.trail),
        left: [...s.env].filter(([loc, x]) => x.of !== undefined && !loc.startsWith('0:')),
        returned: v.of !== undefined || (v.to !== undefined && s.tainted(v.to).length > 0) ? v : undefined,
        result: v.int,
      }),
    )
  }

  /** The ways that reached a use of a looked-up value, as far as they were walked: what is there when there were too many. */
  partial(): Path[] {
    return [...this.#uses.values()].map((trail) => ({
      events: eventsOf(trail),
      left: [],
      returned: undefined,
      result: undefined,
    }))
  }

  /** The way goes on with an event, unless it has gone round often enough. */
  say(state: State, at: { readonly start: number }, event: EventBody): State[] {
    if (this.about === 'faults' ? !aroundFaults.has(event.kind) : aboutFaults.has(event.kind)) return [state]
    const next = state.happen(this.trails, { at: this.ways.place(at), ...event } as Event, this.limits.rounds)
    if (next === undefined) return []
    if ((event.kind === 'cpu' || event.kind === 'device' || event.kind === 'guest') && this.#uses.size < 400)
      this.#uses.set(next.trail.id, next.trail)
    return [next]
  }

  // ── States ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  fork(s: State): State {
    return s
  }

  put(s: State, loc: string, v: Value): State {
    return s.withValue(loc, v)
  }

  declare(local: Local, state: State): readonly State[] {
    const loc = this.ways.frame.prefix + local.name
    if (local.init === undefined) return [state.withValue(loc, unknown)]
    return this.#store(loc, () => local.type, local.init, state, local).map((o) => o.s)
  }

  /** The end of a scope: a guard drops its lock, `__free(kfree)` frees. */
  cleanup(c: Cleanup, state: State): readonly State[] {
    if (c.kind === 'free') {
      if (!/^k?v?free/.test(c.name)) return [state]
      const to = readAt(state, this.ways.frame.prefix + c.variable).to
      return [to === undefined ? state : state.free(to)]
    }
    const lock = this.#guardLock(c.name, c.args[0])
    if (lock === undefined) return [state]
    const s = this.say(state, { start: c.start }, { kind: 'unlock', lock })
    return lock.mmap ? s.map((t) => t.withStaleVmas()) : s
  }

  /** `guard(mutex)(&x->lock)` */
  #guardLock(name: string, arg: Expr | undefined): Lock | undefined {
    const kind = guards.get(name)
    if (kind === undefined) return undefined
    if (kind.mmap) return { name: 'mmap_lock', mmap: true, write: kind.write }
    const field = arg === undefined ? '?' : lockName(this, arg)
    return { name: field, mmap: mmapLockFields.has(field), write: kind.write }
  }

  waiting(): Waiting<State> {
    return new Apart<State>()
  }

  ends(): Ends<State, Value> {
    return new Different<State, Value>(valueText)
  }

  arrive(s: State, _from: number, to: number): State {
    const names = this.#about.live[to]!
    return s.only(
      this.ways.frame.prefix,
      (n) => names.has(n) || n === result,
      (f) => names.has(f),
    )
  }

  leave(s: State): Out {
    const loc = this.ways.frame.prefix + result
    return { s: s.withValue(loc, unknown), v: s.env.get(loc) ?? unknown }
  }

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  number(n: number): Value {
    return n === 0 ? this.nothing : this.one
  }

  /** What stands at a place in memory. Reading through an address that was looked up is an access by the CPU. */
  read(e: Expr, state: State): readonly Out[] {
    const { types } = this.ways.frame
    // A constant.
    if (e.kind === 'name' && arithmetic.test(e.name) && !types.has(e.name)) return [{ s: state, v: unknown }]
    return this.ways.locate(e, state).flatMap(({ s, loc, base }) => {
      if (base !== undefined) return this.#through(e, s, base, false)
      if (loc === undefined) return [{ s, v: unknown }]
      const type = e.kind === 'name' ? types.get(e.name) : undefined
      if (type?.array === true && !loc.endsWith('[]')) return [{ s, v: { to: `${loc}[]` } }]
      // A number that nothing is known of points nowhere.
      if (isNumber(type)) return [{ s, v: s.env.get(loc) ?? unknown }]
      const value = readAt(s, loc)
      if (value.of === undefined && e.kind === 'member') {
        const kept = this.#keptIn(e)
        if (kept !== undefined) return [{ s, v: { ...value, of: kept.of, form: kept.form } }]
        if (this.notifier.fields.has(e.field)) return [{ s, v: { ...value, seq: true } }]
      }
      return [{ s, v: value }]
    })
  }

  /** `*p`, `p->f`, `p[i]` where p is a looked-up value. */
  #through(e: Expr, state: State, base: Value, write: boolean): Out[] {
    if (base.form === 'ptep' || base.form === 'pte') return [{ s: state, v: { of: base.of!, form: 'pte' } }]
    if (base.form === 'page') {
      // The page's own fields are looked at, not its memory; an array of pages holds pages.
      if (e.kind === 'member') return [{ s: state, v: unknown }]
      return [{ s: state, v: base }]
    }
    // An array of PFNs holds PFNs.
    if (base.form === 'pfn' && e.kind === 'index') return [{ s: state, v: base }]
    return this.say(state, e, { kind: 'cpu', value: base.of!, write, text: this.ways.text(e) }).map((s) => ({
      s,
      v: unknown,
    }))
  }

  behind(e: Expr, pointer: Value, s: State, part: { readonly field?: string }): Located<State, Value>[] {
    const states =
      pointer.vma === 'stale' ? this.say(s, e, { kind: 'stale-vma', text: this.ways.text(e) }) : [s]
    return states.map((t) => {
      if (pointer.of !== undefined && pointer.form !== undefined) return { s: t, base: pointer }
      if (pointer.to === undefined) return { s: t }
      return { s: t, loc: clip(part.field === undefined ? pointer.to : `${pointer.to}.${part.field}`) }
    })
  }

  part(loc: string, field: string): string {
    return clip(`${loc}.${field}`)
  }

  temporary(_: Expr, { s, v }: Out): Located<State, Value> {
    return v.to === undefined ? { s } : { s, loc: v.to }
  }

  addressOf(_: Unary, { loc }: Located<State, Value>): Value {
    return loc === undefined ? unknown : { to: loc }
  }

  unary(e: Unary, v: Value): Value {
    if (e.op !== '-') return withoutInt(v)
    const int = intOf(e)
    return int === undefined ? moved(v) : { int }
  }

  binary(op: string, a: Value, b: Value): Value {
    const value = a.of !== undefined ? a : b.of !== undefined ? b : a.to !== undefined ? a : b
    return op === '+' || op === '-' ? moved(value) : withoutInt(value)
  }

  stepped(_: Unary, loc: string, s: State): { before: Value; after: Value } {
    const before = readAt(s, loc)
    return { before, after: moved(before) }
  }

  other(e: Expr, s: State): readonly Out[] {
    return e.kind === 'asm' ? this.#asm(e, s) : [{ s, v: unknown }]
  }

  assign(e: Assignment, state: State): readonly Out[] {
    return this.ways.locate(e.target, state).flatMap(({ s, loc, base }) => {
      if (base !== undefined)
        return this.ways.eval(e.value, s).flatMap((o) => this.#through(e.target, o.s, base, true))
      if (loc === undefined) return this.ways.eval(e.value, s)
      const type = (): CType | undefined => this.typeOf(e.target)
      if (e.op === '=') return this.#store(loc, type, e.value, s, e.target)
      return this.ways.eval(e.value, s).flatMap((o) => {
        const old = readAt(o.s, loc)
        const kept = old.of !== undefined ? old : o.v.of !== undefined ? o.v : old
        const value = e.op === '+' || e.op === '-' ? moved(kept) : withoutInt(kept)
        return this.#put(loc, type, value, o.s, e.target)
      })
    })
  }

  #store(loc: string, type: () => CType | undefined, from: Expr, state: State, at: Expr | Local): Out[] {
    if (from.kind === 'init') return this.#initialise(loc, from, state).map((s) => ({ s, v: unknown }))
    if (from.kind === 'cast' && from.of.kind === 'init') return this.#store(loc, type, from.of, state, at)
    const source = isPlace(from) ? this.ways.locate(from, state)[0]?.loc : undefined
    return this.ways.eval(from, state).flatMap((v) =>
      this.#put(loc, type, v.v, v.s, at).map((o) => ({
        s: source === undefined ? o.s : copyFields(o.s, source, loc),
        v: o.v,
      })),
    )
  }

  #initialise(loc: string, init: Init, state: State): State[] {
    let states = [state.withValue(loc, unknown)]
    for (const item of init.items) {
      const field = item.path.map((p) => (p.startsWith('[') ? '[]' : p)).join('')
      if (field === '') continue
      states = states.flatMap((s) =>
        this.#store(`${loc}${field}`, () => undefined, item.value, s, item.value).map((o) => o.s),
      )
    }
    return states
  }

  #put(loc: string, type: () => CType | undefined, value: Value, state: State, at: Expr | Local): Out[] {
    const name = loc.startsWith(this.ways.frame.prefix) ? loc.slice(this.ways.frame.prefix.length) : undefined
    // What an integer is matters only where a condition asks for it.
    let stored = value
    if (
      value.int !== undefined &&
      (loc.startsWith('*(') ||
        loc.startsWith('g:') ||
        (name !== undefined && !name.includes('.') && !this.#about.asked.has(name)))
    )
      stored = withoutInt(value)
    if (stored.of !== undefined && stored.to !== undefined) {
      const { to: _, ...rest } = stored
      stored = rest
    }
    // A number points nowhere, unless it is the address of something that holds what was looked up.
    if (
      stored.to !== undefined &&
      stored.of === undefined &&
      name !== undefined &&
      isNumber(type()) &&
      state.tainted(stored.to).length === 0
    ) {
      const { to: _, ...rest } = stored
      stored = rest
    }
    let states = [state]
    if (value.of !== undefined) {
      if (value.form !== 'page' && type()?.base === 'dma_addr_t' && value.form !== 'dma') {
        states = this.say(state, at, {
          kind: 'device',
          value: value.of,
          text: `${this.ways.text(at)}, a dma_addr_t`,
        })
        stored = { ...stored, form: 'dma' }
      } else if (!loc.startsWith(this.ways.frame.prefix)) {
        states = this.say(state, at, {
          kind: 'hop',
          value: value.of,
          text: this.ways.text(at),
          ...this.#fieldOf(at),
        })
      }
    }
    // Along a list or a tree the names would grow for ever: what comes from an object's own pointer stays that object.
    const old = state.env.get(loc)?.to ?? `*(${loc})`
    if (stored.to !== undefined && stored.to !== old && stored.to.includes(`(${old}`))
      stored = { ...stored, to: old }
    return states.map((s) => ({ s: s.withValue(loc, stored), v: value }))
  }

  #asm(e: Expr & { kind: 'asm' }, state: State): readonly Out[] {
    let outs: readonly Out[] = [{ s: state, v: unknown }]
    const hyper = hypercall.test(e.text)
    for (const operand of e.operands)
      outs = outs.flatMap((o) =>
        this.ways.eval(operand, o.s).flatMap((v) => {
          // A register pair is a union: what is in one half is in the other's instruction.
          const pair = operand.kind === 'member' ? this.ways.locate(operand.base, v.s)[0]?.loc : undefined
          const of = hyper
            ? taintOf(v)
            : (v.v.of ?? (pair === undefined ? undefined : v.s.tainted(pair, 0)[0]?.[1].of))
          if (of === undefined) return [{ s: v.s, v: unknown }]
          const text = hyper ? 'a hypercall' : 'an instruction that takes the address'
          return this.say(
            v.s,
            e,
            hyper ? { kind: 'guest', value: of, text } : { kind: 'cpu', value: of, write: true, text },
          ).map((s) => ({ s, v: unknown }))
        }),
      )
    return outs
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  truth(e: Expr, v: Value, s: State): Branches<State> {
    if (v.int !== undefined) return v.int === 'zero' ? { yes: [], no: [s] } : { yes: [s], no: [] }
    return this.#both(e, s, 'nonzero', 'zero')
  }

  compare(whole: Expr, op: string, a: Value, b: Value, s: State): Branches<State> {
    const e = whole as Expr & { kind: 'binary' }
    const equality = op === '==' || op === '!='
    if (
      equality &&
      a.of !== undefined &&
      b.of !== undefined &&
      a.of !== b.of &&
      comparable(a) &&
      comparable(b)
    ) {
      const same = this.say(s, e, { kind: 'same', value: a.of, other: b.of })
      return op === '==' ? { yes: same, no: [s] } : { yes: [s], no: same }
    }
    if (a.seq === true || b.seq === true) {
      // The driver's own sequence is compared with a snapshot of it.
      const quiet = equality ? this.say(s, e, { kind: 'retry', text: this.ways.text(e) }) : [s]
      return op === '!=' ? { yes: [s], no: quiet } : { yes: quiet, no: [s] }
    }
    const is = compareInts(op, a.int, b.int)
    if (is !== undefined) return is ? { yes: [s], no: [] } : { yes: [], no: [s] }
    if (b.int === 'zero') return this.#both(e.left, s, ...signs[op]!, e)
    if (b.int?.startsWith('-E') === true && equality)
      return this.#both(e.left, s, op === '==' ? b.int : undefined, op === '==' ? undefined : b.int, e)
    return this.#both(e, s, undefined, undefined)
  }

  /** Both ways, remembering on each what it says: of the variable that was asked, or of the condition if it is asked again. */
  #both(
    e: Expr,
    state: State,
    ifYes: Int | undefined,
    ifNo: Int | undefined,
    whole: Expr = e,
  ): Branches<State> {
    const inner = stripped(e)
    if (inner.kind === 'name' && this.ways.frame.types.has(inner.name)) {
      const loc = this.ways.frame.prefix + inner.name
      const old = state.env.get(loc)
      // The pointer stays what it was; only what is known of it as a number grows.
      const set = (int: Int | undefined): State => {
        if (int === undefined || !this.#about.again.has(inner.name)) return state
        const env = new Map(state.env)
        env.set(loc, int === 'zero' ? { int } : { ...old, int })
        return state.withEnv(env)
      }
      const way = (int: Int | undefined): State[] =>
        int !== undefined && compareInts('==', old?.int, int) === false ? [] : [set(int)]
      return { yes: way(ifYes), no: way(ifNo) }
    }
    const fact = this.ways.text(whole)
    if (!this.#about.repeated.has(fact)) return { yes: [state], no: [state] }
    const known = state.facts.get(fact)
    if (known !== undefined) return known ? { yes: [state], no: [] } : { yes: [], no: [state] }
    return { yes: [state.withFact(fact, true)], no: [state.withFact(fact, false)] }
  }

  isCase(v: Value, value: Expr, s: State, yes: boolean): State | undefined {
    return compareInts('==', v.int, intOf(value)) === !yes ? undefined : s
  }

  sameAs(e: Call): { readonly of: Expr } | undefined {
    const [of] = e.args
    return e.callee.kind === 'name' && transparent.test(e.callee.name) && of !== undefined
      ? { of }
      : undefined
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  instead(e: Call, state: State): readonly Out[] | undefined {
    // guard(mutex)(&x->lock), scoped_guard(mutex, &x->lock)
    const inner = e.callee.kind === 'call' ? e.callee : e
    if (inner.callee.kind !== 'name') return undefined
    const { name } = inner.callee
    if (/^(scoped_)?guard$/.test(name) && inner.args[0]?.kind === 'name') {
      const lock = this.#guardLock(inner.args[0].name, inner === e ? e.args[1] : e.args[0])
      const states = lock === undefined ? [state] : this.say(state, e, { kind: 'lock', lock })
      return states.map((s) => ({ s, v: unknown }))
    }
    if (inner === e && /^(container_of|list_entry|rb_entry)$/.test(name) && e.args[0] !== undefined)
      return this.ways.eval(e.args[0], state).map(({ s }) => ({
        s,
        v: { to: `*(@${this.ways.frame.func.name}.${this.ways.text(e)})` },
      }))
    return undefined
  }

  call(e: Call, args: readonly Value[], state: State): readonly Out[] {
    return applied(this, e, e.callee.kind === 'name' ? e.callee.name : undefined, args, state)
  }

  // ── What is known of functions, fields and types ───────────────────────────────────────────────────────────────────

  get #about(): About {
    return aboutOf(this.ways.frame.func, this.code)
  }

  typeOf(e: Expr): CType | undefined {
    return typeOf(this.code, this.ways.frame.func, e)
  }

  /** The field that is written, and the struct that it is of. */
  #fieldOf(at: Expr | Local): { field?: string; struct?: string } {
    if (at.kind === 'index') return this.#fieldOf(at.base)
    if (at.kind !== 'member') return {}
    const tag = tagOf(this.typeOf(at.base))
    return { field: at.field, ...(tag !== undefined && { struct: tag }) }
  }

  #keptIn(e: Expr & { kind: 'member' }): Kept | undefined {
    const found = this.kept.find((k) => k.field === e.field)
    if (found?.struct === undefined) return found
    const base = this.typeOf(e.base)
    return base === undefined || base.base.replace(/^struct /, '') === found.struct ? found : undefined
  }
}

/** The field or variable that is a lock. */
export function lockName(w: Walk, e: Expr): string {
  let x = e
  while (x.kind === 'unary' || x.kind === 'cast') x = x.of
  return x.kind === 'member' ? x.field : x.kind === 'name' ? x.name : w.ways.text(x)
}

const aboutFaults: ReadonlySet<Event['kind']> = new Set(['fault', 'vma', 'stale-vma'])
/** A mmap_lock that is taken and dropped, and what depends on it. */
const aroundFaults: ReadonlySet<Event['kind']> = new Set(['lock', 'unlock', 'fault', 'vma', 'stale-vma'])

const isPlace = (e: Expr): boolean =>
  e.kind === 'name' || e.kind === 'member' || e.kind === 'index' || (e.kind === 'unary' && e.op === '*')
