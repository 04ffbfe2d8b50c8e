import type { Expr, Func } from '../../source/index.ts'
import type { Graph, GraphNode } from '../code.ts'

/**
 * For each node, the names that something from there on reads before it is written anew. What is dead is forgotten, so that
 * paths that differ in nothing else meet again. `questions` are conditions, by their text: those asked again are kept, too.
 */
export function liveness(
  func: Func,
  graph: Graph,
  questions: (cond: Expr) => readonly string[] = () => [],
): readonly ReadonlySet<string>[] {
  const text = func.file.source.text
  const names = (e: Expr): string[] => text.slice(e.start, e.end).match(/\b[A-Za-z_]\w*/g) ?? []
  // A local whose address is taken may be read through it at any time.
  const pinned = new Set<string>()
  for (const m of text.slice(func.start, func.end).matchAll(/&\s*([A-Za-z_]\w*)/g)) pinned.add(m[1]!)

  // So may an array, which is handed on without one.
  for (const l of func.body.locals) if (l.type.array) pinned.add(l.name)

  const reads: string[][] = []
  const writes: (string | undefined)[] = []
  const next: number[][] = []
  for (const node of graph.nodes) {
    reads.push(readBy(node, names, questions))
    writes.push(writtenBy(node))
    next.push(successors(node))
  }
  const before: number[][] = graph.nodes.map(() => [])
  for (const [i, n] of next.entries()) for (const to of n) before[to]!.push(i)

  const live = graph.nodes.map(() => new Set(pinned))
  const queue = graph.nodes.map((_, i) => i)
  const waiting = new Set(queue)
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    waiting.delete(i)
    const set = live[i]!
    const size = set.size
    for (const to of next[i]!) for (const name of live[to]!) if (name !== writes[i]) set.add(name)
    for (const name of reads[i]!) set.add(name)
    if (set.size === size && size > pinned.size) continue
    if (set.size !== size)
      for (const b of before[i]!)
        if (!waiting.has(b)) {
          waiting.add(b)
          queue.push(b)
        }
  }
  return live
}

function readBy(
  node: GraphNode,
  names: (e: Expr) => string[],
  questions: (cond: Expr) => readonly string[],
): string[] {
  switch (node.kind) {
    case 'eval': {
      const e = node.expr
      // `x = …` does not read x.
      if (e.kind === 'assign' && e.op === '=' && e.target.kind === 'name') return names(e.value)
      return names(e)
    }
    case 'local':
      return node.local.init === undefined ? [] : names(node.local.init)
    case 'test':
      return [...names(node.cond), ...questions(node.cond)]
    case 'switch':
      return names(node.on)
    case 'return':
      return node.value === undefined ? [] : names(node.value)
    case 'each':
      return names(node.expr)
    case 'cleanup':
      return node.cleanup.kind === 'free' ? [node.cleanup.variable] : []
    case 'fork':
    case 'end':
    case 'dead':
      return []
  }
}

function writtenBy(node: GraphNode): string | undefined {
  if (node.kind === 'local') return node.local.name
  if (
    node.kind === 'eval' &&
    node.expr.kind === 'assign' &&
    node.expr.op === '=' &&
    node.expr.target.kind === 'name'
  )
    return node.expr.target.name
  return undefined
}

export function successors(node: GraphNode): number[] {
  switch (node.kind) {
    case 'eval':
    case 'local':
    case 'return':
    case 'cleanup':
      return [node.to]
    case 'test':
      return [node.yes, node.no]
    case 'fork':
    case 'each':
      return [...node.to]
    case 'switch':
      return [...node.cases.map((c) => c.to), node.otherwise]
    case 'end':
    case 'dead':
      return []
  }
}

/** Whether control can get from one node to another. */
export function reachIn(func: Func, { nodes }: Graph, from: number, to: number): boolean {
  let known = reaching.get(func)
  if (known === undefined) reaching.set(func, (known = new Map()))
  let sources = known.get(to)
  if (sources === undefined) {
    const before: number[][] = nodes.map(() => [])
    for (const [i, n] of nodes.entries()) for (const next of successors(n)) before[next]!.push(i)
    sources = new Set()
    const queue = [to]
    for (let i = queue.pop(); i !== undefined; i = queue.pop())
      for (const b of before[i]!)
        if (!sources.has(b)) {
          sources.add(b)
          queue.push(b)
        }
    known.set(to, sources)
  }
  return sources.has(from)
}
/** For each node that was asked about, those from which it is reached. */
const reaching = new WeakMap<Func, Map<number, Set<number>>>()
