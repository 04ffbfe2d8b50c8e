import type { Call, Expr, Func } from '../../source/index.ts'
import type { Code, GraphNode } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { armsAt } from './arms.ts'
import {
  type Branches,
  type Frame,
  type Located,
  type Out,
  result,
  type Subject,
  type Unary,
} from './subject.ts'
import { variablesOf } from './types.ts'

/** There are more ways than are worth going: the answer is unknown. */
export class TooManyWays extends Error {
  override name = 'TooManyWays'
}

/** A state as a function is gone into: its parameters are what it is given, and its loops have had no round yet. */
export function begun<
  S extends { fork(): S; rounds: Map<number, number>; readonly env: { set(key: string, value: V): unknown } },
  V,
>(s: S, callee: Func, args: readonly V[], prefix: string): S {
  const inner = s.fork()
  inner.rounds = new Map()
  for (const [i, p] of callee.params.entries())
    if (args[i] !== undefined) inner.env.set(prefix + p.name, args[i])
  return inner
}

/**
 * Goes every way through a function, node by node: conditions split a way in two, ways that are alike in all that the subject knows
 * meet again, and there is a bound on how many are gone. What that is good for the subject says.
 */
export class Ways<S, V> {
  readonly code: Code
  readonly #subject: Subject<S, V>
  readonly #visits: number
  readonly #stack: Frame[] = []
  #visited = 0

  constructor(code: Code, subject: Subject<S, V>, visits: number) {
    this.code = code
    this.#subject = subject
    this.#visits = visits
  }

  // ── Functions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  get frame(): Frame {
    return this.#stack.at(-1)!
  }

  /** How many functions are being gone through. */
  get depth(): number {
    return this.#stack.length
  }

  isIn(func: Func): boolean {
    return this.#stack.some((f) => f.func === func)
  }

  inSome(is: (f: Frame) => boolean): boolean {
    return this.#stack.some(is)
  }

  place(e: { readonly start: number }): Place {
    const { func, place } = this.frame
    return place ?? { file: func.file.path, line: func.file.source.position(e.start).line, func: func.name }
  }

  text(e: { readonly start: number; readonly end: number }): string {
    return textIn(this.frame.func, e)
  }

  /** All ways through a function. `start`: the state at its beginning, with its parameters. `types`: of more variables than it declares. */
  through(func: Func, start: (frame: Frame) => S, types = variablesOf(func)): Out<S, V>[] {
    const frame = { func, prefix: `${this.#stack.length}:`, types }
    this.#stack.push(frame)
    const outs = this.#body(frame, start(frame))
    this.#stack.pop()
    return outs
  }

  /** What is done inside a macro is done where it is used. */
  at<T>(place: Place, what: () => T): T {
    const frame = this.frame
    this.#stack[this.#stack.length - 1] = { ...frame, place }
    try {
      return what()
    } finally {
      this.#stack[this.#stack.length - 1] = frame
    }
  }

  #body({ func }: Frame, start: S): Out<S, V>[] {
    const subject = this.#subject
    const { entry, nodes } = this.code.graph(func)
    const waiting = subject.waiting()
    const ends = subject.ends()
    // Ways around a loop that has a round: they are gone if no other comes out of it.
    const around: { readonly at: number; readonly to: number; readonly s: S }[] = []
    const passed = new Set<number>()
    waiting.add(entry, start)
    const go = (from: number, to: number, before: S): void => {
      const s = subject.arrive(before, from, to)
      if (s === undefined || !waiting.add(to, s)) return
      if (++this.#visited > this.#visits || subject.tooLong?.(s) === true) throw new TooManyWays()
    }
    for (;;) {
      const next = waiting.take()
      if (next === undefined) {
        const again = around.splice(0).filter((x) => !passed.has(x.at))
        if (again.length === 0) break
        for (const x of again) {
          passed.add(x.at)
          go(x.at, x.to, x.s)
        }
        continue
      }
      const [at, s] = next
      const node = nodes[at]!
      const arms = node.kind === 'fork' && subject.arm !== undefined ? armsAt(func, at) : undefined
      if (arms !== undefined) {
        for (const { to, said } of arms) {
          const t = subject.arm!(s, said)
          if (t !== undefined) go(at, to, t)
        }
        continue
      }
      const loop = node.kind === 'test' || node.kind === 'each' ? node : undefined
      const behind = loop === undefined ? undefined : loop.kind === 'test' ? loop.no : loop.to.at(-1)
      const enters =
        loop !== undefined && subject.hasBeenIn?.(at, s) === false && subject.enters?.(loop, s) === true
      this.#step(
        node,
        s,
        (to, t) => {
          if (to === behind) {
            if (enters) return void around.push({ at, to, s: t })
            if (subject.hasBeenIn?.(at, t) === true) passed.add(at)
          }
          go(at, to, t)
        },
        (out) => ends.add(out),
      )
    }
    return ends.all()
  }

  #step(node: GraphNode, s: S, go: (to: number, s: S) => void, end: (out: Out<S, V>) => void): void {
    const subject = this.#subject
    switch (node.kind) {
      case 'eval':
        for (const o of this.eval(node.expr, s)) go(node.to, o.s)
        return
      case 'local':
        for (const t of subject.declare(node.local, s)) go(node.to, t)
        return
      case 'test': {
        const { yes, no } = this.test(node.cond, s)
        for (const t of yes) go(node.yes, t)
        for (const t of no) go(node.no, t)
        return
      }
      case 'fork':
        for (const to of node.to) go(to, node.to.length > 1 ? subject.fork(s) : s)
        return
      case 'each':
        for (const o of subject.header?.(node.expr, s) ?? this.eval(node.expr, s))
          for (const [i, to] of node.to.entries()) {
            const t = subject.fork(o.s)
            go(to, i === 0 && subject.each !== undefined ? subject.each(node.expr, t) : t)
          }
        return
      case 'switch':
        for (const o of this.eval(node.on, s)) {
          let rest: S | undefined = o.s
          for (const c of node.cases) {
            const t = subject.isCase(o.v, c.value, o.s, true)
            if (t !== undefined) go(c.to, t)
            if (rest !== undefined) rest = subject.isCase(o.v, c.value, rest, false)
          }
          if (rest !== undefined) go(node.otherwise, rest)
        }
        return
      case 'return':
        if (node.value === undefined) return go(node.to, s)
        for (const o of this.eval(node.value, s))
          go(node.to, subject.put(o.s, this.frame.prefix + result, o.v))
        return
      case 'cleanup':
        for (const t of subject.cleanup(node.cleanup, s)) go(node.to, t)
        return
      case 'end':
        return end(subject.leave(s))
      case 'dead':
        return
    }
  }

  // ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

  eval(e: Expr, s: S): readonly Out<S, V>[] {
    const subject = this.#subject
    switch (e.kind) {
      case 'number':
        return [{ s, v: subject.number(e.value) }]
      case 'name':
        if (e.name === 'NULL' || e.name === 'false') return [{ s, v: subject.nothing }]
        if (e.name === 'true') return [{ s, v: subject.one }]
        return subject.read(e, s)
      case 'member':
      case 'index':
        return subject.read(e, s)
      case 'cast':
        return this.eval(e.of, s)
      case 'unary':
        return this.#unary(e, s)
      case 'assign':
        return subject.assign(e, s)
      case 'binary':
        if (isCondition(e.op)) return this.#truthOf(e, s)
        return this.eval(e.left, s).flatMap((l) =>
          this.eval(e.right, l.s).map((r) => ({ s: r.s, v: subject.binary(e.op, l.v, r.v, r.s, e) })),
        )
      case 'ternary': {
        const { then } = e
        // `a ?: b`
        if (then === undefined)
          return this.eval(e.cond, s).flatMap((o) => {
            const { yes, no } = subject.truth(e.cond, o.v, o.s)
            return [...yes.map((t) => ({ s: t, v: o.v })), ...no.flatMap((t) => this.eval(e.otherwise, t))]
          })
        const { yes, no } = this.test(e.cond, s)
        return [...yes.flatMap((t) => this.eval(then, t)), ...no.flatMap((t) => this.eval(e.otherwise, t))]
      }
      case 'comma': {
        let outs: readonly Out<S, V>[] = [{ s, v: subject.nothing }]
        for (const i of e.items) outs = outs.flatMap((o) => this.eval(i, o.s))
        return outs
      }
      case 'call':
        return this.#call(e, s)
      case 'statements': {
        let outs = subject.other(e, s)
        for (const x of e.body) {
          if (x.kind === 'expr') outs = outs.flatMap((o) => this.eval(x.expr, o.s))
          else if (x.kind === 'local')
            outs = outs.flatMap((o) => subject.declare(x, o.s).map((t) => ({ s: t, v: o.v })))
        }
        if (subject.branching !== undefined && e.body.some((x) => x.kind !== 'expr' && x.kind !== 'local'))
          subject.branching(outs)
        return outs
      }
      default:
        return subject.other(e, s)
    }
  }

  /** The place that an expression names. */
  locate(e: Expr, s: S): readonly Located<S, V>[] {
    const subject = this.#subject
    switch (e.kind) {
      case 'name': {
        const { types, prefix } = this.frame
        return [{ s, loc: types.has(e.name) ? prefix + e.name : `g:${e.name}` }]
      }
      case 'member':
        if (e.arrow)
          return this.eval(e.base, s).flatMap((o) => subject.behind(e, o.v, o.s, { field: e.field }))
        return this.locate(e.base, s).map((b) =>
          b.loc === undefined ? b : { ...b, loc: subject.part(b.loc, e.field) },
        )
      case 'index':
        return this.eval(e.base, s).flatMap((b) =>
          this.eval(e.index, b.s).flatMap((i) => subject.behind(e, b.v, i.s, { index: i.v })),
        )
      case 'unary':
        if (e.op === '*') return this.eval(e.of, s).flatMap((o) => subject.behind(e, o.v, o.s, {}))
        break
      case 'cast':
        return this.locate(e.of, s)
      default:
        break
    }
    return this.eval(e, s).map((o) => subject.temporary(e, o))
  }

  #unary(e: Unary, s: S): readonly Out<S, V>[] {
    const subject = this.#subject
    switch (e.op) {
      case '*':
        return subject.read(e, s)
      case '&':
        return this.locate(e.of, s).map((at) => ({ s: at.s, v: subject.addressOf(e, at) }))
      case '!': {
        const { yes, no } = this.test(e.of, s)
        return [
          ...yes.map((t) => ({ s: t, v: subject.nothing })),
          ...no.map((t) => ({ s: t, v: subject.one })),
        ]
      }
      case '++':
      case '--':
        return this.locate(e.of, s).map((at) => {
          if (at.loc === undefined) return { s: at.s, v: subject.unary(e, subject.nothing) }
          const { before, after } = subject.stepped(e, at.loc, at.s)
          return { s: subject.put(at.s, at.loc, after), v: e.postfix === true ? before : after }
        })
      default:
        return this.eval(e.of, s).map((o) => ({ s: o.s, v: subject.unary(e, o.v) }))
    }
  }

  #truthOf(e: Expr, s: S): Out<S, V>[] {
    const { yes, no } = this.test(e, s)
    const { one, nothing } = this.#subject
    return [...yes.map((t) => ({ s: t, v: one })), ...no.map((t) => ({ s: t, v: nothing }))]
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  test(e: Expr, s: S): Branches<S> {
    switch (e.kind) {
      case 'cast':
        return this.test(e.of, s)
      case 'unary': {
        if (e.op !== '!') break
        const { yes, no } = this.test(e.of, s)
        return { yes: no, no: yes }
      }
      case 'call': {
        const same = this.#subject.sameAs(e)
        if (same === undefined) break
        const both = this.test(same.of, s)
        // What the code says cannot be is not gone into.
        return same.never === true && both.no.length > 0 ? { yes: [], no: both.no } : both
      }
      case 'binary': {
        if (e.op === '&&' || e.op === '||') {
          const left = this.test(e.left, s)
          const right = (e.op === '&&' ? left.yes : left.no).map((t) => this.test(e.right, t))
          const yes = right.flatMap((b) => b.yes)
          const no = right.flatMap((b) => b.no)
          return e.op === '&&' ? { yes, no: [...left.no, ...no] } : { yes: [...left.yes, ...yes], no }
        }
        if (!isComparison(e.op)) break
        return together(
          this.eval(e.left, s).flatMap((l) =>
            this.eval(e.right, l.s).map((r) => this.#subject.compare(e, e.op, l.v, r.v, r.s)),
          ),
        )
      }
      default:
        break
    }
    return together(this.eval(e, s).map((o) => this.#subject.truth(e, o.v, o.s)))
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #call(e: Call, s: S): readonly Out<S, V>[] {
    const subject = this.#subject
    const same = subject.sameAs(e)
    if (same !== undefined) return this.eval(same.of, s)
    const done = subject.instead?.(e, s)
    if (done !== undefined) return done
    let outs: { readonly s: S; readonly args: readonly V[] }[] = [{ s, args: [] }]
    for (const a of e.args)
      outs = outs.flatMap((o) => this.eval(a, o.s).map((x) => ({ s: x.s, args: [...o.args, x.v] })))
    return outs.flatMap((o) => subject.call(e, o.args, o.s))
  }
}

const isComparison = (op: string): boolean => /^(==|!=|<=?|>=?)$/.test(op)
const isCondition = (op: string): boolean => op === '&&' || op === '||' || isComparison(op)

function together<S>(all: readonly Branches<S>[]): Branches<S> {
  if (all.length === 1) return all[0]!
  return { yes: all.flatMap((b) => b.yes), no: all.flatMap((b) => b.no) }
}

/** Names of places do not grow for ever along a list: beyond some length one stands for all. */
export const clip = (loc: string): string => (loc.length > 160 ? '*(…)' : loc)

/** The text of an expression in a function, in one line. */
export const textIn = (func: Func, e: { readonly start: number; readonly end: number }): string =>
  func.file.source.text.slice(e.start, e.end).replace(/\s+/g, ' ')
