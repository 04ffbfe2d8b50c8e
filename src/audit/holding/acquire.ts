/** Calls that take pages, by pinning them or by a reference. */

import type { Call } from '../../source/index.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'
import { sign } from '../ways/facts.ts'
import { nothing, one, pointee } from '../ways/symbols.ts'
import type { Holding, HoldingSite } from './event.ts'
import { keeps } from './kept.ts'
import { letGo, onlyNumbers, type Out, type State } from './state.ts'
import type { Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'

const { minus, zero, plus } = sign

/** What comes of a call that takes pages: all of them, fewer, none. */
export function acquire(
  w: HoldingWalk,
  e: Call,
  api: ReferenceApi,
  args: readonly Val[],
  s: State,
  again = false,
): Out[] {
  const site: HoldingSite = { func: w.ways.frame.func, call: e, api }
  const at = w.ways.place(e)
  // Until 5.9 the remote calls took the task, too.
  const shift = api.mm === 0 && args.length === 8 ? 1 : 0
  const asked = api.nr === 'one' ? one : (args[api.nr + shift] ?? { sym: `x@${e.start}#` })
  const flags = api.flags === undefined ? undefined : args[api.flags + shift]?.sym
  const to = api.out === 'returned' ? undefined : args[api.out + shift]
  const id = w.idOf(e)
  const before = s.holds.get(id)
  const fresh = `${api.name}@${e.start}`
  const base = {
    id,
    site,
    flags,
    asked,
    into: to?.sym,
    inside: to?.element,
    written: false,
    dirtied: false,
    locked: s.locked,
    // What was said of an earlier round is still true.
    ...(before?.wrong !== undefined && { wrong: before.wrong }),
    ...(before?.unclear !== undefined && { unclear: before.unclear }),
  }
  if (
    before !== undefined &&
    before.left !== 'nothing' &&
    before.outcome !== 'none' &&
    to?.num !== 0 &&
    !again
  ) {
    if (api.result !== 'bytes' && isRest(id, to, s)) return acquireRest(id, asked, fresh, s)
    // Once for each of many: of one of them it is followed what becomes of it, the others are values like any other. Which one it is
    // may be decided anew each time.
    const others = acquireOther(w, e, api, args, s.fork())
    const t = s.fork()
    letGo(t, id)
    return [...others, ...acquire(w, e, api, args, t, true)]
  }
  const fail = s.fork()
  // It fails after it gave something in an earlier round: that is what there is to tell.
  fail.holds.set(
    id,
    before === undefined || before.outcome === 'none'
      ? { ...base, outcome: 'none', left: 'nothing' }
      : before,
  )
  const failed: Val =
    api.result === 'count'
      ? { sym: `${fresh}#-`, got: id }
      : api.result === 'pointer'
        ? { sym: `${fresh}#err` }
        : { ...nothing, got: id }
  if (api.result === 'count' || api.result === 'all') fail.signs.set(failed.sym, minus)
  const results: Out[] = [{ s: fail, v: api.result === 'all' ? { sym: `${fresh}#-`, got: id } : failed }]
  if (api.result === 'all') fail.signs.set(`${fresh}#-`, minus)
  if (to?.num === 0) {
    // A NULL array takes nothing: the pages are faulted in, and that is all.
    return [
      ...results.map((r) => ({ s: r.s, v: { ...r.v, sym: r.v.sym } })),
      { s: noneTaken(s, base, at), v: { ...asked, sym: `${fresh}#n` } },
    ]
  }
  if (api.undecided !== undefined) {
    s.holds.set(id, { ...base, outcome: 'all', left: 'all', unclear: api.undecided })
    s.say({ do: 'acquire', hold: id, outcome: 'all', api, flags, at })
    return [...results, { s, v: { sym: `${fresh}#n`, got: id } }]
  }
  if (api.result === 'bytes') return [...results, ...acquireBytes(w, e, api, base, args, to, fresh, s)]
  const shorts = api.nr !== 'one' && asked.num !== 1 && api.result !== 'all'
  for (const outcome of shorts ? (['all', 'short'] as const) : (['all'] as const)) {
    const t = s.fork()
    t.holds.set(id, { ...base, outcome, left: 'all' })
    t.say({ do: 'acquire', hold: id, outcome, api, flags, at })
    const page: Val = { sym: `page#${id}`, hold: id, form: 'page' }
    let v: Val
    if (api.out === 'returned') v = page
    else {
      const loc = to === undefined ? `x@${e.start}` : pointee(to)
      t.env.set(loc, page)
      if (to !== undefined) t.signs.set(to.sym, plus)
      v = outcome === 'short' ? { sym: `short#${id}`, got: id } : { ...asked, got: id }
      t.signs.set(v.sym, plus)
      if (asked.num === undefined) t.signs.set(asked.sym, plus)
      if (api.result === 'bool') v = { ...one }
      if (api.result === 'all') v = { sym: `${fresh}#n`, got: id }
      if (api.result === 'all') t.signs.set(v.sym, plus)
    }
    t.signs.set(page.sym, plus)
    if (typeof api.out === 'number' && e.args[api.out + shift] !== undefined)
      keeps(w, t, e.args[api.out + shift]!, page)
    results.push({ s: t, v })
  }
  return results
}

/**
 * What an iterator is over, as much as comes: the result counts bytes, and who asked goes on with those. Pinning takes nothing of
 * memory that is not the user's (`iov_iter_extract_will_pin()`).
 */
function acquireBytes(
  w: HoldingWalk,
  e: Call,
  api: ReferenceApi,
  base: Omit<Holding, 'outcome' | 'left'> & { readonly asked: Val },
  args: readonly Val[],
  to: Val | undefined,
  fresh: string,
  s: State,
): Out[] {
  const { id } = base
  const outs: Out[] = []
  const user = `user(${args[0]?.sym ?? ''})`
  const known = w.kernel ? zero : s.signs.get(user)
  const bytes: Val = { sym: `${fresh}#n`, got: id }
  const negative = s.fork()
  negative.signs.set(`${fresh}#-`, minus)
  if (known !== zero) {
    const t = s.fork()
    if (api.takes === 'pin') t.signs.set(user, plus)
    t.holds.set(id, {
      ...base,
      outcome: 'all',
      left: 'all',
    })
    t.say({ do: 'acquire', hold: id, outcome: 'all', api, flags: base.flags, at: w.ways.place(e) })
    const page: Val = { sym: `page#${id}`, hold: id, form: 'page' }
    // `&pages`: the array may be made by the call.
    const at = to === undefined ? `x@${e.start}` : pointee(to)
    const array = api.array === true ? undefined : t.env.get(at)
    if (api.array !== true && to?.sym.startsWith('&') === true)
      t.env.set(array?.ref ?? at, array?.ref === undefined ? { ...page, ref: `*${at}` } : page)
    else t.env.set(at, page)
    if (array?.ref !== undefined) t.signs.set(array.sym, plus)
    t.signs.set(page.sym, plus)
    t.signs.set(bytes.sym, plus)
    const arg = typeof api.out === 'number' ? e.args[api.out] : undefined
    if (arg !== undefined) keeps(w, t, arg, page)
    outs.push({ s: t, v: bytes })
  }
  if (api.takes === 'pin' && known !== plus) {
    const t = s.fork()
    t.signs.set(user, zero)
    t.signs.set(bytes.sym, plus)
    // Where it is known to be memory of the kernel that is all there is to say.
    if (known === zero) outs.push({ s: noneTaken(t, base, w.ways.place(e)), v: bytes })
    else {
      t.holds.set(id, { ...base, outcome: 'none', left: 'nothing' })
      outs.push({ s: t, v: bytes })
    }
  }
  negative.holds.set(id, { ...base, outcome: 'none', left: 'nothing' })
  outs.push({ s: negative, v: { sym: `${fresh}#-`, got: id } })
  return outs
}

/** It is asked for what is behind what is there already: `pages + pinned`. */
function isRest(id: number, to: Val | undefined, s: State): boolean {
  const into = to?.hold ?? (to?.ref === undefined ? undefined : s.env.get(to.ref)?.hold)
  const { asked, into: first } = s.holds.get(id)!
  return into === id && to?.element === true && asked.num === undefined && to.sym !== first
}

/**
 * The call of a loop, once more, for the rest. What it gives belongs to the same acquisition; what it does not give leaves that as it is.
 */
function acquireRest(id: number, asked: Val, fresh: string, s: State): Out[] {
  const fail = s.fork()
  const negative = `${fresh}#-`
  fail.signs.set(negative, minus)
  fail.change(id, { outcome: 'short', last: asked })
  const all = s.fork()
  all.change(id, { outcome: 'all', last: asked })
  all.signs.set(asked.sym, plus)
  const short = s.fork()
  short.signs.set(`short#${id}`, plus)
  short.change(id, { outcome: 'short', last: asked })
  return [
    { s: fail, v: { sym: negative, got: id } },
    { s: all, v: { ...asked, got: id } },
    { s: short, v: { sym: `short#${id}`, got: id } },
  ]
}

/** A call that takes pages which are not followed: it works or fails, and what it fills holds nothing that is asked about. */
export function acquireOther(
  w: HoldingWalk,
  e: Call,
  api: ReferenceApi,
  args: readonly Val[],
  s: State,
): Out[] {
  const fresh = `${api.name}@${e.start}`
  const shift = api.mm === 0 && args.length === 8 ? 1 : 0
  const asked = api.nr === 'one' ? one : args[api.nr + shift]
  const fail = s.fork()
  if (fail.live) fail.say({ do: 'decide', at: w.ways.place(e), text: `${api.name}() fails` })
  let failed: Val = nothing
  if (api.result === 'pointer') failed = { sym: `${fresh}#err` }
  else if (api.result !== 'bool' && api.result !== 'count-or-zero') {
    failed = { sym: `${fresh}#-` }
    fail.signs.set(failed.sym, minus)
  }
  const page: Val = { sym: `${fresh}#page`, ref: `*${fresh}#page` }
  s.signs.set(page.sym, plus)
  if (api.out === 'returned')
    return [
      { s: fail, v: failed },
      { s, v: page },
    ]
  const to = args[api.out + shift]
  if (to !== undefined && to.num !== 0) {
    const loc = pointee(to)
    const old = s.env.get(loc)?.hold
    if (to.element !== true || old === undefined || s.holds.get(old)!.left === 'nothing') {
      s.env.set(loc, page)
      if (old !== undefined) onlyNumbers(s, old)
    }
  }
  const v: Val = api.result === 'bool' || asked?.num === 1 ? one : { sym: `${fresh}#n` }
  s.signs.set(v.sym, plus)
  return [
    { s: fail, v: failed },
    { s, v },
  ]
}

/** It works, and there is nothing to give back. */
function noneTaken(
  s: State,
  base: Omit<Holding, 'outcome' | 'left'> & { readonly asked: Val },
  at: Place,
): State {
  const t = s.fork()
  t.holds.set(base.id, { ...base, outcome: 'all', left: 'nothing', releasedBy: 'nothing' })
  t.say({
    do: 'acquire',
    hold: base.id,
    outcome: 'none',
    api: base.site.api,
    flags: base.flags,
    at,
    text: 'NULL',
  })
  return t
}
