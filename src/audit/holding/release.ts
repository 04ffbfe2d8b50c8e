/** Calls that give pages back. */

import type { Call } from '../../source/index.ts'
import { mismatch } from '../protocols/reference.ts'
import { sign, signOf } from '../ways/facts.ts'
import { nothing } from '../ways/symbols.ts'
import { boundOf } from './loops.ts'
import type { Out, State } from './state.ts'
import type { Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'

const { minus } = sign

/** A loop that gives back some of the pages: which, the walk cannot tell. */
export const byCondition = 'a loop gives it back under a condition that is not understood'

/** Whether it is these, how many of them, and in the way they were taken. */
export function givenBack(
  w: HoldingWalk,
  e: Call,
  name: string,
  release: {
    readonly as: 'pin' | 'get'
    readonly arg: number
    readonly count?: number
    readonly dirties?: number | true
  },
  args: readonly Val[],
  s: State,
): Out[] {
  const arg = args[release.arg]
  const none = [{ s, v: nothing }]
  if (arg === undefined) return none
  const id =
    release.count === undefined
      ? arg.hold
      : (arg.hold ?? (arg.ref === undefined ? undefined : s.env.get(arg.ref)?.hold))
  const many = release.count === undefined ? undefined : args[release.count]
  if (id === undefined && many?.got !== undefined && s.holds.get(many.got)?.outcome === 'none') {
    failedCount(w, e, name, release.as, many, s)
    return none
  }
  if (id === undefined) {
    // By its number: of a range whose ends are others, perhaps.
    const from = e.args[release.arg]
    if (from?.kind === 'call' && from.callee.kind === 'name' && from.callee.name === 'pfn_to_page')
      for (const [, v] of s.env)
        if (v.form === 'number' && v.hold !== undefined && s.holds.get(v.hold)!.left !== 'nothing')
          s.change(v.hold, {
            left: 'nothing',
            unclear:
              s.holds.get(v.hold)!.unclear ?? `${name}() is given a range of numbers that is not understood`,
          })
    return none
  }
  const h = s.holds.get(id)!
  const unclear = (why: string): Out[] => {
    s.change(id, { unclear: h.unclear ?? why, left: 'nothing' })
    return none
  }
  if (h.outcome === 'none') return none
  if (release.as === 'get' && (h.extra ?? 0) > 0) {
    s.change(id, { extra: h.extra! - 1 })
    return none
  }
  if (release.count !== undefined && args[release.count]?.num === 0) return none
  const inLoop = h.asked.num !== 1 && release.count === undefined
  const bound = inLoop ? boundOf(w, e, s) : undefined
  const count = release.count === undefined ? (inLoop ? bound : h.asked) : args[release.count]
  // Others of the array, in front of those that are followed or behind them.
  const others =
    release.count !== undefined &&
    arg.every !== true &&
    arg.sym !== h.into &&
    (arg.element === true ||
      (h.inside === true && (count?.sym.includes('@') === true || count?.sym.includes('~') === true))) &&
    count?.got !== id &&
    count?.part !== id &&
    count?.sym !== h.asked.sym
  if (others) return none
  if (h.left === 'nothing') {
    // `p = x->pages[i]; unpin_user_pages(&p, 1, true)`: the next time it is another of them.
    const inside = arg.ref === undefined ? undefined : s.env.get(arg.ref)
    if (inLoop || arg.element === true || inside?.element === true || h.unclear !== undefined) return none
    s.change(id, { wrong: h.wrong ?? 'double-put' })
    s.say({ do: 'release', hold: id, api: name, as: release.as, many: 'got', at: w.ways.place(e) })
    return none
  }
  if (release.as !== h.site.api.takes && arg.slot === true) return none
  if (release.as !== h.site.api.takes) s.change(id, { wrong: h.wrong ?? mismatch[h.site.api.takes] })
  if (bound?.asks === true && h.checked !== true && arg.every !== true) return unclear(byCondition)
  let released: 'got' | 'asked' | undefined
  if (count === undefined) released = undefined
  else if (count.got === id || count.part === id) released = 'got'
  else if (count.sym === h.asked.sym)
    released = h.outcome === 'all' ? 'got' : h.checked === true ? 'got' : 'asked'
  if (released === undefined && h.checked === true && inLoop) released = 'got'
  if (released === undefined && arg.every === true) released = 'got'
  // One page of each round, and the array of all of them.
  if (released === undefined && (h.asked.num === 1 || h.spread === true) && count?.num === undefined)
    released = 'got'
  if (released === undefined) return unclear(`how many pages ${name}() gives back is not understood`)
  const dirties =
    release.dirties !== undefined && typeof release.dirties === 'number' && args[release.dirties]?.num !== 0
  s.change(id, { left: 'nothing', dirtied: h.dirtied || dirties, releasedBy: name })
  const sure = typeof release.dirties === 'number' && (args[release.dirties]?.num ?? 0) !== 0
  const atomic = sure ? s.atomic.at(-1) : undefined
  if (atomic !== undefined) s.change(id, { wrong: s.holds.get(id)!.wrong ?? 'sleeping-release' })
  if (released === 'asked')
    s.change(id, { wrong: s.holds.get(id)!.wrong ?? (h.counted === true ? 'over-unpin' : 'partial-pin') })
  s.say({
    do: 'release',
    hold: id,
    api: name,
    as: release.as,
    many: released,
    at: w.ways.place(e),
    ...(dirties && { dirties }),
    ...(atomic !== undefined && { atomic }),
  })
  return none
}

/** An error is given for a number of pages. */
function failedCount(w: HoldingWalk, e: Call, name: string, as: 'pin' | 'get', many: Val, s: State): void {
  const h = s.holds.get(many.got!)!
  if (as !== 'pin' || signOf(many, s) !== minus || h.wrong !== undefined) return
  const { func, call, api } = h.site
  const at = { file: func.file.path, line: func.file.source.position(call.start).line, func: func.name }
  s.change(h.id, { wrong: 'over-unpin' })
  s.say({ do: 'acquire', hold: h.id, outcome: 'none', api, flags: h.flags, at })
  s.say({ do: 'release', hold: h.id, api: name, as, many: 'asked', at: w.ways.place(e) })
}
