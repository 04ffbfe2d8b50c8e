import type { CType, Expr, Func, Member } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { tagOf } from '../holding/places.ts'

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

/** The type of an expression that names something, where its declarations are in sight. */
export function typeOf(code: Code, func: Func, e: Expr): CType | undefined {
  switch (e.kind) {
    case 'name':
      return (func.params.find((p) => p.name === e.name) ?? func.body.locals.find((l) => l.name === e.name))
        ?.type
    case 'member': {
      const tag = tagOf(typeOf(code, func, e.base))
      return tag === undefined
        ? undefined
        : code.struct(tag, func.file)?.fields.find((f) => f.name === e.field)?.type
    }
    case 'index':
      return typeOf(code, func, e.base)
    case 'unary':
      return e.op === '&' || e.op === '*' ? typeOf(code, func, e.of) : undefined
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
