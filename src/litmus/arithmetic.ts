import type { Expr } from './ast.ts'

type Op = Extract<Expr, { kind: 'binary' }>['op'] | '&'

/** What the binary operators come to. Truth is 1, and anything but 0 is true. */
export const arithmetic: Readonly<Record<Op, (a: number, b: number) => number>> = {
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '/\\': (a, b) => Number(a !== 0 && b !== 0),
  '||': (a, b) => Number(a !== 0 || b !== 0),
  '\\/': (a, b) => Number(a !== 0 || b !== 0),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
}
