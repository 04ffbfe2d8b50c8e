import type { Expr } from '../../source/index.ts'
import type { Int } from './state.ts'

const order: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** Compares by sign; two errors are equal if they bear the same name. */
export function compareInts(op: string, a: Int | undefined, b: Int | undefined): boolean | undefined {
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
export const signs: Record<string, readonly [Int | undefined, Int | undefined]> = {
  '==': ['zero', 'nonzero'],
  '!=': ['nonzero', 'zero'],
  '<': ['neg', undefined],
  '<=': [undefined, 'pos'],
  '>': ['pos', undefined],
  '>=': [undefined, 'neg'],
}

export function intOf(e: Expr): Int | undefined {
  if (e.kind === 'number') return e.value === 0 ? 'zero' : 'pos'
  if (e.kind === 'unary' && e.op === '-') {
    if (e.of.kind === 'name' && /^E[A-Z0-9]+$/.test(e.of.name)) return `-${e.of.name}` as Int
    if (e.of.kind === 'number') return e.of.value === 0 ? 'zero' : 'neg'
  }
  return undefined
}
