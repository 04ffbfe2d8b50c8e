import type { Expr, Stmt } from '../../source/index.ts'

/**
 * The body of a macro with its arguments in the place of its parameters. `at`: what is the macro's own then stands where the macro is used;
 * left out, where it is defined.
 */
export function substitute(
  e: Expr,
  bind: ReadonlyMap<string, Expr | undefined>,
  at?: { readonly start: number; readonly end: number },
): Expr {
  const walk = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(walk)
    if (typeof x !== 'object' || x === null) return x
    const node = x as { kind?: string; name?: string }
    if (node.kind === 'name' && node.name !== undefined) {
      const by = bind.get(node.name)
      if (by !== undefined) return by
    }
    const copy = Object.fromEntries(Object.entries(x).map(([k, v]) => [k, walk(v)]))
    return at !== undefined && 'start' in copy ? { ...copy, start: at.start, end: at.end } : copy
  }
  return walk(e) as Expr
}

export function flatten(stmts: readonly Stmt[]): Stmt[] {
  return stmts.flatMap((s) =>
    s.kind === 'block' ? flatten(s.body) : s.kind === 'do' ? flatten([s.body]) : [s],
  )
}
