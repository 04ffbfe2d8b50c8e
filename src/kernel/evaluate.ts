import { Bug } from '../base/index.ts'
import type { Expression } from './program.ts'

/** Reads registers of the running program. Things read as a number that is 0 for NULL. */
export type Registers = (reg: number) => number

/** The value of an expression over registers. Wraps to eight bits, signed, as registers do. */
export function evaluate(e: Expression, read: Registers): number {
  switch (e.kind) {
    case 'reg':
      return read(e.reg)
    case 'const':
      return e.value
    case 'not':
      return evaluate(e.of, read) === 0 ? 1 : 0
    case 'neg':
      return signed(-evaluate(e.of, read))
    case '&&':
      return evaluate(e.left, read) !== 0 && evaluate(e.right, read) !== 0 ? 1 : 0
    case '||':
      return evaluate(e.left, read) !== 0 || evaluate(e.right, read) !== 0 ? 1 : 0
    default: {
      const a = evaluate(e.left, read)
      const b = evaluate(e.right, read)
      switch (e.kind) {
        case '==':
          return a === b ? 1 : 0
        case '!=':
          return a !== b ? 1 : 0
        case '<':
          return a < b ? 1 : 0
        case '<=':
          return a <= b ? 1 : 0
        case '>':
          return a > b ? 1 : 0
        case '>=':
          return a >= b ? 1 : 0
        case '+':
          return signed(a + b)
        case '-':
          return signed(a - b)
        case '|':
          return signed(a | b)
        case '&':
          return signed(a & b)
        default:
          throw new Bug(`no such operator: ${JSON.stringify(e)}`)
      }
    }
  }
}

/** A cell holds eight bits; read as signed they are errnos, too. */
export const signed = (v: number): number => (v << 24) >> 24
