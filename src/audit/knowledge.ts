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

/**
 * What has been found out about a tree so far. The walk asks and gets an answer at once; a question that cannot be answered yet is put
 * down, `fetch` answers all that are open in a few passes over the tree, and whoever asked asks again. So the walk is plain code, and the
 * tree is read for what is needed only.
 */
export class Knowledge implements Code {
  readonly #program: Program
  readonly #answers = new Map<string, unknown>()
  #wanted = new Map<string, { words: readonly string[]; find: () => Promise<unknown> }>()
  missing = 0

  constructor(program: Program) {
    this.#program = program
  }

  /** Whether something was asked that has no answer yet. */
  get open(): boolean {
    return this.#wanted.size > 0
  }

  wantedKeys(): string[] {
    return [...this.#wanted.keys()]
  }

  async fetch(): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = new Map()
    await this.#program.prepare([...wanted.values()].flatMap((w) => w.words))
    for (const [key, { find }] of wanted) this.#answers.set(key, await find())
  }

  #ask<T>(key: string, words: readonly string[], find: () => Promise<T>, meanwhile: T): T {
    if (this.#answers.has(key)) return this.#answers.get(key) as T
    if (!this.#wanted.has(key)) this.#wanted.set(key, { words, find })
    this.missing++
    return meanwhile
  }

  resolveHere(name: string, from: CFile): Func | undefined {
    return functionsOf(from).get(name)
  }

  resolve(name: string, from: CFile): Func | undefined {
    const here = this.resolveHere(name, from)
    if (here !== undefined) return here
    return this.#ask(
      `function ${name} ${from.path}`,
      [name],
      async () => {
        if (await this.#everywhere(name)) return undefined
        const found = await this.#program.resolve(name, from)
        // Of several, for other architectures or configurations, one that does something.
        return [...found].sort((a, b) => b.end - b.start - (a.end - a.start))[0]
      },
      undefined,
    )
  }

  /** A name that stands in hundreds of files is a helper of the whole kernel: what it does is in api.ts, or it does nothing to us. */
  async #everywhere(name: string): Promise<boolean> {
    return (await this.#program.filesWith(name)).length > most.files
  }

  macroHere(name: string, from: CFile): Macro | undefined {
    return from.macros.findLast((m) => m.name === name)
  }

  macro(name: string, from: CFile): Macro | undefined {
    const own = this.macroHere(name, from)
    if (own !== undefined) return own
    return this.#ask(
      `macro ${name} ${from.path}`,
      [name],
      async () => ((await this.#everywhere(name)) ? undefined : this.#program.macro(name, from)),
      undefined,
    )
  }

  struct(tag: string, from: CFile): Struct | undefined {
    const own = from.structs.find((s) => s.name === tag)
    if (own !== undefined) return own
    if (!/^\w+$/.test(tag)) return undefined // it has no name
    return this.#ask(`struct ${tag} ${from.path}`, [tag], () => this.#program.struct(tag, from), undefined)
  }

  global(name: string, from: CFile): Global | undefined {
    return from.globals.find((g) => g.name === name)
  }

  ops(struct: string | undefined, field: string): readonly OpsEntry[] {
    return this.#ask(
      `ops ${struct} ${field}`,
      struct === undefined ? [field] : [struct, field],
      async () => {
        const files = await this.#program.filesWith(field)
        if (struct !== undefined) {
          const tables = await this.#program.implementations(struct, field)
          return files.length > most.files
            ? tables
            : [...tables, ...this.#read(files).flatMap((f) => assigned(f, field))]
        }
        if (files.length > most.files) return []
        return this.#read(files).flatMap((f) => [
          ...opsOf(f).filter((o) => o.field === field),
          ...assigned(f, field),
        ])
      },
      [],
    )
  }

  graph(func: Func): Graph {
    return graphOf(func)
  }

  callers(func: Func): readonly Func[] {
    const inFile = func.static && !func.file.path.endsWith('.h')
    return this.#ask(
      `callers ${func.name} ${func.file.path}`,
      inFile ? [] : [func.name],
      async () => {
        const found = await this.#program.callers(func)
        return [...new Set(found.map((c) => c.func))].filter((f) => f !== func)
      },
      [],
    )
  }

  moduleFiles(file: CFile): readonly string[] {
    return this.#program.module(file.path).files
  }

  moduleWith(file: CFile, word: string, other?: string): readonly CFile[] {
    const words = other === undefined ? [word] : [word, other]
    const key = `module ${file.path} ${words.join(' ')}`
    if (!this.#answers.has(key)) {
      // A module is a few files, and such words (fields: `start`, `pfn`) stand in most files of a tree: no question to the tree.
      const files = [file.path, ...this.moduleFiles(file).filter((f) => f !== file.path)]
      const written = words.map((w) => new RegExp(`\\b${w}\\b`))
      const has = (path: string): boolean => {
        const text = this.#program.text(path)
        return text !== undefined && written.every((w) => w.test(text))
      }
      this.#answers.set(key, this.#read(files.filter(has)))
    }
    return this.#answers.get(key) as readonly CFile[]
  }

  mentioning(word: string): readonly CFile[] {
    return this.#ask(
      `mentioning ${word}`,
      [word],
      async () => this.#read(await this.#program.filesWith(word)),
      [],
    )
  }

  exported(func: Func): boolean {
    return func.file.exports.has(func.name)
  }

  #read(paths: readonly string[]): CFile[] {
    return paths.flatMap((p) => this.#program.file(p) ?? [])
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
