import { type Expr, type Func, type Stmt, stmtExprs, visit } from '../source/index.ts'

/** An expression and all in it, what is evaluated first coming first. */
export function eachExpr(e: Expr, visit: (e: Expr) => void): void {
  const inside = (x: Expr | undefined): void => {
    if (x !== undefined) eachExpr(x, visit)
  }
  switch (e.kind) {
    case 'call':
      if (e.callee.kind !== 'name') inside(e.callee)
      for (const a of e.args) inside(a)
      break
    case 'member':
      inside(e.base)
      break
    case 'index':
      inside(e.base)
      inside(e.index)
      break
    case 'unary':
    case 'cast':
      inside(e.of)
      break
    case 'binary':
      inside(e.left)
      inside(e.right)
      break
    case 'assign':
      inside(e.value)
      inside(e.target)
      break
    case 'ternary':
      inside(e.cond)
      inside(e.then)
      inside(e.otherwise)
      break
    case 'comma':
      for (const i of e.items) inside(i)
      break
    case 'init':
      for (const i of e.items) inside(i.value)
      break
    case 'asm':
      for (const o of e.operands) inside(o)
      break
    case 'statements':
      eachStmt(e.body, (x) => eachExpr(x, visit))
      break
    default:
      break
  }
  visit(e)
}

/** Every outermost expression of a body, from top to bottom. */
export function eachStmt(stmts: readonly Stmt[], visit: (e: Expr) => void): void {
  for (const s of stmts) {
    switch (s.kind) {
      case 'expr':
        visit(s.expr)
        break
      case 'local':
        if (s.init !== undefined) visit(s.init)
        break
      case 'block':
        eachStmt(s.body, visit)
        break
      case 'if':
        visit(s.cond)
        eachStmt([s.then], visit)
        if (s.otherwise !== undefined) eachStmt([s.otherwise], visit)
        break
      case 'while':
        visit(s.cond)
        eachStmt([s.body], visit)
        break
      case 'do':
        eachStmt([s.body], visit)
        visit(s.cond)
        break
      case 'for':
        eachStmt(s.init, visit)
        if (s.cond !== undefined) visit(s.cond)
        eachStmt([s.body], visit)
        if (s.step !== undefined) visit(s.step)
        break
      case 'macro':
        visit(s.call)
        eachStmt([s.body], visit)
        break
      case 'switch':
        visit(s.on)
        eachStmt([s.body], visit)
        break
      case 'return':
        if (s.value !== undefined) visit(s.value)
        break
      case 'arms':
        for (const a of s.arms) eachStmt(a.body, visit)
        break
      default:
        break
    }
  }
}

/** The statements in a statement. */
export function insideOf(x: Stmt): readonly Stmt[] {
  switch (x.kind) {
    case 'block':
      return x.body
    case 'if':
      return [x.then, ...(x.otherwise === undefined ? [] : [x.otherwise])]
    case 'for':
    case 'while':
    case 'do':
    case 'switch':
    case 'macro':
      return [x.body]
    case 'arms':
      return x.arms.flatMap((a) => a.body)
    default:
      return []
  }
}

/** Every call in a function. */
export function eachCall(func: Func, see: (e: Expr & { kind: 'call' }) => void): void {
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (e) => {
      if (e.kind === 'call') see(e)
    })
}

/** A call of a function by its name. */
export const isCallOf = (e: Expr, name: string): boolean =>
  e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === name
