/** The litmus language: parse, print, bind to the model, run. docs/litmus.md defines it. */
export type * from './ast.ts'
export { printExpect } from './expect.ts'
export { parse } from './parser.ts'
export { print, printDeclaration, printExpr, printStmt } from './print.ts'
