/** Where pages are kept: what holds them, what leads to them, and who still finds them in the end. */

import type { Expr, Func } from '../../source/index.ts'
import { isForeign, isLocal, rootOf, within, withoutOuter } from '../ways/symbols.ts'
import { ownerOf } from '../ways/types.ts'
import type { Ending } from './event.ts'
import type { State } from './state.ts'
import { readable, type Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'

/** Where it is reached from when a function has returned. */
export function keptOf(
  id: number,
  s: State,
  returned: Val,
  func: Func,
): { kept: Ending['kept']; place?: string } {
  const found = keeperOf(id, s, returned, func)
  const { handed } = s.holds.get(id)!
  // Who knows where it is may well be who has it given back.
  if (found.kept !== 'nowhere') return found
  const { stored } = s.holds.get(id)!
  if (stored !== undefined) return { kept: 'elsewhere', place: stored }
  return handed === undefined ? found : { kept: 'elsewhere', place: `what ${handed}() was told` }
}

function keeperOf(id: number, s: State, returned: Val, func: Func): { kept: Ending['kept']; place?: string } {
  const at = [...s.env].filter(([, v]) => v.hold === id).map(([loc]) => loc)
  if (returned.hold === id) return { kept: 'caller', place: `what ${func.name}() returns` }
  const objects = new Set<string>(at.map(rootOf))
  let caller: string | undefined
  for (let grown = true; grown; ) {
    grown = false
    for (const o of objects) {
      if (isForeign(o)) {
        if (o.startsWith('*') && /^\**\(?\*?0:/.test(o)) caller ??= o
        else return { kept: 'elsewhere', place: readable(at.find((l) => rootOf(l) === o) ?? o) }
        continue
      }
      if (returned.ref !== undefined && rootOf(returned.ref) === o)
        return { kept: 'caller', place: `what ${func.name}() returns` }
      if (s.published.has(o)) return { kept: 'elsewhere', place: 'an object that others find' }
      for (const [loc, v] of s.env)
        if (
          v.ref !== undefined &&
          rootOf(v.ref) === o &&
          !objects.has(rootOf(loc)) &&
          !isLocal(rootOf(loc))
        ) {
          objects.add(rootOf(loc))
          grown = true
        }
    }
  }
  // Nobody frees the object, and nobody finds it: most likely somebody does, in a way that was not seen.
  const inside = [...s.env].some(
    ([loc, v]) =>
      /^new@\w+\./.test(loc) && (v.hold === id || (v.ref !== undefined && objects.has(rootOf(v.ref)))),
  )
  if (caller === undefined && inside) return { kept: 'elsewhere', place: 'an object that is not freed' }
  return caller === undefined
    ? { kept: 'nowhere' }
    : { kept: 'caller', place: readable(at.find((l) => isForeign(rootOf(l))) ?? caller) }
}

/** A field that is given pages, or the array of them. */
export function keeps(w: HoldingWalk, s: State, target: Expr, v: Val): void {
  const hold = v.hold ?? (v.ref === undefined ? undefined : s.env.get(v.ref)?.hold)
  let e = target
  while (e.kind === 'index' || e.kind === 'cast' || (e.kind === 'unary' && e.op === '&'))
    e = e.kind === 'index' ? e.base : e.of
  if (hold === undefined || e.kind !== 'member') return
  const struct = ownerOf(w.code, w.ways.frame.func, e.base)
  if (struct === undefined) return
  const { fields = [] } = s.holds.get(hold)!
  if (!fields.some((f) => f.struct === struct && f.field === (e as { field: string }).field))
    s.change(hold, { fields: [...fields, { struct, field: e.field }] })
}

/** A field that several pages are copied to. */
export function keepsAll(
  w: HoldingWalk,
  s: State,
  target: Expr,
  copies: readonly (readonly [string, Val])[],
): void {
  let e = target
  while (e.kind === 'cast' || e.kind === 'binary' || (e.kind === 'unary' && e.op === '&'))
    e = e.kind === 'binary' ? e.left : e.of
  for (const [, v] of copies) if (v.hold !== undefined) keeps(w, s, e, v)
}

/** An object holds pages that are to be given back still. */
export function keepsPages(root: string, s: State): boolean {
  for (const [k, v] of s.env)
    if (v.hold !== undefined && rootOf(k) === root && s.holds.get(v.hold)!.left !== 'nothing') return true
  return false
}

/** The acquisitions whose pages can be reached from arguments. */
export function reached(args: readonly Val[], s: State): number[] {
  const found = new Set<number>()
  const seen = new Set<string>()
  const queue: string[] = []
  for (const a of args) {
    if (a.hold !== undefined) found.add(a.hold)
    if (a.ref !== undefined) queue.push(withoutOuter(a.ref))
  }
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    if (seen.has(ref)) continue
    seen.add(ref)
    for (const [k, v] of s.env)
      if (k === ref || within(k, ref) || k.startsWith(`*${ref}`)) {
        if (v.hold !== undefined) found.add(v.hold)
        if (v.ref !== undefined && !seen.has(v.ref)) queue.push(withoutOuter(v.ref))
      }
  }
  return [...found].filter((h) => s.holds.get(h)!.outcome !== 'none')
}

/** Whether the pages themselves can be reached, and not their memory or a number only. */
export function asPage(id: number, args: readonly Val[], s: State): boolean {
  if (args.some((a) => a.hold === id && a.form === 'page')) return true
  const seen = new Set<string>()
  const queue = args.flatMap((a) => (a.ref === undefined ? [] : withoutOuter(a.ref)))
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    if (seen.has(ref)) continue
    seen.add(ref)
    for (const [k, v] of s.env)
      if (k === ref || within(k, ref) || k.startsWith(`*${ref}`)) {
        if (v.hold === id && v.form === 'page') return true
        if (v.ref !== undefined) queue.push(withoutOuter(v.ref))
      }
  }
  return false
}

/** What is in an object is gone with it. */
export function freed(s: State, of: string): State {
  const ref = withoutOuter(of)
  for (const k of s.env.keys()) if (k === ref || within(k, ref)) s.env.delete(k)
  return s
}
