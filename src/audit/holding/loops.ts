/** Loops over pages: which they are, how often they go round, and up to what they count. */

import type { Expr, Func, Stmt } from '../../source/index.ts'
import type { GraphNode } from '../code.ts'
import { insideOf } from '../each.ts'
import { normal, sign, signOf } from '../ways/facts.ts'
import type { Frame } from '../ways/subject.ts'
import { reached } from './kept.ts'
import { type State, valueAt } from './state.ts'
import type { Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'

const { plus } = sign

/** Whether a loop goes over a container of pages that are followed. */
export function over(w: HoldingWalk, node: GraphNode & { kind: 'test' | 'each' }, s: State): boolean {
  if (!s.live) return false
  const { func, prefix, types } = w.ways.frame
  const text = func.file.source.text
  let names: readonly string[]
  if (node.kind === 'each') names = text.slice(node.expr.start, node.expr.end).match(/[A-Za-z_]\w*/g) ?? []
  else {
    const body = loopsOf(func).get(node.cond)
    if (body === undefined) return false
    names =
      `${text.slice(node.cond.start, node.cond.end)} ${text.slice(body.start, body.end)}`.match(
        /[A-Za-z_]\w*/g,
      ) ?? []
  }
  return [...new Set(names)].some((n) => {
    const v = s.env.get(prefix + n) ?? (types.has(n) ? valueAt(prefix + n, s) : undefined)
    if (v === undefined || v.got !== undefined) return false
    // A page by itself; the number of the first one may be where a range begins.
    if (v.hold !== undefined && v.ref === undefined && v.form !== 'number' && types.get(n)?.array !== true)
      return false
    return reached([v], s).some((h) => s.holds.get(h)!.left !== 'nothing')
  })
}

/** What stands for one of them in a loop over a scatter list, or over objects in a list. */
export function eachRound(w: HoldingWalk, e: Expr, s: State): void {
  if (e.kind !== 'call' || e.callee.kind !== 'name') return
  const { name } = e.callee
  const set = (to: Expr | undefined, v: Val): void => {
    if (to?.kind === 'name') s.env.set(w.ways.frame.prefix + to.name, v)
    else if (to?.kind === 'unary' && to.op === '&' && to.of.kind === 'name')
      s.env.set(w.ways.frame.prefix + to.of.name, v)
  }
  const live = (ids: readonly number[]): number | undefined =>
    ids.find((h) => s.holds.get(h)!.left !== 'nothing')
  if (name.startsWith('for_each_sg')) {
    const [from] = e.args[0] === undefined ? [] : w.ways.eval(e.args[0], s)
    const hold = from === undefined ? undefined : live(reached([from.v], s))
    if (hold !== undefined)
      set(e.args[1], { sym: `page#${hold}`, hold, form: 'page', element: true, every: true })
  } else if (name.startsWith('list_for_each_entry'))
    for (const root of s.published) {
      if (!root.startsWith('new@') || live(reached([{ sym: '', ref: root }], s)) === undefined) continue
      set(e.args[0], { sym: `${root}#`, ref: root })
      return
    }
}

/** A counter that has been stepped in a loop up to a number may have come to any: the loop is left some time. */
export function widen(w: HoldingWalk, nodes: readonly GraphNode[], at: number, s: State, frame: Frame): void {
  const begin = nodes[at]!
  const head = begin.kind === 'fork' && begin.to.length === 1 ? nodes[begin.to[0]!]! : begin
  if (head.kind !== 'test' || head.cond.kind !== 'binary' || counterOf(w, head.cond) === 'no') return
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

/** One side of a comparison is stepped in the function; in the condition of a loop that only says whether it goes on. */
export function counterOf(w: HoldingWalk, at: Expr): 'yes' | 'loop' | 'no' {
  if (at.kind !== 'binary') return 'no'
  const { func } = w.ways.frame
  const text = func.file.source.text.slice(func.start, func.end)
  const stepped = [at.left, at.right].some(
    (e) =>
      e.kind === 'name' && new RegExp(`(\\+\\+|--)\\s*${e.name}\\b|\\b${e.name}\\s*(\\+\\+|--)`).test(text),
  )
  if (!stepped) return 'no'
  return [...loopsOf(func).keys()].some((c) => c.start <= at.start && at.end <= c.end) ? 'loop' : 'yes'
}

/** Up to what the loop around a call runs: `i < nr`. */
export function boundOf(w: HoldingWalk, e: Expr, s: State): (Val & { readonly asks: boolean }) | undefined {
  const { func } = w.ways.frame
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
    const at = valueAt(w.ways.frame.prefix + counter, s)
    return at.num === undefined ? { ...(at.down ?? at), asks } : undefined
  }
  if (cond?.kind !== 'binary' || (cond.op !== '<' && cond.op !== '!=')) return undefined
  const v = w.ways.eval(cond.right, s)[0]?.v
  return v === undefined ? undefined : { ...v, asks }
}

/** What a loop counts down to nothing: `i--`, `--i >= 0`, `i > 0`. */
function counterDown(cond: Expr | undefined): string | undefined {
  let c = cond
  if (c?.kind === 'binary' && /^(>=?|!=)$/.test(c.op) && c.right.kind === 'number') c = c.left
  if (c?.kind === 'unary' && c.op === '--') c = c.of
  return c?.kind === 'name' ? c.name : undefined
}

const loops = new WeakMap<Func, ReadonlyMap<Expr, Stmt | undefined>>()

/** The conditions of its loops, with what is done in them. */
function loopsOf(func: Func): ReadonlyMap<Expr, Stmt | undefined> {
  let found = loops.get(func)
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
    loops.set(func, (found = all))
  }
  return found
}

/** Where a loop begins anew whose condition, or a part of it, is at a node. */
export function headOf(nodes: readonly GraphNode[], at: number): number {
  if (nodes[at]!.kind === 'each') return at
  let head = at
  while (head > 0 && nodes[head]!.kind === 'test') head--
  return head
}

/** A condition and, of `a && b`, its parts. */
function partsOf(e: Expr): readonly Expr[] {
  return e.kind === 'binary' && (e.op === '&&' || e.op === '||')
    ? [e, ...partsOf(e.left), ...partsOf(e.right)]
    : [e]
}

/**
 * How many it gave, against a number that is not understood: that is taken to be as many as were wanted, or there would be nothing to
 * compare. Which way is right is still to be seen: only that a short one passes for all is missed, where the number was another.
 */
export function asksForAll(op: string, x: Val, y: Val, s: State): boolean | undefined {
  const [v, w] = x.got !== undefined ? [x, y] : [y, x]
  if (v.got === undefined || w.got !== undefined || w.num !== undefined) return undefined
  const h = s.holds.get(v.got)!
  if (signOf(v, s) !== plus || h.outcome === 'none') return undefined
  const { op: o, a, not } = normal(op, x, y)
  const yes = o === '==' ? h.outcome === 'all' : h.outcome === 'short' && a === v
  return yes !== not
}
