export type * from './ir.ts'
