import type { Body, Call, Expr, Func, Local, Stmt } from './ir.ts'

/**
 * The control flow graph of a function. A node evaluates one expression; `&&`, `||`, `!` and comma in conditions are
 * branches of their own, so on every path the nodes are exactly what C evaluates, in its order. Scope exits (`__free`,
 * `guard()`, `CLASS()`) are nodes on every way out: fall through, return, goto, break.
 */
export type Cfg = {
  readonly nodes: readonly CfgNode[]
  readonly entry: number
  readonly exit: number
}

export type CfgNode = {
  readonly id: number
  readonly kind:
    | 'entry'
    | 'exit'
    /** Evaluates `expr`. */
    | 'eval'
    /** Declares `local`; `expr` is its initialiser. */
    | 'local'
    /** Evaluates `expr`, then leaves by its edge `true` or `false`. */
    | 'branch'
    /** A macro that loops, `list_for_each_entry(…)`: `true` into the body, `false` behind it. */
    | 'each'
    /** Evaluates `expr`, then leaves by a `case` or `default` edge. */
    | 'switch'
    /** Evaluates `expr` if there is one. `cleanup` nodes may follow on the way to the exit. */
    | 'return'
    /** The end of a scope undoes `cleanup`. */
    | 'cleanup'
    /** A label, a loop head: evaluates nothing. */
    | 'join'
    /** The arms of an #if; one `arm` edge each. */
    | 'arms'
    /** C that was not understood: anything may happen here. */
    | 'unknown'
  readonly expr?: Expr
  readonly local?: Local
  readonly cleanup?: Cleanup
  /** Offset in the file. */
  readonly start: number
  readonly succ: readonly Edge[]
  readonly pred: readonly number[]
}

export type Edge = {
  readonly to: number
  /** Why this edge is taken; absent when there is no choice. */
  readonly when?: 'true' | 'false' | 'case' | 'default' | 'arm'
  /** Of a `case`: its value, and the end of its range. */
  readonly low?: Expr
  readonly high?: Expr
  /** Of an `arm`: the condition, as written; `!(…)` for no arm at all. */
  readonly condition?: string
}

/** What a scope does at its end. */
export type Cleanup =
  /** `T *p __free(name)` */
  | { readonly kind: 'free'; readonly name: string; readonly variable: string; readonly start: number }
  /** `guard(name)(args)`, `scoped_guard(name, args) { }` */
  | { readonly kind: 'guard'; readonly name: string; readonly args: readonly Expr[]; readonly start: number }
  /** `CLASS(name, variable)(args)` */
  | {
      readonly kind: 'class'
      readonly name: string
      readonly variable: string
      readonly args: readonly Expr[]
      readonly start: number
    }

/** Functions and macros of C itself that do not come back; a caller may know more. */
export const noReturn: ReadonlySet<string> = new Set([
  'BUG',
  'panic',
  'unreachable',
  '__builtin_unreachable',
  '__builtin_trap',
  'do_exit',
  'make_task_dead',
  'do_task_dead',
  'kthread_exit',
  'kthread_complete_and_exit',
  'module_put_and_kthread_exit',
  'abort',
  'exit',
])

export function cfgOf(func: Func): Cfg {
  let cfg = cache.get(func)
  if (cfg === undefined) {
    cfg = buildCfg(func.body, func.start)
    cache.set(func, cfg)
  }
  return cfg
}
const cache = new WeakMap<Func, Cfg>()

export const buildCfg = (body: Pick<Body, 'stmts'>, start = 0): Cfg => new Builder(body.stmts, start).cfg

type Mutable<X> = { -readonly [K in keyof X]: X[K] }
/** An edge that has no target yet. */
type Loose = { from: number; edge: Omit<Edge, 'to'> }
type Target = { breaks: Loose[]; continues: Loose[] | undefined; scope: number }

class Builder {
  readonly cfg: Cfg
  readonly #nodes: (Mutable<CfgNode> & { succ: Edge[]; pred: number[] })[] = []
  /** Where control is now. */
  #here: Loose[] = []
  #targets: Target[] = []
  #switches: { node: number; scope: number; hasDefault: boolean }[] = []
  /** Cleanups that are due, outermost first. */
  #due: Cleanup[] = []
  #labels = new Map<string, { node: number; due: readonly Cleanup[] }>()
  #gotos: { from: Loose[]; label: string | undefined; due: readonly Cleanup[]; start: number }[] = []
  #returns: Loose[] = []

  constructor(stmts: readonly Stmt[], start: number) {
    const entry = this.#node('entry', start)
    this.#block(stmts)
    this.#returns.push(...this.#here)
    for (const g of this.#gotos) {
      this.#here = g.from
      const to =
        g.label === undefined
          ? [...this.#labels.values()]
          : [this.#labels.get(g.label)].filter((l) => l !== undefined)
      if (to.length === 0) {
        // A goto to nowhere: out of what can be seen.
        this.#node('unknown', g.start)
        this.#returns.push(...this.#here)
      }
      const from = this.#here
      for (const label of to) {
        this.#here = from
        let common = 0
        while (common < label.due.length && label.due[common] === g.due[common]) common++
        this.#undo(g.due, common, g.start)
        this.#connect(label.node)
      }
    }
    this.#here = this.#returns
    const last = stmts[stmts.length - 1]
    const exit = this.#node('exit', last?.end ?? start)
    this.cfg = { nodes: this.#nodes, entry, exit }
  }

  #node(kind: CfgNode['kind'], start: number, more: Partial<CfgNode> = {}): number {
    const id = this.#nodes.length
    this.#nodes.push({ id, kind, start, ...more, succ: [], pred: [] })
    this.#connect(id)
    this.#here = [{ from: id, edge: {} }]
    return id
  }

  #connect(to: number): void {
    for (const { from, edge } of this.#here) {
      this.#nodes[from]!.succ.push({ to, ...edge })
      this.#nodes[to]!.pred.push(from)
    }
    this.#here = []
  }

  /** Cleanups that are due above `keep`, innermost first. */
  #undo(due: readonly Cleanup[], keep: number, start: number): void {
    if (this.#here.length === 0) return
    for (let k = due.length - 1; k >= keep; k--) this.#node('cleanup', start, { cleanup: due[k]! })
  }

  #block(stmts: readonly Stmt[]): void {
    const keep = this.#due.length
    for (const s of stmts) this.#stmt(s)
    this.#leave(keep, stmts[stmts.length - 1]?.end ?? 0)
  }
  #leave(keep: number, start: number): void {
    this.#undo(this.#due, keep, start)
    this.#due.length = keep
  }

  #stmt(s: Stmt): void {
    switch (s.kind) {
      case 'expr':
        this.#expr(s.expr)
        return
      case 'local':
        if (s.init !== undefined)
          this.#split(s.init, (init) =>
            this.#node('local', s.start, { local: init === s.init ? s : { ...s, init }, expr: init }),
          )
        else this.#node('local', s.start, { local: s })
        if (s.cleanup !== undefined)
          this.#due.push({ kind: 'free', name: s.cleanup, variable: s.name, start: s.start })
        return
      case 'block':
        this.#block(s.body)
        return
      case 'empty':
        return
      case 'if': {
        // A chain of else-ifs in a loop: it may be long.
        const ends: Loose[] = []
        let link: Stmt | undefined = s
        while (link?.kind === 'if') {
          const { yes, no } = this.#condition(link.cond)
          this.#here = yes
          this.#stmt(link.then)
          ends.push(...this.#here)
          this.#here = no
          link = link.otherwise
        }
        if (link !== undefined) this.#stmt(link)
        this.#here.push(...ends)
        return
      }
      case 'while': {
        const head = this.#node('join', s.start)
        const { yes, no } = this.#condition(s.cond)
        const t = this.#loop(yes, s.body)
        this.#here.push(...t.continues!)
        this.#connect(head)
        this.#here = [...no, ...t.breaks]
        return
      }
      case 'do': {
        const once = isConstant(s.cond) === false
        const head = once ? -1 : this.#node('join', s.start)
        const t = this.#loop(this.#here, s.body)
        this.#here.push(...t.continues!)
        if (!once) {
          const { yes, no } = this.#condition(s.cond)
          this.#here = yes
          this.#connect(head)
          this.#here = no
        }
        this.#here.push(...t.breaks)
        return
      }
      case 'for': {
        const keep = this.#due.length
        for (const i of s.init) this.#stmt(i)
        const head = this.#node('join', s.start)
        const { yes, no } = s.cond ? this.#condition(s.cond) : { yes: this.#here, no: [] }
        const t = this.#loop(yes, s.body)
        this.#here.push(...t.continues!)
        if (s.step && this.#here.length > 0) this.#expr(s.step)
        this.#connect(head)
        this.#here = [...no, ...t.breaks]
        this.#leave(keep, s.end)
        return
      }
      case 'macro':
        this.#macro(s)
        return
      case 'switch': {
        const node = this.#split(s.on, (on) => this.#node('switch', s.start, { expr: on }))
        const sw = { node, scope: this.#due.length, hasDefault: false }
        this.#switches.push(sw)
        const target: Target = { breaks: [], continues: undefined, scope: this.#due.length }
        this.#targets.push(target)
        this.#here = []
        this.#stmt(s.body)
        this.#targets.pop()
        this.#switches.pop()
        this.#here.push(...target.breaks)
        if (!sw.hasDefault) this.#here.push({ from: node, edge: { when: 'default' } })
        return
      }
      case 'case': {
        const sw = this.#switches[this.#switches.length - 1]
        if (sw === undefined) return
        if (s.low === undefined) {
          sw.hasDefault = true
          this.#here.push({ from: sw.node, edge: { when: 'default' } })
        } else
          this.#here.push({
            from: sw.node,
            edge: { when: 'case', low: s.low, ...(s.high ? { high: s.high } : {}) },
          })
        return
      }
      case 'label':
        this.#labels.set(s.name, { node: this.#node('join', s.start), due: [...this.#due] })
        return
      case 'goto': {
        // A node of its own, so that paths show where the jump is.
        if (this.#here.length === 0) return
        this.#node('join', s.start)
        this.#gotos.push({ from: this.#here, label: s.label, due: [...this.#due], start: s.start })
        this.#here = []
        return
      }
      case 'break':
      case 'continue': {
        const t =
          s.kind === 'break'
            ? this.#targets[this.#targets.length - 1]
            : this.#targets.findLast((x) => x.continues !== undefined)
        if (t === undefined) return
        this.#undo(this.#due, t.scope, s.start)
        ;(s.kind === 'break' ? t.breaks : t.continues!).push(...this.#here)
        this.#here = []
        return
      }
      case 'return':
        if (s.value) {
          const ends: Loose[] = []
          this.#split(s.value, (value) => {
            const id = this.#node('return', s.start, { expr: value })
            this.#undo(this.#due, 0, s.start)
            ends.push(...this.#here)
            this.#here = []
            return id
          })
          this.#returns.push(...ends)
        } else {
          this.#node('return', s.start)
          this.#undo(this.#due, 0, s.start)
          this.#returns.push(...this.#here)
        }
        this.#here = []
        return
      case 'arms': {
        const node = this.#node('arms', s.start)
        const ends: Loose[] = []
        for (const arm of s.arms) {
          this.#here = [{ from: node, edge: { when: 'arm', condition: arm.condition } }]
          // Not a scope: what an arm declares lives on behind it.
          for (const x of arm.body) this.#stmt(x)
          ends.push(...this.#here)
        }
        if (s.maybe)
          ends.push({
            from: node,
            edge: { when: 'arm', condition: s.arms.map((a) => negated(a.condition)).join(' && ') },
          })
        this.#here = ends
        return
      }
      case 'unknown':
        this.#node('unknown', s.start)
    }
  }

  #loop(enter: Loose[], body: Stmt): Target {
    const t: Target = { breaks: [], continues: [], scope: this.#due.length }
    this.#targets.push(t)
    this.#here = enter
    this.#stmt(body)
    this.#targets.pop()
    return t
  }

  #macro(s: Stmt & { kind: 'macro' }): void {
    if (s.as === 'scoped') {
      const [what, ...args] = s.call.args
      const keep = this.#due.length
      this.#node('eval', s.start, { expr: s.call })
      const name = what?.kind === 'name' ? what.name : calleeName(s.call)
      const isGuard = calleeName(s.call).startsWith('scoped_')
      this.#due.push({
        kind: 'guard',
        name: isGuard ? name : calleeName(s.call),
        args: isGuard ? args : s.call.args,
        start: s.start,
      })
      // These macros are for loops that run once: break and continue leave them.
      const t = this.#loop(this.#here, s.body)
      this.#here.push(...t.breaks, ...t.continues!)
      this.#leave(keep, s.end)
      return
    }
    const node = this.#node(s.as === 'loop' ? 'each' : 'branch', s.start, { expr: s.call })
    const enter: Loose[] = [{ from: node, edge: { when: 'true' } }]
    const leave: Loose = { from: node, edge: { when: 'false' } }
    if (s.as === 'loop') {
      const t = this.#loop(enter, s.body)
      this.#here.push(...t.continues!)
      this.#connect(node)
      this.#here = [leave, ...t.breaks]
    } else {
      this.#here = enter
      this.#stmt(s.body)
      this.#here.push(leave)
    }
  }

  #expr(expr: Expr): void {
    if (expr.kind === 'comma') {
      for (const e of expr.items) this.#expr(e)
      return
    }
    const guard = scopeOf(expr)
    // `a && f();`, `a ? f() : g();`
    if (expr.kind === 'binary' && (expr.op === '&&' || expr.op === '||') && hasEffect(expr.right)) {
      const { yes, no } = this.#condition(expr)
      this.#here = [...yes, ...no]
      return
    }
    this.#split(expr, (e) => this.#node('eval', e.start, { expr: e }))
    if (guard) this.#due.push(guard)
    const callee = expr.kind === 'call' ? calleeName(expr) : ''
    if (noReturn.has(callee)) this.#here = []
  }

  /** `x = c ? f() : g()` is two ways when an arm does something. `make` is called for each. */
  #split(expr: Expr, make: (e: Expr) => number): number {
    const inner = expr.kind === 'assign' && expr.op === '=' ? expr.value : expr
    if (
      inner.kind !== 'ternary' ||
      inner.then === undefined ||
      !(hasEffect(inner.then) || hasEffect(inner.otherwise))
    )
      return make(expr)
    const put = (value: Expr): Expr => (expr.kind === 'assign' ? { ...expr, value } : value)
    const { yes, no } = this.#condition(inner.cond)
    this.#here = yes
    this.#split(put(inner.then), make)
    const ends = this.#here
    this.#here = no
    const id = this.#split(put(inner.otherwise), make)
    this.#here.push(...ends)
    return id
  }

  #condition(cond: Expr): { yes: Loose[]; no: Loose[] } {
    switch (cond.kind) {
      case 'binary': {
        if (cond.op !== '&&' && cond.op !== '||') break
        // `a && b && c` is left-deep: walk it in a loop
        const parts: Expr[] = [cond.right]
        let left: Expr = cond.left
        while (left.kind === 'binary' && left.op === cond.op) {
          parts.push(left.right)
          left = left.left
        }
        parts.push(left)
        const out: Loose[] = []
        let last: { yes: Loose[]; no: Loose[] } = { yes: this.#here, no: [] }
        for (let k = parts.length - 1; k >= 0; k--) {
          last = this.#condition(parts[k]!)
          if (k === 0) break
          out.push(...(cond.op === '&&' ? last.no : last.yes))
          this.#here = cond.op === '&&' ? last.yes : last.no
        }
        return cond.op === '&&'
          ? { yes: last.yes, no: [...out, ...last.no] }
          : { yes: [...out, ...last.yes], no: last.no }
      }
      case 'unary':
        if (cond.op === '!' && !cond.postfix) {
          const { yes, no } = this.#condition(cond.of)
          return { yes: no, no: yes }
        }
        break
      case 'comma': {
        for (const e of cond.items.slice(0, -1)) this.#expr(e)
        return this.#condition(cond.items[cond.items.length - 1]!)
      }
      case 'call': {
        const name = calleeName(cond)
        if ((name === 'likely' || name === 'unlikely') && cond.args.length === 1)
          return this.#condition(cond.args[0]!)
        break
      }
      default:
    }
    const constant = isConstant(cond)
    if (constant !== undefined) return constant ? { yes: this.#here, no: [] } : { yes: [], no: this.#here }
    const node = this.#node('branch', cond.start, { expr: cond })
    this.#here = []
    return { yes: [{ from: node, edge: { when: 'true' } }], no: [{ from: node, edge: { when: 'false' } }] }
  }
}

const negated = (c: string): string => (/^!\w+$/.test(c) ? c.slice(1) : /^\w+$/.test(c) ? `!${c}` : `!(${c})`)

const isConstant = (e: Expr): boolean | undefined =>
  e.kind === 'number' && !Number.isNaN(e.value)
    ? e.value !== 0
    : e.kind === 'name' && (e.name === 'true' || e.name === 'false')
      ? e.name === 'true'
      : undefined

/** The name that is called, `''` for a call through a pointer. */
export const calleeName = (call: Call): string => (call.callee.kind === 'name' ? call.callee.name : '')

function scopeOf(e: Expr): Cleanup | undefined {
  if (e.kind !== 'call' || e.callee.kind !== 'call') return undefined
  const name = calleeName(e.callee)
  const [what, variable] = e.callee.args
  if (what?.kind !== 'name') return undefined
  if (name === 'guard') return { kind: 'guard', name: what.name, args: e.args, start: e.start }
  if (name === 'CLASS' && variable?.kind === 'name')
    return { kind: 'class', name: what.name, variable: variable.name, args: e.args, start: e.start }
  return undefined
}

/** Whether evaluating it can change anything: it calls or assigns. */
export function hasEffect(e: Expr): boolean {
  let effect = false
  visit(e, (x) => {
    if (
      x.kind === 'call' ||
      x.kind === 'assign' ||
      x.kind === 'asm' ||
      x.kind === 'statements' ||
      (x.kind === 'unary' && (x.op === '++' || x.op === '--'))
    )
      effect = true
    return !effect
  })
  return effect
}

// ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The parts of an expression that are evaluated, in order. Not those of sizeof. */
export function parts(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'call':
      return [...e.args, e.callee]
    case 'member':
      return [e.base]
    case 'index':
      return [e.base, e.index]
    case 'unary':
    case 'cast':
      return [e.of]
    case 'binary':
      return [e.left, e.right]
    case 'assign':
      return [e.value, e.target]
    case 'ternary':
      return e.then ? [e.cond, e.then, e.otherwise] : [e.cond, e.otherwise]
    case 'comma':
      return e.items
    case 'init':
      return e.items.map((i) => i.value)
    case 'asm':
      return e.operands
    case 'statements': {
      const out: Expr[] = []
      for (const s of e.body) stmtExprs(s, out)
      return out
    }
    default:
      return []
  }
}

/** Every expression of a statement, outermost, in the order of the text. */
export function stmtExprs(s: Stmt, out: Expr[] = []): Expr[] {
  switch (s.kind) {
    case 'expr':
      out.push(s.expr)
      break
    case 'local':
      if (s.init) out.push(s.init)
      break
    case 'block':
      for (const x of s.body) stmtExprs(x, out)
      break
    case 'if': {
      let link: Stmt | undefined = s
      for (; link?.kind === 'if'; link = link.otherwise) {
        out.push(link.cond)
        stmtExprs(link.then, out)
      }
      if (link) stmtExprs(link, out)
      break
    }
    case 'while':
      out.push(s.cond)
      stmtExprs(s.body, out)
      break
    case 'do':
      stmtExprs(s.body, out)
      out.push(s.cond)
      break
    case 'for':
      for (const x of s.init) stmtExprs(x, out)
      if (s.cond) out.push(s.cond)
      stmtExprs(s.body, out)
      if (s.step) out.push(s.step)
      break
    case 'macro':
      out.push(s.call)
      stmtExprs(s.body, out)
      break
    case 'switch':
      out.push(s.on)
      stmtExprs(s.body, out)
      break
    case 'return':
      if (s.value) out.push(s.value)
      break
    case 'arms':
      for (const a of s.arms) for (const x of a.body) stmtExprs(x, out)
      break
    default:
  }
  return out
}

/** Outermost first; `enter` says whether to go into the parts. */
export function visit(e: Expr, enter: (e: Expr) => boolean | void): void {
  if (enter(e) === false) return
  for (const p of parts(e)) visit(p, enter)
}

/** Something that evaluating an expression does. `conditional`: only if an operand of `&&`, `||` or `?:` says so. */
export type Effect = {
  readonly kind: 'call' | 'assign' | 'step' | 'asm'
  readonly expr: Expr
  readonly conditional: boolean
}

/** The calls and assignments of an expression, in the order of evaluation: arguments before their call, values before targets. */
export function effects(e: Expr): Effect[] {
  const out: Effect[] = []
  const walk = (x: Expr, conditional: boolean): void => {
    switch (x.kind) {
      case 'binary':
        walk(x.left, conditional)
        walk(x.right, conditional || x.op === '&&' || x.op === '||')
        return
      case 'ternary':
        walk(x.cond, conditional)
        if (x.then) walk(x.then, true)
        walk(x.otherwise, true)
        return
      default:
    }
    for (const p of parts(x)) walk(p, conditional)
    if (x.kind === 'call') out.push({ kind: 'call', expr: x, conditional })
    else if (x.kind === 'assign') out.push({ kind: 'assign', expr: x, conditional })
    else if (x.kind === 'asm') out.push({ kind: 'asm', expr: x, conditional })
    else if (x.kind === 'unary' && (x.op === '++' || x.op === '--'))
      out.push({ kind: 'step', expr: x, conditional })
  }
  walk(e, false)
  return out
}

/** The calls of a function, in the order of the text. */
export function callsOf(func: Func): Call[] {
  const out: Call[] = []
  for (const s of func.body.stmts)
    for (const e of stmtExprs(s)) for (const f of effects(e)) if (f.kind === 'call') out.push(f.expr as Call)
  return out
}

// ── Ways through the graph ───────────────────────────────────────────────────────────────────────────────────────────

/** The nodes that can be reached from one, itself included. `backwards`: the nodes that can reach it. */
export function reachable(cfg: Cfg, from: number, backwards = false): Set<number> {
  const seen = new Set([from])
  const stack = [from]
  while (stack.length > 0) {
    const n = cfg.nodes[stack.pop()!]!
    for (const to of backwards ? n.pred : n.succ.map((e) => e.to))
      if (!seen.has(to)) {
        seen.add(to)
        stack.push(to)
      }
  }
  return seen
}

/** For every node the nodes that all ways from the entry to it go through; -1 of `immediate` for the entry and what is unreachable. */
export function dominators(cfg: Cfg): {
  immediate: Int32Array
  dominates: (a: number, b: number) => boolean
} {
  const order: number[] = []
  const number = new Int32Array(cfg.nodes.length).fill(-1)
  const stack: [number, number][] = [[cfg.entry, 0]]
  const seen = new Set([cfg.entry])
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!
    const edge = cfg.nodes[top[0]]!.succ[top[1]++]
    if (edge === undefined) {
      stack.pop()
      number[top[0]] = order.length
      order.push(top[0])
    } else if (!seen.has(edge.to)) {
      seen.add(edge.to)
      stack.push([edge.to, 0])
    }
  }
  const immediate = new Int32Array(cfg.nodes.length).fill(-1)
  immediate[cfg.entry] = cfg.entry
  const meet = (a: number, b: number): number => {
    while (a !== b) {
      while (number[a]! < number[b]!) a = immediate[a]!
      while (number[b]! < number[a]!) b = immediate[b]!
    }
    return a
  }
  for (let changed = true; changed; ) {
    changed = false
    for (let k = order.length - 2; k >= 0; k--) {
      const n = order[k]!
      let best = -1
      for (const p of cfg.nodes[n]!.pred) if (immediate[p]! >= 0) best = best < 0 ? p : meet(p, best)
      if (best !== immediate[n]) {
        immediate[n] = best
        changed = true
      }
    }
  }
  immediate[cfg.entry] = -1
  const dominates = (a: number, b: number): boolean => {
    for (let x = b; x >= 0; x = immediate[x]!) if (x === a) return true
    return false
  }
  return { immediate, dominates }
}

export type PathOptions = {
  readonly from?: number
  /** Stop a path here, as at the exit. */
  readonly until?: (node: CfgNode) => boolean
  /** How often a path may come to the same node: 2 runs a loop's body at most once and tests it twice. */
  readonly visits?: number
  readonly limit?: number
  /** Only these nodes matter: ways that differ elsewhere are one way. Without it every node matters. */
  readonly matters?: (node: CfgNode) => boolean
}
export type Step = { readonly node: CfgNode; readonly edge?: Edge }

/**
 * Paths, depth first, lazily. A path that would take two arms of #if against each other (`X` here, `!X` there) is left out. The generator
 * returns whether the limit cut it short, so that nobody takes some paths for all.
 */
export function* paths(
  cfg: Cfg,
  options: PathOptions = {},
): Generator<readonly Step[], { complete: boolean }> {
  const { from = cfg.entry, until = () => false, visits = 2, limit = 10_000, matters } = options
  const view = matters ? skim(cfg, from, (n) => matters(n) || until(n)) : (id: number) => cfg.nodes[id]!.succ
  const counts = new Uint16Array(cfg.nodes.length)
  const path: Step[] = []
  const chosen = new Map<string, number>()
  let made = 0
  // explicit stack: functions can be long
  type Frame = { id: number; edges: readonly Edge[]; next: number; undo: string[] }
  const frames: Frame[] = []
  const push = (id: number): Frame => {
    counts[id]!++
    const node = cfg.nodes[id]!
    const f = {
      id,
      edges: id === cfg.exit || (until(node) && id !== from) ? [] : view(id),
      next: 0,
      undo: [],
    }
    frames.push(f)
    return f
  }
  push(from)
  while (frames.length > 0) {
    const f = frames[frames.length - 1]!
    path.length = frames.length - 1
    for (const c of f.undo.splice(0)) {
      const n = chosen.get(c)! - 1
      if (n === 0) chosen.delete(c)
      else chosen.set(c, n)
    }
    const node = cfg.nodes[f.id]!
    if (f.edges.length === 0 && f.next === 0) {
      f.next = 1
      if (++made > limit) return { complete: false }
      yield [...path, { node }]
    }
    const edge = f.edges[f.next++]
    if (edge === undefined) {
      counts[f.id]!--
      frames.pop()
      continue
    }
    if (counts[edge.to]! >= visits) continue
    if (edge.when === 'arm') {
      const c = edge.condition!
      if (chosen.has(negated(c))) continue
      chosen.set(c, (chosen.get(c) ?? 0) + 1)
      f.undo.push(c)
    }
    path.push({ node, edge })
    push(edge.to)
  }
  return { complete: true }
}

/** The edges between the nodes that matter, over those that do not. */
function skim(cfg: Cfg, from: number, matters: (n: CfgNode) => boolean): (id: number) => readonly Edge[] {
  const made = new Map<number, readonly Edge[]>()
  const keep = (id: number): boolean => id === from || id === cfg.exit || matters(cfg.nodes[id]!)
  return (id) => {
    let edges = made.get(id)
    if (edges) return edges
    const out: Edge[] = []
    for (const edge of cfg.nodes[id]!.succ) {
      const seen = new Set<number>()
      const stack = [edge.to]
      while (stack.length > 0) {
        const n = stack.pop()!
        if (seen.has(n)) continue
        seen.add(n)
        if (keep(n)) out.push({ ...edge, to: n })
        else for (const e of [...cfg.nodes[n]!.succ].reverse()) stack.push(e.to)
      }
    }
    // one edge of a kind to a node is enough
    edges = out.filter(
      (e, i) =>
        out.findIndex(
          (o) => o.to === e.to && o.when === e.when && o.low === e.low && o.condition === e.condition,
        ) === i,
    )
    made.set(id, edges)
    return edges
  }
}

/** The graph as text: one line a node, for goldens and for looking at. `line` names the place of an offset. */
export function printCfg(cfg: Cfg, text: string, line: (offset: number) => number): string {
  const show = (e: Expr): string => text.slice(e.start, e.end).replace(/\s+/g, ' ')
  return cfg.nodes
    .filter((n) => n.id === cfg.entry || n.pred.length > 0)
    .map((n) => {
      const what =
        n.kind === 'cleanup'
          ? `${n.cleanup!.kind} ${n.cleanup!.name}${n.cleanup!.kind === 'guard' ? '' : ` ${n.cleanup!.variable}`}`
          : n.local
            ? n.local.name + (n.expr ? ` = ${show(n.expr)}` : '')
            : n.expr
              ? show(n.expr)
              : ''
      const edges = n.succ.map((e) => {
        const label =
          e.when === 'case' ? `case ${show(e.low!)}` : e.when === 'arm' ? e.condition! : (e.when ?? '')
        return `${label === '' ? '' : `${label}: `}${e.to}`
      })
      return `${n.id} ${n.kind}${what === '' ? '' : ` ${what}`}  @${line(n.start)} -> ${edges.join(', ') || '.'}`
    })
    .join('\n')
}
