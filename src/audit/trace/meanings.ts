import type { Call } from '../../source/index.ts'
import { type Meaning, mmapLockFields } from '../api.ts'
import { type LookupApi, lookups } from '../protocols/pfn-lookup.ts'
import type { Assignment } from '../ways/subject.ts'
import type { Lock } from './event.ts'
import { type Int, type State, unknown, type Value } from './state.ts'
import { countLookups, lastGiven, objectTaint, type Out, readAt, taintOf } from './values.ts'
import { lockName, type Walk } from './walk.ts'
import { keepsForm } from './words.ts'

type Ender = { readonly api: LookupApi; readonly how: 'end' | 'put' }
/** Calls that end a look-up's section, or give back what it gave. */
export const enders: ReadonlyMap<string, Ender> = new Map(
  lookups.flatMap((api): [string, Ender][] => [
    ...(api.endedBy === undefined ? [] : [[api.endedBy.name, { api, how: 'end' }] as [string, Ender]]),
    ...(api.putBy === undefined ? [] : [[api.putBy.name, { api, how: 'put' }] as [string, Ender]]),
  ]),
)

/** A look-up gives a value, or fails. */
export function lookup(
  w: Walk,
  e: Call,
  api: LookupApi,
  args: readonly Value[],
  state: State,
): readonly Out[] {
  const outs: Out[] = []
  let states = [state]
  // A VMA that is no longer one, handed to the look-up.
  if (api.vma !== undefined) {
    const arg = args[api.vma.arg]
    const vma =
      api.vma.field === undefined
        ? arg
        : arg?.to === undefined
          ? undefined
          : state.env.get(`${arg.to}.${api.vma.field}`)
    if (vma?.vma === 'stale') states = w.say(state, e, { kind: 'stale-vma', text: w.ways.text(e) })
  }
  if (api.out.kind === 'none') {
    const where = api.unlocked === undefined ? undefined : args[api.unlocked]
    const may = where !== undefined && where.int !== 'zero'
    const write =
      api.flags !== undefined &&
      e.args[api.flags] !== undefined &&
      /WRITE/.test(w.ways.text(e.args[api.flags]!))
    for (const ok of [true, false])
      for (const dropped of may ? [false, true] : [undefined])
        for (const s of states.flatMap((t) =>
          w.say(t, e, {
            kind: 'fault',
            api: api.name,
            ok,
            write,
            ...(dropped !== undefined && { dropped }),
          }),
        )) {
          const after = dropped === true ? s.withStaleVmas() : s
          const said =
            dropped === true && where?.to !== undefined ? after.withValue(where.to, { int: 'pos' }) : after
          outs.push({ s: said, v: { int: ok ? 'zero' : 'neg' } })
        }
    return outs
  }
  for (const s of states) {
    if (w.about === 'faults' || !inFocus(w, e)) outs.push({ s, v: { int: api.success } })
    else {
      const value = countLookups(s)
      for (const t of w.say(s, e, { kind: 'lookup', api: api.name, value }))
        outs.push({ s: delivered(w, api, args, t, value), v: { int: api.success } })
    }
    for (const int of [...(api.errors ?? []), 'neg' as const]) outs.push({ s, v: { int } })
  }
  return outs
}

function inFocus(w: Walk, e: Call): boolean {
  if (w.focus === undefined) return true
  const { file, line } = w.ways.place(e)
  return file === w.focus.file && line === w.focus.line
}

function delivered(w: Walk, api: LookupApi, args: readonly Value[], state: State, of: number): State {
  const out = api.out
  if (out.kind === 'none') return state
  const arg = args.at(out.arg)
  if (arg?.to === undefined) return state
  const value: Value = { of, form: out.form }
  switch (out.kind) {
    case 'pointer':
      return state.withValue(arg.to, value)
    case 'field':
      return state.withValue(`${arg.to}.${out.field}`, value)
    case 'array': {
      const array = readAt(state, `${arg.to}.${out.field}`)
      return array.to === undefined ? state : state.withValue(array.to, value)
    }
    case 'object':
      return state.withValue(`${arg.to}.*`, value)
  }
}

/** What was looked up is given back, or its section ends. */
export function ended(
  w: Walk,
  e: Call,
  { api, how }: Ender,
  args: readonly Value[],
  state: State,
): readonly Out[] {
  const end = how === 'end' ? api.endedBy! : api.putBy!
  const arg = args[end.arg]
  const of = arg?.of ?? (arg?.to === undefined ? undefined : state.tainted(arg.to)[0]?.[1].of)
  if (of === undefined) return [{ s: state, v: unknown }]
  return w.say(state, e, { kind: how, value: of }).map((s) => ({ s, v: unknown }))
}

/** What a call of the core means. */
export function meant(
  w: Walk,
  e: Call,
  name: string,
  m: Meaning,
  args: readonly Value[],
  state: State,
): readonly Out[] {
  const just = (states: readonly State[], value: Value = unknown): Out[] =>
    states.map((s) => ({ s, v: value }))
  switch (m.does) {
    case 'lock':
    case 'unlock': {
      const lock = lockOf(w, e, m.arg, m.lock, m.write)
      const s = w.say(state, e, { kind: m.does, lock })
      return just(m.does === 'unlock' && lock.mmap ? s.map((t) => t.withStaleVmas()) : s)
    }
    case 'try-lock': {
      const lock = lockOf(w, e, m.arg, m.lock, m.write)
      const got: Int = m.taken === 'zero' ? 'zero' : 'pos'
      const not: Int = m.taken === 'zero' ? 'neg' : 'zero'
      return [...just(w.say(state, e, { kind: 'lock', lock }), { int: got }), { s: state, v: { int: not } }]
    }
    case 'find-vma': {
      const to = `*(@vma:${w.ways.place(e).line})`
      return [
        ...just(w.say(state, e, { kind: 'vma', api: name }), { vma: 'fresh', to, int: 'nonzero' }),
        { s: state, v: { int: 'zero' } },
      ]
    }
    case 'access': {
      let outs: Out[] = [{ s: state, v: unknown }]
      for (const write of [true, false])
        for (const i of (write ? m.writes : m.reads) ?? []) {
          const of = args[i]?.of
          if (of === undefined || args[i]?.form === 'page') continue
          outs = outs.flatMap((o) => just(w.say(o.s, e, { kind: 'cpu', value: of, write, text: name })))
        }
      return outs
    }
    case 'give': {
      const of = m.args.map((i) => taintOf({ s: state, v: args[i] ?? unknown })).find((t) => t !== undefined)
      if (of === undefined) return just([state])
      const given = w.say(state, e, { kind: m.to, value: of, text: name })
      switch (m.result) {
        case 'address':
          return just(given, { of, form: 'dma' })
        case 'zero':
          return [...just(given, { int: 'zero' }), { s: state, v: { int: 'neg' } }]
        case 'pos':
          return [...just(given, { int: 'pos' }), { s: state, v: { int: 'zero' } }]
        case 'unknown':
          return just(given)
      }
    }
    case 'revoke': {
      const of =
        m.arg === undefined
          ? lastGiven(state)
          : (args[m.arg]?.of ?? taintOf({ s: state, v: args[m.arg] ?? unknown }))
      if (of === undefined) return just([state])
      return just(w.say(state, e, { kind: 'revoke', value: of, text: name }))
    }
    case 'derive': {
      const arg = args[m.arg]
      const of =
        arg?.of ??
        (m.form === 'page' || m.form === 'pfn' || m.form === 'address' ? objectTaint(arg, state) : undefined)
      if (of !== undefined) {
        const form = m.form === 'pfn' && arg?.form === 'address' && keepsForm.test(name) ? 'address' : m.form
        return [{ s: state, v: { of, form } }]
      }
      // An address of an object stays one, whatever the arithmetic.
      if (arg?.to === undefined || (m.form === 'pfn' && objectTaint(arg, state) === undefined))
        return [{ s: state, v: unknown }]
      return [{ s: state, v: { to: arg.to } }]
    }
    case 'collect': {
      const into = args[m.into]?.to
      for (const i of m.from) {
        const of = taintOf({ s: state, v: args[i] ?? unknown })
        if (of !== undefined && into !== undefined) {
          const kept = into.startsWith(w.ways.frame.prefix)
            ? [state]
            : w.say(state, e, { kind: 'hop', value: of, text: w.ways.text(e.args[m.into]!) })
          return [
            ...just(
              kept.map((s) => s.withValue(`${into}.*`, { of, form: 'page' })),
              { int: 'zero' },
            ),
            { s: state, v: { int: 'neg' } },
          ]
        }
      }
      return just([state])
    }
    case 'given-failed': {
      const of = args[m.arg]?.of
      if (of === undefined) return just([state])
      return [
        ...just(w.say(state, e, { kind: 'revoke', value: of, text: name }), { int: 'pos' }),
        { s: state, v: { int: 'zero' } },
      ]
    }
    case 'same': {
      const [a, b] = args
      if (a?.of === undefined || b?.of === undefined || a.of === b.of) return just([state])
      return [
        ...just(w.say(state, e, { kind: 'same', value: a.of, other: b.of }), { int: 'pos' }),
        { s: state, v: { int: 'zero' } },
      ]
    }
    case 'free': {
      const to = args[m.arg]?.to
      return just([to === undefined ? state : state.free(to)])
    }
    case 'seq-begin':
      return just(w.say(state, e, { kind: 'seq', text: name }), { seq: true })
    case 'seq-retry':
      return [
        ...just(w.say(state, e, { kind: 'retry', text: name }), { int: 'zero' }),
        { s: state, v: { int: 'pos' } },
      ]
    case 'seq-set':
      return just([state])
    case 'ref':
    case 'unref': {
      const of = args[m.arg]?.of
      if (of === undefined) return just([state])
      const s = just(w.say(state, e, { kind: m.does, value: of, text: name }), { int: 'pos' })
      return m.does === 'ref' && m.fails ? [...s, { s: state, v: { int: 'zero' } }] : s
    }
    case 'assign': {
      const target = e.args[0]
      const from = e.args[1]
      if (target === undefined || from === undefined) return just([state])
      return w.assign({ ...e, kind: 'assign', op: '=', target, value: from } as Assignment, state)
    }
    case 'nothing': {
      if (name === 'IS_ERR' || name === 'IS_ERR_OR_NULL' || name === 'IS_ERR_VALUE') {
        const v = args[0] ?? unknown
        if (v.int === 'neg' || v.int?.startsWith('-E') === true) return [{ s: state, v: { int: 'pos' } }]
        if (v.of !== undefined || objectTaint(v, state) !== undefined)
          return [{ s: state, v: { int: 'zero' } }]
        return just([state])
      }
      if (name === 'ERR_PTR' || name === 'PTR_ERR') {
        const int = args[0]?.int
        return [{ s: state, v: { int: int ?? 'neg' } }]
      }
      return just([state])
    }
    case 'never-returns':
      return []
  }
}

function lockOf(w: Walk, e: Call, arg: number, kind: 'mmap' | 'lock', write: boolean): Lock {
  if (kind === 'mmap') return { name: 'mmap_lock', mmap: true, write }
  const x = e.args[arg]
  const name = x === undefined ? '?' : lockName(w, x)
  return { name, mmap: mmapLockFields.has(name), write }
}
