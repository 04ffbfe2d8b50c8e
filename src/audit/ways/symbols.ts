import { clip } from './ways.ts'

/** A value by name: equal `sym`, equal value. */
export type Sym = {
  readonly sym: string
  readonly num?: number
  /** The place that it points to. */
  readonly ref?: string
}

export const nothing: Sym & { readonly num: number } = { sym: '0', num: 0 }
export const one: Sym & { readonly num: number } = { sym: '1', num: 1 }
export const number = (n: number): Sym & { readonly num: number } => ({ sym: String(n), num: n })

/** `EINVAL`, of `-EINVAL`. */
export const isErrno = (v: Sym): boolean => /^-E[A-Z0-9]+$/.test(v.sym)
export const minusOf = (v: Sym): Sym =>
  v.num !== undefined
    ? number(-v.num)
    : /^E[A-Z0-9]+$/.test(v.sym)
      ? { sym: `-${v.sym}` }
      : { sym: `-(${v.sym})` }

export const pointee = (v: Sym): string => v.ref ?? clip(`*${v.sym}`)
/** The object that a place is part of. */
export const rootOf = (loc: string): string => /^[^.^]*/.exec(loc)![0]
export function within(loc: string, of: string): boolean {
  if (loc.length <= of.length || !loc.startsWith(of)) return false
  const next = loc[of.length]
  return next === '.' || next === '[' || next === '^'
}
/** A field of a struct; `x^f` is the struct around x, in which x is the field f. */
export const partOf = (loc: string, field: string): string =>
  clip(loc.endsWith(`^${field}`) ? loc.slice(0, -field.length - 1) : `${loc}.${field}`)
/** The object itself, and not one that it stands in. */
export const withoutOuter = (loc: string): string => loc.replace(/(\^\w+)+$/, '')
/** A place in an object that was there before, or a global. */
export const isForeign = (root: string): boolean => root.startsWith('*') || root.startsWith('g:')
export const isLocal = (root: string): boolean => /^\d+:/.test(root)
/** What stands at a place of which nothing is known. */
export const unseen = (loc: string): Sym => ({ sym: loc, ref: clip(`*${loc}`) })

export function calculate(op: string, a: number, b: number): number | undefined {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '|':
      return a | b
    case '&':
      return a & b
    default:
      return undefined
  }
}
