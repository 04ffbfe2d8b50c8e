export { confirmedBy } from './confirmed.ts'
export { notModelled, type Question, questions } from './questions.ts'
export * from './table.ts'
