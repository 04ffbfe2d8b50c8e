import { type Expr, type Func, visit } from '../../source/index.ts'
import type { Graph, GraphNode } from '../code.ts'
import { liveness, successors } from './live.ts'

/** What is still asked about at each node of a function: the rest may be forgotten, so that ways meet again. */
export type Names = {
  /** The locals that something from there on reads. */
  readonly live: readonly ReadonlySet<string>[]
  /** The names in the conditions that may come. */
  readonly asked: readonly ReadonlySet<string>[]
}

/** `results`: what is returned is asked about as well, by the caller. */
export function namesOf(func: Func, graph: Graph, results: boolean): Names {
  const cache = results ? withResults : withoutResults
  let names = cache.get(func)
  if (names === undefined) {
    names = {
      live: withResults.get(func)?.live ?? withoutResults.get(func)?.live ?? liveness(func, graph),
      asked: askedIn(func, graph, results),
    }
    cache.set(func, names)
  }
  return names
}
const withResults = new WeakMap<Func, Names>()
const withoutResults = new WeakMap<Func, Names>()

function askedIn(func: Func, { nodes }: Graph, results: boolean): readonly ReadonlySet<string>[] {
  const text = func.file.source.text
  const names = (x: Expr): string[] => text.slice(x.start, x.end).match(/[A-Za-z_]\w*/g) ?? []
  const own = nodes.map((n) => {
    const e = n.kind === 'test' ? n.cond : n.kind === 'switch' ? n.on : undefined
    const found = new Set(e === undefined ? [] : names(e))
    if (results && n.kind === 'return' && n.value !== undefined) for (const w of names(n.value)) found.add(w)
    // Conditions inside an expression, `a ? b : c`, and inside what is called.
    const inner = expressionOf(n)
    if (inner !== undefined)
      visit(inner, (x) => {
        if (x.kind === 'ternary' || x.kind === 'call') for (const w of names(x)) found.add(w)
      })
    return found
  })
  const asked = nodes.map(() => new Set<string>())
  for (let grown = true; grown; ) {
    grown = false
    for (let i = nodes.length - 1; i >= 0; i--) {
      const size = asked[i]!.size
      for (const w of own[i]!) asked[i]!.add(w)
      for (const to of successors(nodes[i]!)) for (const w of asked[to]!) asked[i]!.add(w)
      if (asked[i]!.size > size) grown = true
    }
  }
  return asked
}

const expressionOf = (n: GraphNode): Expr | undefined =>
  n.kind === 'eval' ? n.expr : n.kind === 'local' ? n.local.init : n.kind === 'return' ? n.value : undefined
