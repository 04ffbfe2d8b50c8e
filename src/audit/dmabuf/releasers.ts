import { type CFile, callsOf, type Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { apis } from './api.ts'

const most = { functions: 12 }

const releases: readonly string[] = [...apis.values()]
  .filter((a) => /^(put|detach|unmap|unpin|destroy)$/.test(a.role.does))
  .map((a) => a.name)

/** Functions of a file's module that give something back and speak of one of these fields; then those that call them. */
export function releasersOf(code: Code, file: CFile, keys: readonly string[]): Func[] {
  const fields = [...new Set(keys.map((k) => k.slice(k.lastIndexOf('.') + 1)))]
  const first: Func[] = []
  const rest: Func[] = []
  const files = new Set<CFile>([file])
  for (const f of fields) for (const x of code.moduleWith(file, f)) files.add(x)
  for (const f of files)
    for (const func of f.functions) {
      if (!releases.some((n) => func.mentions(n))) continue
      const text = f.source.text.slice(func.start, func.end)
      const speaks = fields.some((x) => new RegExp(`\\b${x}\\b`).test(text))
      ;(speaks ? first : rest).push(func)
    }
  const callers: Func[] = []
  for (const f of files)
    for (const func of f.functions)
      if (
        !first.includes(func) &&
        callsOf(func).some((c) => {
          const name = c.callee.kind === 'name' ? c.callee.name : undefined
          return name !== undefined && [...first, ...rest].some((r) => r.name === name)
        })
      )
        callers.push(func)
  const size = (f: Func): number => releases.filter((n) => f.mentions(n)).length
  const near = (f: Func): number => (f.file === file ? 0 : 1)
  first.sort((a, b) => near(a) - near(b) || size(b) - size(a))
  return [...first, ...callers, ...rest].slice(0, most.functions)
}
