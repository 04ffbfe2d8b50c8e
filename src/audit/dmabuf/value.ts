import { Table } from '../table.ts'

/**
 * What the walk knows of a value: names that are equal for equal values, what they point to, and what is known of their sign and of
 * comparisons between them.
 */
export type Val = {
  readonly sym: string
  readonly num?: number
  /** The place that it points to. */
  readonly ref?: string
  /** It is this dma-buf, attachment or table. */
  readonly thing?: number
  /** An error pointer. */
  readonly err?: true
}

export const nothing: Val = { sym: '0', num: 0 }
export const one: Val = { sym: '1', num: 1 }
export const number = (n: number): Val => ({ sym: String(n), num: n })

export const clip = (loc: string): string => (loc.length > 160 ? '*(…)' : loc)
export const pointee = (v: Val): string => v.ref ?? clip(`*${v.sym}`)
/** The object that a place is part of. */
export const rootOf = (loc: string): string => /^[^.]*/.exec(loc)![0]
export const within = (loc: string, of: string): boolean => loc.length > of.length && loc.startsWith(`${of}.`)
/** A place in an object that was there before, or a global. */
export const isForeign = (root: string): boolean => root.startsWith('*') || root.startsWith('g:')
export const isLocal = (root: string): boolean => /^\d+:/.test(root)

const minus = 1
const zero = 2
const plus = 4
const any = minus | zero | plus
export const sign = { minus, zero, plus, any } as const

/** Signs of values, and comparisons that turned out in one way. */
export class Facts {
  readonly signs: Table<number>
  readonly said: Table<boolean>

  constructor(from?: Facts) {
    this.signs = from?.signs.fork() ?? new Table(String)
    this.said = from?.said.fork() ?? new Table(String)
  }

  signOf(v: Val): number {
    if (v.num !== undefined) return v.num < 0 ? minus : v.num === 0 ? zero : plus
    if (
      v.thing !== undefined ||
      v.err === true ||
      v.sym.startsWith('&') ||
      v.ref?.startsWith('new@') === true
    )
      return plus
    if (/^-E[A-Z0-9]+$/.test(v.sym)) return minus
    return this.signs.get(v.sym) ?? any
  }

  /** Whether a comparison is true, where that is known. */
  decide(op: string, x: Val, y: Val): boolean | undefined {
    const n = normal(op, x, y)
    const r = this.#decided(n.op, n.a, n.b)
    return r === undefined ? undefined : r !== n.not
  }

  #decided(op: '<' | '==', a: Val, b: Val): boolean | undefined {
    if (a.num !== undefined && b.num !== undefined) return op === '<' ? a.num < b.num : a.num === b.num
    if (a.sym === b.sym) return op === '=='
    if (op === '==' && isConstant(a) && isConstant(b)) return false
    const p = this.signOf(a)
    const q = this.signOf(b)
    if ((p & q) === 0) {
      if (op === '==') return false
      if (p < (q & -q)) return true
      if ((p & -p) > q) return false
    }
    if (p === zero && q === zero) return op === '=='
    if (op === '<' && q === zero && (p & minus) === 0) return false
    if (op === '<' && p === zero && (q & plus) === 0) return false
    return this.said.get(`${a.sym}${op}${b.sym}`)
  }

  /** Takes it that a comparison turned out so. False: it cannot. */
  learn(o: string, x: Val, y: Val, way: boolean): boolean {
    const { op, a, b, not } = normal(o, x, y)
    const yes = way !== not
    this.said.set(`${a.sym}${op}${b.sym}`, yes)
    if (op === '==') this.said.set(`${b.sym}==${a.sym}`, yes)
    const q = constant(b)
    const p = constant(a)
    if (op === '==') {
      const [v, n] = q !== undefined ? [a, q] : [b, p]
      if (n === undefined) return true
      const of = n < 0 ? minus : n === 0 ? zero : plus
      if (yes) return this.#narrow(v, of)
      return n === 0 ? this.#narrow(v, minus | plus) : true
    }
    if (q !== undefined) {
      if (yes) return q <= 0 ? this.#narrow(a, minus) : q === 1 ? this.#narrow(a, minus | zero) : true
      return q === 0 ? this.#narrow(a, zero | plus) : q > 0 ? this.#narrow(a, plus) : true
    }
    if (p !== undefined) {
      if (yes) return p >= 0 ? this.#narrow(b, plus) : p === -1 ? this.#narrow(b, zero | plus) : true
      return p === 0 ? this.#narrow(b, minus | zero) : p < 0 ? this.#narrow(b, minus) : true
    }
    return true
  }

  #narrow(v: Val, to: number): boolean {
    const now = this.signOf(v) & to
    if (now === 0) return false
    if (v.num === undefined) this.signs.set(v.sym, now)
    return true
  }
}

const isConstant = (v: Val): boolean => /^[A-Z][A-Z0-9_]+$/.test(v.sym)
const constant = (v: Val): number | undefined => v.num ?? (/^-E[A-Z0-9]+$/.test(v.sym) ? -1 : undefined)

/** In `<` and `==` only; what it says is turned around for the others. */
function normal(op: string, a: Val, b: Val): { op: '<' | '=='; a: Val; b: Val; not: boolean } {
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

export function arithmetic(op: string, a: Val, b: Val): Val {
  if (a.num !== undefined && b.num !== undefined) {
    if (op === '+') return number(a.num + b.num)
    if (op === '-') return number(a.num - b.num)
    if (op === '*') return number(a.num * b.num)
    if (op === '|') return number(a.num | b.num)
    if (op === '&') return number(a.num & b.num)
  }
  if ((op === '+' || op === '-' || op === '|') && b.num === 0) return a
  if ((op === '+' || op === '|') && a.num === 0) return b
  if (op === '&' && (a.num === 0 || b.num === 0)) return nothing
  // A pointer into an object.
  if (op === '+' && a.ref !== undefined) return { ...a, sym: clip(`(${a.sym}+${b.sym})`) }
  return { sym: clip(`(${a.sym}${op}${b.sym})`) }
}
