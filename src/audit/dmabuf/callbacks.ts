import { callsOf, type CFile, type Expr, type Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { apis } from './api.ts'
import type { ThingSite } from '../things/event.ts'
import * as words from '../things/words.ts'

/** What an importer does when the exporter says that the memory moves. */
export type Told =
  | { readonly does: 'drops' | 'ignores'; readonly callback: Func }
  /** The table of callbacks has none. */
  | { readonly does: 'none' }
  | { readonly does: 'unknown'; readonly why: string }
  /** The table comes from the callers. */
  | { readonly does: 'theirs' }

const fields: ReadonlySet<string> = new Set(['.move_notify', '.invalidate_mappings'])

/** The callback that is given with an attachment; undefined: it cannot be told. */
export function toldBy(code: Code, site: ThingSite): Told | undefined {
  const { role } = site.api
  if (role.does !== 'attach' || role.ops === undefined) return undefined
  const arg = site.call.args[role.ops]
  const name = arg === undefined ? undefined : nameIn(arg)
  if (name === undefined) return { does: 'unknown', why: 'which callbacks it attaches with is not seen' }
  const tables = tablesOf(code, site.func, name)
  if (tables.length === 0)
    return site.func.params.some((p) => p.name === name)
      ? { does: 'theirs' }
      : { does: 'unknown', why: `the callbacks ${name} are not in sight` }
  const all = tables.map((t) => told(code, t.file, t.init))
  return all.find((t) => t.does !== 'drops') ?? all[0]!
}

const nameIn = (e: Expr): string | undefined =>
  e.kind === 'name' ? e.name : e.kind === 'unary' && e.op === '&' ? nameIn(e.of) : undefined

type Table = { readonly file: CFile; readonly init: Expr & { kind: 'init' } }

/** The table of that name, or those that a local variable of that name may point to. */
function tablesOf(code: Code, func: Func, name: string): Table[] {
  const direct = (n: string): Table[] =>
    code
      .moduleWith(func.file, n)
      .flatMap((file) =>
        file.globals.flatMap((g) =>
          g.name === n && g.value?.kind === 'init' ? [{ file, init: g.value }] : [],
        ),
      )
  const found = direct(name)
  if (found.length > 0) return found
  const text = func.file.source.text.slice(func.start, func.end)
  const set = [...text.matchAll(new RegExp(`\\b${name}\\s*=[^=;]*?&(\\w+)`, 'g'))].map((m) => m[1]!)
  return [...new Set(set)].flatMap(direct)
}

function told(code: Code, file: CFile, init: Expr & { kind: 'init' }): Told {
  const item = init.items.find((i) => i.path[0] !== undefined && fields.has(i.path[0]))
  const name = item === undefined ? undefined : nameIn(item.value)
  if (name === undefined || name === 'NULL') return { does: 'none' }
  const callback = code.resolve(name, file)
  if (callback === undefined) return { does: 'unknown', why: `its callback ${name}() is not in sight` }
  const unseen = new Set<string>()
  if (drops(code, callback, new Set(), unseen)) return { does: 'drops', callback }
  const [first] = unseen
  return first === undefined
    ? { does: 'ignores', callback }
    : { does: 'unknown', why: `its callback ${name}() calls ${first}(), which is not in sight` }
}

/** Core functions that end the use of memory, or wait until it has ended. */
const ends =
  /^(dma_buf_unmap_attachment(_unlocked)?|ttm_bo_(validate|move_\w+|unmap_virtual)|dma_resv_wait_timeout|dma_fence_wait(_timeout)?|unmap_mapping_\w+|zap_\w+|iommu_unmap\w*)$/

function drops(code: Code, func: Func, seen: Set<Func>, unseen: Set<string>, depth = 0): boolean {
  if (seen.has(func) || depth > 5) return false
  seen.add(func)
  const inner: Func[] = []
  for (const c of callsOf(func)) {
    if (c.callee.kind !== 'name') {
      unseen.add(c.callee.kind === 'member' ? `->${c.callee.field}` : 'a pointer')
      continue
    }
    const { name } = c.callee
    if (ends.test(name)) return true
    if (apis.has(name) || words.harmless.test(name) || words.locks.includes(name) || quiet.test(name))
      continue
    const callee = code.resolveHere(name, func.file) ?? code.resolve(name, func.file)
    if (callee === undefined) unseen.add(name)
    else inner.push(callee)
  }
  return inner.some((f) => drops(code, f, seen, unseen, depth + 1))
}
const quiet =
  /^(dma_resv_\w+|container_of|WARN\w*|drm_WARN\w*|list_\w+|xa_\w+|k\w*free|kref_\w+|READ_ONCE|WRITE_ONCE|smp_\w+)$/
