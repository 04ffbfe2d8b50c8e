import type { CFile, Cleanup, Expr, Func, Global, Local, Macro, OpsEntry, Struct } from '../source/index.ts'

/** The kernel tree as the walk sees it. Every question is answered at once. */
export type Code = {
  /** The function that a call of `name` in `from` reaches: static in the file, else the one that the tree has. */
  resolve(name: string, from: CFile): Func | undefined
  /** The same, without looking beyond the file. */
  resolveHere(name: string, from: CFile): Func | undefined
  macro(name: string, from: CFile): Macro | undefined
  macroHere(name: string, from: CFile): Macro | undefined
  /** By tag: `follow_pfnmap_args`. */
  struct(tag: string, from: CFile): Struct | undefined
  global(name: string, from: CFile): Global | undefined
  /** Functions put into this field of ops tables of this struct; of any struct when it is not known. */
  ops(struct: string | undefined, field: string): readonly OpsEntry[]
  /** Whether a function of that name is one of them. */
  fills(struct: string, field: string, func: string): boolean
  graph(func: Func): Graph
  /** Functions of the file that call it, or of the whole tree when it is not static. */
  callers(func: Func): readonly Func[]
  /** Files linked together with this one that mention a word, and another if there is one. */
  moduleWith(file: CFile, word: string, other?: string): readonly CFile[]
  /** Their paths. */
  moduleFiles(file: CFile): readonly string[]
  /** Files of the tree that mention a word. */
  mentioning(word: string): readonly CFile[]
  /** Of these the ones whose text is like that, read one by one as they are asked for. */
  mentioningLike(word: string, pattern: RegExp): Iterable<CFile>
  exported(func: Func): boolean
}

/** Control flow, one evaluation per node. */
export type Graph = { readonly entry: number; readonly nodes: readonly GraphNode[] }
export type GraphNode =
  | { readonly kind: 'eval'; readonly expr: Expr; readonly to: number }
  | { readonly kind: 'local'; readonly local: Local; readonly to: number }
  | { readonly kind: 'test'; readonly cond: Expr; readonly yes: number; readonly no: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  /** `list_for_each_entry(…)`: into the body, or behind it. */
  | { readonly kind: 'each'; readonly expr: Expr; readonly to: readonly number[] }
  | {
      readonly kind: 'switch'
      readonly on: Expr
      readonly cases: readonly { readonly value: Expr; readonly to: number }[]
      readonly otherwise: number
    }
  | { readonly kind: 'return'; readonly value?: Expr; readonly to: number }
  | { readonly kind: 'cleanup'; readonly cleanup: Cleanup; readonly to: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'dead' }
