import type { CFile, Expr, Func } from '../source/index.ts'
import { eachExpr, eachStmt } from './each.ts'
import { type LookupApi, lookupNamed } from './protocols/pfn-lookup.ts'

/** A call that acquires. */
export type CallSite = {
  readonly file: CFile
  readonly func: Func
  readonly api: LookupApi
  readonly line: number
  readonly column: number
  readonly args: readonly Expr[]
}

/** The FOLL_ and FAULT_FLAG_ flags of a call, also where a variable holds them. */
export function flagsOf(site: CallSite): string[] {
  const arg = site.api.flags === undefined ? undefined : site.args[site.api.flags]
  if (arg === undefined) return []
  const { text } = site.file.source
  const written = text.slice(arg.start, arg.end)
  const body = text.slice(site.func.start, site.func.end)
  const set =
    arg.kind === 'name'
      ? [...body.matchAll(new RegExp(`\\b${arg.name}\\s*[|]?=([^;]*);`, 'g'))].map((m) => m[1]!)
      : []
  return [...new Set([written, ...set].join(' ').match(/\b(FAULT_FLAG|FOLL)_\w+/g) ?? [])]
}

/** Every call of a look-up in a file, in the order of the text. */
export function sitesIn(file: CFile): CallSite[] {
  const found: CallSite[] = []
  const names = [...lookupNamed.keys()].filter((n) => file.source.text.includes(n))
  for (const func of file.functions) {
    if (!names.some((n) => func.mentions(n))) continue
    eachStmt(func.body.stmts, (outer) =>
      eachExpr(outer, (e) => {
        if (e.kind !== 'call' || e.callee.kind !== 'name') return
        const api = lookupNamed.get(e.callee.name)
        if (api === undefined) return
        const { line, column } = file.source.position(e.start)
        found.push({ file, func, api, line, column, args: e.args })
      }),
    )
  }
  return found.sort((a, b) => a.line - b.line || a.column - b.column)
}
