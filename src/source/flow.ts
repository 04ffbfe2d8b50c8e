import type { Cfg, CfgNode, Edge, Step } from './cfg.ts'
import { effects, parts } from './cfg.ts'
import type { Assign, Call, Expr, Func } from './ir.ts'

/**
 * Where values are: access paths, and what an expression does to them. It knows C, not what any function means: calls are
 * decided by the caller of this module.
 *
 * An access path is text in one spelling: `pfn`, `*pfn`, `args.pfn`, `mem->dma_handle`, `pages[]` (any element),
 * `mem->vec->pages[]`. `(*p).f` is `p->f`; casts, parentheses and `&*` vanish.
 */
export type Path = string

/** The path of an lvalue, `undefined` for anything that has no place: calls, sums, literals. */
export function pathOf(e: Expr): Path | undefined {
  switch (e.kind) {
    case 'name':
      return e.name
    case 'member': {
      const base = stripCasts(e.base)
      // `(&x)->f` is `x.f`, `(*p).f` is `p->f`
      if (e.arrow && base.kind === 'unary' && base.op === '&') return join(pathOf(base.of), '.', e.field)
      if (!e.arrow && base.kind === 'unary' && base.op === '*') return join(pathOf(base.of), '->', e.field)
      return join(pathOf(base), e.arrow ? '->' : '.', e.field)
    }
    case 'index': {
      const base = pathOf(e.base)
      return base === undefined ? undefined : `${base}[]`
    }
    case 'unary':
      if (e.op === '*' && !e.postfix) return pointee(e.of)
      if (e.op === '++' || e.op === '--') return pathOf(e.of)
      return undefined
    case 'cast':
      return pathOf(e.of)
    case 'assign':
      return pathOf(e.target)
    case 'comma':
      return pathOf(e.items[e.items.length - 1]!)
    default:
      return undefined
  }
}

/** What a pointer's value points at: `x` for `&x`, `*p` for `p`, `pages[]` for `pages + i` and `&pages[i]`. */
export function pointee(e: Expr): Path | undefined {
  const x = stripCasts(e)
  if (x.kind === 'unary' && x.op === '&') return pathOf(x.of)
  if (x.kind === 'binary' && (x.op === '+' || x.op === '-')) {
    const base = pathOf(x.left) ?? pathOf(x.right)
    return base === undefined ? undefined : `${base}[]`
  }
  const path = pathOf(x)
  return path === undefined ? undefined : deref(path)
}

export const deref = (path: Path): Path => `*${path}`

/** `p->f` and `*p` for a base `p`, `x.f` for `x`, `p->f` for `*p`: what is lost or moved with it. */
export const isWithin = (path: Path, base: Path): boolean => locate(path, base) !== undefined

/** Where `base` stands in `path`: what is before it (`*`, `(`) and behind it. */
function locate(path: Path, base: Path): { before: string; behind: string } | undefined {
  for (let i = 0; ; i++) {
    if (path.startsWith(base, i)) {
      const behind = path.slice(i + base.length)
      if (behind === '' || /^(\.|\[|->|\))/.test(behind)) return { before: path.slice(0, i), behind }
    }
    // `p->f` is a part of `*p`
    if (base.startsWith('*') && path.startsWith(`${base.slice(1)}->`, i))
      return { before: path.slice(0, i), behind: `.${path.slice(i + base.length + 1)}` }
    if (path[i] !== '*' && path[i] !== '(') return undefined
  }
}

/** The variable that a path starts from. */
export const rootOf = (path: Path): string => /^[*(]*(\w+)/.exec(path)?.[1] ?? ''

/** What hangs on `from` hangs on `to`: `p->f` from `p` to `q` is `q->f`. `undefined` when it is not within `from`. */
export function moved(path: Path, from: Path, to: Path): Path | undefined {
  const at = locate(path, from)
  if (at === undefined) return undefined
  const { before, behind } = at
  if (to.startsWith('*') && behind.startsWith('.')) return `${before}${to.slice(1)}->${behind.slice(1)}`
  if (to.startsWith('*') && behind.startsWith('->')) return `${before}(${to})${behind}`
  return before + to + behind
}

/**
 * A path of a callee in terms of its caller: `param` is the callee's parameter, `arg` the caller's argument. `*pfn` with
 * `&cur` is `cur`; `args->pfn` with `&args` is `args.pfn`; `x` with `y->z` is `y->z`.
 */
export function inCaller(path: Path, param: string, arg: Expr): Path | undefined {
  if (rootOf(path) !== param) return undefined
  const x = stripCasts(arg)
  if (x.kind === 'unary' && x.op === '&') {
    const target = pathOf(x.of)
    if (target === undefined) return undefined
    if (path.startsWith('*') && path.replace(/^\*+/, '') === param)
      return path.slice(1).replace(param, () => target)
    const arrow = new RegExp(`^(\\**)${param}->`)
    if (arrow.test(path)) return path.replace(arrow, (_, stars: string) => `${stars}${target}.`)
    const element = new RegExp(`^(\\**)${param}\\[\\]`)
    if (element.test(path)) return path.replace(element, (_, stars: string) => `${stars}${target}`)
    return undefined
  }
  const own = pathOf(x)
  return own === undefined ? undefined : moved(path, param, own)
}

/** The other way: a path of the caller, seen through the argument, in terms of the callee. */
export function inCallee(path: Path, param: string, arg: Expr): Path | undefined {
  const x = stripCasts(arg)
  if (x.kind === 'unary' && x.op === '&') {
    const target = pathOf(x.of)
    if (target === undefined || !isWithin(path, target)) return undefined
    const stars = /^\**/.exec(path)![0]
    const rest = path.slice(stars.length + target.length)
    if (rest === '') return `${stars}*${param}`
    if (rest.startsWith('.')) return `${stars}${param}->${rest.slice(1)}`
    return `${stars}${param}${rest}`
  }
  const own = pathOf(x)
  return own === undefined ? undefined : moved(path, own, param)
}

export function stripCasts(e: Expr): Expr {
  let x = e
  while (x.kind === 'cast') x = x.of
  return x
}

function join(base: Path | undefined, dot: string, field: string): Path | undefined {
  if (base === undefined) return undefined
  // `*x` as a base was written `(*x)`: `(**x).f` is `(*x)->f`
  return base.startsWith('*') ? `(${base})${dot}${field}` : `${base}${dot}${field}`
}

// ── What an expression does ──────────────────────────────────────────────────────────────────────────────────────────

export type Write = {
  readonly path: Path
  /** The new value; absent for `x++` and for what a call may write. */
  readonly value?: Expr
  /** `=`, or the operator of a compound assignment, `++`; `&` when its address goes to a call. */
  readonly op: string
  readonly expr: Expr
  /** For `&`: the call and which argument. */
  readonly call?: Call
  readonly index?: number
  readonly conditional: boolean
}

/** The places an expression writes or may write, in order. */
export function writes(e: Expr): Write[] {
  const out: Write[] = []
  for (const f of effects(e)) {
    const x = f.expr
    if (x.kind === 'assign') {
      const path = pathOf(x.target)
      if (path !== undefined)
        out.push({ path, value: x.value, op: x.op, expr: x, conditional: f.conditional })
    } else if (x.kind === 'unary') {
      const path = pathOf(x.of)
      if (path !== undefined) out.push({ path, op: x.op, expr: x, conditional: f.conditional })
    } else if (x.kind === 'call')
      x.args.forEach((a, index) => {
        const arg = stripCasts(a)
        if (arg.kind !== 'unary' || arg.op !== '&') return
        const path = pathOf(arg.of)
        if (path !== undefined)
          out.push({ path, op: '&', expr: a, call: x, index, conditional: f.conditional })
      })
  }
  return out
}

/** The paths an expression reads, in order; not those whose address is taken or that are only written. */
export function reads(e: Expr): { readonly path: Path; readonly expr: Expr }[] {
  const out: { path: Path; expr: Expr }[] = []
  const walk = (x: Expr): void => {
    switch (x.kind) {
      case 'name':
        out.push({ path: x.name, expr: x })
        return
      case 'member':
      case 'index': {
        const path = pathOf(x)
        if (path !== undefined) out.push({ path, expr: x })
        if (x.kind === 'index') walk(x.index)
        if (path === undefined || x.kind === 'index' || x.arrow) walk(x.base)
        return
      }
      case 'unary':
        if (x.op === '&') {
          // the address of `p->f` reads `p`, that of `x` nothing
          const of = stripCasts(x.of)
          if (of.kind === 'member' && of.arrow) walk(of.base)
          else if (of.kind === 'index') {
            walk(of.base)
            walk(of.index)
          }
          return
        }
        if (x.op === '*') {
          const path = pathOf(x)
          if (path !== undefined) out.push({ path, expr: x })
        }
        walk(x.of)
        return
      case 'assign': {
        walk(x.value)
        if (x.op !== '=') walk(x.target)
        else if (x.target.kind === 'member' || x.target.kind === 'index') {
          const base = x.target.base
          if (x.target.kind === 'index' || x.target.arrow) walk(base)
          if (x.target.kind === 'index') walk(x.target.index)
        } else if (x.target.kind === 'unary') walk(x.target.of)
        return
      }
      default:
        if (x.kind === 'call' && x.callee.kind === 'name') x.args.forEach(walk)
        else parts(x).forEach(walk)
    }
  }
  walk(e)
  return out
}

/** Operators whose result is about a value, not made of it. */
const comparisons = new Set(['==', '!=', '<', '>', '<=', '>=', '&&', '||'])

/**
 * Whether the value of `e` is made of a tracked one: a copy, or arithmetic on it (`pfn << PAGE_SHIFT`, `base + off`). `call` says whether the
 * result of a call is, given which arguments are.
 */
export function carries(
  e: Expr,
  tracked: (path: Path) => boolean,
  call: (call: Call, args: readonly boolean[]) => boolean = () => false,
): boolean {
  const go = (x: Expr): boolean => {
    const path = pathOf(x)
    if (path !== undefined && tracked(path)) return true
    switch (x.kind) {
      case 'binary':
        return !comparisons.has(x.op) && (go(x.left) || go(x.right))
      case 'unary':
        if (x.op === '!') return false
        if (x.op === '&') {
          const of = pathOf(x.of)
          return of !== undefined && x.of.kind === 'index' && go(x.of.base)
        }
        return x.op === '*' ? false : go(x.of)
      case 'cast':
        return go(x.of)
      case 'ternary':
        return (x.then ? go(x.then) : go(x.cond)) || go(x.otherwise)
      case 'comma':
        return go(x.items[x.items.length - 1]!)
      case 'assign':
        return go(x.value) || (x.op !== '=' && go(x.target))
      case 'call':
        return call(x, x.args.map(go))
      case 'statements': {
        const last = x.body[x.body.length - 1]
        return last?.kind === 'expr' && go(last.expr)
      }
      default:
        return false
    }
  }
  return go(e)
}

export type CallRules = {
  /** Whether a call's result is made of the arguments that are. */
  readonly result?: (call: Call, args: readonly boolean[]) => boolean
  /** Paths (in the caller's terms) that become or stop being made of the value by this call. */
  readonly effect?: (
    call: Call,
    tracked: ReadonlySet<Path>,
  ) => { readonly gains?: Iterable<Path>; readonly loses?: Iterable<Path> } | undefined
}

/**
 * The tracked paths after an expression has been evaluated: copies and derived values join, overwritten places leave, a copied
 * struct or pointer takes what hangs on it along (`b = a` with `a.pfn` tracked: `b.pfn` too; `p = &a`: `p->pfn`).
 */
export function after(e: Expr, before: ReadonlySet<Path>, rules: CallRules = {}): ReadonlySet<Path> {
  let now = before
  const change = (gains: Iterable<Path>, loses: Iterable<Path> = []): void => {
    const next = new Set(now)
    for (const l of loses) for (const p of now) if (isWithin(p, l)) next.delete(p)
    for (const g of gains) next.add(g)
    now = next
  }
  for (const f of effects(e)) {
    const x = f.expr
    if (x.kind === 'call') {
      const effect = rules.effect?.(x, now)
      if (effect) change(effect.gains ?? [], f.conditional ? [] : (effect.loses ?? []))
    } else if (x.kind === 'assign') {
      const { gains, loses } = assigned(x, now, rules)
      change(gains, f.conditional ? [] : loses)
    }
  }
  return now
}

function assigned(x: Assign, tracked: ReadonlySet<Path>, rules: CallRules): { gains: Path[]; loses: Path[] } {
  const target = pathOf(x.target)
  if (target === undefined) return { gains: [], loses: [] }
  return given(target, x.value, x.op, tracked, rules)
}

/** What `target op value` does to the tracked paths; also for an initialiser, with op `=`. */
export function given(
  target: Path,
  value: Expr,
  op: string,
  tracked: ReadonlySet<Path>,
  rules: CallRules = {},
): { gains: Path[]; loses: Path[] } {
  const gains: Path[] = []
  if (carries(value, (p) => tracked.has(p), rules.result)) gains.push(target)
  const from = stripCasts(value)
  if (from.kind === 'init') {
    for (const item of from.items)
      if (carries(item.value, (p) => tracked.has(p), rules.result))
        gains.push(
          item.path.length > 0
            ? target + item.path.map((s) => (s.startsWith('[') ? '[]' : s)).join('')
            : `${target}[]`,
        )
  }
  const own = pathOf(from)
  for (const p of tracked) {
    if (own !== undefined && p !== own) {
      const copy = moved(p, own, target)
      if (copy !== undefined) gains.push(copy)
    }
    if (from.kind === 'unary' && from.op === '&') {
      const seen = inCallee(p, target, from)
      if (seen !== undefined) gains.push(seen)
    }
  }
  return { gains, loses: op === '=' ? [target] : [] }
}

// ── Values along a way ───────────────────────────────────────────────────────────────────────────────────────────────

/** The expressions that a local variable is ever given, with the operator; a parameter's unknown first value is not among them. */
export function definitionsOf(
  func: Func,
  name: string,
): readonly { readonly op: string; readonly value: Expr }[] {
  let found = definitionCache.get(func)
  if (found === undefined) {
    found = new Map()
    const put = (path: Path, op: string, value: Expr): void => {
      const list = found!.get(path)
      if (list) list.push({ op, value })
      else found!.set(path, [{ op, value }])
    }
    for (const l of func.body.locals) if (l.init) put(l.name, '=', l.init)
    for (const w of allWrites(func)) if (w.value) put(w.path, w.op, w.value)
    definitionCache.set(func, found)
  }
  return found.get(name) ?? []
}
const definitionCache = new WeakMap<Func, Map<Path, { op: string; value: Expr }[]>>()

function allWrites(func: Func): Write[] {
  const out: Write[] = []
  const walk = (x: unknown): void => {
    if (Array.isArray(x)) x.forEach(walk)
    else if (typeof x === 'object' && x !== null) {
      const node = x as { kind?: string }
      if (node.kind === 'assign') {
        const a = x as Assign
        const path = pathOf(a.target)
        if (path !== undefined) out.push({ path, value: a.value, op: a.op, expr: a, conditional: false })
      }
      Object.values(x).forEach(walk)
    }
  }
  walk(func.body.stmts)
  return out
}

/** Along a path, the values given to a place before step `at`, from the last plain assignment on: `f = A; f |= B` gives both. */
export function valuesAlong(
  steps: readonly Step[],
  at: number,
  path: Path,
): readonly { readonly op: string; readonly value: Expr }[] {
  const out: { op: string; value: Expr }[] = []
  for (let k = Math.min(at, steps.length) - 1; k >= 0; k--) {
    const { node } = steps[k]!
    const here: { op: string; value: Expr }[] = []
    if (node.expr)
      for (const w of writes(node.expr))
        if (w.path === path && w.value) here.push({ op: w.op, value: w.value })
    if (node.local?.name === path && node.expr) here.push({ op: '=', value: node.expr })
    for (const w of here.reverse()) {
      out.unshift(w)
      if (w.op === '=') return out
    }
  }
  return out
}

/** One possible value of a flags expression. */
export type Flags = {
  /** Constants that are or-ed together, by name; a literal other than 0 by its text. */
  readonly names: ReadonlySet<string>
  /** Parts that could not be resolved, as written. Empty: this is all. */
  readonly unknown: readonly string[]
}

/**
 * What flags an expression may have: `A | (w ? B : 0)` is `{A, B}` and `{A}`. `resolve` gives the expressions that a name stands for (a
 * variable's values, a macro's body), nothing for a name that is a constant itself, `'unknown'` for what cannot be known.
 */
export function flagsOf(
  e: Expr,
  resolve: (path: Path, e: Expr) => readonly Expr[] | 'unknown' | undefined,
  text: (e: Expr) => string,
  depth = 0,
): readonly Flags[] {
  const none: readonly Flags[] = [{ names: new Set(), unknown: [] }]
  const lost = (): readonly Flags[] => [{ names: new Set(), unknown: [text(e)] }]
  if (depth > 12) return lost()
  const go = (x: Expr): readonly Flags[] => flagsOf(x, resolve, text, depth + 1)
  const x = stripCasts(e)
  switch (x.kind) {
    case 'number':
      return x.value === 0 ? none : [{ names: new Set([x.text]), unknown: [] }]
    case 'ternary':
      return unique([...(x.then ? go(x.then) : go(x.cond)), ...go(x.otherwise)])
    case 'comma':
      return go(x.items[x.items.length - 1]!)
    case 'assign':
      return x.op === '=' ? go(x.value) : lost()
    case 'binary': {
      if (x.op === '|' || x.op === '+') {
        const right = go(x.right)
        return unique(
          go(x.left).flatMap((a) =>
            right.map((b) => ({
              names: new Set([...a.names, ...b.names]),
              unknown: [...a.unknown, ...b.unknown],
            })),
          ),
        )
      }
      const mask = stripCasts(x.right)
      if (x.op === '&' && mask.kind === 'unary' && mask.op === '~') {
        const off = go(mask.of)[0]!.names
        return unique(
          go(x.left).map((a) => ({
            names: new Set([...a.names].filter((n) => !off.has(n))),
            unknown: a.unknown,
          })),
        )
      }
      return lost()
    }
    default: {
      const path = pathOf(x)
      const meaning = path === undefined ? ('unknown' as const) : resolve(path, x)
      if (meaning === 'unknown') return lost()
      if (meaning !== undefined) return meaning.length === 0 ? lost() : unique(meaning.flatMap(go))
      if (x.kind !== 'name') return lost()
      if (x.name === 'false' || x.name === 'NULL') return none
      return [{ names: new Set([x.name]), unknown: [] }]
    }
  }
}

function unique(all: readonly Flags[]): readonly Flags[] {
  const seen = new Map<string, Flags>()
  for (const f of all) seen.set([...[...f.names].sort(), '?', ...f.unknown].join('|'), f)
  const list = [...seen.values()]
  // More than anybody would read: give up on exactness, say so.
  return list.length <= 64
    ? list
    : [{ names: new Set(list.flatMap((f) => [...f.names])), unknown: ['too many possibilities'] }]
}

// ── Exploring ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Visit<S> = {
  readonly node: CfgNode
  readonly state: S
  readonly from: Visit<S> | undefined
  readonly edge: Edge | undefined
}

/**
 * Path-sensitive and finite: a node is visited once for each different state (by `key`), so ways that agree on what matters are
 * walked once. `step` evaluates a node (several results: several ways on; none: the way ends); `edge` may refine the state by the branch
 * taken, or refuse it. Visits know where they came from: `trail` is a shortest way to one.
 */
export function explore<S>(
  cfg: Cfg,
  start: S,
  rules: {
    readonly key: (state: S) => string
    readonly step: (node: CfgNode, state: S, visit: Visit<S>) => readonly S[]
    readonly edge?: (node: CfgNode, edge: Edge, state: S) => S | undefined
    readonly from?: number
    readonly limit?: number
  },
): { readonly exits: readonly Visit<S>[]; readonly visits: number; readonly complete: boolean } {
  const { key, step, edge: refine, from = cfg.entry, limit = 20_000 } = rules
  const seen = new Set<string>()
  const queue: Visit<S>[] = []
  const exits: Visit<S>[] = []
  const add = (v: Visit<S>): void => {
    const k = `${v.node.id} ${key(v.state)}`
    if (seen.has(k)) return
    seen.add(k)
    queue.push(v)
  }
  add({ node: cfg.nodes[from]!, state: start, from: undefined, edge: undefined })
  let next = 0
  for (; next < queue.length; next++) {
    if (next >= limit) return { exits, visits: next, complete: false }
    const v = queue[next]!
    if (v.node.id === cfg.exit) {
      exits.push(v)
      continue
    }
    for (const state of step(v.node, v.state, v))
      for (const e of v.node.succ) {
        const refined = refine ? refine(v.node, e, state) : state
        if (refined !== undefined) add({ node: cfg.nodes[e.to]!, state: refined, from: v, edge: e })
      }
  }
  return { exits, visits: next, complete: true }
}

/** The way to a visit, from the start. */
export function trail<S>(visit: Visit<S>): readonly Visit<S>[] {
  const out: Visit<S>[] = []
  for (let v: Visit<S> | undefined = visit; v; v = v.from) out.push(v)
  return out.reverse()
}
