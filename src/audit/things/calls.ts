import { type Call, callsOf, type Expr, type Func } from '../../source/index.ts'
import { meaningOf } from '../api.ts'
import type { Code } from '../code.ts'
import { sign, signOf } from '../ways/facts.ts'
import { isLocal, nothing, one, rootOf, within } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'
import type { Api } from './api.ts'
import { say } from './roles.ts'
import type { State } from './state.ts'
import type { Val } from './value.ts'
import type { About, Out, ThingWalk } from './walk.ts'
import * as words from './words.ts'

/** What any other call does: of the core, by its name, and of the driver. */
export function called(
  w: ThingWalk,
  e: Call,
  name: string | undefined,
  args: readonly Val[],
  s: State,
): readonly Out[] {
  if (w.about.looks === true && name !== undefined && !words.harmless.test(name) && !words.renames.test(name))
    for (const a of args) {
      if (words.frees.test(name)) gone(w, a, e, name, s)
      else touched(w, a, e, s)
    }
  const fresh: Val =
    name !== undefined && words.pure.test(name)
      ? { sym: clip(`${name}(${args.map((a) => a.sym).join()})`) }
      : { sym: `${name ?? 'call'}@${e.start}`, ref: `*${name ?? 'call'}@${e.start}` }
  const plain = (): Out[] => [{ s, v: fresh }]
  if (name === undefined) return pointer(w, e, args, s, fresh)
  const first = args[0]
  if (/^IS_ERR(_OR_NULL)?$/.test(name) && first !== undefined) {
    if (first.err === true) return [{ s, v: one }]
    if (first.thing !== undefined || first.sym.startsWith('&') || first.ref?.startsWith('new@') === true)
      return [{ s, v: nothing }]
    if (first.num === 0) return [{ s, v: name === 'IS_ERR' ? nothing : one }]
    return [{ s, v: { sym: `${name}(${first.sym})` } }]
  }
  if ((name === 'PTR_ERR' || name === 'PTR_ERR_OR_ZERO') && first !== undefined) {
    if (name === 'PTR_ERR_OR_ZERO' && (first.thing !== undefined || first.num === 0))
      return [{ s, v: nothing }]
    const v: Val = { sym: `PTR_ERR(${first.sym})` }
    if (name === 'PTR_ERR' || first.err === true) s.signs.set(v.sym, sign.minus)
    return [{ s, v }]
  }
  if (name === 'ERR_PTR' && first !== undefined) {
    const sg = signOf(first, s)
    if (sg === sign.zero) return [{ s, v: nothing }]
    return [{ s, v: { sym: `ERR_PTR(${first.sym})`, ...((sg & sign.zero) === 0 && { err: true as const }) } }]
  }
  if (name === 'no_free_ptr' && first !== undefined) {
    // The variable forgets it, and so does its cleanup.
    const [arg] = e.args
    return arg?.kind === 'name'
      ? [{ s: w.put(s, w.ways.frame.prefix + arg.name, nothing), v: first }]
      : [{ s, v: first }]
  }
  if (name === 'ERR_CAST' && first !== undefined) return [{ s, v: first }]
  if (name === 'container_of' || name === 'list_entry' || name === 'rb_entry') {
    const member = e.args[2] === undefined ? '' : w.ways.text(e.args[2])
    if (first?.ref !== undefined && first.ref.endsWith(`.${member}`)) {
      const ref = first.ref.slice(0, -member.length - 1)
      return [{ s, v: { sym: `&${ref}`, ref } }]
    }
    return plain()
  }
  const locked = reservation(w, e, name, s) ?? named(w, e, name, s)
  if (locked !== undefined) return locked
  if (words.allocates.test(name)) {
    const sym = `new@${e.start}${/zalloc|calloc|zeroed/.test(name) ? 'z' : ''}`
    return [
      { s, v: { sym: `&${sym}`, ref: sym } },
      { s: w.failed(e, name, s), v: nothing },
    ]
  }
  if (words.frees.test(name)) {
    if (first?.ref !== undefined) {
      freed(w, e, name, first.ref, s)
      s.free(first.ref)
    }
    return plain()
  }
  if (/^(kref_init|refcount_set)$/.test(name) && first?.ref !== undefined) {
    s.counts.set(first.ref, 1)
    return plain()
  }
  if (/^(kref_get|refcount_inc)$/.test(name) && first?.ref !== undefined) {
    const n = s.counts.get(first.ref)
    if (n !== undefined) s.counts.set(first.ref, n + 1)
    return plain()
  }
  if (/^kref_put(_mutex|_lock)?$/.test(name) && first?.ref !== undefined) return krefPut(w, e, args, s)
  if (words.publishes.test(name)) {
    for (const a of args) if (a.ref !== undefined && !isLocal(rootOf(a.ref))) s.published.add(rootOf(a.ref))
    return plain()
  }
  if (words.harmless.test(name)) return plain()
  return into(w, e, name, args, s, fresh)
}

/** A call through a pointer. Of some it is known what they do. */
function pointer(w: ThingWalk, e: Call, args: readonly Val[], s: State, fresh: Val): Out[] {
  const field = e.callee.kind === 'member' ? e.callee.field : undefined
  if (field === 'gem_prime_import_sg_table' && args[2] !== undefined) {
    // The object that is made keeps the table; who makes none leaves it.
    const failed = w.failed(e, `->${field}`, s)
    s.env.set(`${fresh.ref!}.sgt`, args[2])
    s.fields.set('drm_gem_object.sgt', args[2])
    s.signs.set(fresh.sym, sign.plus)
    s.facts.set(`IS_ERR(${fresh.sym})==0`, true)
    return [
      { s, v: { sym: `&${fresh.ref!}`, ref: fresh.ref! } },
      { s: failed, v: { sym: `err@${e.start}`, err: true } },
    ]
  }
  for (const a of args) escapes(a, field === undefined ? 'a function pointer' : `->${field}()`, s)
  // What it was given may have been filled in.
  if (w.about.looks === true)
    for (const a of args) if (a.ref?.startsWith('new@') === true) s.published.add(rootOf(a.ref))
  return [{ s, v: fresh }]
}

/** The reservation lock of a dma-buf. */
function reservation(w: ThingWalk, e: Call, name: string, s: State): Out[] | undefined {
  const isResv = name.startsWith('ww_mutex') || name.startsWith('lockdep')
  if (isResv && !/resv/.test(e.args[0] === undefined ? '' : w.ways.text(e.args[0]))) return undefined
  const done: Out[] = [{ s, v: nothing }]
  const take = (t: State): void => {
    t.resv = 'taken'
    t.say({ do: 'lock', at: w.place(e), text: w.ways.text(e) })
  }
  if (words.resvTaken.test(name)) {
    take(s)
    return done
  }
  if (words.resvTried.test(name) || words.resvTryLock.test(name)) {
    const not = w.failedBy(e, name, `${name}@${e.start}`, s)
    take(s)
    return words.resvTryLock.test(name)
      ? [
          { s, v: one },
          { s: not.s, v: nothing },
        ]
      : [...done, not]
  }
  if (words.resvDropped.test(name)) {
    s.say({ do: 'unlock', at: w.place(e), text: w.ways.text(e) })
    s.resv = 'none'
    return done
  }
  if (words.resvAsserted.test(name)) {
    if (s.resv === 'none') {
      s.resv = 'asserted'
      s.say({ do: 'assert', at: w.place(e), text: w.ways.text(e) })
    }
    return done
  }
  return undefined
}

/** With the last reference the function runs that is handed in. */
function krefPut(w: ThingWalk, e: Call, args: readonly Val[], s: State): Out[] {
  const ref = args[0]!.ref!
  const n = s.counts.get(ref)
  const fn = e.args[1]
  const callee = fn?.kind === 'name' ? w.code.resolveHere(fn.name, w.ways.frame.func.file) : undefined
  const outs: Out[] = []
  if (n !== undefined && n > 1) {
    s.counts.set(ref, n - 1)
    return [{ s, v: nothing }]
  }
  // Somebody else may have one, where it is not known that nobody has.
  if (n === undefined || s.published.has(rootOf(ref))) {
    const t = s.fork()
    t.trail += `~${e.start},`
    outs.push({ s: t, v: nothing })
  }
  const inside = callee === undefined ? undefined : w.enter(callee, [args[0]!], s)
  if (inside !== undefined) return [...outs, ...inside.map((o) => ({ s: o.s, v: one }))]
  for (const a of args) escapes(a, 'the release of its last reference', s)
  return [...outs, { s, v: one }]
}

function escapes(a: Val, to: string, s: State): void {
  if (a.thing !== undefined) s.change(a.thing, { escaped: s.things[a.thing]!.escaped ?? to })
}

/** A function of the driver's own, or one that is given a thing: walked into. */
function into(w: ThingWalk, e: Call, name: string, args: readonly Val[], s: State, fresh: Val): Out[] {
  const callee = w.callee(name, args, s)
  const inside = callee === undefined ? undefined : w.enter(callee, args, s)
  if (callee !== undefined && inside !== undefined)
    return inside.map((o) => ({
      s: o.s,
      v: callee.returns.base === 'void' && callee.returns.pointer === 0 ? fresh : o.v,
    }))
  for (const a of args) {
    escapes(a, `${name}()`, s)
    if (a.ref?.startsWith('new@') === true) s.published.add(rootOf(a.ref))
    // What it was given a pointer to may be anything now.
    if (
      a.sym.startsWith('&') &&
      a.ref !== undefined &&
      isLocal(rootOf(a.ref)) &&
      s.env.get(a.ref)?.thing === undefined
    )
      s.env.set(a.ref, { sym: `${name}@${e.start}.${a.ref}` })
  }
  return [{ s, v: fresh }]
}

/** What is behind a descriptor is freed. */
function gone(w: ThingWalk, v: Val, e: Call, name: string, s: State): void {
  for (const [i, t] of s.things.entries())
    if (t.kind === 'file' && t.published !== undefined && t.place !== undefined && v.ref === t.place)
      say(w, s, e, { do: 'free', thing: i, api: name })
}

/** Objects go, and the notifiers in them. */
function freed(w: ThingWalk, e: Call, name: string, ref: string, s: State): void {
  for (const [i, t] of s.things.entries())
    if (t.kind === 'reg' && t.place !== undefined && (t.place === ref || within(t.place, ref)))
      say(w, s, e, { do: 'free', thing: i, api: name })
}

/** Locks that are followed by their names. */
function named(w: ThingWalk, e: Call, name: string, s: State): Out[] | undefined {
  const m = w.about.locks === undefined ? undefined : meaningOf(name)
  if (m === undefined || (m.does !== 'lock' && m.does !== 'unlock' && m.does !== 'try-lock')) return undefined
  const arg = e.args[m.arg]
  const lock = m.lock === 'mmap' ? 'mmap_lock' : arg === undefined ? undefined : fieldOf(arg)
  if (lock === undefined || !w.about.locks!.has(lock)) return undefined
  const { write } = m
  const did = { do: m.does === 'unlock' ? ('drop' as const) : ('hold' as const), lock, write }
  if (m.does !== 'try-lock') {
    say(w, s, e, did)
    return [{ s, v: nothing }]
  }
  const not = s.fork()
  not.trail += `!${name}@${e.start},`
  say(w, s, e, did)
  const err: Val = { sym: `${name}@${e.start}` }
  not.signs.set(err.sym, sign.minus)
  return m.taken === 'nonzero'
    ? [
        { s, v: one },
        { s: not, v: nothing },
      ]
    : [
        { s, v: nothing },
        { s: not, v: err },
      ]
}

/** Somebody looks into what is behind a descriptor. */
export function touched(w: ThingWalk, v: Val, e: Expr, s: State): void {
  for (const [i, t] of s.things.entries())
    if (
      t.kind === 'file' &&
      t.published !== undefined &&
      t.refs <= 0 &&
      (v.thing === i || (t.place !== undefined && v.ref === t.place))
    )
      s.say({ do: 'use', thing: i, at: w.place(e), text: w.ways.text(e) })
}

/** Whether a function, or one of its file that it calls, deals with what a walk is about. */
export function concerns(func: Func, code: Code, about: About): boolean {
  let known = concerned.get(about.apis)
  if (known === undefined) concerned.set(about.apis, (known = new WeakMap()))
  const before = known.get(func)
  if (before !== undefined) return before
  known.set(func, false)
  let yes =
    [...about.apis.keys()].some((n) => func.mentions(n)) ||
    words.locks.some((n) => func.mentions(n)) ||
    (about.frees === true && freesGiven(func))
  if (!yes)
    for (const c of callsOf(func)) {
      const names = [c.callee, ...c.args].flatMap((x) => (x.kind === 'name' ? [x.name] : []))
      for (const n of names) {
        const callee = code.resolveHere(n, func.file)
        if (callee !== undefined && callee !== func && concerns(callee, code, about)) yes = true
      }
    }
  known.set(func, yes)
  return yes
}
const concerned = new WeakMap<ReadonlyMap<string, Api>, WeakMap<Func, boolean>>()

/** Whether a function frees what it is given, or drops a reference to it. */
function freesGiven(func: Func): boolean {
  const text = func.file.source.text.slice(func.start, func.end)
  if (!/\b(k\w*free\w*|kref_put\w*)\s*\(/.test(text)) return false
  const given = new Set(func.params.map((p) => p.name))
  for (const l of func.body.locals)
    if (l.init !== undefined) {
      const init = func.file.source.text.slice(l.init.start, l.init.end)
      if ((init.match(/[A-Za-z_]\w*/g) ?? []).some((w) => given.has(w))) given.add(l.name)
    }
  return [...text.matchAll(/\b(?:k\w*free\w*|kref_put\w*)\s*\(\s*&?(\w+)(\s*[,)]|->)/g)].some((m) =>
    given.has(m[1]!),
  )
}

/** The field or variable that an argument names. */
const fieldOf = (e: Expr): string | undefined =>
  e.kind === 'unary' || e.kind === 'cast'
    ? fieldOf(e.of)
    : e.kind === 'member'
      ? e.field
      : e.kind === 'name'
        ? e.name
        : undefined
