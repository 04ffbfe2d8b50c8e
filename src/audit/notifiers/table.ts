import { type CFile, type Expr, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { type Notifier, readCallbacks } from '../notifier.ts'

/** The callbacks that a notifier is registered with. */
export type Table = {
  readonly name: string
  readonly kind: 'interval' | 'classic'
  /** What is called for an invalidation, and what it does; undefined: only the end of the mm is told. */
  readonly notifier?: Notifier
  /** `->free_notifier()` frees the object. */
  readonly freedByCore: boolean
  /** A callback that is given and not in sight. */
  readonly unseen?: string
}

const invalidates: ReadonlySet<string> = new Set([
  'invalidate',
  'invalidate_start',
  'invalidate_finish',
  'invalidate_range_start',
  'invalidate_range_end',
  'invalidate_range',
  'arch_invalidate_secondary_tlbs',
  'change_pte',
])

const structs = { interval: 'struct mmu_interval_notifier_ops', classic: 'struct mmu_notifier_ops' } as const

/** The tables that the notifier of a call may have; none is in sight. */
export function tablesOf(code: Code, func: Func, kind: Table['kind'], given: Expr | undefined): Table[] {
  const names = given === undefined ? assignedIn(code, func) : namesIn(given)
  const params = names.filter((n) => func.params.some((p) => p.name === n))
  const own = names.filter((n) => !params.includes(n))
  const found = own.flatMap((n) => named(code, func.file, n, kind))
  if (found.length > 0 || params.length === 0) return found
  // It comes from the callers: the tables of their modules.
  return code
    .mentioning(structs[kind].replace('struct ', ''))
    .flatMap((f) =>
      f.globals.flatMap((g) => (g.type.base === structs[kind] ? [g.name] : [])).map((n) => ({ f, n })),
    )
    .filter(({ f, n }) => handsOn(f, n, func, code))
    .flatMap(({ f, n }) => named(code, f, n, kind))
}

/** Whether a file gives a table to a function, or to one that calls it. */
function handsOn(file: CFile, table: string, func: Func, code: Code): boolean {
  const names = [func.name, ...code.callers(func).map((c) => c.name)]
  return file.functions.some((f) =>
    names.some((n) => f.mentions(n) && new RegExp(`\\b${n}\\s*\\([^;]*&${table}\\b`).test(textOf(f))),
  )
}
const textOf = (f: Func): string => f.file.source.text.slice(f.start, f.end)

function namesIn(e: Expr): string[] {
  if (e.kind === 'unary' || e.kind === 'cast') return namesIn(e.of)
  if (e.kind === 'ternary') return [...(e.then === undefined ? [] : namesIn(e.then)), ...namesIn(e.otherwise)]
  return e.kind === 'name' ? [e.name] : []
}

/** `x->mn.ops = &table`: in the function itself, or else in its module. */
function assignedIn(code: Code, func: Func): string[] {
  const here = assigned(func)
  if (here.length > 0) return here
  const paths = new Set(code.moduleFiles(func.file))
  return code
    .mentioning('mmu_notifier_ops')
    .filter((f) => paths.has(f.path))
    .flatMap((f) => f.functions.flatMap(assigned))
}

function assigned(func: Func): string[] {
  const found: string[] = []
  if (!/\bops\s*=/.test(textOf(func))) return found
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (e) => {
      if (e.kind !== 'assign' || e.target.kind !== 'member' || e.target.field !== 'ops') return
      if (e.value.kind === 'unary' && e.value.op === '&' && e.value.of.kind === 'name')
        found.push(e.value.of.name)
    })
  return found
}

function named(code: Code, file: CFile, name: string, kind: Table['kind']): Table[] {
  for (const f of [file, ...code.moduleWith(file, name)])
    for (const g of f.globals)
      if (g.name === name && g.type.base === structs[kind] && g.value?.kind === 'init')
        return [read(code, f, name, kind, g.line, g.value)]
  return []
}

function read(
  code: Code,
  file: CFile,
  name: string,
  kind: Table['kind'],
  line: number,
  init: Expr & { kind: 'init' },
): Table {
  const funcs: Func[] = []
  let freedByCore = false
  let unseen: string | undefined
  for (const item of init.items) {
    const field = item.path[0]?.replace(/^\./, '') ?? ''
    if (field === 'free_notifier') freedByCore = true
    if (!invalidates.has(field) || item.value.kind !== 'name') continue
    const func = code.resolve(item.value.name, file)
    if (func === undefined) unseen ??= item.value.name
    else funcs.push(func)
  }
  const notifier =
    funcs.length === 0 ? undefined : readCallbacks(code, kind, funcs, { file: file.path, line, func: name })
  return {
    name,
    kind,
    freedByCore,
    ...(notifier !== undefined && { notifier }),
    ...(unseen !== undefined && { unseen }),
  }
}
