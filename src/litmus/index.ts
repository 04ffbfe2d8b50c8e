/** The litmus language: parse, print, bind to the model, run. docs/litmus.md defines it. */
export type * from './ast.ts'
export { bind, type Bound } from './bind.ts'
export { signature } from './compile.ts'
export { observe, type Observed } from './condition.ts'
export { declarationKinds, declarationWords } from './declare.ts'
export { printExpect } from './expect.ts'
export { type Asked, asked, compare, judge } from './judge.ts'
export type { Thing } from './memory.ts'
export { opList } from './op-list.ts'
export { parse } from './parser.ts'
export { print, printDeclaration, printExpr, printStmt } from './print.ts'
export {
  type Broken,
  checkSchemaVersion,
  type Judgement,
  type LitmusResult,
  type Timeline,
  type TimelineStep,
} from './result.ts'
export {
  deadlockCode,
  defaultBounds,
  modelOf,
  onlyNotInThisKernel,
  runBound,
  runLitmus,
  type RunOptions,
} from './run.ts'
