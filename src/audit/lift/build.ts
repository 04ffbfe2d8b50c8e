import type { Call, Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import type { Place } from '../trace/event.ts'

/** The small words that lifted tests are written with; a place is the line that a statement was lifted from. */
export const id = (name: string): Expr => ({ kind: 'name', name })
export const num = (value: number): Expr => ({ kind: 'number', value })
export const out = (name: string): Expr => ({ kind: 'address', name })
export const call = (name: string, ...args: Expr[]): Call => ({ kind: 'call', name, args })
export const placeOf = (at: Place | undefined): { place?: string } =>
  at === undefined ? {} : { place: `${at.file}:${at.line}` }
export const run = (expr: Expr, at?: Place): Stmt => ({ kind: 'expr', expr, ...placeOf(at) })
export const set = (name: string, value: Expr, at?: Place): Stmt => ({
  kind: 'assign',
  target: id(name),
  value,
  ...placeOf(at),
})
export const branch = (cond: Expr, then: readonly Stmt[], at?: Place): Stmt => ({
  kind: 'if',
  cond,
  then,
  else: [],
  ...placeOf(at),
})
type Operator = (Expr & { kind: 'binary' })['op']
export const binary = (op: Operator, left: Expr, right: Expr): Expr => ({ kind: 'binary', op, left, right })
export const or = (left: Expr, right: Expr): Expr => binary('|', left, right)
/** What a register of a process holds in the end. */
export const inEnd = (proc: string, name: string): Expr => ({ kind: 'name', name, proc })

/** A thread of a process. */
export const thread = (name: string, mm: string, body: readonly Stmt[], comment: string): Proc => ({
  name,
  context: { kind: 'mm', name: mm },
  daemon: false,
  body,
  comment,
})

/** A lifted test: that what the code does can come to its end, or it would show nothing. */
export const testOf = (
  name: string,
  init: readonly Declaration[],
  procs: readonly Proc[],
  reached: Expr,
): LitmusTest => ({
  name,
  comment: '',
  expect: [],
  init,
  procs,
  condition: { quantifier: 'exists', expr: reached },
})
