import { type Expr, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import * as words from './words.ts'

const most = { depth: 2, size: 8_000 }

/**
 * Whether a function that is not walked into leaves what it is handed alone: it reads it, computes with it, hands it to functions that do
 * no more. False where it keeps it, gives it back, writes through it, or where that cannot be seen.
 */
export function leavesAlone(
  code: Code,
  func: Func,
  index: number,
  depth = 0,
  on: readonly Func[] = [],
): boolean {
  const known = answers.get(func)?.get(index)
  if (known !== undefined) return known
  const alone = looked(code, func, index, depth, on)
  if (depth === 0 || !alone) {
    const of = answers.get(func) ?? new Map<number, boolean>()
    of.set(index, alone)
    answers.set(func, of)
  }
  return alone
}
const answers = new WeakMap<Func, Map<number, boolean>>()

function looked(code: Code, func: Func, index: number, depth: number, on: readonly Func[]): boolean {
  const param = func.params[index]
  if (param === undefined || depth > most.depth || on.includes(func)) return depth > 0 && on.includes(func)
  if (func.end - func.start > most.size) return false
  const carried = new Set([param.name])
  const exprs = func.body.stmts.flatMap((s) => stmtExprs(s))
  // What is computed from it, until nothing more comes.
  for (let size = 0; size !== carried.size; ) {
    size = carried.size
    for (const l of func.body.locals) if (l.init !== undefined && names(l.init, carried)) carried.add(l.name)
    for (const outer of exprs)
      visit(outer, (e) => {
        if (e.kind === 'assign' && e.target.kind === 'name' && names(e.value, carried))
          carried.add(e.target.name)
      })
  }
  let alone = true
  const isLocal = (n: string): boolean => func.body.locals.some((l) => l.name === n && !l.static)
  for (const outer of exprs)
    visit(outer, (e) => {
      if (!alone) return false
      if (e.kind === 'asm' && e.operands.some((o) => names(o, carried))) return undefined
      if (e.kind === 'assign') {
        // Kept beyond the function, or written through.
        if (e.target.kind !== 'name' && names(e.value, carried) && rootName(e.target, isLocal) === undefined)
          alone = false
        else if (
          e.target.kind !== 'name' &&
          carried.has(rootName(e.target, () => true) ?? '') &&
          param.type.pointer > 0
        )
          alone = false
        else if (
          e.target.kind === 'name' &&
          !isLocal(e.target.name) &&
          !carried.has(e.target.name) &&
          names(e.value, carried)
        )
          alone = false
        return undefined
      }
      if (e.kind !== 'call') return undefined
      const given = e.args.flatMap((a, i) => (names(a, carried) ? [i] : []))
      if (given.length === 0) return undefined
      if (e.callee.kind !== 'name') {
        alone = false
        return false
      }
      const { name } = e.callee
      if (
        words.releases.has(name) ||
        words.publishes.test(name) ||
        words.frees.test(name) ||
        words.moves.has(name)
      ) {
        alone = false
        return false
      }
      if (words.writes.test(name)) {
        if (given.includes(0)) alone = false
        return undefined
      }
      if (
        words.harmless.test(name) ||
        words.pure.test(name) ||
        words.alias.test(name) ||
        words.transparent.test(name) ||
        words.asks.test(name)
      )
        return undefined
      const callee = code.resolve(name, func.file)
      if (callee === undefined || !given.every((i) => leavesAlone(code, callee, i, depth + 1, [...on, func])))
        alone = false
      return undefined
    })
  return alone
}

/** Whether an expression is, or is made from, one of these. */
function names(e: Expr, carried: ReadonlySet<string>): boolean {
  switch (e.kind) {
    case 'name':
      return carried.has(e.name)
    case 'cast':
      return names(e.of, carried)
    case 'unary':
      return e.op !== '!' && names(e.of, carried)
    case 'binary':
      return (
        /^[-+|&<>^*]+$/.test(e.op) &&
        e.op !== '&&' &&
        e.op !== '||' &&
        e.op !== '<' &&
        e.op !== '>' &&
        (names(e.left, carried) || names(e.right, carried))
      )
    case 'ternary':
      return (e.then !== undefined && names(e.then, carried)) || names(e.otherwise, carried)
    case 'member':
    case 'index':
      return names(e.base, carried)
    case 'call':
      return (
        e.callee.kind === 'name' &&
        (words.alias.test(e.callee.name) || words.pure.test(e.callee.name)) &&
        e.args.some((a) => names(a, carried))
      )
    default:
      return false
  }
}

/** The variable that a place is part of, when it is one of these. */
function rootName(e: Expr, which: (name: string) => boolean): string | undefined {
  switch (e.kind) {
    case 'name':
      return which(e.name) ? e.name : undefined
    case 'member':
      return e.arrow ? undefined : rootName(e.base, which)
    case 'index':
    case 'cast':
      return rootName(e.kind === 'index' ? e.base : e.of, which)
    case 'unary':
      return e.op === '*' ? rootName(e.of, which) : undefined
    default:
      return undefined
  }
}
