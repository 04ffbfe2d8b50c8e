import type { CFile, Func, Program } from '../../source/index.ts'
import { callsOf, calleeName } from '../../source/index.ts'
import { faultFields, handlerFields, helpers, insertionNames, mappingTypes } from './helpers.ts'

/** How control comes to a function that maps memory out. */
export type MapSite = {
  readonly func: Func
  /** `mmap`: the handler of an ops table; `fault`: of a vm_ops; `inserts`: a function that puts entries in; `hands-on`: it calls such a handler. */
  readonly role: 'mmap' | 'fault' | 'inserts' | 'hands-on'
  /** The parameter: a VMA, a descriptor, a fault. */
  readonly param: number
  readonly type: (typeof mappingTypes)[number]
  /** The struct and field that it stands in. */
  readonly fields: readonly string[]
}

/** Every function of the tree that maps memory out, in order of file and line. */
export function mapSites(program: Program, signal?: AbortSignal): MapSite[] {
  const handlers = new Set<string>()
  for (const field of handlerFields)
    for (const path of program.filesWith(field))
      for (const name of named(program.text(path) ?? '', handlerFields)) handlers.add(name)
  const paths = new Set<string>()
  for (const type of mappingTypes)
    for (const path of program.filesWith(type)) if (program.scope(path)) paths.add(path)
  const found: MapSite[] = []
  for (const path of [...paths].sort()) {
    signal?.throwIfAborted()
    const file = program.file(path)
    if (file !== undefined) found.push(...sitesIn(program, file, handlers))
  }
  return found
}

function sitesIn(program: Program, file: CFile, handlers: ReadonlySet<string>): MapSite[] {
  const { text } = file.source
  const faults = new Set(named(text, faultFields))
  const inserting = insertionNames.filter((n) => text.includes(n))
  const found: MapSite[] = []
  for (const func of file.functions) {
    const site = mappingParam(func)
    if (site === undefined || (helpers.get(func.name)?.inserts !== undefined && core(file.path))) continue
    const isHandler = site.type !== 'vm_fault' && handlers.has(func.name)
    const isFault =
      site.type === 'vm_fault' && (faults.has(func.name) || (!func.static && isFaultElsewhere(program, func)))
    const role = isHandler
      ? 'mmap'
      : isFault
        ? 'fault'
        : inserting.some((n) => func.mentions(n))
          ? 'inserts'
          : handsOn(func)
            ? 'hands-on'
            : // Others call it in their handlers, by a header's function.
              site.type !== 'vm_fault' && helpers.get(func.name)?.contract !== undefined
              ? 'mmap'
              : undefined
    if (role !== undefined) found.push({ func, role, ...site, fields: [] })
  }
  return found
}

/** A fault handler may stand in another file than its vm_ops. */
const isFaultElsewhere = (program: Program, { name, file }: Func): boolean =>
  program
    .filesWith(name)
    .some((path) => path !== file.path && named(program.text(path) ?? '', faultFields).includes(name))

/** The helpers themselves are what the others are judged by. */
const core = (path: string): boolean => /^(mm|kernel\/dma|include)\//.test(path)

function mappingParam(func: Func): Pick<MapSite, 'param' | 'type'> | undefined {
  for (const [param, p] of func.params.entries()) {
    if (p.type.pointer !== 1) continue
    const type = mappingTypes.find((t) => p.type.base === `struct ${t}`)
    if (type !== undefined) return { param, type }
  }
  return undefined
}

/** It calls `->mmap(…)` with its VMA. */
function handsOn(func: Func): boolean {
  if (!handlerFields.some((f) => func.mentions(f))) return false
  return callsOf(func).some(
    (c) => calleeName(c) === '' && c.callee.kind === 'member' && handlerFields.includes(c.callee.field),
  )
}

/** What is put into such a field: `.mmap = f`, `x->mmap = f`. */
function named(text: string, fields: readonly string[]): string[] {
  const found: string[] = []
  for (const field of fields)
    for (let at = text.indexOf(field); at >= 0; at = text.indexOf(field, at + field.length)) {
      const before = text[at - 1]
      if (before !== '.' && (before !== '>' || text[at - 2] !== '-')) continue
      given.lastIndex = at + field.length
      const m = given.exec(text)
      if (m !== null) found.push(m[1]!)
    }
  return found
}
const given = /\s*=\s*&?(\w+)\s*[,;}\n\\]/y
