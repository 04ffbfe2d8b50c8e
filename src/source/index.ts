export type * from './ir.ts'
export { parseC } from './parse.ts'
