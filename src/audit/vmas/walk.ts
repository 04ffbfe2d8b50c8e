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
  parts,
  pathOf,
  stripCasts,
  visit,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { dropsInto, lockCall, looksInto, lookups } from './api.ts'

/** What is done with a VMA and with the lock under which it was found, in the order of the code. */
export type Step =
  | { readonly do: 'lock' | 'unlock' | 'find'; readonly at: Place; readonly text: string }
  /** A fault that dropped the lock and took it again. */
  | { readonly do: 'drop'; readonly at: Place; readonly text: string }
  | { readonly do: 'use'; readonly at: Place; readonly text: string }

/** One way through the function, from the look-up on. */
export type Way = {
  readonly steps: readonly Step[]
  /** The lock where the VMA was looked up: the function took it; it did nothing to it; it had dropped it. */
  readonly found: 'held' | 'entry' | 'free'
  readonly asserted: boolean
  /** It is used after the lock was dropped. */
  readonly late: boolean
  /** It is returned, the lock held or left as it was. */
  readonly returned?: 'held' | 'entry'
  /** What is not seen of it. */
  readonly lost?: string
}

type Lock = 'entry' | 'held' | 'free'
type State = {
  readonly lock: Lock
  /** It is asserted that whoever calls has it. */
  readonly asserted: boolean
  /** Of a call that may have taken it. */
  readonly pending: { readonly of: Expr | string; readonly when: boolean } | undefined
  readonly names: readonly string[]
  readonly is: 'unfound' | 'fresh' | 'stale'
  readonly found: Lock
  readonly late: boolean
  readonly lost: string
  /** What was done to the lock last. */
  readonly last: Step | undefined
  readonly steps: readonly Step[]
  /** Variables that hold a number, and what a fault gave. */
  readonly env: ReadonlyMap<string, string>
  readonly returned: Lock | undefined
}

const most = { visits: 6000, steps: 14 }

/** The ways through a function on which what a call found is looked at. Undefined: there are too many. */
export function waysOf(code: Code, func: Func, site: Call, locks: boolean): readonly Way[] | undefined {
  const { text } = func.file.source
  const body = text.slice(func.start, func.end)
  const at = (e: { readonly start: number }): Place => ({
    file: func.file.path,
    line: func.file.source.position(e.start).line,
    func: func.name,
  })
  const said = (e: Expr): string => text.slice(e.start, e.end).replace(/\s+/g, ' ').slice(0, 60)
  const mms = mmsOf(func)
  const own = site.args[0] === undefined ? '' : (pathOf(stripCasts(site.args[0])) ?? '')
  // Where it works with two processes, only what is done to the lock of this one counts.
  const counts = (mm: string): boolean => mms.size < 2 || !mms.has(own) || mm === own
  const retries = /\bFAULT_FLAG_(ALLOW_RETRY|DEFAULT|USER|INTERRUPTIBLE)\b/.test(body)

  // Since 6.0 a fault may also drop it because all is done.
  const completes = body.includes('VM_FAULT_COMPLETED')

  const start: State = {
    lock: 'entry',
    asserted: false,
    pending: undefined,
    names: [],
    is: 'unfound',
    found: 'entry',
    late: false,
    lost: '',
    last: undefined,
    steps: [],
    env: new Map(),
    returned: undefined,
  }
  const take = body.search(takesLock)
  const drop = body.search(dropsLock)
  // It takes the lock before it drops it, where it does: a way on which it was not taken, and is dropped, is none.
  const ownSection = take >= 0 && (drop < 0 || take < drop)
  const result = explore<State>(cfgOf(func), start, {
    key: (s) =>
      `${s.lock} ${s.asserted} ${s.is} ${s.found} ${s.late} ${s.lost} ${s.names.join()} ${[...s.env].join()} ${s.pending === undefined ? '' : typeof s.pending.of === 'string' ? s.pending.of : s.pending.of.start} ${s.last?.at.line} ${s.steps.map((x) => `${x.do}${x.at.line}`).join()}`,
    limit: most.visits,
    step(node, s) {
      if (node.kind === 'cleanup') {
        const c = node.cleanup!
        return c.kind === 'guard' && /^mmap_(read|write)_lock/.test(c.name) ? unlock(s, node, 'guard') : [s]
      }
      if (node.expr === undefined) return [node.local !== undefined ? forget(s, node.local.name) : s]
      let states = run(node.expr, [s])
      if (node.local !== undefined) {
        const { name } = node.local
        states = states.map((x) => assigned(x, name, node.expr!))
      }
      if (node.kind === 'return')
        states = states.map((x) =>
          x.is === 'fresh' && x.names.includes(pathOf(stripCasts(node.expr!)) ?? '')
            ? { ...x, returned: x.lock }
            : x,
        )
      return states
    },
    edge: (node, edge, s) => taken(node, edge, s),
  })
  if (!result.complete) return undefined
  const ways = new Map<string, Way>()
  for (const { state: s } of result.exits) {
    if (s.is === 'unfound') continue
    const way: Way = {
      steps: s.steps,
      found: s.found,
      asserted: s.asserted,
      late: s.late,
      ...(s.returned !== undefined && s.returned !== 'free' && { returned: s.returned }),
      ...(s.lost !== '' && { lost: s.lost }),
    }
    ways.set(
      `${s.steps.map((x) => `${x.do}${x.at.line}`).join()} ${s.found}${s.late}${s.lost}${s.returned}`,
      way,
    )
  }
  return [...ways.values()]

  function step(s: State, x: Step): State {
    const last = s.steps.at(-1)
    if (last?.do === x.do && (x.do === 'use' || last.at.line === x.at.line)) return s
    // Before it is found only how the lock stands counts; of what was not found nothing is used.
    if (s.is === 'unfound') return s
    if (s.names.length === 0 && s.steps.some((y) => y.do === 'unlock')) return s
    if (s.steps.length >= most.steps) return lose(s, 'more is done with it than is followed')
    return { ...s, steps: [...s.steps, x] }
  }

  function lock(s: State, e: { readonly start: number }, words: string): State {
    if (s.lock === 'held') return s
    const last: Step = { do: 'lock', at: at(e), text: words }
    return step({ ...s, lock: 'held', last }, last)
  }

  function unlock(s: State, e: { readonly start: number }, words: string): State[] {
    if (s.lock === 'free' || (s.lock === 'entry' && ownSection)) return []
    const last: Step = { do: 'unlock', at: at(e), text: words }
    return [step({ ...s, lock: 'free', is: s.is === 'fresh' ? 'stale' : s.is, last }, last)]
  }
  function run(expr: Expr, from: State[]): State[] {
    let states = from.map((s) => used(expr, s))
    for (const { expr: x } of effects(expr)) {
      if (x.kind === 'call') states = states.flatMap((s) => call(x, s))
      else if (x.kind === 'assign') {
        const to = pathOf(stripCasts(x.target))
        if (to !== undefined)
          states = states.map((s) => (x.op === '=' ? assigned(s, to, x.value) : forget(s, to)))
      } else if (x.kind === 'unary' && (x.op === '++' || x.op === '--')) {
        const to = pathOf(x.of)
        if (to !== undefined) states = states.map((s) => forget(s, to))
      }
    }
    return states
  }

  /** What an expression reads of the VMA. */
  function used(expr: Expr, s: State): State {
    if (s.names.length === 0) return s
    let next = s
    const enter = (e: Expr, address: boolean): void => {
      if (e.kind === 'member' && e.arrow && !address) {
        const base = pathOf(stripCasts(e.base))
        if (base !== undefined && next.names.includes(base)) next = use(next, e)
      }
      if (e.kind === 'unary' && e.op === '*' && !e.postfix) {
        const base = pathOf(stripCasts(e.of))
        if (base !== undefined && next.names.includes(base)) next = use(next, e)
      }
      for (const p of parts(e)) enter(p, e.kind === 'unary' && e.op === '&')
    }
    enter(expr, false)
    return next
  }

  function use(s: State, e: Expr): State {
    const next = s.is === 'stale' ? { ...s, late: true } : s
    return step(next, { do: 'use', at: at(e), text: said(e) })
  }

  function call(c: Call, s: State): State[] {
    if (c === site) {
      const is: State = {
        ...s,
        names: [],
        is: 'fresh',
        found: locks ? 'held' : s.lock,
        late: false,
        lost: '',
        lock: locks ? 'held' : s.lock,
        steps: [...(s.last === undefined ? [] : [s.last]), { do: 'find', at: at(c), text: said(c) }],
      }
      return [is]
    }
    const name = calleeName(c)
    const arg = c.args[0] === undefined ? '' : text.slice(c.args[0].start, c.args[0].end)
    // `guard(mmap_read_lock)(mm)`, `scoped_guard(mmap_read_lock, mm)`
    const guard = c.callee.kind === 'call' ? c.callee : name === 'scoped_guard' ? c : undefined
    if (guard !== undefined) {
      const what = guard.args[0]
      return what?.kind === 'name' && /^mmap_(read|write)_lock$/.test(what.name) ? [lock(s, c, 'guard')] : [s]
    }
    const known = lockCall(name, arg)
    if (known !== undefined) {
      if (!counts(mmOf(c))) return [s]
      if (known.does === 'assert') return [s.lock === 'entry' ? { ...s, lock: 'held', asserted: true } : s]
      if (known.does === 'unlock') return unlock(s, c, name)
      if (known.when === undefined) return [lock(s, c, name)]
      return [{ ...s, pending: { of: c, when: known.when } }]
    }
    let states = [s]
    if (s.names.length > 0)
      for (const a of c.args) {
        const x = stripCasts(a)
        const path = pathOf(x)
        if (path === undefined || !s.names.includes(path)) continue
        states = states.map((y) => passed(c, name, y))
      }
    const drops = dropsInto.get(name)
    if (drops !== undefined) states = states.flatMap((y) => dropped(c, name, drops, y))
    if (name === 'handle_mm_fault' && retries)
      states = states.flatMap((y) => [
        put(y, c, 'done'),
        step(
          put(
            { ...y, lock: 'free', is: y.is === 'fresh' ? 'stale' : y.is },
            c,
            completes ? 'dropped' : 'retry',
          ),
          {
            do: 'unlock',
            at: at(c),
            text: name,
          },
        ),
      ])
    else if (lookups.get(name)?.locks === true) states = states.map((y) => ({ ...y, lock: 'held' as const }))
    else if (name !== '' && drops === undefined) states = states.flatMap((y) => entered(c, name, y))
    return states
  }

  /** A function of the tree that does something to the lock. */
  function entered(c: Call, name: string, s: State): State[] {
    const callee =
      code.resolveHere(name, func.file) ??
      (/mmap_|_lock|lock_|mm_/.test(name) ? code.resolve(name, func.file) : undefined)
    if (callee === undefined || callee === func) return [s]
    const does = touches(callee)
    switch (does) {
      case undefined:
        return [s]
      case 'lock':
        return [lock(s, c, name)]
      case 'unlock':
        return unlock(s, c, name)
      case 'section':
        // Its own section; who calls it holds nothing.
        return [s.lock === 'held' ? lose(s, `what ${name}() does to mmap_lock is not understood`) : s]
      case 'unclear':
        return [s.is === 'fresh' ? lose(s, `what ${name}() does to mmap_lock is not understood`) : s]
    }
  }

  function lose(s: State, why: string): State {
    return s.lost === '' ? { ...s, lost: why } : s
  }

  /** The VMA is given to somebody. */
  function passed(c: Call, name: string, s: State): State {
    if (/^(IS_ERR|WARN|pr_|dev_|printk|trace_|vma_end_read|vma_put|likely|unlikely)/.test(name)) return s
    if (s.is !== 'stale') return step(s, { do: 'use', at: at(c), text: said(c) })
    const i = c.args.findIndex((a) => s.names.includes(pathOf(stripCasts(a)) ?? ''))
    const callee = code.resolveHere(name, func.file)
    const param = callee?.params[i]?.name
    const looks =
      looksInto.test(name) ||
      (param !== undefined &&
        new RegExp(`\\b${param}\\s*->`).test(callee!.file.source.text.slice(callee!.start, callee!.end)))
    if (looks) return use(s, c)
    return lose(
      s,
      `what ${name === '' ? 'a function pointer' : `${name}()`} does with the VMA after mmap_lock is not seen`,
    )
  }

  function dropped(
    c: Call,
    name: string,
    { arg, retakes, says }: { readonly arg: number; readonly retakes: boolean; readonly says: boolean },
    s: State,
  ): State[] {
    const a = c.args.at(arg)
    const x = a && stripCasts(a)
    const to = x?.kind === 'unary' && x.op === '&' ? pathOf(x.of) : undefined
    if (x?.kind === 'name' && x.name === 'NULL') return [s]
    if (to === undefined)
      return [s.is === 'fresh' ? lose(s, `whether ${name}() drops mmap_lock is not seen`) : s]
    const kept = s
    const gone: State = {
      ...s,
      env: new Map([...s.env, [to, says ? '1' : '0']]),
      is: s.is === 'fresh' ? 'stale' : s.is,
      lock: retakes ? s.lock : 'free',
    }
    return [
      says || s.env.has(to) ? kept : { ...s, env: new Map([...s.env, [to, says ? '0' : '1']]) },
      step(gone, { do: retakes ? 'drop' : 'unlock', at: at(c), text: name }),
    ]
  }

  function put(s: State, c: Expr, v: string): State {
    return { ...s, env: new Map([...s.env, [`@${c.start}`, v]]) }
  }

  function assigned(s: State, to: string, value: Expr): State {
    const x = stripCasts(value)
    if (x === site || (x.kind === 'assign' && stripCasts(x.value) === site)) {
      const cleared = forget(s, to)
      return { ...cleared, names: [...new Set([...cleared.names, to])] }
    }
    const from = pathOf(x)
    if (from !== undefined && s.names.includes(from) && from !== to) {
      const cleared = forget(s, to)
      return { ...cleared, names: [...cleared.names, to] }
    }
    if (s.pending !== undefined && s.pending.of === x)
      return { ...forget(s, to), pending: { of: to, when: s.pending.when } }
    const next = forget(s, to)
    const gave = next.env.get(`@${x.start}`)
    const v =
      gave ??
      (x.kind === 'number' && x.value !== undefined
        ? String(x.value)
        : x.kind === 'name' && /^(true|false|NULL)$/.test(x.name)
          ? x.name === 'true'
            ? '1'
            : '0'
          : undefined)
    if (v === undefined || !/^\w+$/.test(to)) return next
    return { ...next, env: new Map([...next.env, [to, v]]) }
  }

  function forget(s: State, to: string): State {
    const names = s.names.filter((n) => n !== to)
    if (names.length === s.names.length && !s.env.has(to)) return s
    const env = new Map(s.env)
    env.delete(to)
    return { ...s, names, env }
  }

  function taken(node: CfgNode, edge: Edge, s: State): State | undefined {
    if (node.kind !== 'branch' || node.expr === undefined) return s
    if (edge.when !== 'true' && edge.when !== 'false') return s
    const yes = edge.when === 'true'
    return when(node.expr, yes, s)
  }

  function when(e: Expr, yes: boolean, s: State): State | undefined {
    const x = stripCasts(e)
    if (x.kind === 'unary' && x.op === '!') return when(x.of, !yes, s)
    if (x.kind === 'call') {
      const name = calleeName(x)
      if (/^(un)?likely$|^WARN_ON/.test(name) && x.args[0] !== undefined) return when(x.args[0], yes, s)
      if (name === 'fault_signal_pending' && x.args[0] !== undefined) {
        const v = s.env.get(pathOf(stripCasts(x.args[0])) ?? '')
        return v === 'done' && yes ? undefined : s
      }
      if (/^IS_ERR_OR_NULL$/.test(name) && x.args[0] !== undefined) return when(x.args[0], !yes, s)
    }
    if (s.pending !== undefined) {
      const { of, when: gets } = s.pending
      const it = typeof of === 'string' ? pathOf(x) === of : x === of
      if (it) {
        const free = { ...s, pending: undefined }
        return yes === gets ? lock(free, x, 'mmap_lock') : free
      }
    }
    if (x.kind === 'assign') return when(x.target, yes, s)
    const path = pathOf(x)
    if (path !== undefined || x === site) {
      if (x === site || s.names.includes(path!)) {
        // What was not found is not looked at.
        if (yes) return s
        const none: State = { ...s, names: [], is: s.is === 'fresh' || s.is === 'stale' ? 'fresh' : s.is }
        return locks ? { ...none, lock: 'free' } : none
      }
      const v = s.env.get(path!)
      if (v === '0' || v === '1') return (v === '1') === yes ? s : undefined
      return s
    }
    if (x.kind === 'binary' && (x.op === '==' || x.op === '!=')) {
      const right = stripCasts(x.right)
      const nothing =
        (right.kind === 'name' && /^(NULL|false)$/.test(right.name)) ||
        (right.kind === 'number' && right.value === 0)
      if (nothing) return when(x.left, yes === (x.op === '!='), s)
    }
    // `fault & VM_FAULT_RETRY`
    if (x.kind === 'binary' && x.op === '&') {
      const left = pathOf(stripCasts(x.left))
      const v = left === undefined ? undefined : s.env.get(left)
      const words = text.slice(x.right.start, x.right.end)
      // Without leave to, a fault does not drop the lock.
      if (
        words.includes('FAULT_FLAG_ALLOW_RETRY') &&
        !yes &&
        [...s.env.values()].some((y) => y === 'dropped' || y === 'retry')
      )
        return undefined
      if (v === 'done' && /RETRY|COMPLETED/.test(words) && !/ERROR/.test(words)) return yes ? undefined : s
      // The lock is gone with either; an error comes with neither.
      const now = (is: string): State => ({ ...s, env: new Map([...s.env, [left!, is]]) })
      if (v === 'dropped' && /RETRY/.test(words)) return now(yes ? 'retry' : 'completed')
      if (v === 'dropped' && /COMPLETED/.test(words)) return now(yes ? 'completed' : 'retry')
      if (v === 'retry' && /RETRY|COMPLETED/.test(words)) return /RETRY/.test(words) === yes ? s : undefined
      if (v === 'completed' && /RETRY|COMPLETED/.test(words))
        return /COMPLETED/.test(words) === yes ? s : undefined
      if (v !== undefined && v !== 'done' && /ERROR|OOM|SIG/.test(words)) return yes ? undefined : s
    }
    return s
  }

  /** The mm that a lock call is about. */
  function mmOf(c: Call): string {
    const a = c.args[0]
    return a === undefined ? '' : mmText(a)
  }
}

/** `mm`, `&mm->mmap_lock` without the lock. */
function mmText(a: Expr): string {
  const x = stripCasts(a)
  if (x.kind === 'unary' && x.op === '&') {
    const m = stripCasts(x.of)
    if (m.kind === 'member') return pathOf(m.base) ?? ''
  }
  return pathOf(x) ?? ''
}

function mmsOf(func: Func): ReadonlySet<string> {
  const found = new Set<string>()
  const { text } = func.file.source
  for (const n of cfgOf(func).nodes)
    if (n.expr !== undefined)
      visit(n.expr, (e) => {
        if (e.kind !== 'call' || e.args[0] === undefined) return
        if (lockCall(calleeName(e), text.slice(e.args[0].start, e.args[0].end)) !== undefined)
          found.add(mmText(e.args[0]))
      })
  return found
}

/** What a function does to mmap_lock, by its text. */
function touches(f: Func): 'lock' | 'unlock' | 'section' | 'unclear' | undefined {
  const body = f.file.source.text.slice(f.start, f.end)
  const take = body.search(takesLock)
  const drop = body.search(dropsLock)
  if (take < 0 && drop < 0) return undefined
  if (take < 0) return 'unlock'
  if (/guard\s*\(\s*mmap_/.test(body) && drop < 0) return 'section'
  if (drop < 0) return 'lock'
  return take < drop ? 'section' : 'unclear'
}

const takesLock =
  /\bmmap_(read|write)_(try)?lock|\bdown_(read|write)\w*\s*\([^)]*mmap_(sem|lock)|guard\s*\(\s*mmap_/
const dropsLock = /\bmmap_(read|write)_unlock|\bup_(read|write)\s*\([^)]*mmap_(sem|lock)/
