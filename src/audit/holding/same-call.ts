/** Whether the call that takes pages leads to what gives them back, too. */

import type { Expr, Func, Stmt } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachCall, insideOf, isCallOf } from '../each.ts'
import type { Entries } from './entries.ts'
import type { SameCall } from './story.ts'

/** How many callers up it is looked for. */
const deepest = 5
/** More callers than that are not asked. */
const most = 4

/**
 * Whether a function, or one that calls it, comes to `release` behind the call: on its way, not when something failed. One answer for
 * each way up to a function that nobody calls by name; `by` is that function.
 */
export function sameCall(
  code: Code,
  entries: Entries,
  func: Func,
  from: number,
  release: Func,
  depth: number,
): { is: SameCall; by: Func }[] {
  if (depth > deepest) return [{ is: 'no', by: func }]
  const { all } = entries.above(release)
  const names = new Map(all.filter((f) => f !== func).map((f) => [f.name, f]))
  const counted = new Set(all.filter(counts).flatMap((f) => entries.above(f).all))
  const text = func.file.source.text
  const found: SameCall[] = []
  eachCall(func, (e) => {
    if (e.start <= from) return
    const callee = e.callee.kind === 'name' ? e.callee.name : ''
    const to = names.get(callee)
    const put = callee.endsWith('put') && e.args.some((a) => a.kind === 'name' && names.has(a.name))
    if (to === undefined && !put) return
    // Another arm of the switch is another call.
    if (/\bcase\b[^;]*:|\bdefault\s*:/.test(text.slice(from, e.start))) return
    if (onFailure(func, from, e.start)) return
    found.push(put || (to !== undefined && counted.has(to)) ? 'put' : 'yes')
  })
  const here = worst(found)
  const callers = here === 'yes' ? [] : code.callers(func)
  if (callers.length === 0 || callers.length > most) return [{ is: here, by: func }]
  const above = callers.flatMap((c) => {
    const calls: { is: SameCall; by: Func }[] = []
    eachCall(c, (e) => {
      if (isCallOf(e, func.name)) calls.push(...sameCall(code, entries, c, e.start, release, depth + 1))
    })
    return calls
  })
  return above.map((a) => ({ ...a, is: worst([here, a.is]) }))
}

/** The surest of several answers. */
export const worst = (all: readonly SameCall[]): SameCall =>
  all.includes('yes') ? 'yes' : all.includes('put') ? 'put' : 'no'

/** It drops one of several references. */
const counts = (f: Func): boolean =>
  /_dec_and_test\b|\bkref_put\b/.test(f.file.source.text.slice(f.start, f.end))

/** A place that is come to by a branch that leaves, or behind a return and a label: what is done when something failed. */
function onFailure(func: Func, from: number, at: number): boolean {
  const text = func.file.source.text.slice(from, at)
  const label = text.search(/\n[A-Za-z_]\w*:\s/)
  if (label >= 0 && /\breturn\b[^;]*;\s*$/.test(text.slice(0, label).trimEnd())) return true
  if (label >= 0) {
    // Several labels: the first of them stands behind the return of the good way.
    const labels = [...text.matchAll(/\n[A-Za-z_]\w*:\s/g)]
    if (labels.some((m) => /\breturn\b[^;]*;\s*$/.test(text.slice(0, m.index).trimEnd()))) return true
  }
  let inside = false
  const look = (stmts: readonly Stmt[]): void => {
    for (const s of stmts) {
      if (s.kind === 'if' && s.start > from)
        for (const arm of [s.then, s.otherwise])
          if (
            arm !== undefined &&
            arm.start <= at &&
            at < arm.end &&
            (leaves(arm) || (arm === s.then && failed(s.cond)))
          )
            inside = true
      look(insideOf(s))
    }
  }
  look(func.body.stmts)
  return inside
}

/** `if (ret)`, `if (err < 0)`. */
function failed(cond: Expr): boolean {
  if (cond.kind === 'call' && cond.args[0] !== undefined && isCallOf(cond, 'unlikely'))
    return failed(cond.args[0])
  if (cond.kind === 'binary' && cond.op === '<') return failed(cond.left)
  return cond.kind === 'name' && /^(ret|err|error|rc|retval|result|status)$/.test(cond.name)
}

function leaves(s: Stmt): boolean {
  const last = s.kind === 'block' ? s.body.at(-1) : s
  return last?.kind === 'return' || last?.kind === 'goto'
}
