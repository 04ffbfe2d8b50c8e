import type { CType, Expr, Func, Member } from '../../source/index.ts'
import type { Code } from '../code.ts'

/** Parameters and locals of a function, by name. */
export function variablesOf(func: Func): ReadonlyMap<string, CType> {
  let types = variables.get(func)
  if (types === undefined) {
    const all = new Map<string, CType>()
    for (const p of func.params) all.set(p.name, p.type)
    for (const l of func.body.locals) all.set(l.name, l.type)
    variables.set(func, (types = all))
  }
  return types
}
const variables = new WeakMap<Func, ReadonlyMap<string, CType>>()

/** The type of an expression that names something, where its declarations are in sight. */
export function typeOf(code: Code, func: Func, e: Expr): CType | undefined {
  switch (e.kind) {
    case 'name':
      return variablesOf(func).get(e.name) ?? code.global(e.name, func.file)?.type
    case 'member': {
      const tag = tagOf(typeOf(code, func, e.base))
      return tag === undefined
        ? undefined
        : code.struct(tag, func.file)?.fields.find((f) => f.name === e.field)?.type
    }
    case 'index':
      return pointedTo(typeOf(code, func, e.base))
    case 'unary': {
      if (e.op === '*') return pointedTo(typeOf(code, func, e.of))
      const of = e.op === '&' ? typeOf(code, func, e.of) : undefined
      return of === undefined ? undefined : { ...of, pointer: of.pointer + 1 }
    }
    case 'cast':
      return e.type
    case 'call': {
      if (e.callee.kind !== 'name') return undefined
      if (e.callee.name === 'container_of' && e.args[1]?.kind === 'type') return e.args[1].type
      return code.resolveHere(e.callee.name, func.file)?.returns
    }
    default:
      return undefined
  }
}

/** Of an element of an array, or of what a pointer points to. */
function pointedTo(t: CType | undefined): CType | undefined {
  if (t === undefined) return undefined
  if (t.array) return { ...t, array: false }
  return t.pointer > 0 ? { ...t, pointer: t.pointer - 1 } : t
}

/** `foo` of `struct foo *`. */
export const tagOf = (type: CType | undefined): string | undefined =>
  type === undefined ? undefined : /^(?:struct|union) (\w+)$/.exec(type.base)?.[1]

/** The name of a field, the same in every function of a module: `fastrpc_map.attach`. Undefined where the type is not seen. */
export function fieldKey(code: Code, func: Func, e: Member): string | undefined {
  let path = e.field
  for (let base: Expr = e.base; ; ) {
    const tag = tagOf(typeOf(code, func, base))
    if (tag !== undefined) return `${tag}.${path}`
    // Inside a struct without a name.
    if (base.kind !== 'member') return undefined
    path = `${base.field}.${path}`
    base = base.base
  }
}

/** The struct that a field is in; of one without a name, by the field that it is: `table.page`. */
export function ownerOf(code: Code, func: Func, base: Expr): string | undefined {
  const tag = tagOf(typeOf(code, func, base))
  if (tag !== undefined) return tag
  let x = base
  while (x.kind === 'cast' || x.kind === 'index') x = x.kind === 'cast' ? x.of : x.base
  if (x.kind !== 'member') return undefined
  const outer = ownerOf(code, func, x.base)
  return outer === undefined ? undefined : `${outer}.${x.field}`
}
