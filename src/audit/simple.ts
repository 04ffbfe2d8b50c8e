// temporary: a Code over a few files
import { readFileSync } from 'node:fs'
import { type CFile, type Func, parseC } from '../source/index.ts'
import type { Code, Graph } from './code.ts'
import { graphOf } from './graph.ts'

export function simpleCode(paths: string[], root = ''): Code & { files: CFile[] } {
  const files = paths.map((p) => parseC(p, readFileSync(root + p, 'utf8')))
  const graphs = new Map<Func, Graph>()
  return {
    files,
    resolve(name, from) {
      return (
        from.functions.find((f) => f.name === name) ??
        files.flatMap((f) => f.functions).find((f) => f.name === name && !f.static)
      )
    },
    macro(name, from) {
      return (
        from.macros.find((m) => m.name === name) ??
        files.flatMap((f) => f.macros).find((m) => m.name === name)
      )
    },
    struct(tag, from) {
      return (
        from.structs.find((s) => s.name === tag) ??
        files.flatMap((f) => f.structs).find((s) => s.name === tag)
      )
    },
    global(name, from) {
      return from.globals.find((g) => g.name === name)
    },
    ops() {
      return []
    },
    graph(func) {
      let g = graphs.get(func)
      if (g === undefined) graphs.set(func, (g = graphOf(func)))
      return g
    },
    callers(func) {
      return func.file.functions.filter((f) => f !== func && f.mentions(func.name))
    },
    module(file) {
      return [file]
    },
    mentioning() {
      return files
    },
    exported(func) {
      return func.file.exports.has(func.name)
    },
  }
}
