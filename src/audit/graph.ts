import { type Cfg, type CfgNode, cfgOf, type Func } from '../source/index.ts'
import type { Graph, GraphNode } from './code.ts'

/** The control flow of a function, in the walk's terms. */
export function graphOf(func: Func): Graph {
  let graph = cache.get(func)
  if (graph === undefined) {
    const cfg = cfgOf(func)
    graph = { entry: cfg.entry, nodes: cfg.nodes.map((n) => convert(n, cfg)) }
    cache.set(func, graph)
  }
  return graph
}
const cache = new WeakMap<Func, Graph>()

function convert(n: CfgNode, cfg: Cfg): GraphNode {
  const next = n.succ[0]?.to
  const onward = (node: (to: number) => GraphNode): GraphNode =>
    next === undefined ? { kind: 'dead' } : node(next)
  switch (n.kind) {
    case 'exit':
      return { kind: 'end' }
    case 'eval':
      return onward((to) => ({ kind: 'eval', expr: n.expr!, to }))
    case 'local':
      return onward((to) => ({ kind: 'local', local: n.local!, to }))
    case 'return':
      return onward((to) => ({ kind: 'return', ...(n.expr !== undefined && { value: n.expr }), to }))
    case 'cleanup':
      return onward((to) => ({ kind: 'cleanup', cleanup: n.cleanup!, to }))
    case 'branch': {
      const yes = n.succ.find((e) => e.when === 'true')?.to
      const no = n.succ.find((e) => e.when === 'false')?.to
      if (yes !== undefined && no !== undefined) return { kind: 'test', cond: n.expr!, yes, no }
      return onward((to) => ({ kind: 'eval', expr: n.expr!, to }))
    }
    case 'each':
      return { kind: 'each', expr: n.expr!, to: n.succ.map((e) => e.to) }
    case 'switch':
      return {
        kind: 'switch',
        on: n.expr!,
        cases: n.succ.flatMap((e) => (e.when === 'case' ? [{ value: e.low!, to: e.to }] : [])),
        otherwise: n.succ.find((e) => e.when === 'default')?.to ?? cfg.exit,
      }
    case 'entry':
    case 'join':
    case 'arms':
    case 'unknown':
      return { kind: 'fork', to: n.succ.map((e) => e.to) }
  }
}
