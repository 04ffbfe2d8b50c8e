import type { Call, Declaration, Expr, LitmusTest, Proc, Stmt } from './ast.ts'
import { printExpect } from './expect.ts'

/** The text of a test, as people write it. `parse(print(t))` is `t` but for spans; lines are as long as their statements. */
export function print(test: LitmusTest): string {
  return [
    `C ${test.name}`,
    ...printComment(test),
    printInit(test.init),
    ...test.procs.map(printProc),
    ...(test.condition ? [`${test.condition.quantifier} (${printExpr(test.condition.expr, true)})`] : []),
  ]
    .join('\n\n')
    .concat('\n')
}

/** One statement on one line, as the timeline shows it; what a statement with a body holds is left out. */
export function printStmt(s: Stmt): string {
  switch (s.kind) {
    case 'expr':
      return printExpr(s.expr)
    case 'assign':
      return `${printExpr(s.target)} = ${printExpr(s.value)}`
    case 'if':
      return `if (${printExpr(s.cond)})`
    case 'while':
      return `while (${printExpr(s.cond)})`
    case 'goto':
      return `goto ${s.label}`
    case 'label':
      return `${s.label}:`
    case 'return':
      return s.value === undefined ? 'return' : `return ${printExpr(s.value)}`
  }
}

function printComment({ comment, expect }: LitmusTest): string[] {
  if (comment === '' && expect.length === 0) return []
  const results = expect.map((e) => `Result: ${printExpect(e)}`)
  const lines = [
    ...results,
    ...(results.length > 0 && comment !== '' ? [''] : []),
    ...comment.replaceAll('*)', '* )').split('\n'),
  ]
  if (comment === '') lines.pop()
  return [['(*', ...lines.map((l) => ` * ${l}`.trimEnd()), ' *)'].join('\n')]
}

function printInit(init: readonly Declaration[]): string {
  if (init.length === 0) return '{ }'
  return ['{', ...init.map((d) => `\t${printDeclaration(d)};${printPlace(d.place)}`), '}'].join('\n')
}

export function printDeclaration(d: Declaration): string {
  const name = d.scope === undefined ? `${d.kind} ${d.name}` : `${d.scope}:${d.name}`
  return d.call ? `${name} = ${printExpr(d.call)}` : name
}

function printProc(p: Proc): string {
  const context = [p.context.kind, p.context.name].filter((w) => w !== '').join(' ')
  const head = `${p.name}(${context})${p.daemon ? ' daemon' : ''}`
  return [p.comment ? `${head}  // ${p.comment}` : head, '{', ...printBody(p.body, 1), '}'].join('\n')
}

const printPlace = (place: string | undefined): string => (place === undefined ? '' : `  // ${place}`)

const printBody = (body: readonly Stmt[], depth: number): string[] =>
  body.flatMap((s) => printLines(s, depth))

function printLines(s: Stmt, depth: number): string[] {
  const tabs = '\t'.repeat(depth)
  switch (s.kind) {
    case 'label':
      return [`${'\t'.repeat(depth - 1)}${s.label}:`]
    case 'if':
      return [
        `${tabs}${printStmt(s)} {${printPlace(s.place)}`,
        ...printBody(s.then, depth + 1),
        ...(s.else.length > 0 ? [`${tabs}} else {`, ...printBody(s.else, depth + 1)] : []),
        `${tabs}}`,
      ]
    case 'while':
      return s.doFirst
        ? [`${tabs}do {`, ...printBody(s.body, depth + 1), `${tabs}} ${printStmt(s)};${printPlace(s.place)}`]
        : [`${tabs}${printStmt(s)} {${printPlace(s.place)}`, ...printBody(s.body, depth + 1), `${tabs}}`]
    default:
      return [`${tabs}${printStmt(s)};${printPlace(s.place)}`]
  }
}

/** How strongly an operator binds; the parser's table, read from below. */
const strength: Readonly<Record<Extract<Expr, { kind: 'binary' }>['op'], number>> = {
  '\\/': 0,
  '/\\': 1,
  '||': 2,
  '&&': 3,
  '|': 4,
  '==': 5,
  '!=': 5,
  '<': 6,
  '<=': 6,
  '>': 6,
  '>=': 6,
  '+': 7,
  '-': 7,
}
const unary = 8

/** With as few parentheses as the parser needs. In a condition `=` and `~` stand for `==` and `!`, as in herd's tests. */
export function printExpr(e: Expr, inCondition = false, atLeast = 0): string {
  switch (e.kind) {
    case 'number':
      return String(e.value)
    case 'name':
      return e.proc === undefined ? e.name : `${printScope(e.proc)}:${e.name}`
    case 'address':
      return `&${e.name}`
    case 'deref':
      if (inCondition && e.of.kind === 'name' && e.of.proc !== undefined)
        return `${printScope(e.of.proc)}:*${e.of.name}`
      return `*${printExpr(e.of, inCondition, unary)}`
    case 'unary': {
      const op = e.op === '!' && inCondition ? '~' : e.op
      const of = printExpr(e.of, inCondition, unary)
      return e.op === '-' && /^[-\d]/.test(of) ? `${op}(${of})` : `${op}${of}`
    }
    case 'binary': {
      const own = strength[e.op]
      const op = e.op === '==' && inCondition ? '=' : ` ${e.op} `
      const left = printExpr(e.left, inCondition, own)
      const text = `${left}${op}${printExpr(e.right, inCondition, own + 1)}`
      return own < atLeast ? `(${text})` : text
    }
    case 'call':
      return printCall(e)
  }
}

const printCall = (c: Call): string => `${c.name}(${c.args.map((a) => printExpr(a)).join(', ')})`

const printScope = (proc: string): string => /^P(\d+)$/.exec(proc)?.[1] ?? proc
