import { type Expr, type Func, type Stmt, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'

const most = { up: 3, callers: 12 }

/**
 * Whether everybody who comes to a place does so for MSG_SPLICE_PAGES, which no system call lets through (net/socket.c clears
 * MSG_INTERNAL_SENDMSG_FLAGS): an iterator there is over pages that the kernel has, and extracting them pins nothing.
 */
export function splicesOnly(code: Code, func: Func, at: Expr, up = 0): boolean {
  if (underSplice(func, at)) return true
  if (up === most.up) return false
  const callers = code.callers(func).filter((c) => c !== func)
  if (callers.length === 0 || callers.length > most.callers) return false
  return callers.every((c) => {
    const calls: Expr[] = []
    for (const outer of c.body.stmts.flatMap((s) => stmtExprs(s)))
      visit(outer, (e) => {
        if (e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === func.name) calls.push(e)
      })
    return calls.length > 0 && calls.every((call) => splicesOnly(code, c, call, up + 1))
  })
}

/** It stands in the arm of an `if` that asks for it. */
function underSplice(func: Func, at: Expr): boolean {
  const { text } = func.file.source
  const within = (x: { readonly start: number; readonly end: number }): boolean =>
    x.start <= at.start && at.end <= x.end
  const look = (stmts: readonly Stmt[]): boolean =>
    stmts.some((s) => {
      if (!within(s)) return false
      switch (s.kind) {
        case 'if':
          if (within(s.then)) return asksForSplice(text.slice(s.cond.start, s.cond.end)) || look([s.then])
          return s.otherwise !== undefined && look([s.otherwise])
        case 'block':
          return look(s.body)
        case 'for':
        case 'while':
        case 'do':
        case 'switch':
        case 'macro':
          return look([s.body])
        case 'arms':
          return s.arms.some((a) => look(a.body))
        default:
          return false
      }
    })
  return look(func.body.stmts)
}

/** `flags & MSG_SPLICE_PAGES`, also as one of several conditions that must hold. */
const asksForSplice = (cond: string): boolean =>
  /(&|==)\s*MSG_SPLICE_PAGES\b/.test(cond) && !/\|\||!\s*\([^()]*MSG_SPLICE_PAGES/.test(cond)
