import type { Table } from '../table.ts'
import { isErrno, type Sym } from './symbols.ts'

const minus = 1
const zero = 2
const plus = 4
const any = minus | zero | plus
/** What the sign of a value may be: bits. */
export const sign = { minus, zero, plus, any } as const

/** What is known on one way: signs of values, and comparisons that turned out in one way. */
export interface Known<V extends Sym> {
  readonly signs: Table<number>
  readonly facts: Table<boolean>
  /** What a value says of its sign by itself. */
  surely(v: V): number | undefined
  /** A comparison that is decided by what values are. */
  compared?(op: '<' | '==', a: V, b: V): boolean | undefined
}

export function signOf<V extends Sym>(v: V, k: Known<V>): number {
  if (v.num !== undefined) return v.num < 0 ? minus : v.num === 0 ? zero : plus
  if (isErrno(v)) return minus
  return k.surely(v) ?? k.signs.get(v.sym) ?? any
}

/** Whether a comparison is true, where that is known. */
export function decide<V extends Sym>(op: string, x: V, y: V, k: Known<V>): boolean | undefined {
  const n = normal(op, x, y)
  const r = decided(n.op, n.a, n.b, k)
  return r === undefined ? undefined : r !== n.not
}

function decided<V extends Sym>(op: '<' | '==', a: V, b: V, k: Known<V>): boolean | undefined {
  if (a.num !== undefined && b.num !== undefined) return op === '<' ? a.num < b.num : a.num === b.num
  if (a.sym === b.sym) return op === '=='
  // Two constants with names of their own.
  if (op === '==' && isNamed(a) && isNamed(b)) return false
  const own = k.compared?.(op, a, b)
  if (own !== undefined) return own
  const p = signOf(a, k)
  const q = signOf(b, k)
  if ((p & q) === 0) {
    if (op === '==') return false
    // The greatest of the one against the least of the other.
    if (p < (q & -q)) return true
    if ((p & -p) > q) return false
  }
  if (p === zero && q === zero) return op === '=='
  if (op === '<' && q === zero && (p & minus) === 0) return false
  if (op === '<' && p === zero && (q & plus) === 0) return false
  const fact = k.facts.get(`${a.sym}${op}${b.sym}`)
  if (fact !== undefined || op !== '==') return fact
  // It is another constant already.
  for (const [v, w] of [
    [a, b],
    [b, a],
  ] as const)
    if (isConstant(w) && !isConstant(v))
      for (const [key, yes] of k.facts)
        if (yes && key.startsWith(`${v.sym}==`) && constantText.test(key.slice(v.sym.length + 2)))
          return false
  return undefined
}

/** Takes it that a comparison turned out so. False: it cannot. */
export function learn<V extends Sym>(o: string, x: V, y: V, way: boolean, k: Known<V>): boolean {
  const { op, a, b, not } = normal(o, x, y)
  const yes = way !== not
  const possible = narrowed(op, a, b, yes, k)
  k.facts.set(`${a.sym}${op}${b.sym}`, yes)
  if (op === '==') k.facts.set(`${b.sym}==${a.sym}`, yes)
  return possible
}

/** Takes it that a value is a case of a switch, or not that one. False: it cannot be. */
export function caseOf<V extends Sym>(v: V, value: V, yes: boolean, k: Known<V>): boolean {
  const known = decide('==', v, value, k)
  if (known === !yes) return false
  return (known !== undefined && !yes) || learn('==', v, value, yes, k)
}

function narrowed<V extends Sym>(op: '<' | '==', a: V, b: V, yes: boolean, k: Known<V>): boolean {
  const narrow = (v: V, to: number): boolean => {
    const now = signOf(v, k) & to
    if (now === 0) return false
    if (v.num === undefined) k.signs.set(v.sym, now)
    return true
  }
  const q = constant(b)
  const p = constant(a)
  if (op === '==') {
    const [v, n] = q !== undefined ? [a, q] : [b, p]
    if (n === undefined) return true
    if (yes) return narrow(v, n < 0 ? minus : n === 0 ? zero : plus)
    return n === 0 ? narrow(v, minus | plus) : true
  }
  if (q !== undefined) {
    if (yes) return q <= 0 ? narrow(a, minus) : q === 1 ? narrow(a, minus | zero) : true
    return q === 0 ? narrow(a, zero | plus) : q > 0 ? narrow(a, plus) : true
  }
  if (p !== undefined) {
    if (yes) return p >= 0 ? narrow(b, plus) : p === -1 ? narrow(b, zero | plus) : true
    return p === 0 ? narrow(b, minus | zero) : p < 0 ? narrow(b, minus) : true
  }
  return true
}

const isNamed = (v: Sym): boolean => /^[A-Z][A-Z0-9_]+$/.test(v.sym)
const constantText = /^(-?\d+|[A-Z][A-Z0-9_]+|-E[A-Z0-9]+)$/
export const isConstant = (v: Sym): boolean => constantText.test(v.sym)
const constant = (v: Sym): number | undefined => v.num ?? (isErrno(v) ? -1 : undefined)

/** In `<` and `==` only; what it says is turned around for the others. */
export function normal<V>(op: string, a: V, b: V): { op: '<' | '=='; a: V; b: V; not: boolean } {
  switch (op) {
    case '==':
      return { op: '==', a, b, not: false }
    case '!=':
      return { op: '==', a, b, not: true }
    case '<':
      return { op: '<', a, b, not: false }
    case '>':
      return { op: '<', a: b, b: a, not: false }
    case '<=':
      return { op: '<', a: b, b: a, not: true }
    default:
      return { op: '<', a, b, not: true }
  }
}
