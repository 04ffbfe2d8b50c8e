import { type Call, callsOf, type CType, type Expr, type Func, type Member } from '../../source/index.ts'
import { meaningOf } from '../api.ts'
import type { Code, GraphNode } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { armsAt } from '../ways/arms.ts'
import { namesOf } from '../ways/names.ts'
import { fieldKey, typeOf, variablesOf } from '../ways/types.ts'
import {
  type Api,
  apis,
  isExport,
  resvAsserted,
  resvDropped,
  resvTaken,
  resvTried,
  resvTryLock,
} from './api.ts'
import type { Event, Thing } from './event.ts'
import { State } from './state.ts'
import {
  arithmetic,
  clip,
  isLocal,
  nothing,
  number,
  one,
  pointee,
  rootOf,
  sign,
  type Val,
  within,
} from './value.ts'
import * as words from './words.ts'

export class TooManyWays extends Error {}

export type Out = { readonly s: State; readonly v: Val }

/** What a walk is about, when not about the importers of dma-bufs. */
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
const imports: About = { apis: new Map([...apis].filter(([, a]) => !isExport(a))) }
const exporting: About = { apis }

type Frame = { readonly func: Func; readonly prefix: string; readonly types: ReadonlyMap<string, CType> }

const most = { visits: 5000, depth: 6, rounds: 1, events: 120 }

/** Walks a function on every path and says what has become of the dma-bufs, attachments and tables that it deals with. */
export class DmaBufWalk {
  readonly #code: Code
  /** Whether fields that are not known stand for what was put into a field of that name before. */
  readonly #later: boolean
  /** Walked into whenever they are called. */
  readonly #towards: ReadonlySet<Func>
  readonly #about: About
  readonly #stack: Frame[] = []
  /** Which field a value was read from. */
  readonly #keys = new Map<string, string>()
  #visits = 0

  constructor(
    code: Code,
    {
      later = false,
      towards = new Set(),
      exporting: making = false,
      about = making ? exporting : imports,
    }: { later?: boolean; towards?: ReadonlySet<Func>; exporting?: boolean; about?: About } = {},
  ) {
    this.#code = code
    this.#later = later
    this.#towards = towards
    this.#about = about
  }

  run(func: Func, start = new State()): Out[] {
    const frame = this.#enter(func)
    const outs = this.#body(func, frame, start)
    this.#stack.pop()
    return outs
  }

  // ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #enter(func: Func): Frame {
    const types = new Map(variablesOf(func))
    for (const name of this.#about.locals?.(func) ?? []) types.set(name, unseenType)
    const frame = { func, prefix: `${this.#stack.length}:`, types }
    this.#stack.push(frame)
    return frame
  }

  get #frame(): Frame {
    return this.#stack.at(-1)!
  }

  #place(e: { readonly start: number }): Place {
    const { func } = this.#frame
    return { file: func.file.path, line: func.file.source.position(e.start).line, func: func.name }
  }

  #text(e: { readonly start: number; readonly end: number }): string {
    return this.#frame.func.file.source.text.slice(e.start, e.end).replace(/\s+/g, ' ')
  }

  #body(func: Func, frame: Frame, start: State): Out[] {
    const { entry, nodes } = this.#code.graph(func)
    const names = namesOf(func, this.#code.graph(func), true)
    const outs = new Map<string, Out>()
    const queue: [number, State][] = [[entry, start]]
    const seen = new Set<string>()
    const go = (from: number, to: number, before: State): void => {
      let s = before
      if (to <= from) {
        // Backwards is around a loop, more or less: nodes are numbered in the order of the text.
        const n = (s.rounds.get(to) ?? 0) + 1
        if (n > most.rounds) return
        s = s.fork()
        s.rounds.set(to, n)
      }
      s = forget(s, frame, names.live[to]!, names.asked[to]!)
      if (this.#about.coarse === true) blur(s)
      const key = `${to}|${s.key()}`
      if (seen.has(key)) return
      seen.add(key)
      if (++this.#visits > most.visits || s.events.length > most.events) throw new TooManyWays()
      queue.push([to, s])
    }
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [at, s] = next
      const arms = armsAt(func, at)
      if (arms !== undefined) {
        // One configuration is compiled: what an #if said once it says again.
        for (const { to, said } of arms) {
          if (said.some(([k, yes]) => s.facts.said.has(k) && s.facts.said.get(k) !== yes)) continue
          const t = s.fork()
          for (const [k, yes] of said) t.facts.said.set(k, yes)
          go(at, to, t)
        }
        continue
      }
      this.#step(
        nodes[at]!,
        s,
        (to, t) => go(at, to, t),
        (v, t) => {
          const key = `${v.sym}/${v.thing}/${v.ref}|${t.key()}`
          if (!outs.has(key)) outs.set(key, { s: t, v })
        },
      )
    }
    return [...outs.values()]
  }

  #step(
    node: GraphNode,
    s: State,
    go: (to: number, s: State) => void,
    end: (v: Val, s: State) => void,
  ): void {
    switch (node.kind) {
      case 'eval':
        for (const o of this.#eval(node.expr, s)) go(node.to, o.s)
        return
      case 'local': {
        const { local } = node
        const loc = this.#frame.prefix + local.name
        if (local.init === undefined || local.init.kind === 'init')
          return go(node.to, set(s, loc, { sym: `${loc}@${local.start}` }))
        for (const o of this.#eval(local.init, s)) go(node.to, set(o.s, loc, o.v))
        return
      }
      case 'test': {
        const { yes, no } = this.#test(node.cond, s)
        for (const t of yes) go(node.yes, t)
        for (const t of no) go(node.no, t)
        return
      }
      case 'fork':
        for (const to of node.to) go(to, s.fork())
        return
      case 'each':
        for (const o of this.#eval(node.expr, s)) for (const to of node.to) go(to, o.s.fork())
        return
      case 'switch':
        for (const o of this.#eval(node.on, s)) {
          for (const c of node.cases) go(c.to, o.s.fork())
          go(node.otherwise, o.s.fork())
        }
        return
      case 'return':
        if (node.value === undefined) return go(node.to, s)
        for (const o of this.#eval(node.value, s)) go(node.to, set(o.s, this.#frame.prefix + result, o.v))
        return
      case 'cleanup': {
        const c = node.cleanup
        if (c.kind === 'free' && /^k?v?free/.test(c.name)) {
          const v = s.env.get(this.#frame.prefix + c.variable)
          if (v?.ref !== undefined) {
            const t = s.fork()
            t.free(rootOf(v.ref))
            return go(node.to, t)
          }
        }
        return go(node.to, s)
      }
      case 'end': {
        const loc = this.#frame.prefix + result
        const v = s.env.get(loc) ?? nothing
        const t = s.fork()
        for (const k of t.env.keys()) if (k.startsWith(this.#frame.prefix)) t.env.delete(k)
        return end(v, t)
      }
      case 'dead':
        return
    }
  }

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #locate(e: Expr, s: State): { s: State; loc: string; base?: Val }[] {
    switch (e.kind) {
      case 'name': {
        const { types, prefix } = this.#frame
        return [{ s, loc: types.has(e.name) ? prefix + e.name : `g:${e.name}` }]
      }
      case 'member':
        if (!e.arrow)
          return this.#locate(e.base, s).map((b) => ({ s: b.s, loc: clip(`${b.loc}.${e.field}`) }))
        return this.#eval(e.base, s).map(({ s: t, v }) => {
          this.#touched(v, e, t)
          return { s: t, loc: clip(`${pointee(v)}.${e.field}`), base: v }
        })
      case 'index':
        return this.#eval(e.base, s).flatMap(({ s: t, v }) =>
          this.#eval(e.index, t).map((i) => ({ s: i.s, loc: clip(`${pointee(v)}.[${i.v.sym}]`) })),
        )
      case 'unary':
        if (e.op === '*') return this.#eval(e.of, s).map(({ s: t, v }) => ({ s: t, loc: pointee(v) }))
        break
      case 'cast':
        return this.#locate(e.of, s)
      default:
        break
    }
    return this.#eval(e, s).map((o) => ({ s: o.s, loc: `${this.#frame.prefix}tmp@${e.start}` }))
  }

  #readAt(loc: string, s: State): Val {
    const v = s.env.get(loc)
    if (v !== undefined) return v
    const root = rootOf(loc)
    if (/^new@\d+z$/.test(root) && root !== loc && !s.published.has(root)) return { ...nothing, ref: loc }
    const given = s.given.get(loc)
    if (given !== undefined) return thing(given)
    return { sym: loc, ref: clip(`*${loc}`) }
  }

  #read(e: Expr, s: State): Out[] {
    return this.#locate(e, s).map(({ s: t, loc, base }) => {
      if (
        e.kind === 'name' &&
        this.#frame.types.get(e.name)?.array === true &&
        !isParam(this.#frame.func, e.name)
      )
        return { s: t, v: { sym: `&${loc}`, ref: loc } }
      if (loc.startsWith('g:') && e.kind === 'name' && /^[A-Z][A-Z0-9_]*$/.test(e.name))
        return { s: t, v: { sym: e.name } }
      if (e.kind === 'member') {
        const of = this.#partOf(e, base, t)
        if (of !== undefined) return { s: t, v: of }
        if (!t.env.has(loc)) {
          const key = fieldKey(this.#code, this.#frame.func, e)
          const kept = this.#later && key !== undefined ? t.fields.get(key) : undefined
          if (kept !== undefined) return { s: t, v: kept }
          if (key !== undefined) this.#keys.set(loc, key)
        }
      }
      const v = this.#readAt(loc, t)
      return { s: t, v: v.num === 0 && v.ref !== undefined ? nothing : v }
    })
  }

  /** `attach->dmabuf` is the dma-buf of the attachment, `dmabuf->file` stands for the dma-buf. */
  #partOf(e: Member, base: Val | undefined, s: State): Val | undefined {
    if (base?.thing === undefined) return undefined
    const t = s.things[base.thing]!
    if (t.kind === 'attach' && e.field === 'dmabuf' && t.of !== undefined) return thing(t.of)
    // Its descriptor is user space's, and with it the last reference that was this path's.
    if (t.published !== undefined && t.refs <= 0)
      s.say({ do: 'use', thing: base.thing, at: this.#place(e), text: this.#text(e) })
    if (t.kind === 'buf' && e.field === 'file') return base
    return undefined
  }

  /** Somebody looks into what is behind a descriptor. */
  #touched(v: Val, e: Expr, s: State): void {
    for (const [i, t] of s.things.entries())
      if (
        t.kind === 'file' &&
        t.published !== undefined &&
        t.refs <= 0 &&
        (v.thing === i || (t.place !== undefined && v.ref === t.place))
      )
        s.say({ do: 'use', thing: i, at: this.#place(e), text: this.#text(e) })
  }

  /** The thing that a value names; one that was there already, if this path did not make it. */
  #thing(v: Val | undefined, kind: Thing['kind'], s: State): number | undefined {
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

  #eval(e: Expr, s: State): Out[] {
    switch (e.kind) {
      case 'number':
        return [{ s, v: number(e.value) }]
      case 'name':
        if (e.name === 'NULL' || e.name === 'false') return [{ s, v: nothing }]
        if (e.name === 'true') return [{ s, v: one }]
        return this.#read(e, s)
      case 'member':
      case 'index':
        return this.#read(e, s)
      case 'cast':
        return this.#eval(e.of, s)
      case 'unary':
        return this.#unary(e, s)
      case 'assign':
        return this.#assign(e, s)
      case 'binary':
        return this.#binary(e, s)
      case 'ternary': {
        if (e.then === undefined)
          return this.#eval(e.cond, s).flatMap((o) => {
            const { yes, no } = this.#compared(e.cond, '!=', o.v, nothing, o.s)
            return [...yes.map((t) => ({ s: t, v: o.v })), ...no.flatMap((t) => this.#eval(e.otherwise, t))]
          })
        const { yes, no } = this.#test(e.cond, s)
        return [
          ...yes.flatMap((t) => this.#eval(e.then!, t)),
          ...no.flatMap((t) => this.#eval(e.otherwise, t)),
        ]
      }
      case 'comma': {
        let outs: Out[] = [{ s, v: nothing }]
        for (const i of e.items) outs = outs.flatMap((o) => this.#eval(i, o.s))
        return outs
      }
      case 'call':
        return this.#call(e, s)
      case 'statements': {
        let outs: Out[] = [{ s, v: nothing }]
        for (const x of e.body) if (x.kind === 'expr') outs = outs.flatMap((o) => this.#eval(x.expr, o.s))
        return outs
      }
      case 'sizeof':
        return [{ s, v: { sym: this.#text(e) } }]
      default:
        return [{ s, v: { sym: `x@${e.start}` } }]
    }
  }

  #unary(e: Expr & { kind: 'unary' }, s: State): Out[] {
    switch (e.op) {
      case '*':
        return this.#read(e, s)
      case '&':
        return this.#locate(e.of, s).map(({ s: t, loc }) => ({ s: t, v: { sym: `&${loc}`, ref: loc } }))
      case '!': {
        const { yes, no } = this.#test(e.of, s)
        return [...yes.map((t) => ({ s: t, v: nothing })), ...no.map((t) => ({ s: t, v: one }))]
      }
      case '-':
        if (e.of.kind === 'name' && /^E[A-Z0-9]+$/.test(e.of.name))
          return [{ s, v: { sym: `-${e.of.name}` } }]
        return this.#eval(e.of, s).map((o) => ({
          s: o.s,
          v: o.v.num !== undefined ? number(-o.v.num) : { sym: `-(${o.v.sym})` },
        }))
      case '++':
      case '--':
        return this.#locate(e.of, s).map(({ s: t, loc }) => {
          const old = this.#readAt(loc, t)
          const next = arithmetic('+', old, number(e.op === '++' ? 1 : -1))
          return { s: set(t, loc, next), v: e.postfix ? old : next }
        })
      default:
        return this.#eval(e.of, s).map((o) => ({ s: o.s, v: { sym: `${e.op}(${o.v.sym})` } }))
    }
  }

  #assign(e: Expr & { kind: 'assign' }, s: State): Out[] {
    return this.#eval(e.value, s).flatMap(({ s: t, v }) =>
      this.#locate(e.target, t).map(({ s: u, loc }) => {
        const now = e.op === '=' ? v : arithmetic(e.op, this.#readAt(loc, u), v)
        const w = set(u, loc, now)
        if (e.target.kind === 'member') {
          const key = fieldKey(this.#code, this.#frame.func, e.target)
          if (key !== undefined) w.fields.set(key, now)
        }
        return { s: w, v: now }
      }),
    )
  }

  #binary(e: Expr & { kind: 'binary' }, s: State): Out[] {
    if (/^(==|!=|<=?|>=?|&&|\|\|)$/.test(e.op)) {
      const { yes, no } = this.#test(e, s)
      return [...yes.map((t) => ({ s: t, v: one })), ...no.map((t) => ({ s: t, v: nothing }))]
    }
    return this.#eval(e.left, s).flatMap((l) =>
      this.#eval(e.right, l.s).map((r) => ({ s: r.s, v: arithmetic(e.op, l.v, r.v) })),
    )
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #test(cond: Expr, s: State): { yes: State[]; no: State[] } {
    if (cond.kind === 'cast') return this.#test(cond.of, s)
    if (cond.kind === 'unary' && cond.op === '!') {
      const { yes, no } = this.#test(cond.of, s)
      return { yes: no, no: yes }
    }
    if (cond.kind === 'call' && cond.callee.kind === 'name' && words.transparent.test(cond.callee.name)) {
      const arg = cond.args[/^(drm|dev)_WARN/.test(cond.callee.name) ? 1 : 0]
      if (arg !== undefined) return this.#test(arg, s)
    }
    if (cond.kind === 'binary' && (cond.op === '&&' || cond.op === '||')) {
      const l = this.#test(cond.left, s)
      const r = (cond.op === '&&' ? l.yes : l.no).map((t) => this.#test(cond.right, t))
      const yes = r.flatMap((x) => x.yes)
      const no = r.flatMap((x) => x.no)
      return cond.op === '&&' ? { yes, no: [...l.no, ...no] } : { yes: [...l.yes, ...yes], no }
    }
    const yes: State[] = []
    const no: State[] = []
    const put = (r: { yes: State[]; no: State[] }): void => {
      yes.push(...r.yes)
      no.push(...r.no)
    }
    if (cond.kind === 'binary' && /^(==|!=|<=?|>=?)$/.test(cond.op)) {
      for (const l of this.#eval(cond.left, s))
        for (const r of this.#eval(cond.right, l.s)) put(this.#compared(cond, cond.op, l.v, r.v, r.s))
    } else for (const o of this.#eval(cond, s)) put(this.#compared(cond, '!=', o.v, nothing, o.s))
    return { yes, no }
  }

  #compared(at: Expr, op: string, a: Val, b: Val, s: State): { yes: State[]; no: State[] } {
    const known = s.facts.decide(op, a, b)
    if (known !== undefined) return known ? { yes: [s], no: [] } : { yes: [], no: [s] }
    const way = (is: boolean): State[] => {
      const t = s.fork()
      if (!t.facts.learn(op, a, b, is)) return []
      this.#decided(t, at, `\`${this.#text(at)}\` is ${is ? 'true' : 'false'}`)
      return [t]
    }
    return { yes: way(true), no: way(false) }
  }

  #decided(s: State, at: { readonly start: number }, text: string): void {
    if (s.busy) s.say({ do: 'decide', at: this.#place(at), text })
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #call(e: Call, s: State): Out[] {
    const name = e.callee.kind === 'name' ? e.callee.name : undefined
    if (name !== undefined && words.transparent.test(name)) {
      const arg = e.args[/^(drm|dev)_WARN/.test(name) ? 1 : 0]
      if (arg !== undefined) return this.#eval(arg, s)
    }
    let outs: { s: State; args: Val[] }[] = [{ s, args: [] }]
    for (const a of e.args)
      outs = outs.flatMap((o) =>
        (a.kind === 'type' ? [{ s: o.s, v: { sym: this.#text(a) } }] : this.#eval(a, o.s)).map((x) => ({
          s: x.s,
          args: [...o.args, x.v],
        })),
      )
    return outs.flatMap(({ s: t, args }) => {
      const api = name === undefined ? undefined : this.#about.apis.get(name)
      if (api !== undefined) return this.#api(e, api, args, t.fork())
      if (
        this.#about.looks === true &&
        name !== undefined &&
        !words.harmless.test(name) &&
        !words.renames.test(name)
      ) {
        const u = t.fork()
        for (const a of args) {
          if (words.frees.test(name)) this.#gone(a, e, name, u)
          else this.#touched(a, e, u)
        }
        return this.#other(e, name, args, u)
      }
      return this.#other(e, name, args, t.fork())
    })
  }

  /** An event, and its text as it stands. */
  #say(s: State, e: Call, what: DistributiveOmit<Event, 'at' | 'text'>): void {
    s.say({ ...what, at: this.#place(e), text: this.#text(e) } as Event)
  }

  #api(e: Call, api: Api, args: readonly Val[], s: State): Out[] {
    const { role, name } = api
    const done: Out[] = [{ s, v: nothing }]
    const site = { func: this.#frame.func, call: e, api }
    const failed = (): Out => {
      const t = s.fork()
      t.trail += `!${name}@${e.start},`
      if (t.busy) t.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
      return { s: t, v: { sym: `err@${e.start}`, err: true } }
    }
    switch (role.does) {
      case 'get': {
        const fail = failed()
        const id = s.add({ kind: 'buf', site, refs: 1, live: true })
        this.#say(s, e, { do: 'get', thing: id, api: name })
        return [{ s, v: thing(id) }, fail]
      }
      case 'export': {
        const fail = failed()
        const id = s.add({ kind: 'buf', site, refs: 1, live: true })
        this.#say(s, e, { do: 'get', thing: id, api: name })
        return [{ s, v: thing(id) }, fail]
      }
      case 'publish': {
        const id = this.#thing(args[role.arg], 'buf', s)
        const v: Val = { sym: `${name}@${e.start}` }
        const fail = s.fork()
        if (id !== undefined) {
          s.change(id, { refs: s.things[id]!.refs - 1, published: site })
          this.#say(s, e, { do: 'publish', thing: id })
        }
        if (!role.fails) return done
        s.facts.signs.set(v.sym, sign.zero | sign.plus)
        fail.trail += `!${name}@${e.start},`
        if (fail.busy) fail.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
        const err: Val = { sym: `${v.sym}-` }
        fail.facts.signs.set(err.sym, sign.minus)
        return [
          { s, v },
          { s: fail, v: err },
        ]
      }
      case 'ref': {
        const id = this.#thing(args[0], 'buf', s)
        if (id === undefined) return done
        s.change(id, { refs: s.things[id]!.refs + 1 })
        this.#say(s, e, { do: 'ref', thing: id, api: name })
        return done
      }
      case 'put': {
        const id = this.#thing(args[0], 'buf', s)
        if (id === undefined) return done
        s.change(id, { refs: s.things[id]!.refs - 1 })
        this.#say(s, e, { do: 'put', thing: id, api: name })
        return done
      }
      case 'attach': {
        const buf = this.#thing(args[0], 'buf', s)
        const fail = failed()
        if (buf === undefined) return [fail]
        const id = s.add({ kind: 'attach', site, of: buf, refs: 0, live: true })
        this.#say(s, e, { do: 'attach', thing: id, api: name })
        return [{ s, v: thing(id) }, fail]
      }
      case 'detach': {
        const id = this.#thing(args[1], 'attach', s)
        if (id === undefined) return done
        s.change(id, { live: false })
        this.#say(s, e, { do: 'detach', thing: id, api: name })
        return done
      }
      case 'map': {
        const attach = this.#thing(args[0], 'attach', s)
        const fail = failed()
        if (attach === undefined) return [fail]
        const dir = args[1]?.sym ?? '?'
        const id = s.add({ kind: 'sgt', site, of: attach, refs: 0, live: true, dir })
        this.#say(s, e, { do: 'map', thing: id, api: name, dir, locked: role.locked })
        return [{ s, v: thing(id) }, fail]
      }
      case 'unmap': {
        const id = this.#thing(args[1], 'sgt', s)
        if (id === undefined) return done
        const attach = this.#thing(args[0], 'attach', s)
        const { of, site: mapped } = s.things[id]!
        // What somebody else has mapped through it.
        if (attach !== undefined && mapped === undefined && s.things[attach]!.site !== undefined) return done
        if (of === undefined && attach !== undefined) s.change(id, { of: attach })
        s.change(id, { live: false })
        const dir = args[2]?.sym ?? '?'
        this.#say(s, e, { do: 'unmap', thing: id, api: name, dir, locked: role.locked })
        return done
      }
      case 'pin': {
        const attach = this.#thing(args[0], 'attach', s)
        const fail = s.fork()
        if (fail.busy) fail.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
        const err: Val = { sym: `${name}@${e.start}` }
        fail.facts.signs.set(err.sym, sign.minus)
        fail.trail += `!${name}@${e.start},`
        if (attach === undefined) return [{ s: fail, v: err }]
        const id = s.add({ kind: 'pin', site, of: attach, refs: 0, live: true })
        this.#say(s, e, { do: 'pin', thing: id, api: name, locked: true })
        return [
          { s, v: nothing },
          { s: fail, v: err },
        ]
      }
      case 'unpin': {
        const attach = this.#thing(args[0], 'attach', s)
        if (attach === undefined) return done
        const pins = s.things.flatMap((t, i) => (t.kind === 'pin' && t.of === attach ? [i] : []))
        let id = pins.findLast((i) => s.things[i]!.live) ?? pins.at(-1)
        if (id === undefined) {
          // What somebody else has pinned through it.
          if (s.things[attach]!.site !== undefined) return done
          id = s.add({ kind: 'pin', of: attach, refs: 0, live: true })
        }
        s.change(id, { live: false })
        this.#say(s, e, { do: 'unpin', thing: id, api: name, locked: true })
        return done
      }
      case 'destroy':
        this.#destroy(e, name, role, args, s)
        return done
      case 'register': {
        const at = args[role.arg]
        // The core registers itself.
        if (at === undefined || at.num === 0) return done
        const place = pointee(at)
        const key = this.#keyOf(e.args[role.arg]!)
        const reg = { kind: 'reg' as const, site, refs: 0, place, ...(key !== undefined && { key }) }
        const fail = s.fork()
        const none = fail.add({ ...reg, live: false })
        const err: Val = { sym: `${name}@${e.start}` }
        fail.facts.signs.set(err.sym, sign.minus)
        this.#say(fail, e, { do: 'register', thing: none, api: name, fails: true })
        // Two calls in two arms are two.
        s.trail += `@${e.start},`
        fail.trail += `@${e.start},`
        const id = s.add({ ...reg, live: true })
        const mm: Val = { sym: `${place}.mm`, ref: `*${place}.mm` }
        s.env.set(`${place}.mm`, mm)
        s.facts.signs.set(mm.sym, sign.plus)
        this.#say(s, e, { do: 'register', thing: id, api: name })
        return [
          { s, v: nothing },
          { s: fail, v: err },
        ]
      }
      case 'get-notifier': {
        const fail = failed()
        const ref = `mn@${e.start}`
        const id = s.add({ kind: 'reg', site, refs: 0, live: true, place: ref })
        this.#say(s, e, { do: 'register', thing: id, api: name })
        return [{ s, v: { sym: `&${ref}`, ref } }, fail]
      }
      case 'make-file': {
        const fops = e.args[role.fops]
        const made = fops?.kind === 'unary' ? fops.of : fops
        const place = args[role.priv]?.ref
        const table = made?.kind === 'name' ? made.name : undefined
        const file = { ...(place !== undefined && { place }), ...(table !== undefined && { fops: table }) }
        const fail = failed()
        const id = s.add({ kind: 'file', site, refs: 1, live: true, ...file })
        if (role.fd !== true) return [{ s, v: thing(id) }, fail]
        s.change(id, { published: site, refs: 0 })
        this.#say(s, e, { do: 'publish', thing: id })
        const v: Val = { sym: `${name}@${e.start}` }
        s.facts.signs.set(v.sym, sign.zero | sign.plus)
        const err: Val = { sym: `${v.sym}-` }
        fail.s.facts.signs.set(err.sym, sign.minus)
        return [
          { s, v },
          { s: fail.s, v: err },
        ]
      }
      case 'install': {
        const v = args[role.arg]
        if (v === undefined || v.num === 0 || v.err === true) return done
        let id = v.thing ?? s.given.get(v.sym)
        if (id === undefined) {
          const of = this.#ownerOf(e.args[role.arg]!, s)
          const place = of?.place ?? v.ref
          const file = { ...(place !== undefined && { place }), ...(of !== undefined && { fops: of.type }) }
          id = s.add({ kind: 'file', refs: 1, live: true, ...file })
          s.given.set(v.sym, id)
        }
        const t = s.things[id]!
        if (t.kind !== 'file') return done
        const fail = role.fails === true ? failed() : undefined
        s.change(id, { published: site, refs: t.refs - 1 })
        this.#say(s, e, { do: 'publish', thing: id })
        if (fail === undefined) return done
        const fd: Val = { sym: `${name}@${e.start}` }
        s.facts.signs.set(fd.sym, sign.zero | sign.plus)
        fail.s.facts.signs.set(`${fd.sym}-`, sign.minus)
        return [
          { s, v: fd },
          { s: fail.s, v: { sym: `${fd.sym}-` } },
        ]
      }
      case 'prepare': {
        const [variable] = e.args
        const v = args[role.arg]
        if (variable?.kind !== 'name' || v === undefined || v.err === true) return done
        s.env.set(this.#frame.prefix + variable.name, v)
        return done
      }
      case 'get-file':
      case 'put-file': {
        const v = args[role.arg]
        const id = v?.thing ?? (v === undefined ? undefined : s.given.get(v.sym))
        const by = role.does === 'get-file' ? 1 : -1
        if (id !== undefined && s.things[id]!.kind === 'file') {
          s.change(id, { refs: s.things[id]!.refs + by })
          this.#say(s, e, { do: by > 0 ? 'ref' : 'put', thing: id, api: name })
        } else if (v !== undefined && by > 0) {
          // One reference that is this path's, and the one that was there.
          const given = { kind: 'file' as const, refs: 2, live: true }
          s.given.set(v.sym, s.add({ ...given, ...(v.ref !== undefined && { place: v.ref }) }))
        }
        return [{ s, v: v ?? nothing }]
      }
      case 'unregister': {
        const at = args[role.arg]
        if (at === undefined) return done
        const place = pointee(at)
        const key = this.#keyOf(e.args[role.arg]!)
        const named = { refs: 0, place, ...(key !== undefined && { key }) }
        let id = s.things.findLastIndex((t) => t.kind === 'reg' && t.place === place)
        // In another function it is known by its field.
        if (id < 0 && this.#later)
          id = s.things.findLastIndex((t) => t.kind === 'reg' && sameField(t.key, key))
        if (id < 0) id = s.add({ kind: 'reg', live: true, ...named })
        s.change(id, { live: false, place })
        this.#say(s, e, { do: 'unregister', thing: id, api: name })
        return done
      }
    }
  }

  /** The field that a pointer is made of: `&foo->mn`. */
  #keyOf(e: Expr): string | undefined {
    const of = e.kind === 'unary' && e.op === '&' ? e.of : e
    if (of.kind !== 'member') return undefined
    return fieldKey(this.#code, this.#frame.func, of) ?? `?.${of.field}`
  }

  /** `sync->file`: the object that goes with its file, by its type. */
  #ownerOf(e: Expr, s: State): { readonly place: string; readonly type: string } | undefined {
    if (e.kind !== 'member' || !e.arrow || e.field !== 'file') return undefined
    const place = this.#eval(e.base, s)[0]?.v.ref
    const type = typeOf(this.#code, this.#frame.func, e.base)?.base
    return place === undefined || type === undefined || !words.withFile.has(type)
      ? undefined
      : { place, type }
  }

  /** What is behind a descriptor is freed. */
  #gone(v: Val, e: Call, name: string, s: State): void {
    for (const [i, t] of s.things.entries())
      if (t.kind === 'file' && t.published !== undefined && t.place !== undefined && v.ref === t.place)
        this.#say(s, e, { do: 'free', thing: i, api: name })
  }

  /** Objects go, and the notifiers in them. */
  #freed(e: Call, name: string, ref: string, s: State): void {
    for (const [i, t] of s.things.entries())
      if (t.kind === 'reg' && t.place !== undefined && (t.place === ref || within(t.place, ref)))
        this.#say(s, e, { do: 'free', thing: i, api: name })
  }

  /** Locks that are followed by their names. */
  #named(e: Call, name: string, s: State): Out[] | undefined {
    const m = this.#about.locks === undefined ? undefined : meaningOf(name)
    if (m === undefined || (m.does !== 'lock' && m.does !== 'unlock' && m.does !== 'try-lock'))
      return undefined
    const arg = e.args[m.arg]
    const lock = m.lock === 'mmap' ? 'mmap_lock' : arg === undefined ? undefined : fieldOf(arg)
    if (lock === undefined || !this.#about.locks!.has(lock)) return undefined
    const { write } = m
    const did = { do: m.does === 'unlock' ? ('drop' as const) : ('hold' as const), lock, write }
    if (m.does !== 'try-lock') {
      this.#say(s, e, did)
      return [{ s, v: nothing }]
    }
    const not = s.fork()
    not.trail += `!${name}@${e.start},`
    this.#say(s, e, did)
    const err: Val = { sym: `${name}@${e.start}` }
    not.facts.signs.set(err.sym, sign.minus)
    return m.taken === 'nonzero'
      ? [
          { s, v: one },
          { s: not, v: nothing },
        ]
      : [
          { s, v: nothing },
          { s: not, v: err },
        ]
  }

  /** What the DRM core does to give an imported object back. */
  #destroy(
    e: Call,
    name: string,
    role: { readonly base?: string; readonly table?: string },
    args: readonly Val[],
    s: State,
  ): void {
    if (args[0] === undefined) return
    const object = clip(`${pointee(args[0])}${role.base === undefined ? '' : `.${role.base}`}`)
    const at = clip(`${object}.import_attach`)
    const v = s.env.get(at) ?? s.fields.get(importAttach)
    if (v?.num === 0) return
    const id = this.#thing(v ?? { sym: at, ref: `*${at}` }, 'attach', s)
    if (id === undefined) return
    const kept = role.table === undefined ? undefined : clip(`${pointee(args[0])}.${role.table}`)
    const table =
      kept === undefined ? args[1] : (s.env.get(kept) ?? s.fields.get(`drm_gem_shmem_object.${role.table!}`))
    const sgt = table?.num === 0 ? undefined : this.#thing(table, 'sgt', s)
    if (sgt !== undefined && (s.things[sgt]!.site !== undefined || s.things[id]!.site === undefined)) {
      if (s.things[sgt]!.of === undefined) s.change(sgt, { of: id })
      s.change(sgt, { live: false })
      this.#say(s, e, { do: 'unmap', thing: sgt, api: name, dir: 'DMA_BIDIRECTIONAL', locked: false })
    }
    const buf = s.bufOf(id)
    s.change(id, { live: false })
    this.#say(s, e, { do: 'detach', thing: id, api: name })
    s.change(buf, { refs: s.things[buf]!.refs - 1 })
    this.#say(s, e, { do: 'put', thing: buf, api: name })
  }

  #other(e: Call, name: string | undefined, args: readonly Val[], s: State): Out[] {
    const fresh: Val =
      name !== undefined && words.pure.test(name)
        ? { sym: clip(`${name}(${args.map((a) => a.sym).join()})`) }
        : { sym: `${name ?? 'call'}@${e.start}`, ref: `*${name ?? 'call'}@${e.start}` }
    const plain = (): Out[] => [{ s, v: fresh }]
    if (name === undefined) return this.#pointer(e, args, s, fresh)
    const first = args[0]
    if (/^IS_ERR(_OR_NULL)?$/.test(name) && first !== undefined) {
      if (first.err === true) return [{ s, v: one }]
      if (first.thing !== undefined || first.sym.startsWith('&') || first.ref?.startsWith('new@') === true)
        return [{ s, v: nothing }]
      if (first.num === 0) return [{ s, v: name === 'IS_ERR' ? nothing : one }]
      return [{ s, v: { sym: `${name}(${first.sym})` } }]
    }
    if ((name === 'PTR_ERR' || name === 'PTR_ERR_OR_ZERO') && first !== undefined) {
      if (name === 'PTR_ERR_OR_ZERO' && (first.thing !== undefined || first.num === 0))
        return [{ s, v: nothing }]
      const v: Val = { sym: `PTR_ERR(${first.sym})` }
      if (name === 'PTR_ERR' || first.err === true) s.facts.signs.set(v.sym, sign.minus)
      return [{ s, v }]
    }
    if (name === 'ERR_PTR' && first !== undefined) {
      const sg = s.facts.signOf(first)
      if (sg === sign.zero) return [{ s, v: nothing }]
      return [
        { s, v: { sym: `ERR_PTR(${first.sym})`, ...((sg & sign.zero) === 0 && { err: true as const }) } },
      ]
    }
    if (name === 'no_free_ptr' && first !== undefined) {
      // The variable forgets it, and so does its cleanup.
      const [arg] = e.args
      return arg?.kind === 'name'
        ? [{ s: set(s, this.#frame.prefix + arg.name, nothing), v: first }]
        : [{ s, v: first }]
    }
    if (name === 'ERR_CAST' && first !== undefined) return [{ s, v: first }]
    if (name === 'container_of' || name === 'list_entry' || name === 'rb_entry') {
      const member = e.args[2] === undefined ? '' : this.#text(e.args[2])
      if (first?.ref !== undefined && first.ref.endsWith(`.${member}`)) {
        const ref = first.ref.slice(0, -member.length - 1)
        return [{ s, v: { sym: `&${ref}`, ref } }]
      }
      return plain()
    }
    const lock = this.#lock(e, name, s) ?? this.#named(e, name, s)
    if (lock !== undefined) return lock
    if (words.allocates.test(name)) {
      const sym = `new@${e.start}${/zalloc|calloc|zeroed/.test(name) ? 'z' : ''}`
      const none = s.fork()
      none.trail += `!${name}@${e.start},`
      if (none.busy) none.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
      return [
        { s, v: { sym: `&${sym}`, ref: sym } },
        { s: none, v: nothing },
      ]
    }
    if (words.frees.test(name)) {
      if (first?.ref !== undefined) {
        this.#freed(e, name, first.ref, s)
        s.free(first.ref)
      }
      return plain()
    }
    if (/^(kref_init|refcount_set)$/.test(name) && first?.ref !== undefined) {
      s.counts.set(first.ref, 1)
      return plain()
    }
    if (/^(kref_get|refcount_inc)$/.test(name) && first?.ref !== undefined) {
      const n = s.counts.get(first.ref)
      if (n !== undefined) s.counts.set(first.ref, n + 1)
      return plain()
    }
    if (/^kref_put(_mutex|_lock)?$/.test(name) && first?.ref !== undefined) return this.#krefPut(e, args, s)
    if (words.publishes.test(name)) {
      for (const a of args) if (a.ref !== undefined && !isLocal(rootOf(a.ref))) s.published.add(rootOf(a.ref))
      return plain()
    }
    if (words.harmless.test(name)) return plain()
    return this.#into(e, name, args, s, fresh)
  }

  /** A call through a pointer. Of some it is known what they do. */
  #pointer(e: Call, args: readonly Val[], s: State, fresh: Val): Out[] {
    const field = e.callee.kind === 'member' ? e.callee.field : undefined
    if (field === 'gem_prime_import_sg_table' && args[2] !== undefined) {
      // The object that is made keeps the table; who makes none leaves it.
      const failed = s.fork()
      failed.trail += `!${field}@${e.start},`
      if (failed.busy) failed.say({ do: 'decide', at: this.#place(e), text: `->${field}() fails` })
      s.env.set(`${fresh.ref!}.sgt`, args[2])
      s.fields.set('drm_gem_object.sgt', args[2])
      s.facts.signs.set(fresh.sym, sign.plus)
      s.facts.said.set(`IS_ERR(${fresh.sym})==0`, true)
      return [
        { s, v: { sym: `&${fresh.ref!}`, ref: fresh.ref! } },
        { s: failed, v: { sym: `err@${e.start}`, err: true } },
      ]
    }
    for (const a of args) this.#escapes(a, field === undefined ? 'a function pointer' : `->${field}()`, s)
    // What it was given may have been filled in.
    if (this.#about.looks === true)
      for (const a of args) if (a.ref?.startsWith('new@') === true) s.published.add(rootOf(a.ref))
    return [{ s, v: fresh }]
  }

  #lock(e: Call, name: string, s: State): Out[] | undefined {
    const isResv = name.startsWith('ww_mutex') || name.startsWith('lockdep')
    if (isResv && !/resv/.test(e.args[0] === undefined ? '' : this.#text(e.args[0]))) return undefined
    const done: Out[] = [{ s, v: nothing }]
    const take = (t: State): void => {
      t.resv = 'taken'
      t.say({ do: 'lock', at: this.#place(e), text: this.#text(e) })
    }
    if (resvTaken.test(name)) {
      take(s)
      return done
    }
    if (resvTried.test(name) || resvTryLock.test(name)) {
      const not = s.fork()
      not.trail += `!${name}@${e.start},`
      if (not.busy) not.say({ do: 'decide', at: this.#place(e), text: `${name}() fails` })
      take(s)
      const err: Val = { sym: `${name}@${e.start}` }
      not.facts.signs.set(err.sym, sign.minus)
      return resvTryLock.test(name)
        ? [
            { s, v: one },
            { s: not, v: nothing },
          ]
        : [...done, { s: not, v: err }]
    }
    if (resvDropped.test(name)) {
      s.say({ do: 'unlock', at: this.#place(e), text: this.#text(e) })
      s.resv = 'none'
      return done
    }
    if (resvAsserted.test(name)) {
      if (s.resv === 'none') {
        s.resv = 'asserted'
        s.say({ do: 'assert', at: this.#place(e), text: this.#text(e) })
      }
      return done
    }
    return undefined
  }

  /** With the last reference the function runs that is handed in. */
  #krefPut(e: Call, args: readonly Val[], s: State): Out[] {
    const ref = args[0]!.ref!
    const n = s.counts.get(ref)
    const fn = e.args[1]
    const callee = fn?.kind === 'name' ? this.#code.resolveHere(fn.name, this.#frame.func.file) : undefined
    const outs: Out[] = []
    if (n !== undefined && n > 1) {
      s.counts.set(ref, n - 1)
      return [{ s, v: nothing }]
    }
    // Somebody else may have one, where it is not known that nobody has.
    if (n === undefined || s.published.has(rootOf(ref))) {
      const t = s.fork()
      t.trail += `~${e.start},`
      outs.push({ s: t, v: nothing })
    }
    if (
      callee === undefined ||
      this.#stack.length > most.depth ||
      this.#stack.some((f) => f.func === callee)
    ) {
      for (const a of args) this.#escapes(a, 'the release of its last reference', s)
      return [...outs, { s, v: one }]
    }
    return [...outs, ...this.#inline(callee, [args[0]!], s).map((o) => ({ s: o.s, v: one }))]
  }

  #escapes(a: Val, to: string, s: State): void {
    if (a.thing !== undefined) s.change(a.thing, { escaped: s.things[a.thing]!.escaped ?? to })
  }

  /** A function of the driver's own, or one that is given a thing: walked into. */
  #into(e: Call, name: string, args: readonly Val[], s: State, fresh: Val): Out[] {
    const callee = this.#callee(name, args, s)
    if (
      callee === undefined ||
      this.#stack.length > most.depth ||
      this.#stack.some((f) => f.func === callee)
    ) {
      for (const a of args) {
        this.#escapes(a, `${name}()`, s)
        if (a.ref?.startsWith('new@') === true) s.published.add(rootOf(a.ref))
        // What it was given a pointer to may be anything now.
        if (
          a.sym.startsWith('&') &&
          a.ref !== undefined &&
          isLocal(rootOf(a.ref)) &&
          s.env.get(a.ref)?.thing === undefined
        )
          s.env.set(a.ref, { sym: `${name}@${e.start}.${a.ref}` })
      }
      return [{ s, v: fresh }]
    }
    return this.#inline(callee, args, s).map((o) => ({
      s: o.s,
      v: callee.returns.base === 'void' && callee.returns.pointer === 0 ? fresh : o.v,
    }))
  }

  #inline(callee: Func, args: readonly Val[], s: State): Out[] {
    const { rounds } = s
    const frame = this.#enter(callee)
    const inner = s.fork()
    inner.rounds = new Map()
    callee.params.forEach((p, i) => {
      const a = args[i]
      if (a !== undefined) inner.env.set(frame.prefix + p.name, a)
    })
    const outs = this.#body(callee, frame, inner)
    this.#stack.pop()
    for (const o of outs) o.s.rounds = new Map(rounds)
    return outs
  }

  #callee(name: string, args: readonly Val[], s: State): Func | undefined {
    const { file } = this.#frame.func
    const here = this.#code.resolveHere(name, file)
    if (here !== undefined)
      return this.#towards.has(here) ||
        concerns(here, this.#code, this.#about) ||
        args.some((a) => a.thing !== undefined)
        ? here
        : undefined
    const toward = [...this.#towards].find((f) => f.name === name && !f.static)
    if (toward !== undefined) return toward
    const given = args.some((a) => a.thing !== undefined || this.#reaches(a, s))
    if (!given) return undefined
    const found = this.#code.resolve(name, file)
    if (found === undefined) return undefined
    return args.some((a) => a.thing !== undefined) || concerns(found, this.#code, this.#about)
      ? found
      : undefined
  }

  /** Whether something that this path must give back can be reached from a value. */
  #reaches(a: Val, s: State): boolean {
    if (a.ref === undefined) return false
    if (this.#later && this.#about.frees !== true) return true
    const root = rootOf(a.ref)
    for (const [k, v] of s.env)
      if (v.thing !== undefined && rootOf(k) === root && s.owns(v.thing)) return true
    return s.things.some((t) => t.place !== undefined && t.live && rootOf(t.place) === root)
  }
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never

const unseenType: CType = { text: '', base: '', pointer: 0, array: false, function: false }
const importAttach = 'drm_gem_object.import_attach'
const result = '__result'
export const thing = (id: number): Val => ({ sym: `t#${id}`, ref: `t#${id}`, thing: id })
const isParam = (f: Func, name: string): boolean => f.params.some((p) => p.name === name)

function set(before: State, loc: string, v: Val): State {
  const s = before.fork()
  for (const k of s.env.keys()) if (within(k, loc)) s.env.delete(k)
  s.env.set(loc, v)
  return s
}

/** Whether a function, or one of its file that it calls, deals with what a walk is about. */
function concerns(func: Func, code: Code, about: About): boolean {
  let known = concerned.get(about.apis)
  if (known === undefined) concerned.set(about.apis, (known = new WeakMap()))
  const before = known.get(func)
  if (before !== undefined) return before
  known.set(func, false)
  let yes =
    [...about.apis.keys()].some((n) => func.mentions(n)) ||
    words.locks.some((n) => func.mentions(n)) ||
    (about.frees === true && freesGiven(func))
  if (!yes)
    for (const c of callsOf(func)) {
      const names = [c.callee, ...c.args].flatMap((x) => (x.kind === 'name' ? [x.name] : []))
      for (const n of names) {
        const callee = code.resolveHere(n, func.file)
        if (callee !== undefined && callee !== func && concerns(callee, code, about)) yes = true
      }
    }
  known.set(func, yes)
  return yes
}
const concerned = new WeakMap<ReadonlyMap<string, Api>, WeakMap<Func, boolean>>()

/** Whether a function frees what it is given, or drops a reference to it. */
function freesGiven(func: Func): boolean {
  const text = func.file.source.text.slice(func.start, func.end)
  if (!/\b(k\w*free\w*|kref_put\w*)\s*\(/.test(text)) return false
  const given = new Set(func.params.map((p) => p.name))
  for (const l of func.body.locals)
    if (l.init !== undefined) {
      const init = func.file.source.text.slice(l.init.start, l.init.end)
      if ((init.match(/[A-Za-z_]\w*/g) ?? []).some((w) => given.has(w))) given.add(l.name)
    }
  return [...text.matchAll(/\b(?:k\w*free\w*|kref_put\w*)\s*\(\s*&?(\w+)(\s*[,)]|->)/g)].some((m) =>
    given.has(m[1]!),
  )
}

/** Whether two names of fields may be the same: `?.mn` is one of which the struct is not seen. */
export function sameField(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false
  const last = (k: string): string => k.slice(k.lastIndexOf('.') + 1)
  return a === b || ((a.startsWith('?') || b.startsWith('?')) && last(a) === last(b))
}

/** The field or variable that an argument names. */
const fieldOf = (e: Expr): string | undefined =>
  e.kind === 'unary' || e.kind === 'cast'
    ? fieldOf(e.of)
    : e.kind === 'member'
      ? e.field
      : e.kind === 'name'
        ? e.name
        : undefined

/** Locals that nothing reads any more, and what is known of values that nobody asks about any more. */
function forget(before: State, frame: Frame, live: ReadonlySet<string>, asked: ReadonlySet<string>): State {
  const s = before.fork()
  const nameOf = (k: string): string => /^\w*/.exec(k.slice(frame.prefix.length))![0]
  for (const k of s.env.keys())
    if (k.startsWith(frame.prefix) && !live.has(nameOf(k)) && nameOf(k) !== result) s.env.delete(k)
  const { signs, said } = s.facts
  if (signs.size + said.size === 0) return s
  const known = new Set<string>()
  for (const [k, v] of s.env)
    if (!k.startsWith(frame.prefix) || asked.has(nameOf(k)) || nameOf(k) === result) known.add(v.sym)
  const still = (key: string): boolean => {
    if (key.startsWith('#if ')) return true
    for (const k of known) if (k.length > 1 && key.includes(k)) return true
    return (key.match(/[A-Za-z_]\w*/g) ?? []).some((w) => asked.has(w))
  }
  for (const k of signs.keys()) if (!still(k)) signs.delete(k)
  for (const k of said.keys()) if (!still(k)) said.delete(k)
  return s
}

/** Keeps of a state only what `coarse` says. */
function blur(s: State): void {
  for (const [k, v] of s.env) {
    const error = v.num !== undefined || v.err === true || v.thing !== undefined || v.sym.startsWith('-E')
    const points = v.ref !== undefined && isLocal(rootOf(k))
    if (!error && !points) s.env.delete(k)
  }
  for (const [k, v] of s.facts.signs) if (v !== sign.minus) s.facts.signs.delete(k)
  s.facts.said.clear()
  s.counts.clear()
  s.trail = s.trail
    .split(',')
    .filter((x) => !x.startsWith('!') && !x.startsWith('~'))
    .join()
}
