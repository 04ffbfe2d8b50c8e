/** What a value is to the walk over pages: which of them it is, in which form, or how many. */

import type { Expr } from '../../source/index.ts'
import { sign, signOf } from '../ways/facts.ts'
import { calculate, nothing, number, pointee, type Sym } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'
import type { State } from './state.ts'

const { minus, plus } = sign

export type Val = Sym & {
  /** It is a page of this acquisition, or its memory (`form`), or the number of pages that it gave. */
  readonly hold?: number
  readonly form?: Form
  /** Any of several pages. */
  readonly element?: boolean
  /** It stood in one of several structs: that this page stands in that one is not known. */
  readonly slot?: boolean
  readonly got?: number
  /** Each of them, in a loop over all. */
  readonly every?: boolean
  /** A sum that the number of pages of this acquisition is a part of. */
  readonly part?: number
  /** It is counted down from this. */
  readonly down?: { readonly sym: string; readonly got?: number }
}

/** The page itself, its memory, or a number that says where it is. */
export type Form = 'page' | 'memory' | 'number'

export const valueText = (v: Val): string =>
  `${v.sym}/${v.ref ?? ''}/${v.hold ?? ''}/${v.got ?? ''}/${v.part ?? ''}`

export function add(v: Val, by: number, at: number): Val {
  if (v.num !== undefined) return number(v.num + by)
  if (v.hold !== undefined || v.ref !== undefined) return { ...v, sym: `(${v.sym}+${at})`, element: true }
  return { sym: clip(`(${v.sym}+${by})`) }
}

/** One less than it was; from what it is counted down is still known. */
export function countedDown(v: Val, old: Val): Val {
  if (v.num !== undefined || v.hold !== undefined) return v
  return { ...v, down: old.down ?? { sym: old.sym, ...(old.got !== undefined && { got: old.got }) } }
}

/** What `container_of(v, T, field)` points to. */
export function around(v: Val, field: string): Val {
  const ref = pointee(v)
  if (!ref.endsWith(`.${field}`))
    return { sym: clip(`container_of(${v.sym},${field})`), ref: clip(`${ref}^${field}`) }
  const outer = ref.slice(0, -field.length - 1)
  const sym = outer.startsWith('*') ? outer.slice(1) : outer.startsWith('new@') ? `${outer}#` : `&${outer}`
  return { sym, ref: outer }
}

export function arithmetic(op: string, a: Val, b: Val, s: State): Val {
  // Pages, from a number of bytes.
  const bytes = [a, b].find((v) => v.got !== undefined && s.holds.get(v.got)?.site.api.result === 'bytes')
  if (bytes !== undefined) {
    if (op === '+' && (a.num === 0 || b.num === 0)) return bytes
    const sum = clip(`(${a.sym}${op}${b.sym})`)
    // More than was there before.
    if (op === '+' && signOf(bytes, s) === plus && (signOf(bytes === a ? b : a, s) & minus) === 0)
      s.signs.set(sum, plus)
    return { sym: sum, got: bytes.got! }
  }
  // What a call gave, added to what it gave before.
  if (op === '+' && b.got !== undefined && a.got === b.got) {
    const h = s.holds.get(b.got)
    if (h?.outcome === 'all') return { ...h.asked, got: b.got }
    if (h?.outcome === 'short') return { sym: `short#${b.got}`, got: b.got }
  }
  if (a.num !== undefined && b.num !== undefined && op !== '&') {
    const n = calculate(op, a.num, b.num)
    if (n !== undefined) return number(n)
  }
  if (op === '+' && a.num === 0) return b
  if ((op === '+' || op === '-' || op === '|') && b.num === 0) return a
  if (op === '|' && a.num === 0) return b
  if (op === '-' && a.sym === b.sym) return nothing
  if (a.hold !== undefined || (a.ref !== undefined && op === '+' && a.sym.startsWith('&')))
    return { ...a, element: true, sym: clip(`(${a.sym}${op}${b.sym})`) }
  // Further on in an array.
  if (a.ref !== undefined && op === '+' && (a.ref.startsWith('new@') || s.env.get(a.ref)?.hold !== undefined))
    return { ...a, element: true, sym: clip(`(${a.sym}+${b.sym})`) }
  if (b.hold !== undefined) return { ...b, element: true, sym: clip(`(${a.sym}${op}${b.sym})`) }
  if (op === '+') {
    // All that were asked for came: their number may be added by that name as well.
    const all = (v: Val): number | undefined => {
      if (v.num === undefined)
        for (const h of s.holds.values())
          if (h.outcome !== 'none' && (h.asked.sym === v.sym || h.last?.sym === v.sym)) return h.id
      return undefined
    }
    const part = a.got ?? a.part ?? b.got ?? b.part ?? all(b)
    if (part !== undefined) return { sym: clip(`(${a.sym}+${b.sym})`), part }
  }
  return { sym: clip(`(${a.sym}${op}${b.sym})`) }
}

export const about = (asked: Val, v: Val): boolean => asked.num === undefined && v.sym === asked.sym

export const readable = (loc: string): string =>
  loc
    .replace(/^[*]*/, '')
    .replaceAll(/\d+:|@\d+|g:|#/g, '')
    .replaceAll('*', '')

export const isZero = (e: Expr): boolean => e.kind === 'number' && e.value === 0
