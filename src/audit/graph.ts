import type { Expr, Func, Stmt } from '../source/index.ts'
import type { Graph, GraphNode } from './code.ts'

/** The control flow of a function, in the walk's terms. */
export function graphOf(func: Func): Graph {
  const b = new Builder()
  const end = b.add({ kind: 'return' })
  const entry = b.block(func.body.stmts, end, {})
  b.patch()
  return { entry, nodes: b.nodes }
}

type Around = { readonly onBreak?: number; readonly onContinue?: number; readonly cases?: Case[] }
type Case = { readonly value?: Expr; readonly to: number }

class Builder {
  readonly nodes: GraphNode[] = []
  readonly #labels = new Map<string, number>()
  readonly #gotos: { at: number; label: string | undefined }[] = []

  add(node: GraphNode): number {
    this.nodes.push(node)
    return this.nodes.length - 1
  }

  patch(): void {
    for (const { at, label } of this.#gotos) {
      const to = label === undefined ? undefined : this.#labels.get(label)
      this.nodes[at] = to === undefined ? { kind: 'dead' } : { kind: 'fork', to: [to] }
    }
  }

  block(stmts: readonly Stmt[], next: number, around: Around): number {
    let to = next
    for (let i = stmts.length - 1; i >= 0; i--) to = this.stmt(stmts[i]!, to, around)
    return to
  }

  stmt(s: Stmt, next: number, around: Around): number {
    switch (s.kind) {
      case 'expr':
        return this.add({ kind: 'eval', expr: s.expr, to: next })
      case 'local':
        return this.add({ kind: 'local', local: s, to: next })
      case 'block':
        return this.block(s.body, next, around)
      case 'if': {
        const yes = this.stmt(s.then, next, around)
        const no = s.otherwise === undefined ? next : this.stmt(s.otherwise, next, around)
        return this.add({ kind: 'test', cond: s.cond, yes, no })
      }
      case 'while': {
        const head = this.add({ kind: 'dead' })
        const body = this.stmt(s.body, head, { ...around, onBreak: next, onContinue: head })
        this.nodes[head] = { kind: 'test', cond: s.cond, yes: body, no: next }
        return head
      }
      case 'do': {
        const test = this.add({ kind: 'dead' })
        const body = this.stmt(s.body, test, { ...around, onBreak: next, onContinue: test })
        this.nodes[test] = { kind: 'test', cond: s.cond, yes: body, no: next }
        return body
      }
      case 'for': {
        const head = this.add({ kind: 'dead' })
        const step = s.step === undefined ? head : this.add({ kind: 'eval', expr: s.step, to: head })
        const body = this.stmt(s.body, step, { ...around, onBreak: next, onContinue: step })
        this.nodes[head] =
          s.cond === undefined
            ? { kind: 'fork', to: [body] }
            : { kind: 'test', cond: s.cond, yes: body, no: next }
        return this.block(s.init, head, around)
      }
      case 'macro': {
        if (s.as !== 'loop') {
          const body = this.stmt(s.body, next, around)
          const to = s.as === 'scoped' ? body : this.add({ kind: 'fork', to: [body, next] })
          return this.add({ kind: 'eval', expr: s.call, to })
        }
        const head = this.add({ kind: 'dead' })
        const body = this.stmt(s.body, head, { ...around, onBreak: next, onContinue: head })
        this.nodes[head] = { kind: 'fork', to: [body, next] }
        return this.add({ kind: 'eval', expr: s.call, to: head })
      }
      case 'switch': {
        const cases: Case[] = []
        this.stmt(s.body, next, { ...around, onBreak: next, cases })
        return this.add({
          kind: 'switch',
          on: s.on,
          cases: cases.flatMap((c) => (c.value === undefined ? [] : [{ value: c.value, to: c.to }])),
          otherwise: cases.find((c) => c.value === undefined)?.to ?? next,
        })
      }
      case 'case':
        around.cases?.push({ ...(s.low !== undefined && { value: s.low }), to: next })
        return next
      case 'label':
        this.#labels.set(s.name, next)
        return next
      case 'goto': {
        const at = this.add({ kind: 'dead' })
        this.#gotos.push({ at, label: s.label })
        return at
      }
      case 'break':
        return around.onBreak ?? next
      case 'continue':
        return around.onContinue ?? next
      case 'empty':
      case 'unknown':
        return next
      case 'return':
        return this.add({ kind: 'return', ...(s.value !== undefined && { value: s.value }) })
      case 'arms': {
        const to = s.arms.map((a) => this.block(a.body, next, around))
        return this.add({ kind: 'fork', to: s.maybe ? [...to, next] : to })
      }
    }
  }
}
