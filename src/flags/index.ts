export { notModelled, type Question, questions } from './questions.ts'
export * from './table.ts'
