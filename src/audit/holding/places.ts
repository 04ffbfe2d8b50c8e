import { type CFile, type Expr, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'
import { tagOf, typeOf } from '../ways/types.ts'
import type { StructField } from './event.ts'
import { releases } from './words.ts'

/** What the module of a file does with the pages that a field of a struct keeps. */
export type FieldUse = {
  readonly releases: readonly { readonly api: string; readonly as: 'pin' | 'get'; readonly at: Place }[]
  /** Other pages get there, too: taken in another way, or put in one by one. */
  readonly mixed: boolean
}

/** Looks for the field by its struct and name in every function of the module. */
export function useOf(
  code: Code,
  file: CFile,
  field: StructField,
  takes: 'pin' | 'get',
  apis: ReadonlyMap<string, ReferenceApi>,
): FieldUse {
  const found: { api: string; as: 'pin' | 'get'; at: Place }[] = []
  let mixed = false
  // A struct that a .c file declares is nobody else's.
  const own = file.path.endsWith('.c') && file.structs.some((s) => s.name === field.struct)
  for (const f of own ? [file] : code.moduleWith(file, field.field, field.struct))
    for (const func of f.functions) {
      if (!f.source.text.slice(func.start, func.end).includes(field.field)) continue
      const isIt = (e: Expr | undefined): boolean => e !== undefined && isField(code, func, e, field)
      for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
        visit(outer, (e) => {
          if (e.kind === 'assign' && e.target.kind === 'index' && isIt(e.target)) mixed = true
          if (e.kind === 'assign' && isIt(e.target) && isAllocated(func, e.value)) mixed = true
          if (e.kind !== 'call' || e.callee.kind !== 'name') return
          const { name } = e.callee
          // `cmpxchg(&x->page, NULL, new)`
          if (/^(try_)?(cmp)?xchg(_\w+)?$/.test(name) && isIt(e.args[0])) mixed = true
          const api = apis.get(name)
          if (
            api !== undefined &&
            api.takes !== takes &&
            typeof api.out === 'number' &&
            isIt(e.args[api.out])
          )
            mixed = true
          const release = releases.get(name)
          if (release === undefined || !isIt(e.args[release.arg])) return
          const at = { file: f.path, line: f.source.position(e.start).line, func: func.name }
          found.push({ api: name, as: release.as, at })
        })
    }
  return { releases: found, mixed }
}

/** Pages of the kernel's own: the allocator's, or a variable that has them from there. */
function isAllocated(func: Func, value: Expr): boolean {
  const x = value.kind === 'cast' ? value.of : value
  if (x.kind === 'call')
    return x.callee.kind === 'name' && /^(__)?(\w+_)?alloc_(page|folio|pages)\w*$/.test(x.callee.name)
  if (x.kind !== 'name') return false
  if (func.body.locals.some((l) => l.name === x.name && l.init?.kind === 'call' && isAllocated(func, l.init)))
    return true
  let found = false
  for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
    visit(outer, (e) => {
      if (
        e.kind === 'assign' &&
        e.target.kind === 'name' &&
        e.target.name === x.name &&
        e.value.kind === 'call'
      )
        found ||= isAllocated(func, e.value)
    })
  return found
}

/** `x->f`, `&x->f[i]`, `x->f + i`, `page_folio(x->f[i])`. */
function isField(code: Code, func: Func, e: Expr, field: StructField): boolean {
  switch (e.kind) {
    case 'cast':
      return isField(code, func, e.of, field)
    case 'unary':
      return (e.op === '&' || e.op === '*') && isField(code, func, e.of, field)
    case 'index':
      return isField(code, func, e.base, field)
    case 'binary':
      return e.op === '+' && isField(code, func, e.left, field)
    case 'call':
      return (
        e.callee.kind === 'name' &&
        e.callee.name === 'page_folio' &&
        e.args[0] !== undefined &&
        isField(code, func, e.args[0], field)
      )
    case 'member':
      return e.field === field.field && tagOf(typeOf(code, func, e.base)) === field.struct
    default:
      return false
  }
}
