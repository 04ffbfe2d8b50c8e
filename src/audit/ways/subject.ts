import type { Call, Cleanup, CType, Expr, Func, Local } from '../../source/index.ts'
import type { GraphNode } from '../code.ts'
import type { Place } from '../trace/event.ts'

/** What an expression comes to on one way, and that way behind it. */
export type Out<S, V> = { readonly s: S; readonly v: V }

/** The ways on which a condition holds, and those on which it does not. */
export type Branches<S> = { readonly yes: readonly S[]; readonly no: readonly S[] }

/** The place that an expression names: none where it is not known. `base`: what it is reached through, if by a pointer. */
export type Located<S, V> = { readonly s: S; readonly loc?: string; readonly base?: V }

/** A function that is gone through. Its own variables are at places that begin with `prefix`. */
export type Frame = {
  readonly func: Func
  readonly prefix: string
  readonly types: ReadonlyMap<string, CType>
  /** Inside a macro: where that is used. */
  readonly place?: Place
}

/** The points of ways that are still to be gone on from. */
export interface Waiting<S> {
  /** False: it is there already. */
  add(at: number, s: S): boolean
  take(): readonly [number, S] | undefined
}

/** The ends of ways through a function. */
export interface Ends<S, V> {
  add(out: Out<S, V>): void
  all(): Out<S, V>[]
}

export type Unary = Expr & { readonly kind: 'unary' }
export type Assignment = Expr & { readonly kind: 'assign' }

/**
 * What the ways through a function are gone for. The engine knows C: the order of evaluation, what splits a way in two, what is a
 * function's own. The subject knows what a state is, what values are, and what calls do. `S` is one point of a way, `V` a value.
 */
export interface Subject<S, V> {
  // ── Values ──

  /** NULL, 0, false; true. */
  readonly nothing: V
  readonly one: V
  number(n: number): V
  /** What stands where a name, a member, an element or a pointer says. */
  read(e: Expr, s: S): readonly Out<S, V>[]
  /** The place that a pointer leads to, or a part of it: `p->field`, `p[index]`, `*p`. */
  behind(
    e: Expr,
    pointer: V,
    s: S,
    part: { readonly field?: string; readonly index?: V },
  ): readonly Located<S, V>[]
  /** The place of a field of what is at a place. */
  part(loc: string, field: string): string
  /** The place of a value that stands nowhere. */
  temporary(e: Expr, out: Out<S, V>): Located<S, V>
  addressOf(e: Unary, at: Located<S, V>): V
  /** `-x`, `~x`. */
  unary(e: Unary, v: V): V
  binary(op: string, a: V, b: V, s: S, e: Expr): V
  /** `x++`: what is there, and one more or less. */
  stepped(e: Unary, loc: string, s: S): { readonly before: V; readonly after: V }
  assign(e: Assignment, s: S): readonly Out<S, V>[]
  /** An expression of any other kind. */
  other(e: Expr, s: S): readonly Out<S, V>[]
  /** `({ … })` has statements that are not gone through. */
  branching?(outs: readonly Out<S, V>[]): void

  // ── States ──

  /** One that may be changed without the other. */
  fork(s: S): S
  put(s: S, loc: string, v: V): S
  declare(local: Local, s: S): readonly S[]
  cleanup(c: Cleanup, s: S): readonly S[]
  /** What an arm of an #if says; undefined: that cannot be. Left out, all of them are taken. */
  arm?(s: S, said: readonly (readonly [string, boolean])[]): S | undefined

  // ── Loops ──

  /** The head of a loop that a macro makes. */
  header?(e: Expr, s: S): readonly Out<S, V>[]
  /** A round of it begins. */
  each?(e: Expr, s: S): S
  /** Whether a way has been in the loop whose condition is at a node. */
  hasBeenIn?(at: number, s: S): boolean
  /** Whether the loop certainly has a round: ways around it are gone only if no other comes out of it. */
  enters?(node: GraphNode & { readonly kind: 'test' | 'each' }, s: S): boolean

  // ── Conditions ──

  compare(e: Expr, op: string, a: V, b: V, s: S): Branches<S>
  /** Whether it is anything else than zero. */
  truth(e: Expr, v: V, s: S): Branches<S>
  /** A case of a switch, or not that one. Undefined: it cannot be. */
  isCase(v: V, value: Expr, s: S, yes: boolean): S | undefined
  /** The argument that a call is the same as: `unlikely(x)`. `never`: what it asks is said to be impossible. */
  sameAs(e: Call): { readonly of: Expr; readonly never?: boolean } | undefined

  // ── Calls ──

  /** What is done before the arguments are looked at, if that is all. */
  instead?(e: Call, s: S): readonly Out<S, V>[] | undefined
  call(e: Call, args: readonly V[], s: S): readonly Out<S, V>[]

  // ── Ways ──

  waiting(): Waiting<S>
  ends(): Ends<S, V>
  /** A way comes from one node to another. What is asked no more is forgotten; undefined: it has gone round often enough. */
  arrive(s: S, from: number, to: number): S | undefined
  /** The end of a function: what it gives, and the state without what is its own. */
  leave(s: S): Out<S, V>
  tooLong?(s: S): boolean
}

/** Where a function's result waits until its scopes are left. */
export const result = '__result'
