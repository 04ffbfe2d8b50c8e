import type { Assign, Call, CFile, Cleanup, CType, Expr, Func, Init, Local } from '../../source/index.ts'
import { hypercall, type Meaning, meaningOf, mmapLockFields } from '../api.ts'
import type { Code, GraphNode } from '../code.ts'
import { type LookupApi, lookupNamed, lookups } from '../protocols/pfn-lookup.ts'
import { type Event, eventsOf, type Lock, type Place, type Trail, Trails } from './event.ts'
import { liveness } from '../ways/live.ts'
import { tagOf, typeOf, variablesOf } from '../ways/types.ts'
import { type Form, type Int, isField, outlive, State, unknown, type Value } from './state.ts'

/**
 * Walks a function on every path, and the functions that it calls where they matter, and writes down what happens to looked-up values.
 * Branches are taken together where the variables that decide them are known (`ret` after a look-up, `unlocked` after a fault),
 * points that are equal in everything known are walked once, a loop goes around twice.
 */
export class Walk {
  readonly code: Code
  readonly trails = new Trails()
  readonly limits: Limits
  /** Fields whose content is taken for looked-up from the start: what an earlier walk left in them. */
  readonly kept: readonly Kept[]
  /** Functions that lead to the site: walked into whatever their arguments are. */
  readonly towards: ReadonlySet<Func>
  readonly #leads: ReadonlySet<string>
  readonly notifier: SequenceFields
  readonly about: 'values' | 'faults'
  readonly focus: { readonly file: string; readonly line: number } | undefined
  #visits = 0
  readonly #uses = new Map<number, Trail>()
  readonly #calls = new Map<string, Out[]>()
  readonly #stack: Frame[] = []
  readonly #about = new Map<Func, About>()

  constructor(code: Code, options: WalkOptions) {
    this.code = code
    this.limits = options.limits ?? { visits: 30_000, depth: 8, rounds: 2 }
    this.kept = options.kept ?? []
    this.towards = options.towards ?? new Set()
    this.#leads = new Set([...this.towards].map((f) => f.name))
    this.about = options.about ?? 'values'
    this.focus = options.focus
    this.notifier = options.notifier ?? { fields: new Set(), retries: new Set() }
  }

  /** Every way through a function, from its beginning. */
  run(func: Func): Path[] {
    const frame = this.#enter(func)
    let state = new State(new Map(), new Map(), this.trails.empty)
    for (const p of func.params)
      if (p.type.base === 'struct vm_area_struct' && p.type.pointer === 1)
        state = state.withValue(frame.prefix + p.name, { vma: 'fresh', to: `*(${frame.prefix}${p.name})` })
    const outs = this.#body(func, frame, state)
    this.#stack.pop()
    return outs.map(
      ({ state: s, value }): Path => ({
        events: eventsOf(s.trail),
        left: [...s.env].filter(([loc, v]) => v.of !== undefined && !loc.startsWith(frame.prefix)),
        returned:
          value.of !== undefined || (value.to !== undefined && s.tainted(value.to).length > 0)
            ? value
            : undefined,
        result: value.int,
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

  // ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #enter(func: Func): Frame {
    const frame = { func, file: func.file, prefix: `${this.#stack.length}:`, types: variablesOf(func) }
    this.#stack.push(frame)
    return frame
  }

  #body(func: Func, frame: Frame, start: State): Out[] {
    const { entry, nodes } = this.code.graph(func)
    const queue: [number, State][] = [[entry, start]]
    const seen = new Set<string>()
    const results = new Map<string, Out>()
    const { live } = this.#aboutOf(func)
    const go = (to: number, states: readonly State[]): void => {
      const names = live[to]!
      for (const full of states) {
        const s = full.only(
          frame.prefix,
          (n) => names.has(n) || n === returned,
          (f) => names.has(f),
        )
        const key = `${to}|${s.key}`
        if (seen.has(key)) continue
        seen.add(key)
        if (++this.#visits > this.limits.visits) throw new TooMany()
        queue.push([to, s])
      }
    }
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [at, state] = next
      const node = nodes[at]!
      this.#step(node, state, go, (value, s) => {
        const key = `${valueText(value)}|${s.key}`
        if (!results.has(key)) results.set(key, { state: s, value })
      })
    }
    return [...results.values()]
  }

  #step(
    node: GraphNode,
    state: State,
    go: (to: number, states: readonly State[]) => void,
    end: (value: Value, state: State) => void,
  ): void {
    switch (node.kind) {
      case 'eval':
        return go(
          node.to,
          this.#eval(node.expr, state).map((o) => o.state),
        )
      case 'local':
        return go(node.to, this.#declare(node.local, state))
      case 'test': {
        const { yes, no } = this.#test(node.cond, state)
        go(node.yes, yes)
        return go(node.no, no)
      }
      case 'fork':
        for (const to of node.to) go(to, [state])
        return
      case 'switch':
        for (const { state: s, value } of this.#eval(node.on, state)) {
          let rest = true
          for (const c of node.cases) {
            const is = compareInts('==', value.int, intOf(c.value))
            if (is === false) continue
            go(c.to, [s])
            if (is === true) rest = false
          }
          if (rest) go(node.otherwise, [s])
        }
        return
      case 'each':
        for (const { state: s } of this.#eval(node.expr, state)) for (const to of node.to) go(to, [s])
        return
      case 'return': {
        const loc = this.#frame.prefix + returned
        if (node.value === undefined) return go(node.to, [state])
        return go(
          node.to,
          this.#eval(node.value, state).map((o) => o.state.withValue(loc, o.value)),
        )
      }
      case 'cleanup':
        return go(node.to, this.#cleanup(node.cleanup, state))
      case 'end': {
        const loc = this.#frame.prefix + returned
        return end(state.env.get(loc) ?? unknown, state.withValue(loc, unknown))
      }
      case 'dead':
        return
    }
  }

  /** The end of a scope: a guard drops its lock, `__free(kfree)` frees. */
  #cleanup(c: Cleanup, state: State): State[] {
    if (c.kind === 'free') {
      if (!/^k?v?free/.test(c.name)) return [state]
      const to = readAt(state, this.#frame.prefix + c.variable).to
      return [to === undefined ? state : state.free(to)]
    }
    const lock = this.#guardLock(c.name, c.args[0])
    if (lock === undefined) return [state]
    const s = this.#say(state, { start: c.start }, { kind: 'unlock', lock })
    return lock.mmap ? s.map((t) => t.withStaleVmas()) : s
  }

  /** `guard(mutex)(&x->lock)` */
  #guardLock(name: string, arg: Expr | undefined): Lock | undefined {
    const kind = guards.get(name)
    if (kind === undefined) return undefined
    if (kind.mmap) return { name: 'mmap_lock', mmap: true, write: kind.write }
    const field = arg === undefined ? '?' : this.#lockName(arg)
    return { name: field, mmap: mmapLockFields.has(field), write: kind.write }
  }

  #declare(local: Local, state: State): State[] {
    const loc = this.#frame.prefix + local.name
    if (local.init === undefined) return [state.withValue(loc, unknown)]
    return this.#store(loc, () => local.type, local.init, state, local).map((o) => o.state)
  }

  // ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

  get #frame(): Frame {
    return this.#stack.at(-1)!
  }

  #place(at: { readonly start: number }): Place {
    const frame = this.#frame
    if (frame.place !== undefined) return frame.place
    return {
      file: frame.file.path,
      line: frame.file.source.position(at.start).line,
      func: frame.func.name,
    }
  }

  #say(state: State, at: { readonly start: number }, event: EventBody): State[] {
    if (this.about === 'faults' ? !aroundFaults.has(event.kind) : aboutFaults.has(event.kind)) return [state]
    const next = state.happen(this.trails, { at: this.#place(at), ...event } as Event, this.limits.rounds)
    if (next === undefined) return []
    if ((event.kind === 'cpu' || event.kind === 'device' || event.kind === 'guest') && this.#uses.size < 400)
      this.#uses.set(next.trail.id, next.trail)
    return [next]
  }

  #eval(e: Expr, state: State): Out[] {
    switch (e.kind) {
      case 'number':
        return [{ state, value: e.value === 0 ? { int: 'zero' } : { int: 'pos' } }]
      case 'name':
        if (e.name === 'NULL' || e.name === 'false') return [{ state, value: { int: 'zero' } }]
        if (e.name === 'true') return [{ state, value: { int: 'pos' } }]
        // A constant.
        if (arithmetic.test(e.name) && !this.#frame.types.has(e.name)) return [{ state, value: unknown }]
        return this.#read(e, state)
      case 'member':
      case 'index':
        return this.#read(e, state)
      case 'unary':
        return this.#unary(e, state)
      case 'cast':
        return this.#eval(e.of, state)
      case 'assign':
        return this.#assign(e, state)
      case 'binary':
        return this.#binary(e, state)
      case 'ternary': {
        const { yes, no } = this.#test(e.cond, state)
        const then = e.then
        return [
          ...yes.flatMap((s) => (then === undefined ? this.#eval(e.cond, s) : this.#eval(then, s))),
          ...no.flatMap((s) => this.#eval(e.otherwise, s)),
        ]
      }
      case 'comma': {
        let outs: Out[] = [{ state, value: unknown }]
        for (const item of e.items) outs = outs.flatMap((o) => this.#eval(item, o.state))
        return outs
      }
      case 'call':
        return this.#call(e, state)
      case 'asm':
        return this.#asm(e, state)
      case 'statements': {
        let outs: Out[] = [{ state, value: unknown }]
        for (const s of e.body) {
          if (s.kind === 'expr') outs = outs.flatMap((o) => this.#eval(s.expr, o.state))
          else if (s.kind === 'local')
            outs = outs.flatMap((o) => this.#declare(s, o.state).map((t) => ({ state: t, value: unknown })))
        }
        return outs
      }
      case 'init':
      case 'string':
      case 'sizeof':
      case 'type':
      case 'labelAddress':
      case 'unknown':
        return [{ state, value: unknown }]
    }
  }

  #unary(e: Expr & { kind: 'unary' }, state: State): Out[] {
    switch (e.op) {
      case '*':
        return this.#read(e, state)
      case '&': {
        const outs = this.#locate(e.of, state)
        return outs.map((o) => ({ state: o.state, value: o.loc === undefined ? unknown : { to: o.loc } }))
      }
      case '!': {
        const { yes, no } = this.#test(e.of, state)
        return [
          ...yes.map((s) => ({ state: s, value: { int: 'zero' } as Value })),
          ...no.map((s) => ({ state: s, value: { int: 'pos' } as Value })),
        ]
      }
      case '-': {
        const int = intOf(e)
        if (int !== undefined) return [{ state, value: { int } }]
        return this.#eval(e.of, state).map((o) => ({ state: o.state, value: moved(o.value) }))
      }
      case '++':
      case '--':
        return this.#locate(e.of, state).flatMap(({ state: s, loc }) => {
          if (loc === undefined) return [{ state: s, value: unknown }]
          const before = readAt(s, loc)
          const after = moved(before)
          return [{ state: s.withValue(loc, after), value: e.postfix ? before : after }]
        })
      default:
        return this.#eval(e.of, state).map((o) => ({ state: o.state, value: withoutInt(o.value) }))
    }
  }

  #binary(e: Expr & { kind: 'binary' }, state: State): Out[] {
    if (/^(==|!=|<=?|>=?|&&|\|\|)$/.test(e.op)) {
      const { yes, no } = this.#test(e, state)
      return [
        ...yes.map((s) => ({ state: s, value: { int: 'pos' } as Value })),
        ...no.map((s) => ({ state: s, value: { int: 'zero' } as Value })),
      ]
    }
    return this.#eval(e.left, state).flatMap((l) =>
      this.#eval(e.right, l.state).map((r) => {
        const value =
          l.value.of !== undefined
            ? l.value
            : r.value.of !== undefined
              ? r.value
              : l.value.to !== undefined
                ? l.value
                : r.value
        const result: Value = e.op === '+' || e.op === '-' ? moved(value) : withoutInt(value)
        return { state: r.state, value: result }
      }),
    )
  }

  /** What stands at a place in memory. Reading through an address that was looked up is an access by the CPU. */
  #read(e: Expr, state: State): Out[] {
    return this.#locate(e, state).flatMap(({ state: s, loc, through }) => {
      if (through !== undefined) return this.#through(e, s, through, false)
      if (loc === undefined) return [{ state: s, value: unknown }]
      const type = e.kind === 'name' ? this.#frame.types.get(e.name) : undefined
      if (type?.array === true && !loc.endsWith('[]')) return [{ state: s, value: { to: `${loc}[]` } }]
      // A number that nothing is known of points nowhere.
      if (isNumber(type)) return [{ state: s, value: s.env.get(loc) ?? unknown }]
      const value = readAt(s, loc)
      if (value.of === undefined && e.kind === 'member') {
        const kept = this.#keptIn(e)
        if (kept !== undefined) return [{ state: s, value: { ...value, of: kept.of, form: kept.form } }]
        if (this.notifier.fields.has(e.field)) return [{ state: s, value: { ...value, seq: true } }]
      }
      return [{ state: s, value }]
    })
  }

  /** `*p`, `p->f`, `p[i]` where p is a looked-up value. */
  #through(e: Expr, state: State, base: Value, write: boolean): Out[] {
    if (base.form === 'ptep' || base.form === 'pte') return [{ state, value: { of: base.of!, form: 'pte' } }]
    if (base.form === 'page') {
      // The page's own fields are looked at, not its memory; an array of pages holds pages.
      if (e.kind === 'member') return [{ state, value: unknown }]
      return [{ state, value: base }]
    }
    // An array of PFNs holds PFNs.
    if (base.form === 'pfn' && e.kind === 'index') return [{ state, value: base }]
    return this.#say(state, e, { kind: 'cpu', value: base.of!, write, text: this.#text(e) }).map((s) => ({
      state: s,
      value: unknown,
    }))
  }

  /** The location that an expression names. `through`: it is reached through a looked-up value, which is then an access. */
  #locate(e: Expr, state: State): { state: State; loc?: string; through?: Value }[] {
    switch (e.kind) {
      case 'name': {
        const frame = this.#frame
        if (frame.types.has(e.name)) return [{ state, loc: frame.prefix + e.name }]
        return [{ state, loc: `g:${e.name}` }]
      }
      case 'member': {
        if (!e.arrow)
          return this.#locate(e.base, state).map((o) =>
            o.loc === undefined ? o : { state: o.state, loc: `${o.loc}.${e.field}` },
          )
        return this.#eval(e.base, state).flatMap((o) => this.#pointee(e, o, `.${e.field}`))
      }
      case 'index':
        return this.#eval(e.base, state).flatMap((b) =>
          this.#eval(e.index, b.state).flatMap((i) =>
            this.#pointee(e, { state: i.state, value: b.value }, ''),
          ),
        )
      case 'unary':
        if (e.op === '*') return this.#eval(e.of, state).flatMap((o) => this.#pointee(e, o, ''))
        if (e.op === '&') return this.#locate(e.of, state)
        return this.#eval(e, state).map((o) => ({ state: o.state }))
      case 'cast':
        return this.#locate(e.of, state)
      default:
        return this.#eval(e, state).map((o) => ({
          state: o.state,
          ...(o.value.to !== undefined && { loc: o.value.to }),
        }))
    }
  }

  #pointee(e: Expr, base: Out, suffix: string): { state: State; loc?: string; through?: Value }[] {
    let states = [base.state]
    if (base.value.vma === 'stale')
      states = this.#say(base.state, e, { kind: 'stale-vma', text: this.#text(e) })
    return states.map((state) => {
      if (base.value.of !== undefined && base.value.form !== undefined) return { state, through: base.value }
      return base.value.to === undefined ? { state } : { state, loc: clip(base.value.to + suffix) }
    })
  }

  #assign(e: Assign, state: State): Out[] {
    return this.#locate(e.target, state).flatMap(({ state: s, loc, through }) => {
      if (through !== undefined)
        return this.#eval(e.value, s).flatMap((v) => this.#through(e.target, v.state, through, true))
      if (loc === undefined) return this.#eval(e.value, s)
      const type = (): CType | undefined => this.#typeOf(e.target)
      if (e.op === '=') return this.#store(loc, type, e.value, s, e.target)
      return this.#eval(e.value, s).flatMap((v) => {
        const old = readAt(v.state, loc)
        const kept = old.of !== undefined ? old : v.value.of !== undefined ? v.value : old
        const value = e.op === '+' || e.op === '-' ? moved(kept) : withoutInt(kept)
        return this.#put(loc, type, value, v.state, e.target)
      })
    })
  }

  #store(loc: string, type: () => CType | undefined, from: Expr, state: State, at: Expr | Local): Out[] {
    if (from.kind === 'init')
      return this.#initialise(loc, from, state).map((s) => ({ state: s, value: unknown }))
    if (from.kind === 'cast' && from.of.kind === 'init') return this.#store(loc, type, from.of, state, at)
    const source = isPlace(from) ? this.#locate(from, state)[0]?.loc : undefined
    return this.#eval(from, state).flatMap((v) =>
      this.#put(loc, type, v.value, v.state, at).map((o) => ({
        state: source === undefined ? o.state : copyFields(o.state, source, loc),
        value: o.value,
      })),
    )
  }

  #initialise(loc: string, init: Init, state: State): State[] {
    let states = [state.withValue(loc, unknown)]
    for (const item of init.items) {
      const field = item.path.map((p) => (p.startsWith('[') ? '[]' : p)).join('')
      if (field === '') continue
      states = states.flatMap((s) =>
        this.#store(`${loc}${field}`, () => undefined, item.value, s, item.value).map((o) => o.state),
      )
    }
    return states
  }

  #put(loc: string, type: () => CType | undefined, value: Value, state: State, at: Expr | Local): Out[] {
    const name = loc.startsWith(this.#frame.prefix) ? loc.slice(this.#frame.prefix.length) : undefined
    // What an integer is matters only where a condition asks for it.
    let stored = value
    if (
      value.int !== undefined &&
      (loc.startsWith('*(') ||
        loc.startsWith('g:') ||
        (name !== undefined && !name.includes('.') && !this.#aboutNow.asked.has(name)))
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
        states = this.#say(state, at, {
          kind: 'device',
          value: value.of,
          text: `${this.#text(at)}, a dma_addr_t`,
        })
        stored = { ...stored, form: 'dma' }
      } else if (!loc.startsWith(this.#frame.prefix)) {
        states = this.#say(state, at, {
          kind: 'hop',
          value: value.of,
          text: this.#text(at),
          ...this.#fieldOf(at),
        })
      }
    }
    // Along a list or a tree the names would grow for ever: what comes from an object's own pointer stays that object.
    const old = state.env.get(loc)?.to ?? `*(${loc})`
    if (stored.to !== undefined && stored.to !== old && stored.to.includes(`(${old}`))
      stored = { ...stored, to: old }
    return states.map((s) => ({ state: s.withValue(loc, stored), value }))
  }

  #asm(e: Expr & { kind: 'asm' }, state: State): Out[] {
    let outs: Out[] = [{ state, value: unknown }]
    const hyper = hypercall.test(e.text)
    for (const operand of e.operands)
      outs = outs.flatMap((o) =>
        this.#eval(operand, o.state).flatMap((v) => {
          // A register pair is a union: what is in one half is in the other's instruction.
          const pair = operand.kind === 'member' ? this.#locate(operand.base, v.state)[0]?.loc : undefined
          const of = hyper
            ? taintOf(v)
            : (v.value.of ?? (pair === undefined ? undefined : v.state.tainted(pair, 0)[0]?.[1].of))
          if (of === undefined) return [{ state: v.state, value: unknown }]
          const text = hyper ? 'a hypercall' : 'an instruction that takes the address'
          return this.#say(
            v.state,
            e,
            hyper ? { kind: 'guest', value: of, text } : { kind: 'cpu', value: of, write: true, text },
          ).map((s) => ({ state: s, value: unknown }))
        }),
      )
    return outs
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #test(e: Expr, state: State): Branches {
    if (e.kind === 'unary' && e.op === '!') {
      const { yes, no } = this.#test(e.of, state)
      return { yes: no, no: yes }
    }
    if (e.kind === 'binary' && (e.op === '&&' || e.op === '||')) {
      const left = this.#test(e.left, state)
      const go = (e.op === '&&' ? left.yes : left.no).map((s) => this.#test(e.right, s))
      const yes = go.flatMap((b) => b.yes)
      const no = go.flatMap((b) => b.no)
      return e.op === '&&' ? { yes, no: [...left.no, ...no] } : { yes: [...left.yes, ...yes], no }
    }
    if (e.kind === 'cast') return this.#test(e.of, state)
    if (
      e.kind === 'call' &&
      e.callee.kind === 'name' &&
      e.args.length >= 1 &&
      transparent.test(e.callee.name)
    )
      return this.#test(e.args[0]!, state)
    if (e.kind === 'binary' && /^(==|!=|<=?|>=?)$/.test(e.op)) return this.#compare(e, state)

    const yes: State[] = []
    const no: State[] = []
    for (const { state: s, value } of this.#eval(e, state)) {
      const is = truth(value, s)
      if (is === true) yes.push(s)
      else if (is === false) no.push(s)
      else this.#both(e, s, yes, no, 'nonzero', 'zero')
    }
    return { yes, no }
  }

  #compare(e: Expr & { kind: 'binary' }, state: State): Branches {
    const yes: State[] = []
    const no: State[] = []
    for (const l of this.#eval(e.left, state))
      for (const r of this.#eval(e.right, l.state)) {
        const s = r.state
        const a = l.value
        const b = r.value
        if (
          (e.op === '==' || e.op === '!=') &&
          a.of !== undefined &&
          b.of !== undefined &&
          a.of !== b.of &&
          comparable(a) &&
          comparable(b)
        ) {
          const same = this.#say(s, e, { kind: 'same', value: a.of, other: b.of })
          ;(e.op === '==' ? yes : no).push(...same)
          ;(e.op === '==' ? no : yes).push(s)
          continue
        }
        if ((a.seq === true) !== (b.seq === true) || (a.seq === true && b.seq === true)) {
          // The driver's own sequence is compared with a snapshot of it.
          const quiet =
            e.op === '==' || e.op === '!=' ? this.#say(s, e, { kind: 'retry', text: this.#text(e) }) : [s]
          ;(e.op === '!=' ? no : yes).push(...quiet)
          ;(e.op === '!=' ? yes : no).push(s)
          continue
        }
        const is = compareInts(e.op, a.int, b.int)
        if (is === true) yes.push(s)
        else if (is === false) no.push(s)
        else if (b.int === 'zero') {
          const [t, f] = signs[e.op]!
          this.#both(e.left, s, yes, no, t, f, e)
        } else if (b.int !== undefined && b.int.startsWith('-E') && (e.op === '==' || e.op === '!='))
          this.#both(
            e.left,
            s,
            yes,
            no,
            e.op === '==' ? b.int : undefined,
            e.op === '==' ? undefined : b.int,
            e,
          )
        else this.#both(e, s, yes, no, undefined, undefined)
      }
    return { yes, no }
  }

  /** Both ways, remembering on each what it says: of the variable that was asked, or of the condition if it is asked again. */
  #both(
    e: Expr,
    state: State,
    yes: State[],
    no: State[],
    ifYes: Int | undefined,
    ifNo: Int | undefined,
    whole: Expr = e,
  ): void {
    const inner = stripped(e)
    if (inner.kind === 'name' && this.#frame.types.has(inner.name)) {
      const loc = this.#frame.prefix + inner.name
      const old = state.env.get(loc)
      // The pointer stays what it was; only what is known of it as a number grows.
      const set = (int: Int | undefined): State => {
        if (int === undefined || !this.#aboutNow.again.has(inner.name)) return state
        const env = new Map(state.env)
        env.set(loc, int === 'zero' ? { int } : { ...old, int })
        return state.withEnv(env)
      }
      const mayBe = (int: Int | undefined) => int === undefined || compareInts('==', old?.int, int) !== false
      if (mayBe(ifYes)) yes.push(set(ifYes))
      if (mayBe(ifNo)) no.push(set(ifNo))
      return
    }
    const fact = this.#factOf(whole)
    if (fact === undefined) {
      yes.push(state)
      no.push(state)
      return
    }
    const known = state.facts.get(fact)
    if (known !== false) yes.push(known === undefined ? state.withFact(fact, true) : state)
    if (known !== true) no.push(known === undefined ? state.withFact(fact, false) : state)
  }

  #factOf(e: Expr): string | undefined {
    const text = this.#text(e)
    if (!this.#aboutNow.repeated.has(text)) return undefined
    return text
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #call(e: Call, state: State): Out[] {
    const name = e.callee.kind === 'name' ? e.callee.name : undefined
    // guard(mutex)(&x->lock), scoped_guard(mutex, &x->lock)
    const inner = e.callee.kind === 'call' ? e.callee : e
    if (
      inner.callee.kind === 'name' &&
      /^(scoped_)?guard$/.test(inner.callee.name) &&
      inner.args[0]?.kind === 'name'
    ) {
      const lock = this.#guardLock(inner.args[0].name, inner === e ? e.args[1] : e.args[0])
      const states = lock === undefined ? [state] : this.#say(state, e, { kind: 'lock', lock })
      return states.map((s) => ({ state: s, value: unknown }))
    }
    if (name !== undefined && transparent.test(name) && e.args.length >= 1)
      return this.#eval(e.args[0]!, state)
    if (name === 'container_of' || name === 'list_entry' || name === 'rb_entry')
      return this.#eval(e.args[0]!, state).map((o) => ({
        state: o.state,
        value: { to: `*(@${this.#frame.func.name}.${this.#text(e)})` },
      }))
    let outs: { state: State; values: Value[] }[] = [{ state, values: [] }]
    for (const arg of e.args)
      outs = outs.flatMap((o) =>
        this.#eval(arg, o.state).map((v) => ({ state: v.state, values: [...o.values, v.value] })),
      )
    return outs.flatMap((o) => this.#apply(e, name, o.values, o.state))
  }

  #apply(e: Call, name: string | undefined, args: readonly Value[], state: State): Out[] {
    if (name === undefined) return this.#indirect(e, args, state)
    const here = this.code.resolveHere(name, this.#frame.file)
    const api = lookupNamed.get(name)
    if (api !== undefined && here?.static !== true) return this.#lookup(e, api, args, state)
    const ends = enders.get(name)
    if (ends !== undefined) return this.#ended(e, ends, args, state)
    const meaning = meaningOf(name)
    if (meaning !== undefined && (here === undefined || meaning.does !== 'nothing'))
      return this.#meaning(e, name, meaning, args, state)
    // Beyond the file it is looked for only where it can matter: it is given what was looked up, or is on the way, or locks.
    const tainted = args.some((v) => taintOf({ state, value: v }) !== undefined)
    if (here === undefined) {
      const ours = this.code.macroHere(name, this.#frame.file)
      if (ours === undefined) {
        if (tainted && arithmetic.test(name)) return [{ state, value: derived(args) }]
        // A tree of intervals that a macro makes: what it is given is a key.
        if (quiet.test(name) || this.#isIntervalTree(name)) return this.#passedBy(e, args, state)
        const locks = lockName.test(name) && !generalLock.test(name) && this.#asksNotifiers()
        if (!tainted && !locks && !this.#leads.has(name)) return this.#passedBy(e, args, state)
      }
    }
    const macro = here === undefined ? this.code.macro(name, this.#frame.file) : undefined
    const own = here ?? (macro === undefined ? this.code.resolve(name, this.#frame.file) : undefined)
    if (macro?.params !== undefined && this.#worthExpanding(macro.text, args, state))
      return this.#expand(e, macro, state)
    if (own !== undefined) return this.#into(e, own, args, state)
    if (macro !== undefined) return [{ state, value: derived(args) }]
    return this.#outside(e, name, args, state)
  }

  #lookup(e: Call, api: LookupApi, args: readonly Value[], state: State): Out[] {
    const outs: Out[] = []
    let states = [state]
    // A VMA that is no longer one, handed to the look-up.
    if (api.vma !== undefined) {
      const arg = args[api.vma.arg]
      const vma =
        api.vma.field === undefined
          ? arg
          : arg?.to === undefined
            ? undefined
            : state.env.get(`${arg.to}.${api.vma.field}`)
      if (vma?.vma === 'stale') states = this.#say(state, e, { kind: 'stale-vma', text: this.#text(e) })
    }
    if (api.out.kind === 'none') {
      const where = api.unlocked === undefined ? undefined : args[api.unlocked]
      const may = where !== undefined && where.int !== 'zero'
      const write =
        api.flags !== undefined &&
        e.args[api.flags] !== undefined &&
        /WRITE/.test(this.#text(e.args[api.flags]!))
      for (const ok of [true, false])
        for (const dropped of may ? [false, true] : [undefined])
          for (const s of states.flatMap((t) =>
            this.#say(t, e, {
              kind: 'fault',
              api: api.name,
              ok,
              write,
              ...(dropped !== undefined && { dropped }),
            }),
          )) {
            const after = dropped === true ? s.withStaleVmas() : s
            const said =
              dropped === true && where?.to !== undefined ? after.withValue(where.to, { int: 'pos' }) : after
            outs.push({ state: said, value: { int: ok ? 'zero' : 'neg' } })
          }
      return outs
    }
    for (const s of states) {
      if (this.about === 'faults' || !this.#inFocus(e)) outs.push({ state: s, value: { int: api.success } })
      else {
        const value = countLookups(s)
        for (const t of this.#say(s, e, { kind: 'lookup', api: api.name, value }))
          outs.push({ state: this.#delivered(api, args, t, value), value: { int: api.success } })
      }
      for (const int of [...(api.errors ?? []), 'neg' as const]) outs.push({ state: s, value: { int } })
    }
    return outs
  }

  #inFocus(e: Call): boolean {
    if (this.focus === undefined) return true
    const { file, line } = this.#place(e)
    return file === this.focus.file && line === this.focus.line
  }

  #delivered(api: LookupApi, args: readonly Value[], state: State, of: number): State {
    const out = api.out
    if (out.kind === 'none') return state
    const arg = args.at(out.arg)
    if (arg?.to === undefined) return state
    const value: Value = { of, form: out.form }
    switch (out.kind) {
      case 'pointer':
        return state.withValue(arg.to, value)
      case 'field':
        return state.withValue(`${arg.to}.${out.field}`, value)
      case 'array': {
        const array = readAt(state, `${arg.to}.${out.field}`)
        return array.to === undefined ? state : state.withValue(array.to, value)
      }
      case 'object':
        return state.withValue(`${arg.to}.*`, value)
    }
  }

  #ended(e: Call, { api, how }: Ender, args: readonly Value[], state: State): Out[] {
    const end = how === 'end' ? api.endedBy! : api.putBy!
    const arg = args[end.arg]
    const of = arg?.of ?? (arg?.to === undefined ? undefined : state.tainted(arg.to)[0]?.[1].of)
    if (of === undefined) return [{ state, value: unknown }]
    return this.#say(state, e, { kind: how, value: of }).map((s) => ({ state: s, value: unknown }))
  }

  #meaning(e: Call, name: string, m: Meaning, args: readonly Value[], state: State): Out[] {
    const just = (states: readonly State[], value: Value = unknown): Out[] =>
      states.map((s) => ({ state: s, value }))
    switch (m.does) {
      case 'lock':
      case 'unlock': {
        const lock = this.#lockOf(e, m.arg, m.lock, m.write)
        const s = this.#say(state, e, { kind: m.does, lock })
        return just(m.does === 'unlock' && lock.mmap ? s.map((t) => t.withStaleVmas()) : s)
      }
      case 'try-lock': {
        const lock = this.#lockOf(e, m.arg, m.lock, m.write)
        const got: Int = m.taken === 'zero' ? 'zero' : 'pos'
        const not: Int = m.taken === 'zero' ? 'neg' : 'zero'
        return [
          ...just(this.#say(state, e, { kind: 'lock', lock }), { int: got }),
          { state, value: { int: not } },
        ]
      }
      case 'find-vma': {
        const to = `*(@vma:${this.#place(e).line})`
        return [
          ...just(this.#say(state, e, { kind: 'vma', api: name }), { vma: 'fresh', to, int: 'nonzero' }),
          { state, value: { int: 'zero' } },
        ]
      }
      case 'access': {
        let outs: Out[] = [{ state, value: unknown }]
        for (const write of [true, false])
          for (const i of (write ? m.writes : m.reads) ?? []) {
            const of = args[i]?.of
            if (of === undefined || args[i]?.form === 'page') continue
            outs = outs.flatMap((o) =>
              just(this.#say(o.state, e, { kind: 'cpu', value: of, write, text: name })),
            )
          }
        return outs
      }
      case 'give': {
        const of = m.args
          .map((i) => taintOf({ state, value: args[i] ?? unknown }))
          .find((t) => t !== undefined)
        if (of === undefined) return just([state])
        const given = this.#say(state, e, { kind: m.to, value: of, text: name })
        switch (m.result) {
          case 'address':
            return just(given, { of, form: 'dma' })
          case 'zero':
            return [...just(given, { int: 'zero' }), { state, value: { int: 'neg' } }]
          case 'pos':
            return [...just(given, { int: 'pos' }), { state, value: { int: 'zero' } }]
          case 'unknown':
            return just(given)
        }
      }
      case 'revoke': {
        const of =
          m.arg === undefined
            ? lastGiven(state)
            : (args[m.arg]?.of ?? taintOf({ state, value: args[m.arg] ?? unknown }))
        if (of === undefined) return just([state])
        return just(this.#say(state, e, { kind: 'revoke', value: of, text: name }))
      }
      case 'derive': {
        const arg = args[m.arg]
        const of =
          arg?.of ??
          (m.form === 'page' || m.form === 'pfn' || m.form === 'address'
            ? objectTaint(arg, state)
            : undefined)
        if (of !== undefined) {
          const form =
            m.form === 'pfn' && arg?.form === 'address' && keepsForm.test(name) ? 'address' : m.form
          return [{ state, value: { of, form } }]
        }
        // An address of an object stays one, whatever the arithmetic.
        if (arg?.to === undefined || (m.form === 'pfn' && objectTaint(arg, state) === undefined))
          return [{ state, value: unknown }]
        return [{ state, value: { to: arg.to } }]
      }
      case 'collect': {
        const into = args[m.into]?.to
        for (const i of m.from) {
          const of = taintOf({ state, value: args[i] ?? unknown })
          if (of !== undefined && into !== undefined) {
            const kept = into.startsWith(this.#frame.prefix)
              ? [state]
              : this.#say(state, e, { kind: 'hop', value: of, text: this.#text(e.args[m.into]!) })
            return [
              ...just(
                kept.map((s) => s.withValue(`${into}.*`, { of, form: 'page' })),
                { int: 'zero' },
              ),
              { state, value: { int: 'neg' } },
            ]
          }
        }
        return just([state])
      }
      case 'given-failed': {
        const of = args[m.arg]?.of
        if (of === undefined) return just([state])
        return [
          ...just(this.#say(state, e, { kind: 'revoke', value: of, text: name }), { int: 'pos' }),
          { state, value: { int: 'zero' } },
        ]
      }
      case 'same': {
        const [a, b] = args
        if (a?.of === undefined || b?.of === undefined || a.of === b.of) return just([state])
        return [
          ...just(this.#say(state, e, { kind: 'same', value: a.of, other: b.of }), { int: 'pos' }),
          { state, value: { int: 'zero' } },
        ]
      }
      case 'free': {
        const to = args[m.arg]?.to
        return just([to === undefined ? state : state.free(to)])
      }
      case 'seq-begin':
        return just(this.#say(state, e, { kind: 'seq', text: name }), { seq: true })
      case 'seq-retry':
        return [
          ...just(this.#say(state, e, { kind: 'retry', text: name }), { int: 'zero' }),
          { state, value: { int: 'pos' } },
        ]
      case 'seq-set':
        return just([state])
      case 'ref':
      case 'unref': {
        const of = args[m.arg]?.of
        if (of === undefined) return just([state])
        const s = just(this.#say(state, e, { kind: m.does, value: of, text: name }), { int: 'pos' })
        return m.does === 'ref' && m.fails ? [...s, { state, value: { int: 'zero' } }] : s
      }
      case 'assign': {
        const target = e.args[0]
        const from = e.args[1]
        if (target === undefined || from === undefined) return just([state])
        return this.#assign({ ...e, kind: 'assign', op: '=', target, value: from } as Assign, state)
      }
      case 'nothing': {
        if (name === 'IS_ERR' || name === 'IS_ERR_OR_NULL' || name === 'IS_ERR_VALUE') {
          const v = args[0] ?? unknown
          if (v.int === 'neg' || v.int?.startsWith('-E') === true) return [{ state, value: { int: 'pos' } }]
          if (v.of !== undefined || objectTaint(v, state) !== undefined)
            return [{ state, value: { int: 'zero' } }]
          return just([state])
        }
        if (name === 'ERR_PTR' || name === 'PTR_ERR') {
          const int = args[0]?.int
          return [{ state, value: { int: int ?? 'neg' } }]
        }
        return just([state])
      }
      case 'never-returns':
        return []
    }
  }

  #lockOf(e: Call, arg: number, kind: 'mmap' | 'lock', write: boolean): Lock {
    if (kind === 'mmap') return { name: 'mmap_lock', mmap: true, write }
    let x = e.args[arg]
    while (x !== undefined && (x.kind === 'unary' || x.kind === 'cast')) x = x.of
    const name =
      x === undefined ? '?' : x.kind === 'member' ? x.field : x.kind === 'name' ? x.name : this.#text(x)
    return { name, mmap: mmapLockFields.has(name), write }
  }

  #lockName(e: Expr): string {
    let x = e
    while (x.kind === 'unary' || x.kind === 'cast') x = x.of
    return x.kind === 'member' ? x.field : x.kind === 'name' ? x.name : this.#text(x)
  }

  #indirect(e: Call, args: readonly Value[], state: State): Out[] {
    const tainted = args.some((v) => taintOf({ state, value: v }) !== undefined)
    if (!tainted) return this.#havoc(args, state)
    const callee = stripped(e.callee)
    if (callee.kind === 'member') {
      const type = this.#typeOf(callee.base)
      const found = this.code.ops(type?.base.replace(/^struct /, ''), callee.field)
      const funcs = new Map(found.map((f) => [f.func, f]))
      if (funcs.size > 0 && funcs.size <= 4) {
        const outs = [...funcs.values()].flatMap((f) => {
          const func = this.code.resolve(f.func, f.file)
          return func === undefined ? [] : this.#into(e, func, args, state)
        })
        if (outs.length > 0) return outs
      }
      return this.#outside(
        e,
        `->${callee.field}`,
        args,
        state,
        funcs.size > 4
          ? `${funcs.size} functions may be behind the pointer ->${callee.field}()`
          : `nobody is found behind the pointer ->${callee.field}()`,
      )
    }
    return this.#outside(e, this.#text(e.callee), args, state)
  }

  /** A call that is not looked into: a VMA from before is looked at there, what it points to may be written. */
  #passedBy(e: Call, args: readonly Value[], state: State): Out[] {
    let states: readonly State[] = [state]
    for (const v of args)
      if (v.vma === 'stale')
        states = states.flatMap((s) => this.#say(s, e, { kind: 'stale-vma', text: this.#text(e) }))
    return states.flatMap((s) => this.#havoc(args, s))
  }

  #isIntervalTree(name: string): boolean {
    const m = /^(\w+)_(iter_first|iter_next|insert|remove|subtree_search)$/.exec(name)
    return (
      m !== null &&
      this.#frame.file.invocations.some(
        (i) => i.name === 'INTERVAL_TREE_DEFINE' && i.args.some((a) => a.kind === 'name' && a.name === m[1]),
      )
    )
  }

  /** Only where a notifier is asked do the driver's own locks matter. */
  #asksNotifiers(): boolean {
    return this.#stack.some((f) => readsNotifiers(f.file))
  }

  /** A function whose body is not there, or not read: what it was given is out of sight. */
  #outside(e: Call, name: string, args: readonly Value[], state: State, reason?: string): Out[] {
    if (/^[A-Z][A-Z0-9_]*$/.test(name)) return [{ state, value: derived(args) }]
    let states = [state]
    for (const [i, v] of args.entries()) {
      if (v.vma === 'stale')
        states = states.flatMap((s) => this.#say(s, e, { kind: 'stale-vma', text: this.#text(e) }))
      const of = taintOf({ state, value: v })
      if (of === undefined || quiet.test(name) || (v.of === undefined && logs.test(name))) continue
      const how = v.of !== undefined ? '' : ', inside what it points to'
      states = states.flatMap((s) =>
        this.#say(s, e, {
          kind: 'lost',
          value: of,
          reason: reason ?? `it is passed to ${name}(), whose body is not seen`,
          text: `argument ${i + 1} of ${name}()${how}`,
        }),
      )
    }
    return states.flatMap((s) => this.#havoc(args, s))
  }

  /** What a callee that is not read may have done: written through the pointers it got. */
  #havoc(args: readonly Value[], state: State): Out[] {
    let s = state
    for (const v of args)
      if (v.to !== undefined) {
        const held = s.env.get(v.to)
        if (held !== undefined && held.of === undefined && (held.int !== undefined || held.seq === true))
          s = s.withValue(v.to, unknown)
      }
    return [{ state: s, value: unknown }]
  }

  #into(e: Call, func: Func, args: readonly Value[], state: State): Out[] {
    const tainted = args.some((v) => taintOf({ state, value: v }) !== undefined)
    const wanted = tainted || this.towards.has(func) || this.#touches(func)
    if (!wanted) {
      let states = [state]
      for (const v of args)
        if (v.vma === 'stale')
          states = states.flatMap((s) => this.#say(s, e, { kind: 'stale-vma', text: this.#text(e) }))
      return states.flatMap((s) => this.#havoc(args, s))
    }
    if (this.#stack.some((f) => f.func === func)) return this.#havoc(args, state)
    // A record that holds the number is written to a log.
    if (logs.test(func.name) && !args.some((v) => v.of !== undefined)) return this.#passedBy(e, args, state)
    if (this.#stack.length >= this.limits.depth)
      return tainted
        ? this.#outside(
            e,
            func.name,
            args,
            state,
            `it goes more than ${this.limits.depth} calls deep, into ${func.name}()`,
          )
        : this.#havoc(args, state)
    // The callee sees what its arguments reach, and globals; the rest of the state waits outside, so that equal calls are walked once.
    const { seen, rest } = state.split(args)
    const depth = this.#stack.length
    const key = `${func.file.path}:${func.start} ${depth} ${args.map(valueText).join(',')} ${seen.key}`
    let outs = this.#calls.get(key)
    if (outs === undefined) {
      const frame = this.#enter(func)
      let inner = seen
      for (const [i, p] of func.params.entries()) {
        const v = args[i]
        if (v !== undefined) inner = inner.withValue(frame.prefix + p.name, v)
      }
      const none: ReadonlyMap<string, boolean> = new Map()
      outs = this.#body(func, frame, inner).map((o) => ({
        state: o.state.leave(frame.prefix, func.name, none),
        value: outlive(o.value, frame.prefix, func.name),
      }))
      this.#stack.pop()
      this.#calls.set(key, outs)
    }
    return outs.map((o) => ({ state: o.state.join(rest, state), value: o.value }))
  }

  #expand(
    e: Call,
    macro: {
      readonly params?: readonly string[]
      readonly body: { readonly kind: string }
      readonly file: CFile
    },
    state: State,
  ): Out[] {
    const body = macro.body as import('../../source/index.ts').MacroBody
    const params = macro.params ?? []
    const bind = new Map(params.map((p, i) => [p, e.args[i]]))
    const frame = this.#frame
    const inner: Frame = { ...frame, place: this.#place(e) }
    this.#stack[this.#stack.length - 1] = inner
    try {
      if (body.kind === 'expr') return this.#eval(substitute(body.expr, bind), state)
      if (body.kind === 'stmts') {
        let states = [state]
        for (const s of flatten(body.stmts))
          if (s.kind === 'expr')
            states = states.flatMap((t) => this.#eval(substitute(s.expr, bind), t).map((o) => o.state))
        return states.map((s) => ({ state: s, value: unknown }))
      }
      return [{ state, value: derived(e.args.map(() => unknown)) }]
    } finally {
      this.#stack[this.#stack.length - 1] = frame
    }
  }

  #worthExpanding(text: string, args: readonly Value[], state: State): boolean {
    return (
      args.some((v) => taintOf({ state, value: v }) !== undefined) ||
      interesting.test(text) ||
      (text.length < 400 && locks.test(text))
    )
  }

  /** Whether walking into it can change what is known although it is given nothing: it locks, looks up, asks the notifier. */
  #touches(func: Func): boolean {
    const known = this.#about.get(func)?.touches
    if (known !== undefined) return known
    const about = this.#aboutOf(func)
    about.touches = false // a cycle adds nothing
    const text = func.file.source.text.slice(func.start, func.end)
    const direct = interesting.test(text) || (text.length < 400 && locks.test(text))
    about.touches = direct
    return direct
  }

  // ── What is known of functions, fields and types ───────────────────────────────────────────────────────────────────

  get #aboutNow(): About {
    return this.#aboutOf(this.#frame.func)
  }

  #aboutOf(func: Func): About {
    let about = this.#about.get(func)
    if (about === undefined) {
      const asked = new Set<string>()
      const again = new Set<string>()
      const count = new Map<string, number>()
      const add = (e: Expr): void => {
        for (const name of new Set(textOf(func.file, e).match(/\b[A-Za-z_]\w*/g))) {
          if (asked.has(name)) again.add(name)
          asked.add(name)
        }
      }
      for (const node of this.code.graph(func).nodes) {
        if (node.kind === 'test') {
          add(node.cond)
          for (const c of conjuncts(node.cond)) {
            const t = textOf(func.file, stripped(c))
            count.set(t, (count.get(t) ?? 0) + 1)
          }
        } else if (node.kind === 'switch') add(node.on)
        else if (node.kind === 'return' && node.value !== undefined) add(node.value)
        else if (node.kind === 'eval' || node.kind === 'local') {
          const e = node.kind === 'eval' ? node.expr : node.local.init
          if (e !== undefined && /\?/.test(textOf(func.file, e))) add(e)
        }
      }
      const repeated = new Set([...count].filter(([, n]) => n > 1).map(([t]) => t))
      const live = liveness(func, this.code.graph(func), (e) =>
        conjuncts(e)
          .map((c) => textOf(func.file, stripped(c)))
          .filter((t) => repeated.has(t)),
      )
      about = { asked, again, repeated, live }
      this.#about.set(func, about)
    }
    return about
  }

  /** The field that is written, and the struct that it is of. */
  #fieldOf(at: Expr | Local): { field?: string; struct?: string } {
    if (at.kind === 'index') return this.#fieldOf(at.base)
    if (at.kind !== 'member') return {}
    const tag = tagOf(this.#typeOf(at.base))
    return { field: at.field, ...(tag !== undefined && { struct: tag }) }
  }

  #keptIn(e: Expr & { kind: 'member' }): Kept | undefined {
    const found = this.kept.find((k) => k.field === e.field)
    if (found === undefined) return undefined
    if (found.struct === undefined) return found
    const base = this.#typeOf(e.base)
    return base === undefined || base.base.replace(/^struct /, '') === found.struct ? found : undefined
  }

  #typeOf(e: Expr): CType | undefined {
    return typeOf(this.code, this.#frame.func, e)
  }

  #text(at: { readonly start: number; readonly end: number }): string {
    return textOf(this.#frame.file, at)
  }
}

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

/** There are more ways through than are worth walking: the answer is unknown. */
export class TooMany extends Error {
  override name = 'TooMany'
}

type Out = { readonly state: State; readonly value: Value }
type Branches = { readonly yes: readonly State[]; readonly no: readonly State[] }
type Frame = {
  readonly func: Func
  readonly file: CFile
  readonly prefix: string
  readonly types: ReadonlyMap<string, CType>
  /** Inside a macro: where the macro is used. */
  readonly place?: Place
}
type About = {
  /** Names that conditions and returns ask about, and those that are asked about more than once. */
  readonly asked: ReadonlySet<string>
  readonly again: ReadonlySet<string>
  readonly repeated: ReadonlySet<string>
  /** Per node: locals that are read from there on, and conditions that are asked. */
  readonly live: readonly ReadonlySet<string>[]
  touches?: boolean
}
type Ender = { readonly api: LookupApi; readonly how: 'end' | 'put' }
type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

const enders: ReadonlyMap<string, Ender> = new Map(
  lookups.flatMap((api): [string, Ender][] => [
    ...(api.endedBy === undefined ? [] : [[api.endedBy.name, { api, how: 'end' }] as [string, Ender]]),
    ...(api.putBy === undefined ? [] : [[api.putBy.name, { api, how: 'put' }] as [string, Ender]]),
  ]),
)

const aboutFaults: ReadonlySet<Event['kind']> = new Set(['fault', 'vma', 'stale-vma'])
/** A mmap_lock that is taken and dropped, and what depends on it. */
const aroundFaults: ReadonlySet<Event['kind']> = new Set(['lock', 'unlock', 'fault', 'vma', 'stale-vma'])

/** Macros that are their argument, for us. */
const transparent =
  /^(un)?likely$|^(VM_)?WARN(_ON)?(_ONCE)?$|^(VM_)?BUG_ON$|^unlikely_notrace$|^__(force|user|iomem)$|^u64_to_user_ptr$/
/** Functions that only look or report, by the kernel's habits of naming; asked when there is no body to read. */
const quiet = /for_each|_(dbg|debug|err|warn|info|trace|printk|assert|assert_msg)(_ratelimited|_once)?$/
/** Macros in capitals are arithmetic, unless the file has its own. */
const arithmetic = /^_*[A-Z][A-Z0-9_]*$/
const lockName = /(^|_)(un)?lock(_|$)/
/** Locks of the kernel at large that no notifier callback takes. */
const generalLock =
  /^_*(s?rcu|local|preempt|spin|raw|mutex|ww|bit_spin|seq|(read|write)_seq|rtnl|dma_resv|drm_modeset|inode|file|vma|lock_page|unlock_page|folio|page|lockdep|console|memory|cpus?|console|device|clk|genpd|sched|task|tasklist|i_mmap|anon_vma)_?/
/** Functions that take a record to write it down somewhere. */
const logs = /(^|_)(debug|dbg|err|error|trace|log|print|printk)(_|$)/
const keepsForm = /^(min|max|clamp|round|ALIGN)/
const locks =
  /\b(mutex_(un)?lock\w*|down_(read|write)\w*|up_(read|write)|(raw_)?spin_(un)?lock\w*|(read|write)_(un)?lock\w*)\s*\(/
/** Where a function's result waits until its scopes are left. */
const returned = '__result'
const guards: ReadonlyMap<string, { readonly mmap: boolean; readonly write: boolean }> = new Map([
  ['mmap_read_lock', { mmap: true, write: false }],
  ['mmap_write_lock', { mmap: true, write: true }],
  ['mutex', { mmap: false, write: true }],
  ['spinlock', { mmap: false, write: true }],
  ['spinlock_irq', { mmap: false, write: true }],
  ['spinlock_irqsave', { mmap: false, write: true }],
  ['rwsem_read', { mmap: false, write: false }],
  ['rwsem_write', { mmap: false, write: true }],
  ['read_lock', { mmap: false, write: false }],
  ['write_lock', { mmap: false, write: true }],
])

/** Calls that matter for themselves, whatever they are given. */
const interesting = new RegExp(
  `\\b(${[
    'mmap_(read|write)_\\w*lock\\w*',
    'mmap_(sem|lock)',
    'mmu_interval_(read_begin|read_retry|check_retry|set_seq)',
    ...lookups.flatMap((l) => [l.name, l.endedBy?.name, l.putBy?.name].filter((n) => n !== undefined)),
  ].join('|')})\\s*[(;,)]`,
)

const isNumber = (t: CType | undefined): boolean =>
  t !== undefined && t.pointer === 0 && !t.array && !t.function && !/^(struct|union) /.test(t.base)
const withoutInt = (v: Value): Value => {
  if (v.int === undefined) return v
  const { int: _, ...rest } = v
  return rest
}
/** Arithmetic leaves what it is about, but it is no longer the very same number. */
const moved = (v: Value): Value => (v.of === undefined ? withoutInt(v) : { ...withoutInt(v), moved: true })
const comparable = (v: Value): boolean => v.moved !== true && v.form !== 'page'

const derived = (args: readonly Value[]): Value => {
  const first = args.find((a) => a.of !== undefined)
  return first === undefined ? unknown : withoutInt(first)
}

/** What is not known to point elsewhere points to its own object. */
function readAt(state: State, loc: string): Value {
  const v = state.env.get(loc)
  return v === undefined
    ? { to: `*(${loc})` }
    : v.to === undefined && v.int !== 'zero'
      ? { to: `*(${loc})`, ...v }
      : v
}

/** The value itself, or something inside the object that it points to. */
function taintOf({ state, value }: Out): number | undefined {
  if (value.of !== undefined) return value.of
  return objectTaint(value, state)
}
function objectTaint(value: Value | undefined, state: State): number | undefined {
  return value?.to === undefined ? undefined : state.tainted(value.to)[0]?.[1].of
}

function copyFields(state: State, from: string, to: string): State {
  let s = state
  for (const [loc, v] of state.env) if (isField(loc, from)) s = s.withValue(to + loc.slice(from.length), v)
  return s
}

/** Locations do not grow for ever along a list: beyond some depth one name stands for all. */
function clip(loc: string): string {
  return loc.length > 160 ? '*(…)' : loc
}

function countLookups(state: State): number {
  let n = 0
  for (let t: typeof state.trail | undefined = state.trail; t?.event !== undefined; t = t.before)
    if (t.event.kind === 'lookup') n++
  return n
}

function lastGiven(state: State): number | undefined {
  for (let t: typeof state.trail | undefined = state.trail; t?.event !== undefined; t = t.before)
    if (t.event.kind === 'device') return t.event.value
  return undefined
}

/** True, false, or not known. */
function truth(v: Value, state: State): boolean | undefined {
  if (v.int === 'zero') return false
  if (v.int !== undefined) return true
  if (v.vma !== undefined) return undefined
  void state
  return undefined
}

const order: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** Compares by sign; two errors are equal if they bear the same name. */
function compareInts(op: string, a: Int | undefined, b: Int | undefined): boolean | undefined {
  if (a === undefined || b === undefined) return undefined
  if (a.startsWith('-E') && b.startsWith('-E'))
    return op === '==' ? a === b : op === '!=' ? a !== b : undefined
  const sign = (i: Int): number | undefined =>
    i === 'zero' ? 0 : i === 'pos' ? 1 : i === 'nonzero' ? undefined : -1
  const x = sign(a)
  const y = sign(b)
  if (x === undefined || y === undefined) {
    if ((x === 0 || y === 0) && (op === '==' || op === '!=')) return op === '!='
    return undefined
  }
  if (x === y && x !== 0) return undefined
  return order[op]?.(x, y)
}

/** What a comparison with zero says of the left side, if it holds and if not. */
const signs: Record<string, readonly [Int | undefined, Int | undefined]> = {
  '==': ['zero', 'nonzero'],
  '!=': ['nonzero', 'zero'],
  '<': ['neg', undefined],
  '<=': [undefined, 'pos'],
  '>': ['pos', undefined],
  '>=': [undefined, 'neg'],
}

function intOf(e: Expr): Int | undefined {
  if (e.kind === 'number') return e.value === 0 ? 'zero' : 'pos'
  if (e.kind === 'unary' && e.op === '-') {
    if (e.of.kind === 'name' && /^E[A-Z0-9]+$/.test(e.of.name)) return `-${e.of.name}` as Int
    if (e.of.kind === 'number') return e.of.value === 0 ? 'zero' : 'neg'
  }
  return undefined
}

const isPlace = (e: Expr): boolean =>
  e.kind === 'name' || e.kind === 'member' || e.kind === 'index' || (e.kind === 'unary' && e.op === '*')

function stripped(e: Expr): Expr {
  if (e.kind === 'cast') return stripped(e.of)
  if (e.kind === 'unary' && e.op === '!') return stripped(e.of)
  if (
    e.kind === 'call' &&
    e.callee.kind === 'name' &&
    transparent.test(e.callee.name) &&
    e.args[0] !== undefined
  )
    return stripped(e.args[0])
  return e
}

function conjuncts(e: Expr): Expr[] {
  const s = stripped(e)
  return s.kind === 'binary' && (s.op === '&&' || s.op === '||')
    ? [...conjuncts(s.left), ...conjuncts(s.right)]
    : [s]
}

const textOf = (file: CFile, at: { readonly start: number; readonly end: number }): string =>
  file.source.text.slice(at.start, at.end).replace(/\s+/g, ' ')

const valueText = (v: Value): string =>
  `${v.of ?? ''}${v.form ?? ''}${v.to ?? ''}${v.int ?? ''}${v.vma ?? ''}${v.seq ?? ''}`

/** The body of a macro with its arguments in the place of its parameters. */
function substitute(e: Expr, bind: ReadonlyMap<string, Expr | undefined>): Expr {
  const walk = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(walk)
    if (typeof x !== 'object' || x === null) return x
    const node = x as { kind?: string; name?: string }
    if (node.kind === 'name' && node.name !== undefined) {
      const by = bind.get(node.name)
      if (by !== undefined) return by
      return x
    }
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, walk(v)]))
  }
  return walk(e) as Expr
}

function flatten(
  stmts: readonly import('../../source/index.ts').Stmt[],
): import('../../source/index.ts').Stmt[] {
  return stmts.flatMap((s) =>
    s.kind === 'block' ? flatten(s.body) : s.kind === 'do' ? flatten([s.body]) : [s],
  )
}

/** A file is large and is asked about at each call in it. */
function readsNotifiers(file: CFile): boolean {
  let reads = notifierReaders.get(file)
  if (reads === undefined)
    notifierReaders.set(file, (reads = file.source.text.includes('mmu_interval_read_')))
  return reads
}
const notifierReaders = new WeakMap<CFile, boolean>()
