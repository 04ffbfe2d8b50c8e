import {
  type Call,
  calleeName,
  cfgOf,
  type CfgNode,
  type Edge,
  effects,
  explore,
  type Expr,
  type Func,
  pathOf,
  reachable,
  stripCasts,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { faultFields, handlerFields, type Helper, helpers, type VmFlag } from './helpers.ts'

/** What an expression is made of, as far as the user chooses it: bits. */
export const From = {
  vma: 1,
  /** The length of the mapping, its offset, its ends. */
  size: 2,
  offset: 4,
  start: 8,
  end: 16,
  flags: 32,
  /** Where a fault is. */
  fault: 64,
  /** What somebody found who was given one of these. */
  found: 128,
  vmf: 256,
  /** An element or a member of something that one of these selected. */
  picked: 512,
  /** Memory that has just been allocated. */
  fresh: 1024,
  /** One of these and something else together: a place in an object. */
  based: 2048,
  /** Of a fault: counted from where the mapping begins. */
  relative: 4096,
  /** An offset in bytes: near its top a sum wraps, where one of pages does not. */
  bytes: 8192,
  /** The beginning of something and an offset in bytes. */
  placed: 16384,
} as const
const chosen = From.size | From.offset | From.fault

type Value = { readonly from: number; readonly is?: 'zero' | 'negative' | 'positive' }
const nothing: Value = { from: 0 }

/** Something that goes into the page table. */
export type Insertion = {
  readonly api: string
  readonly helper: Helper
  /** How far and what depend on these, and nothing bounds them. */
  readonly size: boolean
  readonly offset: boolean
  readonly fault: boolean
  /** Only somebody who was not followed may have bounded the length. */
  readonly unsure: boolean
  /** What is mapped is the offset itself, and not a place in something. */
  readonly bare: boolean
  readonly relative: boolean
  /** The offset is bounded by a comparison that passes where its sum wraps. */
  readonly wraps: boolean
  /** What is mapped depends on the offset (of the mapping, of the fault) at all. */
  readonly moves: boolean
  /** The memory, as the code names it. */
  readonly of?: { readonly func: Func; readonly expr: Expr }
  readonly at: Place
}

/** What a path has done and knows. */
export type Facts = {
  /** Bounded from above: bits of `From`. */
  readonly bounded: number
  /** Bounded by a sum that may wrap; and that sum from below. */
  readonly wrapped: number
  readonly above: number
  /** Somebody who was not followed was asked about what the user chose, and his answer decided. */
  readonly asked: number
  /** The memory was made as large as the mapping. */
  readonly measured: boolean
  readonly set: readonly VmFlag[]
  readonly cleared: readonly VmFlag[]
  /** Private mappings do not come here. */
  readonly shared: boolean
  /** Where the mapping was found not to be writable, and where it was found to be. */
  readonly unwritable: readonly string[]
  readonly writable: readonly string[]
  /** The file is not open for writing: the core has taken VM_MAYWRITE away. */
  readonly mode: boolean
  readonly ops: string
  readonly inserted: readonly Insertion[]
  readonly lost: string
}
/** Nothing is known yet. */
export const start: Facts = {
  bounded: 0,
  wrapped: 0,
  above: 0,
  asked: 0,
  measured: false,
  set: [],
  cleared: [],
  shared: false,
  unwritable: [],
  writable: [],
  mode: false,
  ops: '',
  inserted: [],
  lost: '',
}

export type Ending = { readonly facts: Facts; readonly value: Value }
type State = {
  readonly facts: Facts
  readonly env: ReadonlyMap<string, Value>
  /** What calls of the running node gave. */
  readonly results: ReadonlyMap<Expr, Value>
  readonly returned: Value
}

const most = { depth: 4, visits: 3000, endings: 48 }

/** Every way through a function that is given a mapping. Undefined: too many, or something of the tree is awaited. */
export function walk(
  code: Code,
  func: Func,
  given: readonly Value[],
  facts = start,
  active: readonly Func[] = [],
  budget = { left: most.visits },
): readonly Ending[] | undefined {
  const cfg = cfgOf(func)
  const { text } = func.file.source
  const env = new Map(
    func.params.flatMap((p, i) => (given[i] === undefined ? [] : [[p.name, given[i]] as const])),
  )
  const at = (e: { readonly start: number }): Place => ({
    file: func.file.path,
    line: func.file.source.position(e.start).line,
    func: func.name,
  })
  const loops = new Map<number, boolean>()
  const inLoop = (node: CfgNode): boolean => {
    let known = loops.get(node.id)
    if (known === undefined) {
      known = node.succ.some((e) => reachable(cfg, e.to).has(node.id))
      loops.set(node.id, known)
    }
    return known
  }
  let failed = false

  const result = explore<State>(
    cfg,
    { facts, env, results: new Map(), returned: nothing },
    {
      key: keyOf,
      limit: most.visits,
      step(node, s) {
        if (budget.left-- <= 0) {
          failed = true
          return []
        }
        const { expr } = node
        let states: State[] = [{ ...s, results: new Map() }]
        if (expr !== undefined) states = run(expr, states, node)
        if (node.local !== undefined) {
          const { name } = node.local
          states = states.map((x) => put(x, name, expr === undefined ? nothing : value(expr, x)))
        }
        if (node.kind === 'return')
          states = states.map((x) => ({ ...x, returned: expr === undefined ? nothing : value(expr, x) }))
        return states
      },
      edge(node, edge, s) {
        if (node.kind === 'branch' && node.expr !== undefined && edge.when !== undefined) {
          const next = when(node.expr, edge.when === 'true', s)
          return next && { ...next, results: new Map() }
        }
        if (node.kind === 'switch' && node.expr !== undefined) return chosenCase(node.expr, edge, s)
        return s
      },
    },
  )
  if (failed || !result.complete) return undefined
  const endings = new Map<string, Ending>()
  for (const { state } of result.exits) {
    const e = { facts: state.facts, value: state.returned }
    endings.set(`${factsKey(e.facts)};${e.value.from}${e.value.is ?? ''}`, e)
  }
  return endings.size > most.endings ? undefined : [...endings.values()]

  // ── What an expression does ────────────────────────────────────────────────────────────────────────────────────────

  function run(expr: Expr, from: State[], node: CfgNode): State[] {
    let states = from
    for (const { expr: x } of effects(expr)) {
      if (x.kind === 'call') states = states.flatMap((s) => call(x, s, node))
      else if (x.kind === 'assign') states = states.map((s) => assign(x.target, x.op, x.value, s))
      if (states.length > 32) states = states.slice(0, 32)
    }
    return states
  }

  function assign(target: Expr, op: string, what: Expr, s: State): State {
    const v = value(what, s)
    const to = stripCasts(target)
    if (to.kind === 'member') {
      const base = value(to.base, s).from
      if ((base & From.vma) !== 0) {
        if (to.field === 'vm_ops') return withFacts(s, { ops: nameOf(what) })
        if (/^(vm_|__vm_)?flags$/.test(to.field)) return written(s, op, what)
      }
      if ((base & From.vmf) !== 0 && to.field === 'page' && v.is !== 'zero')
        return insert(s, 'vmf->page', givesPage, v.from, 0, at(target), what)
    }
    const path = pathOf(to)
    if (path === undefined) return s
    const old = s.env.get(path)?.from ?? 0
    // `flags &= ~VM_MAYWRITE`, which are the mapping's again in the end.
    const next = op !== '=' && (old & From.flags) !== 0 ? written(s, op, what) : s
    return put(next, path, op === '=' ? v : { from: v.from | old })
  }

  /** `vma->vm_flags |= A | B`, `&= ~A`, `= …`. */
  function written(s: State, op: string, what: Expr): State {
    const words = text.slice(what.start, what.end)
    if (op === '|') return flagged(s, flagsIn(words), [])
    if (op === '&') return flagged(s, [], words.includes('~') ? flagsIn(words) : [])
    const off = [...words.matchAll(/~\s*\(?([^)]*)/g)].flatMap((m) => flagsIn(m[1]!))
    return flagged(
      s,
      flagsIn(words).filter((f) => !off.includes(f)),
      off,
    )
  }

  /** Flags by name, also those that a variable or a macro of the file stands for. */
  function flagsIn(words: string): VmFlag[] {
    const found = [...words.matchAll(/\bVMA?_(\w+?)(?:_BIT)?\b/g)].map((m) => `VM_${m[1]}`)
    for (const [name] of words.matchAll(/(?<![.>]\s*)\b[A-Za-z_]\w*\b/g)) {
      const m = name.startsWith('VM') ? undefined : code.macroHere(name, func.file)
      if (m !== undefined && m.params === undefined) found.push(...flagsIn(m.text))
      if (/^[a-z]/.test(name))
        for (const l of text
          .slice(func.start, func.end)
          .matchAll(new RegExp(`\\b${name}\\s*[|]?=([^=;][^;]*);`, 'g')))
          if (/\bVMA?_/.test(l[1]!))
            found.push(...[...l[1]!.matchAll(/\bVMA?_(\w+?)(?:_BIT)?\b/g)].map((x) => `VM_${x[1]}`))
    }
    return [...new Set(found)]
  }

  function call(c: Call, s: State, node: CfgNode): State[] {
    const name = calleeName(c)
    const args = c.args.map((a) => value(a, s))
    const all = args.reduce((m, a) => m | a.from, 0)
    const gives = (next: State, v: Value): State => ({ ...next, results: new Map([...next.results, [c, v]]) })

    const helper = helpers.get(name)
    if (helper !== undefined) {
      const done = useHelper(s, name, helper, c, args, node)
      return [gives(done, { from: From.found })]
    }
    const words = (from: number): string =>
      c.args
        .slice(from)
        .map((a) => text.slice(a.start, a.end))
        .join(' ')
    switch (name) {
      case 'vm_flags_set':
      case 'vma_set_flags':
      case 'vma_desc_set_flags':
      case 'vma_desc_set_flags_mask':
      case 'vm_flags_set_once':
        return [flagged(s, flagsIn(words(1)), [])]
      case 'vm_flags_clear':
      case 'vma_clear_flags':
      case 'vma_desc_clear_flags':
        return [flagged(s, [], flagsIn(words(1)))]
      case 'vm_flags_mod':
        return [
          flagged(
            s,
            flagsIn(text.slice(c.args[1]?.start ?? 0, c.args[1]?.end ?? 0)),
            flagsIn(text.slice(c.args[2]?.start ?? 0, c.args[2]?.end ?? 0)),
          ),
        ]
      case 'vm_flags_init':
      case 'vm_flags_reset':
        return [flagged(s, flagsIn(words(1)), [])]
      default:
    }
    // drivers/infiniband/core/ib_core_uverbs.c: the entry is as long as the mapping, which is shared, or there is none.
    if (name === 'rdma_user_mmap_entry_get')
      return [
        gives(withFacts(s, { bounded: s.facts.bounded | From.size | From.offset, shared: true }), {
          from: From.found,
        }),
      ]
    if (derived.has(name) || silent.test(name) || /^(ERR_PTR|PTR_ERR)$/.test(name)) return [s]
    if (clamps.test(name)) return [s]
    if (measures.test(name) && (all & From.size) !== 0)
      return [gives(withFacts(s, { measured: true }), { from: From.fresh })]
    if (measures.test(name) && (all & (From.vma | From.vmf)) === 0) return [gives(s, { from: From.fresh })]
    if (/^check_\w+_overflow$/.test(name)) {
      const to =
        c.args[2] === undefined
          ? undefined
          : pathOf(
              stripCasts(c.args[2]).kind === 'unary' ? (stripCasts(c.args[2]) as { of: Expr }).of : c.args[2],
            )
      const size = (all & From.end) !== 0 && (all & From.start) !== 0 ? From.size : 0
      return [to === undefined ? s : put(s, to, { from: (all & chosen) | size })]
    }

    if (name === '' && c.callee.kind === 'member' && (all & (From.vma | From.vmf)) !== 0) {
      const { field } = c.callee
      if (handlerFields.includes(field) || faultFields.includes(field)) {
        const to = handsOnTo(field)
        return [gives(insert(s, `->${field}`, to, 0, 0, at(c)), { from: From.found })]
      }
      if (/^(open|close)$/.test(field)) return [s]
      return [
        gives(withFacts(s, { lost: `what ->${field}() does with the mapping is not seen` }), {
          from: From.found,
        }),
      ]
    }
    if (name === '' || (all & (chosen | From.vma | From.vmf | From.start)) === 0) return [gives(s, nothing)]
    const passes = (all & (From.vma | From.vmf)) !== 0
    const callee = passes ? code.resolve(name, func.file) : code.resolveHere(name, func.file)
    if (callee === undefined || active.length >= most.depth || active.includes(callee)) {
      const missed = passes && !/vma_|vm_get_page_prot|offset/.test(name)
      const next = missed ? withFacts(s, { lost: `what ${name}() does with the mapping is not seen` }) : s
      return [gives(next, { from: From.found | (all & chosen) })]
    }
    const ways = walk(code, callee, args, s.facts, [...active, func], budget)
    if (ways === undefined) {
      failed = true
      return []
    }
    return ways.map((w) => gives({ ...s, facts: w.facts }, w.value))
  }

  function useHelper(
    s: State,
    name: string,
    h: Helper,
    c: Call,
    args: readonly Value[],
    node: CfgNode,
  ): State {
    const size = h.size === undefined || h.size === h.vma ? undefined : args[h.size]
    const what = h.what === undefined ? undefined : args[h.what]
    let how = size?.from ?? 0
    if (h.checks === 'none' && h.size === h.vma) how = From.size
    // One page after the other, until the end of the mapping.
    if (h.single === true && inLoop(node) && loopOfSize(node, s)) how |= From.size
    const memory = c.args[h.memory ?? h.what ?? -1]
    return insert(s, name, h, what?.from ?? 0, how, at(c), memory)
  }

  /** Whether the loop around a node ends where the mapping ends. */
  function loopOfSize(node: CfgNode, s: State): boolean {
    const around = reachable(cfg, node.succ[0]?.to ?? cfg.exit)
    return cfg.nodes.some(
      (n) =>
        n.kind === 'branch' &&
        n.expr !== undefined &&
        around.has(n.id) &&
        reachable(cfg, n.id).has(node.id) &&
        n.expr.kind === 'binary' &&
        [n.expr.left, n.expr.right].some((x) => (value(x, s).from & (From.size | From.end)) !== 0),
    )
  }

  function insert(
    s: State,
    api: string,
    helper: Helper,
    what: number,
    size: number,
    place: Place,
    memory?: Expr,
  ): State {
    const { asked, measured, inserted, wrapped, above } = s.facts
    // What begins behind the beginning and ends before the end has not wrapped.
    const bounded = s.facts.bounded | (wrapped & above)
    const open = (bit: number, of: number): boolean =>
      helper.checks !== 'full' &&
      (what & From.fresh) === 0 &&
      (of & bit) !== 0 &&
      ((bounded | asked) & bit) === 0 &&
      !measured
    const next: Insertion = {
      api,
      helper,
      size: open(From.size, size),
      offset: open(From.offset, what),
      fault: open(From.fault, what) && (what & From.found) === 0,
      unsure: helper.checks !== 'full' && (size & asked & ~bounded & From.size) !== 0 && !measured,
      bare:
        helper.inserts !== 'either' &&
        helper.checks !== 'full' &&
        (what & (From.offset | From.fault)) !== 0 &&
        (what & (From.based | From.picked | From.found | From.fresh)) === 0,
      relative: (what & From.relative) !== 0,
      wraps: (wrapped & ~bounded & From.offset) !== 0,
      moves: (what & (From.offset | From.fault)) !== 0,
      ...(memory !== undefined && { of: { func, expr: memory } }),
      at: place,
    }
    if (inserted.some((i) => i.api === api && i.at.line === place.line)) return s
    const after = flagged(s, helper.sets, helper.clears ?? [])
    return withFacts(after, {
      ...(helper.checks === 'full' && { bounded: bounded | From.size | From.offset }),
      inserted: [...inserted, next].slice(-4),
      ...(helper.refusesCow && { shared: true }),
    })
  }

  // ── What a branch says ─────────────────────────────────────────────────────────────────────────────────────────────

  function when(e: Expr, yes: boolean, s: State): State | undefined {
    const x = stripCasts(e)
    if (x.kind === 'unary' && x.op === '!') return when(x.of, !yes, s)
    if (x.kind === 'binary' && (x.op === '&&' || x.op === '||')) {
      if (yes !== (x.op === '&&')) return s
      const left = when(x.left, yes, s)
      return left && when(x.right, yes, left)
    }
    if (!yes && /\bFMODE_WRITE\b/.test(text.slice(x.start, x.end))) return withFacts(s, { mode: true })
    // A variable that says yes or no says the same again.
    if (x.kind === 'name' && func.body.locals.some((l) => l.name === x.name && l.type.base === 'bool')) {
      const v = value(x, s)
      const next = answered(v, s, yes)
      return next && put(next, x.name, { ...v, is: yes ? 'positive' : 'zero' })
    }
    if (x.kind === 'call') {
      const name = calleeName(x)
      const [first] = x.args
      if (/^(un)?likely$|^WARN/.test(name) && first !== undefined) return when(first, yes, s)
      if (name.endsWith('is_cow_mapping')) return yes ? s : withFacts(s, { shared: true })
      if (/^vma_(desc_)?test(_any|_all)?$/.test(name)) return flagTest(text.slice(x.start, x.end), yes, s, x)
      if (/^IS_ERR(_OR_NULL)?$/.test(name) && first !== undefined) {
        const v = value(first, s)
        if (v.is !== undefined && (v.is === 'negative') !== yes) return undefined
        return answered(v, s)
      }
      return answered(value(x, s), s, yes)
    }
    if (x.kind === 'assign') return answered(value(x.value, s), s, yes)
    if (x.kind === 'binary' && x.op === '&') {
      const words = text.slice(x.start, x.end)
      if ((value(x.left, s).from & From.flags) !== 0 || (value(x.right, s).from & From.flags) !== 0)
        return flagTest(words, yes, s, x)
      return s
    }
    if (x.kind === 'binary' && negated[x.op] !== undefined)
      return compared(yes ? x.op : negated[x.op]!, x.left, x.right, s)
    return answered(value(x, s), s, yes)
  }

  /** A value is true or not: what is known of it may say that this cannot be; what was found by what the user chose has been looked at. */
  function answered(v: Value, s: State, yes?: boolean): State | undefined {
    if (yes !== undefined && v.is !== undefined && (v.is !== 'zero') !== yes) return undefined
    // `if (vma->vm_pgoff) return -EINVAL`
    if (yes === false && own(v) !== 0) return withFacts(s, { bounded: s.facts.bounded | own(v) })
    if ((v.from & From.found) !== 0 && (v.from & chosen) !== 0)
      return withFacts(s, { asked: s.facts.asked | (v.from & chosen) })
    return s
  }

  function flagTest(words: string, yes: boolean, s: State, at: Expr): State {
    const names = flagsIn(words)
    if (names.every((n) => n === 'VM_SHARED' || n === 'VM_MAYSHARE') && names.length > 0)
      return yes ? withFacts(s, { shared: true }) : s
    if (names.includes('VM_MAYWRITE') && !yes && !names.includes('VM_SHARED'))
      return flagged(unwritable(s, at), [], ['VM_MAYWRITE'])
    if (names.includes('VM_WRITE') && names.every((n) => n !== 'VM_SHARED'))
      return yes ? writable(s, at) : unwritable(s, at)
    return s
  }

  function unwritable(s: State, e: Expr): State {
    const place = `${func.file.path}:${e.start}`
    return s.facts.mode ? s : withFacts(s, { unwritable: [...new Set([...s.facts.unwritable, place])] })
  }

  function writable(s: State, e: Expr): State {
    return withFacts(s, { writable: [...new Set([...s.facts.writable, `${func.file.path}:${e.start}`])] })
  }

  function compared(op: string, left: Expr, right: Expr, s: State): State | undefined {
    const l = value(left, s)
    const r = value(right, s)
    const zero = r.is === 'zero'
    if (l.is !== undefined && zero) {
      const holds = {
        '==': l.is === 'zero',
        '!=': l.is !== 'zero',
        '<': l.is === 'negative',
        '<=': l.is !== 'positive',
        '>': l.is === 'positive',
        '>=': l.is !== 'negative',
      }[op]
      if (holds === false) return undefined
    }
    if (((l.from | r.from) & From.flags) !== 0) {
      const words = text.slice(left.start, right.end)
      const names = flagsIn(words)
      if (op === '==' && !zero) return flagTest(words, true, s, left)
      if (op === '==' && zero) return flagTest(words, false, s, left)
      if (op === '!=' && zero) return flagTest(words, true, s, left)
      if (op === '!=' && names.includes('VM_WRITE') && !names.includes('VM_SHARED'))
        return unwritable(s, left)
      return s
    }
    let bounds = 0
    const upper = op === '<' || op === '<=' || op === '=='
    const lower = op === '>' || op === '>=' || op === '=='
    const wants = (v: Value): number => own(v) | (v.from & From.end)
    // `off + size < off` asks whether it wraps.
    const wraps =
      (wants(l) & wants(r) & chosen) !== 0 &&
      (pathOf(stripCasts(left)) !== undefined || pathOf(stripCasts(right)) !== undefined)
    if (!wraps && upper && !(zero && op !== '==')) bounds |= wants(l) & ~(wants(r) & wants(l))
    if (!wraps && lower) bounds |= wants(r) & ~(wants(r) & wants(l))
    // `size > limit - off` bounds both.
    if (bounds !== 0 && stripCasts(right).kind === 'binary') bounds |= wants(r)
    if (bounds !== 0 && stripCasts(left).kind === 'binary') bounds |= wants(l)
    // `start + off + size <= end`: at the top of the numbers the sum wraps, and passes. mmap() itself sees to it that `off + size` does not.
    const placed = (v: Value): number => ((v.from & From.placed) === 0 ? 0 : From.offset)
    const open = bounds & (upper ? placed(l) : 0) & (op === '==' ? 0 : From.offset)
    const openRight = bounds & (lower ? placed(r) : 0) & (op === '==' ? 0 : From.offset)
    const wrapped = open | openRight
    const above = !wraps && op !== '==' ? (lower ? placed(l) : 0) | (upper ? placed(r) : 0) : 0
    let next: State =
      bounds === 0 && above === 0
        ? s
        : withFacts(s, {
            bounded: s.facts.bounded | (bounds & chosen & ~wrapped),
            wrapped: s.facts.wrapped | wrapped,
            above: s.facts.above | above,
          })
    for (const v of [l, r]) next = answered(v, next) ?? next
    return next
  }

  function chosenCase(on: Expr, edge: Edge, s: State): State {
    const v = value(on, s)
    if (edge.when !== 'case') return s
    return withFacts(s, {
      bounded: s.facts.bounded | (v.from & chosen),
      ...((v.from & From.found) !== 0 && { asked: s.facts.asked | (v.from & chosen) }),
    })
  }

  // ── What an expression is ──────────────────────────────────────────────────────────────────────────────────────────

  function value(e: Expr, s: State): Value {
    const x = stripCasts(e)
    const known = s.results.get(x)
    if (known !== undefined) return known
    switch (x.kind) {
      case 'number':
        return { from: 0, is: x.value === 0 ? 'zero' : 'positive' }
      case 'name':
        return s.env.get(x.name) ?? constant(x.name)
      case 'member': {
        const path = pathOf(x)
        const own = path === undefined ? undefined : s.env.get(path)
        if (own !== undefined) return own
        const base = value(x.base, s).from
        if ((base & From.vmf) !== 0)
          return {
            from:
              x.field === 'vma'
                ? From.vma
                : /^(pgoff|address|real_address|virtual_address)$/.test(x.field)
                  ? From.fault
                  : 0,
          }
        if ((base & From.vma) !== 0) return { from: vmaFields[x.field] ?? 0 }
        return { from: picked(base) }
      }
      case 'index':
        return { from: picked(value(x.base, s).from | value(x.index, s).from) }
      case 'unary': {
        const v = value(x.of, s)
        if (x.op === '-')
          return {
            from: v.from,
            is: v.is === 'positive' || /^E[A-Z0-9]+$/.test(nameOf(x.of)) ? 'negative' : (v.is ?? 'negative'),
          }
        if (x.op === '!')
          return v.is === undefined ? nothing : { from: 0, is: v.is === 'zero' ? 'positive' : 'zero' }
        return { from: v.from }
      }
      case 'binary': {
        if (negated[x.op] !== undefined || x.op === '&&' || x.op === '||') return nothing
        const l = value(x.left, s).from
        const r = value(x.right, s).from
        if (x.op === '%') return { from: l & ~chosen }
        if (x.op === '-' && (l & From.end) !== 0 && (r & From.start) !== 0) return { from: From.size }
        if (x.op === '-' && (l & From.fault) !== 0)
          return {
            from:
              From.fault |
              (l & From.relative) |
              (r & From.offset) |
              ((r & From.start) === 0 ? 0 : From.relative),
          }
        const bytes =
          (l & From.offset) !== 0 && (x.op === '<<' || (x.op === '*' && nameOf(x.right) === 'PAGE_SIZE'))
            ? From.bytes
            : 0
        if (x.op === '>>') return { from: (l | r) & ~(From.vma | From.vmf | From.bytes | From.placed) }
        const place = (of: number, other: Expr, with_: number): boolean =>
          (of & From.bytes) !== 0 && (with_ & chosen) === 0 && isPlace(other)
        const placed = x.op === '+' && (place(l, x.right, r) || place(r, x.left, l)) ? From.placed : 0
        const based = x.op === '+' && ((l & chosen) === 0) !== ((r & chosen) === 0) ? From.based : 0
        return { from: ((l | r) & ~(From.vma | From.vmf)) | based | bytes | placed }
      }
      case 'ternary': {
        const a = x.then === undefined ? value(x.cond, s) : value(x.then, s)
        return { from: a.from | value(x.otherwise, s).from }
      }
      case 'assign':
        return value(x.value, s)
      case 'comma':
        return value(x.items.at(-1)!, s)
      case 'call': {
        const name = calleeName(x)
        const from = x.args.reduce((m, a) => m | value(a, s).from, 0)
        if (sizes.has(name)) return { from: From.size }
        if (offsets.has(name)) return { from: from & From.vmf ? From.fault : From.offset }
        if (name === 'linear_page_index') return { from: From.fault }
        if (clamps.test(name)) {
          const all = x.args.map((a) => own(value(a, s)))
          return { from: all.every((o) => o !== 0) ? all.reduce((m, o) => m | o, 0) : 0 }
        }
        if (name === 'PFN_PHYS' && (from & From.offset) !== 0) return { from: from | From.bytes }
        if (derived.has(name)) return { from: from & ~(From.vma | From.vmf) }
        if (name === 'ERR_PTR' || name === 'PTR_ERR' || name === 'vmf_error')
          return { from: 0, is: 'negative' }
        return nothing
      }
      default:
        return nothing
    }
  }
}

/** What it is of the user's choice itself, and not something found or picked by that. */
const own = (v: Value): number => ((v.from & (From.found | From.picked)) !== 0 ? 0 : v.from & chosen)

const picked = (from: number): number =>
  (from & (chosen | From.found | From.relative)) | ((from & (chosen | From.found)) === 0 ? 0 : From.picked)

const vmaFields: Readonly<Record<string, number>> = {
  vm_start: From.start,
  start: From.start,
  vm_end: From.end,
  end: From.end,
  vm_pgoff: From.offset,
  pgoff: From.offset,
  vm_flags: From.flags,
  vma_flags: From.flags,
  flags: From.flags,
}
const sizes = new Set(['vma_pages', 'vma_desc_size', 'vma_desc_pages', 'vma_size'])
const offsets = new Set(['vma_start_pgoff', 'vma_pgoff_offset', 'linear_page_index', 'drm_vma_node_start'])
const derived = new Set([
  ...sizes,
  ...offsets,
  'PAGE_ALIGN',
  'ALIGN',
  'round_up',
  'roundup',
  'DIV_ROUND_UP',
  'PFN_DOWN',
  'PFN_UP',
  'PFN_PHYS',
  'PHYS_PFN',
  'BIT',
  '__pfn_to_phys',
  '__phys_to_pfn',
  'pfn_to_page',
  'page_to_pfn',
  'phys_to_pfn',
  'virt_to_page',
  'vmalloc_to_page',
  'vmalloc_to_pfn',
  'virt_to_phys',
  '__pa',
  'array_index_nospec',
  'nth_page',
  'is_cow_mapping',
  'IS_ERR',
  'likely',
  'unlikely',
])
const clamps = /^(min|min_t|min3|clamp|clamp_t|clamp_val)$/
/** Memory as large as it is asked for. */
const measures =
  /^(k[mz]alloc|kv[mz]alloc|kcalloc|kvcalloc|v[mz]alloc(_user|_32|_32_user)?|alloc_pages?(_exact|_node)?|__get_free_pages|dma_alloc_\w+|\w*_alloc(_\w+)?|\w+_create)$/
/** What says nothing about a mapping; of sealed files the core takes VM_MAYWRITE away itself. */
const silent =
  /^(seal_check_|trace_|pr_|dev_(dbg|err|warn|info|notice)|drm_(dbg|err|info|WARN)|\w*printk|DEB_|WARN|BUG|netdev_|ibdev_|lockdep_|might_|mutex_|spin_|down_|up_|file_accessed|touch_atime|pgprot_|vm_get_page_prot|vma_assert|mmap_assert|unmap_mapping|zap_|fput|get_file|vma_set_file|vma_desc_set|mm_set|update_|mlog|DRM_|cachemode|phys_mem_access_prot|arch_|flush_|__flush_|\w*(dbg|DBG|debug|DEBUG)|\w*_hook$|\w+_lock|\w+_unlock)/
const negated: Readonly<Record<string, string>> = {
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
  '==': '!=',
  '!=': '==',
}

const givesPage: Helper = { inserts: 'page', vma: 0, checks: 'none', single: true, sets: [], counts: true }
const handsOnTo = (field: string): Helper => ({
  inserts: 'either',
  vma: 0,
  checks: 'full',
  sets: [],
  counts: true,
  contract: `it hands the mapping on to ->${field}(), whose functions are judged themselves`,
})

const nameOf = (e: Expr): string => {
  const x = stripCasts(e)
  if (x.kind === 'name') return x.name
  if (x.kind === 'unary' && x.op === '&') return nameOf(x.of)
  return pathOf(x) ?? ''
}
/** Something that begins somewhere: no number, no size. */
function isPlace(e: Expr): boolean {
  const x = stripCasts(e)
  if (x.kind === 'call') return /_start$|_base$|virt_to_phys|__pa/.test(calleeName(x))
  if (x.kind === 'binary' && (x.op === '&' || x.op === '+')) return isPlace(x.left)
  const path = pathOf(x)
  return (
    path !== undefined && /(start|base|phys|addr|mem|paddr|io)\w*$/i.test(path) && !/^[A-Z_0-9]+$/.test(path)
  )
}

const constant = (name: string): Value =>
  name === 'NULL' || name === 'false' || name === 'VM_FAULT_NOPAGE' || name === 'VM_FAULT_LOCKED'
    ? { from: 0, is: 'zero' }
    : /^VM_FAULT_(SIGBUS|SIGSEGV|OOM|ERROR|HWPOISON)$/.test(name)
      ? { from: 0, is: 'negative' }
      : nothing

/** Two states that agree in this go on alike. */
function keyOf(s: State): string {
  let key = ''
  for (const [path, v] of s.env)
    if (v.from !== 0 || v.is !== undefined) key += `${path} ${v.from}${v.is ?? ''},`
  return `${key};${factsKey(s.facts)};${s.returned.from}${s.returned.is ?? ''}`
}
function factsKey(f: Facts): string {
  let key = factKeys.get(f)
  if (key === undefined) {
    const inserted = f.inserted.map(
      (i) =>
        `${i.api}:${i.at.line}${i.size}${i.offset}${i.fault}${i.unsure}${i.bare}${i.moves}${i.relative}${i.wraps}`,
    )
    key = `${f.bounded} ${f.wrapped} ${f.above} ${f.asked} ${f.measured} ${f.shared} ${f.unwritable.join()} ${f.writable.join()} ${f.mode} ${f.ops} ${f.lost} ${f.set.join()} ${f.cleared.join()} ${inserted.join()}`
    factKeys.set(f, key)
  }
  return key
}
const factKeys = new WeakMap<Facts, string>()

const put = (s: State, path: string, v: Value): State => {
  const env = new Map(
    [...s.env].filter(([p]) => p !== path && !p.startsWith(`${path}->`) && !p.startsWith(`${path}.`)),
  )
  env.set(path, v)
  return { ...s, env }
}
function withFacts(s: State, facts: Partial<Facts>): State {
  const old = s.facts as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(facts))
    if (old[name] !== value) return { ...s, facts: { ...s.facts, ...facts } }
  return s
}
function flagged(s: State, set: readonly VmFlag[], cleared: readonly VmFlag[]): State {
  const { facts } = s
  return withFacts(s, {
    set: [...new Set([...facts.set.filter((f) => !cleared.includes(f)), ...set])].sort(),
    cleared: [...new Set([...facts.cleared.filter((f) => !set.includes(f)), ...cleared])].sort(),
  })
}
