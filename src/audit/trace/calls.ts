import type { Call, CFile, Func, Macro } from '../../source/index.ts'
import { meaningOf } from '../api.ts'
import { lookupNamed } from '../protocols/pfn-lookup.ts'
import { aboutOf, stripped } from './about.ts'
import { flatten, substitute } from '../ways/macros.ts'
import { ended, enders, lookup, meant } from './meanings.ts'
import { outlive, type State, unknown, type Value } from './state.ts'
import { derived, type Out, taintOf, valueText } from './values.ts'
import type { Walk } from './walk.ts'
import { arithmetic, generalLock, interesting, lockName, locks, logs, quiet } from './words.ts'

/** What a call does: of the core by its name, of others by going into them where that matters. */
export function applied(
  w: Walk,
  e: Call,
  name: string | undefined,
  args: readonly Value[],
  state: State,
): readonly Out[] {
  if (name === undefined) return indirect(w, e, args, state)
  const here = w.code.resolveHere(name, w.ways.frame.func.file)
  const api = lookupNamed.get(name)
  if (api !== undefined && here?.static !== true) return lookup(w, e, api, args, state)
  const ends = enders.get(name)
  if (ends !== undefined) return ended(w, e, ends, args, state)
  const meaning = meaningOf(name)
  if (meaning !== undefined && (here === undefined || meaning.does !== 'nothing'))
    return meant(w, e, name, meaning, args, state)
  // Beyond the file it is looked for only where it can matter: it is given what was looked up, or is on the way, or locks.
  const tainted = args.some((v) => taintOf({ s: state, v }) !== undefined)
  if (here === undefined) {
    const ours = w.code.macroHere(name, w.ways.frame.func.file)
    if (ours === undefined) {
      if (tainted && arithmetic.test(name)) return [{ s: state, v: derived(args) }]
      // A tree of intervals that a macro makes: what it is given is a key.
      if (quiet.test(name) || isIntervalTree(w, name)) return passedBy(w, e, args, state)
      const locks = lockName.test(name) && !generalLock.test(name) && asksNotifiers(w)
      if (!tainted && !locks && !w.leads.has(name)) return passedBy(w, e, args, state)
    }
  }
  const macro = here === undefined ? w.code.macro(name, w.ways.frame.func.file) : undefined
  const own = here ?? (macro === undefined ? w.code.resolve(name, w.ways.frame.func.file) : undefined)
  if (macro?.params !== undefined && worthExpanding(w, macro.text, args, state))
    return expand(w, e, macro, state)
  if (own !== undefined) return into(w, e, own, args, state)
  if (macro !== undefined) return [{ s: state, v: derived(args) }]
  return outside(w, e, name, args, state)
}

function indirect(w: Walk, e: Call, args: readonly Value[], state: State): readonly Out[] {
  const tainted = args.some((v) => taintOf({ s: state, v }) !== undefined)
  if (!tainted) return havoc(w, args, state)
  const callee = stripped(e.callee)
  if (callee.kind === 'member') {
    const type = w.typeOf(callee.base)
    const found = w.code.ops(type?.base.replace(/^struct /, ''), callee.field)
    const funcs = new Map(found.map((f) => [f.func, f]))
    if (funcs.size > 0 && funcs.size <= 4) {
      const outs = [...funcs.values()].flatMap((f) => {
        const func = w.code.resolve(f.func, f.file)
        return func === undefined ? [] : into(w, e, func, args, state)
      })
      if (outs.length > 0) return outs
    }
    return outside(
      w,
      e,
      `->${callee.field}`,
      args,
      state,
      funcs.size > 4
        ? `${funcs.size} functions may be behind the pointer ->${callee.field}()`
        : `nobody is found behind the pointer ->${callee.field}()`,
    )
  }
  return outside(w, e, w.ways.text(e.callee), args, state)
}

/** A call that is not looked into: a VMA from before is looked at there, what it points to may be written. */
function passedBy(w: Walk, e: Call, args: readonly Value[], state: State): readonly Out[] {
  let states: readonly State[] = [state]
  for (const v of args)
    if (v.vma === 'stale')
      states = states.flatMap((s) => w.say(s, e, { kind: 'stale-vma', text: w.ways.text(e) }))
  return states.flatMap((s) => havoc(w, args, s))
}

function isIntervalTree(w: Walk, name: string): boolean {
  const m = /^(\w+)_(iter_first|iter_next|insert|remove|subtree_search)$/.exec(name)
  return (
    m !== null &&
    w.ways.frame.func.file.invocations.some(
      (i) => i.name === 'INTERVAL_TREE_DEFINE' && i.args.some((a) => a.kind === 'name' && a.name === m[1]),
    )
  )
}

/** Only where a notifier is asked do the driver's own locks matter. */
function asksNotifiers(w: Walk): boolean {
  return w.ways.inSome((f) => readsNotifiers(f.func.file))
}

/** A function whose body is not there, or not read: what it was given is out of sight. */
function outside(
  w: Walk,
  e: Call,
  name: string,
  args: readonly Value[],
  state: State,
  reason?: string,
): readonly Out[] {
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return [{ s: state, v: derived(args) }]
  let states = [state]
  for (const [i, v] of args.entries()) {
    if (v.vma === 'stale')
      states = states.flatMap((s) => w.say(s, e, { kind: 'stale-vma', text: w.ways.text(e) }))
    const of = taintOf({ s: state, v: v })
    if (of === undefined || quiet.test(name) || (v.of === undefined && logs.test(name))) continue
    const how = v.of !== undefined ? '' : ', inside what it points to'
    states = states.flatMap((s) =>
      w.say(s, e, {
        kind: 'lost',
        value: of,
        reason: reason ?? `it is passed to ${name}(), whose body is not seen`,
        text: `argument ${i + 1} of ${name}()${how}`,
      }),
    )
  }
  return states.flatMap((s) => havoc(w, args, s))
}

/** What a callee that is not read may have done: written through the pointers it got. */
function havoc(w: Walk, args: readonly Value[], state: State): readonly Out[] {
  let s = state
  for (const v of args)
    if (v.to !== undefined) {
      const held = s.env.get(v.to)
      if (held !== undefined && held.of === undefined && (held.int !== undefined || held.seq === true))
        s = s.withValue(v.to, unknown)
    }
  return [{ s, v: unknown }]
}

function into(w: Walk, e: Call, func: Func, args: readonly Value[], state: State): readonly Out[] {
  const tainted = args.some((v) => taintOf({ s: state, v }) !== undefined)
  const wanted = tainted || w.towards.has(func) || aboutOf(func, w.code).touches
  if (!wanted) {
    let states = [state]
    for (const v of args)
      if (v.vma === 'stale')
        states = states.flatMap((s) => w.say(s, e, { kind: 'stale-vma', text: w.ways.text(e) }))
    return states.flatMap((s) => havoc(w, args, s))
  }
  if (w.ways.isIn(func)) return havoc(w, args, state)
  // A record that holds the number is written to a log.
  if (logs.test(func.name) && !args.some((v) => v.of !== undefined)) return passedBy(w, e, args, state)
  if (w.ways.depth >= w.limits.depth)
    return tainted
      ? outside(
          w,
          e,
          func.name,
          args,
          state,
          `it goes more than ${w.limits.depth} calls deep, into ${func.name}()`,
        )
      : havoc(w, args, state)
  // The callee sees what its arguments reach, and globals; the rest of the state waits outside, so that equal calls are walked once.
  const { seen, rest } = state.split(args)
  const depth = w.ways.depth
  const key = `${func.file.path}:${func.start} ${depth} ${args.map(valueText).join(',')} ${seen.key()}`
  let outs = w.calls.get(key)
  if (outs === undefined) {
    const none: ReadonlyMap<string, boolean> = new Map()
    const prefix = `${depth}:`
    outs = w.ways
      .through(func, (frame) => {
        let inner = seen
        for (const [i, p] of func.params.entries()) {
          const v = args[i]
          if (v !== undefined) inner = inner.withValue(frame.prefix + p.name, v)
        }
        return inner
      })
      .map((o) => ({ s: o.s.leave(prefix, func.name, none), v: outlive(o.v, prefix, func.name) }))
    w.calls.set(key, outs)
  }
  return outs.map((o) => ({ s: o.s.join(rest, state), v: o.v }))
}

function expand(w: Walk, e: Call, { body, params = [] }: Macro, state: State): readonly Out[] {
  const bind = new Map(params.map((p, i) => [p, e.args[i]]))
  if (body.kind === 'other') return [{ s: state, v: unknown }]
  return w.ways.at(w.ways.place(e), () => {
    if (body.kind === 'expr') return w.ways.eval(substitute(body.expr, bind), state)
    let states = [state]
    for (const s of flatten(body.stmts))
      if (s.kind === 'expr')
        states = states.flatMap((t) => w.ways.eval(substitute(s.expr, bind), t).map((o) => o.s))
    return states.map((s) => ({ s, v: unknown }))
  })
}

function worthExpanding(w: Walk, text: string, args: readonly Value[], state: State): boolean {
  return (
    args.some((v) => taintOf({ s: state, v }) !== undefined) ||
    interesting.test(text) ||
    (text.length < 400 && locks.test(text))
  )
}

/** A file is large and is asked about at each call in it. */
function readsNotifiers(file: CFile): boolean {
  let reads = notifierReaders.get(file)
  if (reads === undefined)
    notifierReaders.set(file, (reads = file.source.text.includes('mmu_interval_read_')))
  return reads
}
const notifierReaders = new WeakMap<CFile, boolean>()
