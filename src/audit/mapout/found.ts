import type { Expr as LitmusExpr, LitmusTest, Stmt } from '../../litmus/index.ts'
import {
  calleeName,
  cfgOf,
  effects,
  explore,
  type Expr,
  type Func,
  parts,
  pathOf,
  stripCasts,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import { Entries } from '../holding/entries.ts'
import { binary, branch, call, id, num, run, set, testOf, thread } from '../lift/build.ts'
import type { Place } from '../trace/event.ts'

/** An object of a driver's list that is used when the lock under which it was found is dropped, and nothing else keeps it. */
export type Found = {
  readonly what: string
  readonly lock: string
  readonly foundAt: Place
  readonly droppedAt: Place
  readonly usedAt: Place
  /** Who takes it out of the list and frees it, and how a user comes there. */
  readonly freed: Place
  readonly entry: string
}

type State = {
  readonly locks: readonly string[]
  readonly of?: {
    readonly name: string
    readonly lock: string
    readonly at: Place
    readonly member: string
    readonly taken?: true
  }
  readonly dropped?: Place
  readonly used?: Place
}

const takes =
  /^(mutex_lock(_interruptible|_killable|_nested)?|spin_lock(_irq|_bh|_irqsave)?|down_(read|write)|read_lock|write_lock)$/
const drops = /^(mutex_unlock|spin_unlock(_irq|_bh|_irqrestore)?|up_(read|write)|read_unlock|write_unlock)$/
/** What is done with an object that keeps it. */
const keeps = /(^|_)(get|hold|ref|grab|tryget|inc|inc_not_zero|get_unless_zero)(_|$)/
const takesOut = /^h?list_del(_init|_rcu)?$|^list_move(_tail)?$/
const iterates = /^(list|hlist)_for_each_entry(_safe|_reverse)?$/
/** By number: the argument that the entry goes by is the table. */
const looksUp = /^(idr_find|xa_load|radix_tree_lookup)$/

/** The first that a function that is given a mapping uses so. */
export function foundUnderLock(code: Code, func: Func): Found | undefined {
  const { text } = func.file.source
  if (
    !/(list|hlist)_for_each_entry|\b(idr_find|xa_load|radix_tree_lookup)\s*\(/.test(
      text.slice(func.start, func.end),
    )
  )
    return undefined
  const at = (e: { readonly start: number }): Place => ({
    file: func.file.path,
    line: func.file.source.position(e.start).line,
    func: func.name,
  })
  const lockOf = (e: Expr | undefined): string => {
    const x = e && stripCasts(e)
    const of = x?.kind === 'unary' && x.op === '&' ? stripCasts(x.of) : x
    return of === undefined ? '' : of.kind === 'member' ? `.${of.field}` : (pathOf(of) ?? '')
  }
  const result = explore<State>(
    cfgOf(func),
    { locks: [] },
    {
      key: (s) =>
        `${s.locks.join()} ${s.of?.name} ${s.of?.at.line}${s.of?.taken} ${s.dropped?.line} ${s.used?.line}`,
      limit: 4000,
      // Behind the last entry nothing was found.
      edge: (node, edge, s) => (node.kind === 'each' && edge.when === 'false' ? { locks: s.locks } : s),
      step(node, s) {
        if (node.kind === 'cleanup')
          return [node.cleanup!.kind === 'guard' ? released(s, lockOf(node.cleanup!.args[0]), node) : s]
        if (node.expr === undefined) return [s]
        let next = node.kind === 'each' && node.expr.kind === 'call' ? each(node.expr, s) : used(node.expr, s)
        for (const { expr: x } of effects(node.expr)) {
          if (x.kind === 'call') next = called(x, next)
          else if (x.kind === 'assign') next = assigned(pathOf(stripCasts(x.target)), x.value, next)
        }
        if (node.local !== undefined) next = assigned(node.local.name, node.expr, next)
        return [next]
      },
    },
  )
  if (!result.complete) return undefined
  for (const { state } of result.exits) {
    const { of, dropped, used: late } = state
    if (of === undefined || dropped === undefined || late === undefined) continue
    const freed = removerOf(code, func, of.member, of.taken === true)
    if (freed !== undefined)
      return { what: of.name, lock: of.lock, foundAt: of.at, droppedAt: dropped, usedAt: late, ...freed }
  }
  return undefined

  function each(c: Expr & { kind: 'call' }, s: State): State {
    const [v, , member] = c.args
    const name = v && pathOf(stripCasts(v))
    if (!iterates.test(calleeName(c)) || name === undefined || s.locks.length === 0) return s
    // It is a new one in each round; what was kept of another is no matter.
    const field = calleeName(c).endsWith('_safe') ? c.args[3] : member
    const what = field === undefined ? '' : text.slice(field.start, field.end)
    return { locks: s.locks, of: { name, lock: s.locks.at(-1)!, at: at(c), member: what } }
  }

  function assigned(to: string | undefined, value: Expr, s: State): State {
    const x = stripCasts(value)
    if (to === undefined) return s
    if (x.kind === 'call' && looksUp.test(calleeName(x)) && s.locks.length > 0)
      return { locks: s.locks, of: { name: to, lock: s.locks.at(-1)!, at: at(x), member: lockOf(x.args[0]) } }
    return s.of?.name === to ? { locks: s.locks } : s
  }

  function called(c: Expr & { kind: 'call' }, s: State): State {
    const name = calleeName(c)
    if (c.callee.kind === 'call' && calleeName(c.callee) === 'guard')
      return { ...s, locks: [...s.locks, lockOf(c.args[0])] }
    if (takes.test(name)) return { ...s, locks: [...s.locks, lockOf(c.args[0])] }
    if (drops.test(name)) return released(s, lockOf(c.args[0]), c)
    if (
      s.of !== undefined &&
      s.dropped === undefined &&
      takesOut.test(name) &&
      c.args.some((a) => within(a, s.of!.name))
    )
      return { ...s, of: { ...s.of, taken: true } }
    // A reference, a mark under the lock: what they come to is not for us to say.
    if (
      s.of !== undefined &&
      s.dropped === undefined &&
      keeps.test(name) &&
      c.args.some((a) => within(a, s.of!.name))
    )
      return { locks: s.locks }
    return s
  }

  function released(s: State, lock: string, e: { readonly start: number }): State {
    const i = s.locks.lastIndexOf(lock)
    const locks = s.locks.filter((_, j) => j !== i)
    // Another lock that is held may keep it.
    if (s.of === undefined || s.of.lock !== lock || locks.length > 0) return { ...s, locks }
    return { ...s, locks, dropped: s.dropped ?? at(e) }
  }

  function used(e: Expr, s: State): State {
    if (s.of === undefined || s.dropped === undefined || s.used !== undefined || s.locks.length > 0) return s
    const { name } = s.of
    const looks = (x: Expr, address: boolean): boolean =>
      (x.kind === 'member' && x.arrow && !address && pathOf(stripCasts(x.base)) === name) ||
      parts(x).some((p) => looks(p, x.kind === 'unary' && x.op === '&'))
    return looks(e, false) ? { ...s, used: at(e) } : s
  }
}

function within(e: Expr, name: string): boolean {
  const x = stripCasts(e)
  if (x.kind === 'unary' && x.op === '&') return within(x.of, name)
  if (x.kind === 'member') return within(x.base, name)
  return pathOf(x) === name
}

/** A function of the module that takes such an object out of its list and frees it, and that a user comes to. */
function removerOf(
  code: Code,
  func: Func,
  member: string,
  taken: boolean,
): { readonly freed: Place; readonly entry: string } | undefined {
  if (member === '') return undefined
  const word = member.replace(/^\./, '')
  const out = member.startsWith('.')
    ? new RegExp(`\\b(idr_remove|xa_erase|radix_tree_delete)\\s*\\(\\s*&[\\w>.-]*\\b${word}\\s*,`)
    : new RegExp(`\\bh?list_del(_init|_rcu)?\\s*\\(\\s*&(\\w+)->${word}\\s*\\)`)
  const entries = new Entries(code)
  for (const file of code.moduleWith(func.file, word))
    for (const f of file.functions) {
      const body = file.source.text.slice(f.start, f.end)
      const gone = out.exec(body)
      const free = /\bk(v|z)?free\s*\(\s*(\w+)\s*\)/.exec(gone === null ? '' : body.slice(gone.index))
      if (gone === null || free === null || (gone[2] !== undefined && member === word && free[2] !== gone[2]))
        continue
      // Who takes it out of the list has it for himself, unless it is counted.
      if (taken && !f.params.some((p) => p.type.base === 'struct kref')) continue
      const users = entries.of(f).filter((e) => e.by === 'user' && !e.text.endsWith('.release'))
      const by = users.find((e) => /ioctl/.test(e.text)) ?? users[0]
      if (by === undefined) continue
      const line = file.source.position(f.start + gone.index + free.index).line
      return { freed: { file: file.path, line, func: f.name }, entry: by.text }
    }
  return undefined
}

/** The look-up as the code has it, or with a reference taken under the lock, and another thread, which removes the object. */
export function liftFound(name: string, at: Place, f: Found, keeps: boolean): LitmusTest {
  const lock = (does: string, at?: Place): Stmt => run(call(does, id('table')), at)
  const remover = [
    lock('mutex_lock'),
    run(call('WRITE_ONCE', id('removed'), num(1))),
    lock('mutex_unlock'),
    set('r1', call('kref_put', id('o')), f.freed),
  ]
  const isRemoved = (yes: boolean): LitmusExpr => binary(yes ? '!=' : '==', id('r0'), num(0))
  return testOf(
    name,
    [
      { kind: 'object', name: 'o', call: call('kref', num(1)) },
      { kind: 'mutex', name: 'table' },
      { kind: 'int', name: 'removed' },
      { kind: 'mm', name: 'A' },
    ],
    [
      thread(
        'P0',
        'A',
        [
          lock('mutex_lock', at),
          set('r0', call('READ_ONCE', id('removed')), f.foundAt),
          ...(keeps ? [branch(isRemoved(false), [run(call('kref_get', id('o')))])] : []),
          lock('mutex_unlock', f.droppedAt),
          branch(isRemoved(true), [{ kind: 'return' }]),
          run(call('read_field', id('o')), f.usedAt),
          ...(keeps ? [run(call('kref_put', id('o')))] : []),
        ],
        'who maps: it finds the object, and drops the lock',
      ),
      thread('P1', 'A', remover, `another thread: ${f.entry}`),
    ],
    binary('==', id('removed'), num(1)),
  )
}
