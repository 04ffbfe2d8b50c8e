import type { Call, Cleanup, CType, Expr, Func, Local, Member } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { decide, learn, sign } from '../ways/facts.ts'
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
  isLocal,
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
import { fieldKey, variablesOf } from '../ways/types.ts'
import { Apart, Different } from '../ways/waiting.ts'
import { begun, clip, Ways } from '../ways/ways.ts'
import type { Api } from './api.ts'
import { called, concerns, touched } from './calls.ts'
import type { Thing } from './event.ts'
import { applied } from './roles.ts'
import { State } from './state.ts'
import { arithmetic, thing, type Val } from './value.ts'
import * as words from './words.ts'

export type Out = WayOut<State, Val>

/** What a walk is about: dma-bufs, notifiers, files. */
export type About = {
  readonly apis: ReadonlyMap<string, Api>
  /** Locks that are followed by their names: `notifier_lock`. */
  readonly locks?: ReadonlySet<string>
  /** Functions that are gone into even if they call nothing of these: they free. */
  readonly frees?: true
  /** Names that a macro declares. */
  readonly locals?: (func: Func) => readonly string[]
  /** What is behind a descriptor is looked at: by whom it is used, handed on, or freed. */
  readonly looks?: true
  /**
   * Only errors are remembered, and what points to objects that were made here: ways that cannot be are taken as well. What then holds
   * on all of them holds; what goes wrong on one says nothing.
   */
  readonly coarse?: true
}

const most = { visits: 5000, depth: 6, rounds: 1, events: 120 }

/**
 * Goes every way through a function and says what has become of the things that it deals with: what its calls take, make, register and
 * publish, and what gives that back.
 */
export class ThingWalk implements Subject<State, Val> {
  readonly code: Code
  readonly about: About
  /** Whether fields that are not known stand for what was put into a field of that name before. */
  readonly later: boolean
  readonly ways: Ways<State, Val>
  readonly nothing: Val = nothing
  readonly one: Val = one
  readonly number = number
  /** Walked into whenever they are called. */
  readonly #towards: ReadonlySet<Func>
  /** Which field a value was read from. */
  readonly #keys = new Map<string, string>()

  constructor(
    code: Code,
    about: About,
    { later = false, towards = new Set() }: { later?: boolean; towards?: ReadonlySet<Func> } = {},
  ) {
    this.code = code
    this.about = about
    this.later = later
    this.#towards = towards
    this.ways = new Ways(code, this, most.visits)
  }

  run(func: Func, start = new State()): Out[] {
    return this.ways.through(func, () => start, this.#variables(func))
  }

  #variables(func: Func): ReadonlyMap<string, CType> {
    const more = this.about.locals?.(func) ?? []
    if (more.length === 0) return variablesOf(func)
    return new Map([...variablesOf(func), ...more.map((name) => [name, unseenType] as const)])
  }

  // ── States ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  fork(s: State): State {
    return s.fork()
  }

  put(before: State, loc: string, v: Val): State {
    const s = before.fork()
    for (const k of s.env.keys()) if (within(k, loc)) s.env.delete(k)
    s.env.set(loc, v)
    return s
  }

  declare(local: Local, s: State): readonly State[] {
    const loc = this.ways.frame.prefix + local.name
    if (local.init === undefined || local.init.kind === 'init')
      return [this.put(s, loc, { sym: `${loc}@${local.start}` })]
    return this.ways.eval(local.init, s).map((o) => this.put(o.s, loc, o.v))
  }

  cleanup(c: Cleanup, s: State): readonly State[] {
    if (c.kind !== 'free' || !/^k?v?free/.test(c.name)) return [s]
    const v = s.env.get(this.ways.frame.prefix + c.variable)
    if (v?.ref === undefined) return [s]
    const t = s.fork()
    t.free(rootOf(v.ref))
    return [t]
  }

  arm(s: State, said: readonly (readonly [string, boolean])[]): State | undefined {
    if (said.some(([k, yes]) => s.facts.has(k) && s.facts.get(k) !== yes)) return undefined
    const t = s.fork()
    for (const [k, yes] of said) t.facts.set(k, yes)
    return t
  }

  waiting(): Waiting<State> {
    return new Apart<State>()
  }

  ends(): Ends<State, Val> {
    return new Different<State, Val>((v) => `${v.sym}/${v.thing}/${v.ref}`)
  }

  arrive(before: State, from: number, to: number): State | undefined {
    const s = before.fork()
    if (to <= from) {
      // Backwards is around a loop, more or less: nodes are numbered in the order of the text.
      const n = (s.rounds.get(to) ?? 0) + 1
      if (n > most.rounds) return undefined
      s.rounds.set(to, n)
    }
    const { frame } = this.ways
    const { live, asked } = namesOf(frame.func, this.code.graph(frame.func), true)
    forget(s, frame, live[to]!, asked[to]!)
    if (this.about.coarse === true) blur(s)
    return s
  }

  tooLong(s: State): boolean {
    return s.events.length > most.events
  }

  leave(s: State): Out {
    const { prefix } = this.ways.frame
    const v = s.env.get(prefix + result) ?? nothing
    const t = s.fork()
    for (const k of t.env.keys()) if (k.startsWith(prefix)) t.env.delete(k)
    return { s: t, v }
  }

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  behind(
    e: Expr,
    pointer: Val,
    s: State,
    part: { readonly field?: string; readonly index?: Val },
  ): readonly Located<State, Val>[] {
    const at = pointee(pointer)
    if (part.index !== undefined) return [{ s, loc: clip(`${at}.[${part.index.sym}]`) }]
    if (part.field === undefined) return [{ s, loc: at }]
    touched(this, pointer, e, s)
    return [{ s, loc: partOf(at, part.field), base: pointer }]
  }

  part(loc: string, field: string): string {
    return partOf(loc, field)
  }

  temporary(e: Expr, { s }: Out): Located<State, Val> {
    return { s, loc: `${this.ways.frame.prefix}tmp@${e.start}` }
  }

  addressOf(_: Unary, at: Located<State, Val>): Val {
    return { sym: `&${at.loc!}`, ref: at.loc! }
  }

  unary(e: Unary, v: Val): Val {
    return e.op === '-' ? minusOf(v) : { sym: `${e.op}(${v.sym})` }
  }

  binary(op: string, a: Val, b: Val): Val {
    return arithmetic(op, a, b)
  }

  stepped(e: Unary, loc: string, s: State): { before: Val; after: Val } {
    const before = this.#readAt(loc, s)
    return { before, after: arithmetic('+', before, number(e.op === '++' ? 1 : -1)) }
  }

  other(e: Expr, s: State): readonly Out[] {
    return [{ s, v: { sym: e.kind === 'sizeof' || e.kind === 'type' ? this.ways.text(e) : `x@${e.start}` } }]
  }

  read(e: Expr, s: State): readonly Out[] {
    const { types, func } = this.ways.frame
    return this.ways.locate(e, s).map(({ s: t, loc: at, base }) => {
      const loc = at!
      if (e.kind === 'name') {
        if (types.get(e.name)?.array === true && !func.params.some((p) => p.name === e.name))
          return { s: t, v: { sym: `&${loc}`, ref: loc } }
        if (loc.startsWith('g:') && /^[A-Z][A-Z0-9_]*$/.test(e.name)) return { s: t, v: { sym: e.name } }
      }
      if (e.kind === 'member') {
        const of = e.arrow ? this.#partOf(e, base, t) : undefined
        if (of !== undefined) return { s: t, v: of }
        if (!t.env.has(loc)) {
          const key = fieldKey(this.code, func, e)
          const kept = this.later && key !== undefined ? t.fields.get(key) : undefined
          if (kept !== undefined) return { s: t, v: kept }
          if (key !== undefined) this.#keys.set(loc, key)
        }
      }
      const v = this.#readAt(loc, t)
      return { s: t, v: v.num === 0 && v.ref !== undefined ? nothing : v }
    })
  }

  #readAt(loc: string, s: State): Val {
    const v = s.env.get(loc)
    if (v !== undefined) return v
    const root = rootOf(loc)
    if (/^new@\d+z$/.test(root) && root !== loc && !s.published.has(root)) return { ...nothing, ref: loc }
    const given = s.given.get(loc)
    return given === undefined ? unseen(loc) : thing(given)
  }

  /** `attach->dmabuf` is the dma-buf of the attachment, `dmabuf->file` stands for the dma-buf. */
  #partOf(e: Member, base: Val | undefined, s: State): Val | undefined {
    if (base?.thing === undefined) return undefined
    const t = s.things[base.thing]!
    if (t.kind === 'attach' && e.field === 'dmabuf' && t.of !== undefined) return thing(t.of)
    // Its descriptor is user space's, and with it the last reference that was this path's.
    if (t.published !== undefined && t.refs <= 0)
      s.say({ do: 'use', thing: base.thing, at: this.place(e), text: this.ways.text(e) })
    if (t.kind === 'buf' && e.field === 'file') return base
    return undefined
  }

  /** The thing that a value names; one that was there already, if this path did not make it. */
  thing(v: Val | undefined, kind: Thing['kind'], s: State): number | undefined {
    if (v === undefined || v.num !== undefined || v.err === true) return undefined
    if (v.thing !== undefined) return s.things[v.thing]!.kind === kind ? v.thing : undefined
    const known = s.given.get(v.sym)
    if (known !== undefined) return s.things[known]!.kind === kind ? known : undefined
    let of: number | undefined
    if (kind === 'attach') {
      const buf = clip(`${pointee(v)}.dmabuf`)
      of = s.given.get(buf) ?? s.add({ kind: 'buf', refs: 0, live: true })
      s.given.set(buf, of)
    }
    // What a function returned may be this one's to put.
    const lent = /^\w+@\d+$/.test(v.sym)
    const id = s.add({
      kind,
      refs: 0,
      live: true,
      ...(of !== undefined && { of }),
      ...(lent && { lent: true as const }),
    })
    s.given.set(v.sym, id)
    const key = this.#keys.get(v.sym)
    if (key !== undefined && !s.fields.has(key)) s.fields.set(key, thing(id))
    return id
  }

  assign(e: Assignment, s: State): readonly Out[] {
    return this.ways.eval(e.value, s).flatMap(({ s: t, v }) =>
      this.ways.locate(e.target, t).map(({ s: u, loc }) => {
        const now = e.op === '=' ? v : arithmetic(e.op, this.#readAt(loc!, u), v)
        const w = this.put(u, loc!, now)
        if (e.target.kind === 'member') {
          const key = fieldKey(this.code, this.ways.frame.func, e.target)
          if (key !== undefined) w.fields.set(key, now)
        }
        return { s: w, v: now }
      }),
    )
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  compare(at: Expr, op: string, a: Val, b: Val, s: State): Branches<State> {
    const known = decide(op, a, b, s)
    if (known !== undefined) return known ? { yes: [s], no: [] } : { yes: [], no: [s] }
    const way = (is: boolean): State[] => {
      const t = s.fork()
      if (!learn(op, a, b, is, t)) return []
      this.decided(t, at, `\`${this.ways.text(at)}\` is ${is ? 'true' : 'false'}`)
      return [t]
    }
    return { yes: way(true), no: way(false) }
  }

  truth(e: Expr, v: Val, s: State): Branches<State> {
    return this.compare(e, '!=', v, nothing, s)
  }

  isCase(_v: Val, _value: Expr, s: State): State {
    return s.fork()
  }

  sameAs(e: Call): { readonly of: Expr } | undefined {
    if (e.callee.kind !== 'name' || !words.transparent.test(e.callee.name)) return undefined
    const of = e.args[/^(drm|dev)_WARN/.test(e.callee.name) ? 1 : 0]
    return of === undefined ? undefined : { of }
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  call(e: Call, args: readonly Val[], before: State): readonly Out[] {
    const s = before.fork()
    const name = e.callee.kind === 'name' ? e.callee.name : undefined
    const api = name === undefined ? undefined : this.about.apis.get(name)
    return api === undefined ? called(this, e, name, args, s) : applied(this, e, api, args, s)
  }

  place(e: { readonly start: number }): Place {
    return this.ways.place(e)
  }

  /** Something turned out in one way that was not known. */
  decided(s: State, at: { readonly start: number }, text: string): void {
    if (s.busy) s.say({ do: 'decide', at: this.place(at), text })
  }

  /** The way on which a call fails. */
  failed(e: Call, name: string, s: State): State {
    const t = s.fork()
    t.trail += `!${name}@${e.start},`
    this.decided(t, e, `${name}() fails`)
    return t
  }

  /** The same, where an errno says so. */
  failedBy(e: Call, name: string, sym: string, s: State): Out {
    const t = this.failed(e, name, s)
    t.signs.set(sym, sign.minus)
    return { s: t, v: { sym } }
  }

  /** A function of the driver's own, or one that is given a thing; undefined: it is not gone into. */
  enter(callee: Func, args: readonly Val[], s: State): Out[] | undefined {
    if (this.ways.depth > most.depth || this.ways.isIn(callee)) return undefined
    const { rounds } = s
    const outs = this.ways.through(
      callee,
      ({ prefix }) => begun(s, callee, args, prefix),
      this.#variables(callee),
    )
    for (const o of outs) o.s.rounds = new Map(rounds)
    return outs
  }

  /** The function behind a name, if what it does matters. */
  callee(name: string, args: readonly Val[], s: State): Func | undefined {
    const { file } = this.ways.frame.func
    const here = this.code.resolveHere(name, file)
    const given = args.some((a) => a.thing !== undefined)
    if (here !== undefined)
      return this.#towards.has(here) || concerns(here, this.code, this.about) || given ? here : undefined
    const toward = [...this.#towards].find((f) => f.name === name && !f.static)
    if (toward !== undefined) return toward
    if (!given && !args.some((a) => this.#reaches(a, s))) return undefined
    const found = this.code.resolve(name, file)
    if (found === undefined) return undefined
    return given || concerns(found, this.code, this.about) ? found : undefined
  }

  /** Whether something that this path must give back can be reached from a value. */
  #reaches(a: Val, s: State): boolean {
    if (a.ref === undefined) return false
    if (this.later && this.about.frees !== true) return true
    const root = rootOf(a.ref)
    for (const [k, v] of s.env)
      if (v.thing !== undefined && rootOf(k) === root && s.owns(v.thing)) return true
    return s.things.some((t) => t.place !== undefined && t.live && rootOf(t.place) === root)
  }
}

const unseenType: CType = { text: '', base: '', pointer: 0, array: false, function: false }

/** Locals that nothing reads any more, and what is known of values that nobody asks about any more. */
function forget(s: State, { prefix }: Frame, live: ReadonlySet<string>, asked: ReadonlySet<string>): void {
  for (const k of s.env.keys()) {
    if (!k.startsWith(prefix)) continue
    const name = variableOf(k, prefix)
    if (!live.has(name) && name !== result) s.env.delete(k)
  }
  const { signs, facts } = s
  if (signs.size + facts.size === 0) return
  const known = new Set<string>()
  for (const [k, v] of s.env) {
    if (v.sym.length < 2 || known.has(v.sym)) continue
    if (k.startsWith(prefix)) {
      const name = variableOf(k, prefix)
      if (!asked.has(name) && name !== result) continue
    }
    known.add(v.sym)
  }
  const still = (key: string): boolean => {
    if (known.has(key) || key.startsWith('#if ')) return true
    for (const w of wordsIn(key)) if (asked.has(w)) return true
    for (const k of known) if (key.indexOf(k) >= 0) return true
    return false
  }
  for (const k of signs.keys()) if (!still(k)) signs.delete(k)
  for (const k of facts.keys()) if (!still(k)) facts.delete(k)
}

/** The variable of a frame that a place is in. */
function variableOf(loc: string, prefix: string): string {
  let end = prefix.length
  for (; end < loc.length; end++) {
    const c = loc.charCodeAt(end)
    const word = (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95
    if (!word) break
  }
  return loc.slice(prefix.length, end)
}

/** The identifiers in what something is known of, which is asked for again and again. */
function wordsIn(key: string): readonly string[] {
  let found = words_.get(key)
  if (found === undefined) {
    if (words_.size > 50_000) words_.clear()
    words_.set(key, (found = key.match(/[A-Za-z_]\w*/g) ?? []))
  }
  return found
}
const words_ = new Map<string, readonly string[]>()

/** Keeps of a state only what `coarse` says. */
function blur(s: State): void {
  for (const [k, v] of s.env) {
    const error = v.num !== undefined || v.err === true || v.thing !== undefined || v.sym.startsWith('-E')
    const points = v.ref !== undefined && isLocal(rootOf(k))
    if (!error && !points) s.env.delete(k)
  }
  for (const [k, v] of s.signs) if (v !== sign.minus) s.signs.delete(k)
  s.facts.clear()
  s.counts.clear()
  s.trail = s.trail
    .split(',')
    .filter((x) => !x.startsWith('!') && !x.startsWith('~'))
    .join()
}
