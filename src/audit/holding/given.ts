/** Functions of the driver that a call hands pages to, or that it may take them from: which of them are gone into. */

import { type Call, type Expr, type Func, visit } from '../../source/index.ts'
import { sign } from '../ways/facts.ts'
import { substitute } from '../ways/macros.ts'
import { nothing, rootOf } from '../ways/symbols.ts'
import { begun } from '../ways/ways.ts'
import { leavesAlone } from './effects.ts'
import { asPage, reached } from './kept.ts'
import { wrote } from './memory.ts'
import type { Out, State } from './state.ts'
import type { Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'
import * as words from './words.ts'

/** How many functions are gone into, one within another. */
const deepest = 6
const { zero } = sign

/** A function of the driver's own: walked into where it can get at the pages. */
export function givenTo(
  w: HoldingWalk,
  e: Call,
  name: string,
  args: readonly Val[],
  s: State,
): readonly Out[] {
  const own = e.callee.kind === 'name' ? w.code.resolveHere(name, w.ways.frame.func.file) : undefined
  if (own !== undefined)
    for (const i of kernelIterators(own)) if (args[i] !== undefined) s.signs.set(`user(${args[i].sym})`, zero)
  const v: Val =
    own !== undefined && alwaysFails(w, own)
      ? { sym: `ERR_PTR(${name}@${e.start})` }
      : { sym: `${name}@${e.start}#`, ref: `*${name}@${e.start}` }
  const held = reached(withAround(w, name, args, s), s).filter(
    (h) => s.holds.get(h)!.left !== 'nothing' || s.holds.get(h)!.wrong === undefined,
  )
  const expanded = held.length > 0 && own === undefined ? expansion(w, e, name) : undefined
  if (expanded !== undefined) return w.ways.eval(expanded, s)
  const callee =
    e.callee.kind === 'name'
      ? calleeOf(w, name, held.length > 0, () => held.some((h) => asPage(h, args, s)))
      : undefined
  if (callee === undefined || w.ways.depth > deepest || w.ways.isIn(callee)) {
    const alone = held.length > 0 && allLeaveAlone(w, name, args, s)
    for (const h of alone ? [] : held) {
      const { left, unclear, handed } = s.holds.get(h)!
      if (left === 'nothing') continue
      if (words.hypervisor.test(name)) wrote(w, s, h, 'device', e)
      // Its memory, or where it is, is not what it is given back by.
      if (asPage(h, args, s)) s.change(h, { unclear: unclear ?? `it is given to ${name}()`, left: 'nothing' })
      else s.change(h, { handed: handed ?? name })
    }
    // An object of ours: whoever is given it may show it to others, unless it is seen that he does not.
    const given = args.findIndex((a) => a.ref?.startsWith('new@') === true && !s.published.has(rootOf(a.ref)))
    if (given >= 0) {
      const found = w.code.resolve(name, w.ways.frame.func.file)
      for (const [i, a] of args.entries())
        if (
          i >= given &&
          a.ref?.startsWith('new@') === true &&
          (found === undefined || !leavesAlone(w.code, found, i))
        )
          s.published.add(rootOf(a.ref))
    }
    // What it was given a pointer to may be anything now.
    for (const a of args)
      if (a.ref !== undefined && !a.ref.startsWith('*') && a.sym.startsWith('&')) {
        const now = s.env.get(a.ref)
        if (now?.hold === undefined) s.env.set(a.ref, { sym: `${name}@${e.start}.${a.ref}#` })
      }
    return [{ s, v }]
  }
  const { rounds, facts } = s
  const inside = `${w.ways.depth}:`
  const outs = w.ways.through(callee, ({ prefix }) => begun(s, callee, args, prefix))
  return outs.map((o) => {
    const t = o.s.fork()
    t.rounds = new Map(rounds)
    for (const [k, yes] of facts) t.facts.set(k, yes)
    for (const [k, known] of s.signs) if (!t.signs.has(k)) t.signs.set(k, known)
    for (const [k, x] of t.env) if (k.startsWith(inside) && x.hold === undefined) t.env.delete(k)
    return { s: t, v: o.v.sym === nothing.sym && callee.returns.base === 'void' ? v : o.v }
  })
}

/** What is given a struct that is a part of one of ours, and knows the one around it, is given that. */
function withAround(w: HoldingWalk, name: string, args: readonly Val[], s: State): readonly Val[] {
  const part = (a: Val): boolean => a.ref !== undefined && /^new@\w+\./.test(a.ref)
  if (!s.live || !args.some(part)) return args
  const callee = w.code.resolve(name, w.ways.frame.func.file)
  if (callee === undefined) return args
  const textOf = (f: Func): string => f.file.source.text.slice(f.start, f.end)
  const text = textOf(callee)
  const looks = (t: string): boolean => /\bcontainer_of\b/.test(t)
  const own = (): boolean =>
    (text.match(/\b[A-Za-z_]\w*(?=\s*\()/g) ?? []).some((n) => {
      const f = w.code.resolveHere(n, callee.file)
      return f !== undefined && f.end - f.start < 300 && looks(textOf(f))
    })
  if (!looks(text) && !own()) return args
  return args.map((a) => (part(a) ? { ...a, ref: rootOf(a.ref!) } : a))
}

/** A macro that is an expression, with what it is given in it. */
function expansion(w: HoldingWalk, e: Call, name: string): Expr | undefined {
  if (w.macros.has(e)) return w.macros.get(e)
  const macro = e.callee.kind === 'name' ? w.code.macro(name, w.ways.frame.func.file) : undefined
  let found: Expr | undefined
  if (macro?.body.kind === 'expr' && macro.params !== undefined && !macro.params.includes('...')) {
    let again = false
    visit(macro.body.expr, (x) => {
      if (x.kind === 'name' && x.name === name) again = true
    })
    if (!again) found = substitute(macro.body.expr, new Map(macro.params.map((p, i) => [p, e.args[i]])), e)
  }
  w.macros.set(e, found)
  return found
}

/** A function elsewhere in the tree that does nothing to the pages that it is handed. */
function allLeaveAlone(w: HoldingWalk, name: string, args: readonly Val[], s: State): boolean {
  const found = w.code.resolve(name, w.ways.frame.func.file)
  return (
    found !== undefined &&
    args.every(
      (a, i) =>
        reached([a], s).every((h) => s.holds.get(h)!.left === 'nothing') || leavesAlone(w.code, found, i),
    )
  )
}

/** All that it returns is ERR_PTR(…). */
function alwaysFails(w: HoldingWalk, func: Func): boolean {
  const returns = w.code.graph(func).nodes.flatMap((n) => (n.kind === 'return' ? [n.value] : []))
  return (
    func.returns.pointer > 0 &&
    returns.length > 0 &&
    returns.every((r) => r?.kind === 'call' && r.callee.kind === 'name' && r.callee.name === 'ERR_PTR')
  )
}

/** In the module of a function that a site lies behind: what took the pages may give them back there. */
function beside(w: HoldingWalk, func: Func): boolean {
  for (const f of w.towards)
    if (f.file === func.file || w.code.moduleFiles(f.file).includes(func.file.path)) return true
  return false
}

/** The function that a call is gone into for; `matters`: it is given pages that are followed. */
function calleeOf(w: HoldingWalk, name: string, matters: boolean, asPage: () => boolean): Func | undefined {
  const { file } = w.ways.frame.func
  const here = w.code.resolveHere(name, file)
  if (here !== undefined && (matters || w.towards.has(here))) return here
  if (here !== undefined) return undefined
  if (!matters) return [...w.towards].find((f) => f.name === name && !f.static)
  const found = w.code.resolve(name, file)
  if (found !== undefined && matters && beside(w, found)) return found
  if (found === undefined || (found.inline && found.file.path.endsWith('.h'))) return found
  if (w.code.moduleFiles(file).includes(found.file.path)) return found
  return asPage() && (givesBack(found) || found.end - found.start < 700) ? found : undefined
}

const releaseCall = new RegExp(`\\b(${[...words.releases.keys()].join('|')})\\s*\\(`)

/** A function of the core that gives pages back, itself or by one beside it. */
function givesBack(func: Func): boolean {
  const { text } = func.file.source
  const own = text.slice(func.start, func.end)
  if (own.length > 6_000) return false
  if (releaseCall.test(own)) return true
  return func.file.functions.some(
    (f) => f !== func && own.includes(`${f.name}(`) && releaseCall.test(text.slice(f.start, f.end)),
  )
}

/** Parameters that a function makes an iterator over memory of the kernel. */
function kernelIterators(func: Func): readonly number[] {
  const found: number[] = []
  const text = func.file.source.text.slice(func.start, func.end)
  for (const m of text.matchAll(/\biov_iter_(?:kvec|bvec|xarray|folio_queue)\s*\(\s*(\w+)/g)) {
    const i = func.params.findIndex((p) => p.name === m[1])
    if (i >= 0) found.push(i)
  }
  return found
}
