import { type Expr, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'

/**
 * Every spelling that a flags argument may have: as it stands, what is assigned to the variable that it names, what callers hand in for the
 * parameter. What cannot be followed stays as its name, in lower case as C has it.
 */
export function flagTexts(code: Code, func: Func, e: Expr, depth: number): string[] {
  const { text } = func.file.source
  const plain = text.slice(e.start, e.end).replace(/\s+/g, ' ')
  if (e.kind === 'binary' && e.op === '|')
    return [...flagTexts(code, func, e.left, depth), ...flagTexts(code, func, e.right, depth)]
  if (e.kind === 'cast') return flagTexts(code, func, e.of, depth)
  if (e.kind === 'ternary')
    // The condition stays: it may say in which direction a device is given them.
    return [
      `${text.slice(e.cond.start, e.cond.end)} ?`,
      ...(e.then === undefined ? [] : flagTexts(code, func, e.then, depth)),
      ...flagTexts(code, func, e.otherwise, depth),
    ]
  if (e.kind !== 'name' || depth === 0 || /^[A-Z]/.test(e.name)) return [plain]
  const found: string[] = []
  const local = func.body.locals.find((l) => l.name === e.name)
  if (local?.init !== undefined) found.push(...flagTexts(code, func, local.init, depth - 1))
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (x) => {
      if (x.kind === 'assign' && x.target.kind === 'name' && x.target.name === e.name && x.op !== '&')
        found.push(...flagTexts(code, func, x.value, depth - 1))
    })
  const param = func.params.findIndex((p) => p.name === e.name)
  if (param >= 0)
    for (const caller of code.callers(func).slice(0, 8))
      for (const outer of caller.body.stmts.flatMap((s) => stmtExprs(s)))
        visit(outer, (x) => {
          const arg =
            x.kind === 'call' && x.callee.kind === 'name' && x.callee.name === func.name
              ? x.args[param]
              : undefined
          if (arg !== undefined) found.push(...flagTexts(code, caller, arg, depth - 1))
        })
  return found.length > 0 ? found : [plain]
}
