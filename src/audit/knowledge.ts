import type { CFile, Func, Global, Macro, OpsEntry, Program, Struct } from '../source/index.ts'
import type { Code, Graph } from './code.ts'
import { graphOf } from './graph.ts'

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
        const found = await this.#program.resolve(name, from)
        // Of several, for other architectures or configurations, one that does something.
        return [...found].sort((a, b) => b.end - b.start - (a.end - a.start))[0]
      },
      undefined,
    )
  }

  macro(name: string, from: CFile): Macro | undefined {
    const own = from.macros.findLast((m) => m.name === name)
    if (own !== undefined) return own
    return this.#ask(`macro ${name} ${from.path}`, [name], () => this.#program.macro(name, from), undefined)
  }

  struct(tag: string, from: CFile): Struct | undefined {
    const own = from.structs.find((s) => s.name === tag)
    if (own !== undefined) return own
    return this.#ask(
      `struct ${tag} ${from.path.replace(/[^/]*$/, '')}`,
      [tag],
      async () => {
        const directory = from.path.replace(/[^/]*$/, '')
        const all = await this.#program.filesWith(tag)
        const defines = new RegExp(`\\b(struct|union)\\s+${tag}\\s*\\{`)
        // Nearest first: the directory, then headers.
        const near = all.filter((f) => f.startsWith(directory))
        const headers = all.filter((f) => f.endsWith('.h') && !f.startsWith(directory))
        for (const path of [...near, ...headers]) {
          const text = this.#program.tree.text(path)
          if (text === undefined || !defines.test(text)) continue
          const found = this.#program.file(path)?.structs.find((s) => s.name === tag)
          if (found !== undefined) return found
        }
        return undefined
      },
      undefined,
    )
  }

  global(name: string, from: CFile): Global | undefined {
    return from.globals.find((g) => g.name === name)
  }

  ops(struct: string | undefined, field: string): readonly OpsEntry[] {
    if (struct === undefined) return []
    return this.#ask(
      `ops ${struct} ${field}`,
      [struct, field],
      () => this.#program.implementations(struct, field),
      [],
    )
  }

  graph(func: Func): Graph {
    return graphOf(func)
  }

  callers(func: Func): readonly Func[] {
    return this.#ask(
      `callers ${func.name} ${func.file.path}`,
      [func.name],
      async () => {
        const found = await this.#program.callers(func)
        return [...new Set(found.map((c) => c.func))].filter((f) => f !== func)
      },
      [],
    )
  }

  moduleWith(file: CFile, word: string): readonly CFile[] {
    return this.#ask(
      `module ${file.path} ${word}`,
      [word],
      async () => {
        const { files } = this.#program.module(file.path)
        const with_ = new Set(await this.#program.filesWith(word))
        return this.#read([file.path, ...files.filter((f) => f !== file.path)].filter((f) => with_.has(f)))
      },
      [],
    )
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
