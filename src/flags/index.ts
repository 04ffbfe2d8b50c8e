export { confirmedBy } from './confirmed.ts'
export { type Question, questions } from './questions.ts'
export * from './table.ts'
