import {
  type CFile,
  type Func,
  type Global,
  type Macro,
  type OpsEntry,
  opsOf,
  type Program,
  type Struct,
} from '../source/index.ts'
import type { Code, Graph } from './code.ts'
import { eachExpr, eachStmt } from './each.ts'
import { graphOf } from './graph.ts'

const most = { files: 150 }

/** What has been found out about a tree so far: every question is answered once. */
export class Knowledge implements Code {
  readonly #program: Program
  readonly #answers = new Map<string, unknown>()
  readonly #modules = new Map<readonly string[], Map<string, readonly string[]>>()

  constructor(program: Program) {
    this.#program = program
  }

  #once<T>(key: string, find: () => T): T {
    if (!this.#answers.has(key)) this.#answers.set(key, find())
    return this.#answers.get(key) as T
  }

  resolveHere(name: string, from: CFile): Func | undefined {
    const found = functionsOf(from).get(name)
    return found === undefined || this.#stub(found) ? undefined : found
  }

  /** `static inline … { return 0; }` in a header, for kernels without the file that has the function itself. */
  #stub(func: Func): boolean {
    const { file, name } = func
    if (!func.inline || func.conditions.length === 0 || !file.path.endsWith('.h')) return false
    return this.#once(`stub ${name} ${file.path}`, () => {
      const same = (f: Func): boolean => !f.static && !f.file.path.endsWith('.h')
      return !this.#everywhere(name) && this.#program.definitions(name).some(same)
    })
  }

  resolve(name: string, from: CFile): Func | undefined {
    const here = this.resolveHere(name, from)
    if (here !== undefined) return here
    return this.#once(`function ${name} ${from.path}`, () => {
      if (this.#everywhere(name)) return undefined
      const found = this.#program.resolve(name, from)
      // Of several, for other architectures or configurations, one that does something.
      return [...found].sort((a, b) => b.end - b.start - (a.end - a.start))[0]
    })
  }

  /** A name that stands in hundreds of files is a helper of the whole kernel: what it does is in api.ts, or it does nothing to us. */
  #everywhere(name: string): boolean {
    return this.#program.filesWith(name).length > most.files
  }

  macroHere(name: string, from: CFile): Macro | undefined {
    return from.macros.findLast((m) => m.name === name)
  }

  macro(name: string, from: CFile): Macro | undefined {
    const own = this.macroHere(name, from)
    if (own !== undefined) return own
    return this.#once(`macro ${name} ${from.path}`, () =>
      this.#everywhere(name) ? undefined : this.#program.macro(name, from),
    )
  }

  struct(tag: string, from: CFile): Struct | undefined {
    const own = from.structs.find((s) => s.name === tag)
    if (own !== undefined) return own
    if (!/^\w+$/.test(tag)) return undefined // it has no name
    return this.#once(`struct ${tag} ${from.path}`, () => this.#program.struct(tag, from))
  }

  global(name: string, from: CFile): Global | undefined {
    return from.globals.find((g) => g.name === name)
  }

  ops(struct: string | undefined, field: string): readonly OpsEntry[] {
    return this.#once(`ops ${struct} ${field}`, () => {
      const files = this.#program.filesWith(field)
      if (struct !== undefined) {
        const tables = this.#program.implementations(struct, field)
        return files.length > most.files
          ? tables
          : [...tables, ...this.#program.read(files).flatMap((f) => assigned(f, field))]
      }
      if (files.length > most.files) return []
      return this.#program
        .read(files)
        .flatMap((f) => [...opsOf(f).filter((o) => o.field === field), ...assigned(f, field)])
    })
  }

  fills(struct: string, field: string, func: string): boolean {
    return this.#once(`fills ${struct} ${field} ${func}`, () => {
      if (this.#program.implementations(struct, field, func).length > 0) return true
      const files = this.#program.filesWith(field)
      return (
        files.length <= most.files &&
        this.#program
          .read(this.#program.among(files, func))
          .some((f) => assigned(f, field).some((o) => o.func === func))
      )
    })
  }

  graph(func: Func): Graph {
    return graphOf(func)
  }

  callers(func: Func): readonly Func[] {
    return this.#once(`callers ${func.name} ${func.file.path}`, () => {
      const found = this.#program.callers(func)
      return [...new Set(found.map((c) => c.func))].filter((f) => f !== func)
    })
  }

  moduleFiles(file: CFile): readonly string[] {
    return this.#program.module(file.path).files
  }

  moduleWith(file: CFile, word: string, other?: string): readonly CFile[] {
    const files = this.moduleFiles(file)
    const words = other === undefined ? [word] : [word, other]
    const [first = [], second = first] = words.map((w) => this.#holding(files, w))
    const found = first.filter((f) => f !== file.path && second.includes(f))
    const own = words.every((w) => this.#program.among([file.path], w).length > 0)
    return this.#program.read(own ? [file.path, ...found] : found)
  }

  /** Those of a module's files that hold a word. The files of one module are one list, from wherever it is asked. */
  #holding(files: readonly string[], word: string): readonly string[] {
    let known = this.#modules.get(files)
    if (known === undefined) this.#modules.set(files, (known = new Map<string, readonly string[]>()))
    let found = known.get(word)
    if (found === undefined) known.set(word, (found = this.#program.among(files, word)))
    return found
  }

  mentioning(word: string): readonly CFile[] {
    return this.#once(`mentioning ${word}`, () => this.#program.read(this.#program.filesWith(word)))
  }

  *mentioningLike(word: string, pattern: RegExp): Iterable<CFile> {
    for (const path of this.#program.filesWith(word)) {
      if (!pattern.test(this.#program.text(path) ?? '')) continue
      const file = this.#program.file(path)
      if (file !== undefined) yield file
    }
  }

  exported(func: Func): boolean {
    return func.file.exports.has(func.name)
  }
}

/** `platform.untracked = uv_untracked`: a pointer that is set in code. */
function assigned(file: CFile, field: string): OpsEntry[] {
  const found: OpsEntry[] = []
  const sets = new RegExp(`(->|\\.)\\s*${field}\\s*=[^=]`)
  for (const func of file.functions) {
    if (!sets.test(file.source.text.slice(func.start, func.end))) continue
    eachStmt(func.body.stmts, (outer) =>
      eachExpr(outer, (e) => {
        if (e.kind !== 'assign' || e.target.kind !== 'member' || e.target.field !== field) return
        const value = e.value.kind === 'unary' && e.value.op === '&' ? e.value.of : e.value
        if (value.kind !== 'name' || value.name === 'NULL') return
        const line = file.source.position(e.start).line
        found.push({ table: '', struct: '', field, func: value.name, file, line })
      }),
    )
  }
  return found
}

const functionsOf = (file: CFile): ReadonlyMap<string, Func> => {
  let map = functions.get(file)
  if (map === undefined) {
    map = new Map()
    for (const f of file.functions) {
      // Of two, in the arms of an #if, the one that does more.
      const before = map.get(f.name)
      if (before === undefined || f.end - f.start > before.end - before.start)
        (map as Map<string, Func>).set(f.name, f)
    }
    functions.set(file, map)
  }
  return map
}
const functions = new WeakMap<CFile, ReadonlyMap<string, Func>>()
