import { calculate, nothing, number, type Sym } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'

export type Val = Sym & {
  /** It is this dma-buf, attachment, table or file. */
  readonly thing?: number
  /** An error pointer. */
  readonly err?: true
}

export const thing = (id: number): Val => ({ sym: `t#${id}`, ref: `t#${id}`, thing: id })

/** It points somewhere: it is neither NULL nor an errno. */
export const isPointer = (v: Val): boolean =>
  v.thing !== undefined || v.err === true || v.sym.startsWith('&') || v.ref?.startsWith('new@') === true

export function arithmetic(op: string, a: Val, b: Val): Val {
  const n = a.num === undefined || b.num === undefined ? undefined : calculate(op, a.num, b.num)
  if (n !== undefined) return number(n)
  if ((op === '+' || op === '-' || op === '|') && b.num === 0) return a
  if ((op === '+' || op === '|') && a.num === 0) return b
  if (op === '&' && (a.num === 0 || b.num === 0)) return nothing
  // A pointer into an object.
  if (op === '+' && a.ref !== undefined) return { ...a, sym: clip(`(${a.sym}+${b.sym})`) }
  return { sym: clip(`(${a.sym}${op}${b.sym})`) }
}
