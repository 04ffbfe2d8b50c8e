import type { Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import { binary, branch, call, id, inEnd, num, placeOf, run, set, testOf } from '../lift/build.ts'
import type { Place } from '../trace/event.ts'
import type { Ending, HoldingEvent } from './event.ts'

/** One way through the code, as far as the pages of one acquisition go. Repairs rewrite it. */
export type HoldingPlan = {
  readonly api: ReferenceApi
  /** Two pages of which the second may be gone, or one. */
  readonly short: boolean
  /** None came: what is followed is what the code does then. */
  readonly none?: boolean
  readonly write: boolean
  readonly longterm: boolean
  readonly steps: readonly HoldingStep[]
  readonly end: Place
  /** mmap_lock is the caller's. */
  readonly callerLocks: boolean
  /** What is asked of it; left out, whether the counts come out even. */
  readonly question?: Question
}

/**
 * What may go wrong although everything is given back, and so which memory it is and who comes between: a write that the file
 * system does not hear of, a child that sees what comes later, memory that has to be movable.
 */
export type Question = 'dirty' | 'fork' | 'longterm'

export type HoldingStep = { readonly at?: Place; readonly note?: string } & (
  | { readonly do: 'acquire' | 'fault-in' }
  | {
      readonly do: 'release'
      readonly as: 'pin' | 'get'
      readonly many: 'got' | 'asked'
      readonly dirties?: boolean
      readonly atomic?: string
    }
  | { readonly do: 'dirty'; readonly atomic?: string }
  /** The system call returns, and the pages stay. */
  | { readonly do: 'leave' }
  | { readonly do: 'write'; readonly by: 'cpu' | 'device' }
  | { readonly do: 'lock' | 'unlock'; readonly write: boolean }
  /** From here the code leaves when something else fails; `release` is what it does when it does not. */
  | { readonly do: 'leave-if' }
)

export function planOf(ending: Ending): HoldingPlan {
  const { holding, events } = ending
  const { api } = holding.site
  const mine = (e: HoldingEvent): boolean => !('hold' in e) || e.hold === holding.id
  const steps: HoldingStep[] = []
  const acquired = events.findIndex((e) => e.do === 'acquire' && e.hold === holding.id)
  const leaks = holding.left === 'all' && ending.kept === 'nowhere'
  const decided = events.findLastIndex((e, i) => i > acquired && e.do === 'decide')
  for (const [i, e] of events.entries()) {
    if (!mine(e)) continue
    const { at } = e
    const note = e.text
    const with_ = { at, ...(note !== undefined && { note }) }
    switch (e.do) {
      case 'acquire':
        steps.push({ do: e.outcome === 'none' && holding.outcome !== 'none' ? 'fault-in' : 'acquire', at })
        break
      case 'release':
        steps.push({
          do: 'release',
          as: e.as,
          many: e.many,
          at,
          note: `${e.api}()`,
          ...(e.dirties && { dirties: true }),
          ...(e.atomic !== undefined && { atomic: e.atomic }),
        })
        break
      case 'dirty':
        steps.push({ do: 'dirty', ...with_, ...(e.atomic !== undefined && { atomic: e.atomic }) })
        break
      case 'leave':
        steps.push({ do: e.do, ...with_ })
        break
      case 'write':
        steps.push({ do: 'write', by: e.by, ...with_ })
        break
      case 'lock':
      case 'unlock':
        steps.push({ do: e.do, write: e.write, at })
        break
      case 'decide':
        if (i === decided && leaks && holding.outcome === 'all') steps.push({ do: 'leave-if', ...with_ })
        break
      case 'count':
        break
    }
  }
  return {
    api,
    short: holding.outcome === 'short',
    ...(holding.outcome === 'none' && { none: true }),
    write: writes(holding.flags) !== false,
    longterm:
      api.takes === 'pin' && (api.longterm === true || (holding.flags?.includes('FOLL_LONGTERM') ?? false)),
    steps: withoutEmptyLocks(steps),
    end: ending.end,
    callerLocks: api.lock && holding.locked !== 'taken',
  }
}

function withoutEmptyLocks(steps: readonly HoldingStep[]): HoldingStep[] {
  const out: HoldingStep[] = []
  for (const s of steps)
    if (s.do === 'unlock' && out.at(-1)?.do === 'lock') out.pop()
    else out.push(s)
  return out
}

/** Whether flags, in one spelling, ask to write; undefined when that is not known. */
export function writes(flags: string | undefined): boolean | undefined {
  if (flags === undefined) return undefined
  const rest = flags.replaceAll(/FOLL_\w+|[()|\s]/g, '')
  if (/\bFOLL_WRITE\b/.test(flags)) return rest === '' || /^\d+$/.test(rest) ? true : undefined
  if (rest === '') return false
  if (!/^\d+$/.test(rest)) return undefined
  return (Number(rest) & 1) !== 0
}

/** The plan as a test: the process in the order of the code, and who may come between. */
export function liftHolding(name: string, plan: HoldingPlan): LitmusTest {
  const { api } = plan
  const body: Stmt[] = []
  const held: boolean[] = []
  const leaves = plan.steps.some((s) => s.do === 'leave-if')
  const unlockAll = (): Stmt[] =>
    held.map((write) => run(call(`mmap_${write ? 'write' : 'read'}_unlock`))).reverse()
  const release = (as: 'pin' | 'get', page: string, at?: Place): Stmt =>
    run(call(as === 'pin' ? 'unpin_user_page' : 'put_page', id(page)), at)
  // A spinlock stands for whatever forbids to sleep.
  const atomic = plan.steps.some((s) => (s.do === 'release' || s.do === 'dirty') && s.atomic !== undefined)
  const inside = (s: HoldingStep & { do: 'release' | 'dirty' }, stmts: readonly Stmt[]): readonly Stmt[] =>
    s.atomic === undefined
      ? stmts
      : [run(call('spin_lock', id('lock')), s.at), ...stmts, run(call('spin_unlock', id('lock')), s.at)]
  const releaseAs = (s: HoldingStep & { do: 'release' }, page: string): Stmt[] =>
    s.dirties !== true || (plan.question !== 'dirty' && s.atomic === undefined)
      ? [release(s.as, page, s.at)]
      : s.as === 'pin'
        ? [run(call('unpin_user_pages_dirty_lock', id(page), num(1)), s.at)]
        : [run(call('set_page_dirty_lock', id(page)), s.at), release(s.as, page, s.at)]
  const first = plan.short ? 'page0' : 'page'
  const flags = [...(plan.write ? ['FOLL_WRITE'] : []), ...(plan.longterm ? ['FOLL_LONGTERM'] : [])]
  const acquire = (to: string, at: Expr): Expr =>
    call(
      operation(api),
      ...(operation(api).endsWith('_remote') ? [id('A')] : []),
      at,
      num(1),
      flags.length === 0 ? num(0) : flags.map(id).reduce((left, right) => binary('|', left, right)),
      { kind: 'address', name: to },
    )
  if (plan.callerLocks) {
    body.push(run(call('mmap_read_lock')))
    held.push(false)
  }
  let left = false
  for (const s of plan.steps) {
    const { at } = s
    switch (s.do) {
      case 'lock':
        body.push(run(call(`mmap_${s.write ? 'write' : 'read'}_lock`), at))
        held.push(s.write)
        break
      case 'unlock':
        body.push(run(call(`mmap_${(held.at(-1) ?? s.write) ? 'write' : 'read'}_unlock`), at))
        held.pop()
        break
      case 'fault-in':
        // Under mmap_lock the model reads user memory by its fault handler only.
        body.push(
          set(
            'r0',
            held.length > 0 ? call('fixup_user_fault', id('p'), num(0)) : { kind: 'deref', of: id('p') },
            at,
          ),
        )
        break
      case 'acquire':
        body.push(set('r0', acquire(first, id('p')), at))
        body.push(
          plan.none === true
            ? branch(binary('==', id('r0'), num(1)), [release(api.takes, first), ...unlockAll(), leave], at)
            : branch(binary('!=', id('r0'), num(1)), [...unlockAll(), leave], at),
        )
        if (plan.short) {
          body.push(set('r1', acquire('page1', binary('+', id('p'), num(1))), at))
          // All of them came: the code goes another way, which is judged for itself.
          body.push(
            branch(
              binary('==', id('r1'), num(1)),
              [release(api.takes, 'page0'), release(api.takes, 'page1'), ...unlockAll(), leave],
              at,
            ),
          )
        }
        break
      case 'release':
        if (plan.none === true && s.many === 'got') break
        body.push(...inside(s, releaseAs(s, first)))
        if (plan.short && s.many === 'asked') body.push(release(s.as, 'page1', at))
        break
      case 'write':
        body.push(run(call(s.by === 'device' ? 'dma_write' : 'kernel_write', id(first), num(1)), at))
        break
      case 'dirty':
        if (plan.question === 'dirty' || s.atomic !== undefined)
          body.push(...inside(s, [run(call('set_page_dirty_lock', id(first)), at)]))
        break
      case 'leave':
        // No lock is taken home.
        body.push(...unlockAll())
        held.length = 0
        if (plan.question === 'longterm') body.push(run(call('exit_to_user_mode'), at))
        break
      case 'leave-if':
        body.push(set('r2', id('fails'), at))
        body.push(
          branch(
            { kind: 'unary', op: '!', of: id('r2') },
            [release(api.takes, first), ...unlockAll(), leave],
            at,
          ),
        )
        left = true
        break
    }
  }
  body.push(...unlockAll())
  if (left) body.push({ kind: 'return', ...placeOf(plan.end) })
  const faulted = plan.steps.some((s) => s.do === 'fault-in')
  const untouched = (!plan.write && plan.steps.some((s) => s.do === 'write')) || faulted
  const inFile = plan.question === 'dirty'
  const mmap = call(
    'mmap',
    id(inFile ? 'F' : 'NULL'),
    num(plan.short ? 2 : 1),
    binary('|', id('PROT_READ'), id('PROT_WRITE')),
    // What is only read may be the zero page, which is what a write has to be kept from; otherwise the pages are the process's own.
    inFile
      ? id('MAP_SHARED')
      : untouched
        ? id('MAP_PRIVATE')
        : binary('|', id('MAP_PRIVATE'), id('MAP_POPULATE')),
    ...(plan.question === 'longterm' ? [id('cma')] : []),
  )
  const init: Declaration[] = [
    ...(inFile
      ? [{ kind: 'file', name: 'F', call: call('ext4', num(plan.short ? 2 : 1)) } satisfies Declaration]
      : []),
    { kind: 'mm', name: 'A' },
    ...(atomic ? [{ kind: 'spinlock', name: 'lock' } satisfies Declaration] : []),
    ...(plan.question === 'fork'
      ? [{ kind: 'mm', name: 'C', call: call('unborn') } satisfies Declaration]
      : []),
    ...(leaves ? [{ kind: 'int', name: 'fails' } satisfies Declaration] : []),
    { kind: 'address', scope: 'A', name: 'p', call: mmap },
    // Where what has to leave CMA can go.
    ...(plan.question === 'longterm'
      ? [{ kind: 'spare', name: 'normal', call: call('frames', num(1)) } satisfies Declaration]
      : []),
  ]
  const mm = { kind: 'mm', name: 'A' }
  const procs: Proc[] = [
    {
      name: 'P0',
      context: mm,
      daemon: false,
      body,
      ...(plan.callerLocks && { comment: 'whose caller holds mmap_lock' }),
    },
    ...othersOf(plan),
  ]
  if (leaves)
    procs.push({
      name: `P${procs.length}`,
      context: { kind: '', name: '' },
      daemon: false,
      body: [{ kind: 'assign', target: id('fails'), value: num(1) }],
      comment: 'what the code asks about may turn out either way',
    })

  return testOf(
    name,
    init,
    procs,
    plan.none === true
      ? { kind: 'unary', op: '!', of: binary('==', inEnd('P0', 'r0'), num(1)) }
      : binary('==', inEnd('P0', 'r0'), num(faulted ? 0 : 1)),
  )
}

/** Who may come between. */
function othersOf(plan: HoldingPlan): Proc[] {
  const mm = { kind: 'mm', name: 'A' }
  switch (plan.question) {
    case 'dirty':
      return [
        {
          name: 'P1',
          context: { kind: '', name: '' },
          daemon: false,
          body: [run(call('writeback', id('F'), num(0))), run(call('reclaim', id('F'), num(0)))],
          comment: 'the file system, and who wants memory',
        },
      ]
    case 'fork':
      return [
        {
          name: 'P1',
          context: mm,
          daemon: false,
          body: [run(call('fork', id('C')))],
          comment: 'another thread of the process forks',
        },
        {
          name: 'P2',
          context: { kind: 'mm', name: 'C' },
          daemon: false,
          body: [set('r0', { kind: 'deref', of: { kind: 'name', name: 'p', proc: 'A' } })],
          comment: 'the child looks',
        },
      ]
    default:
      return [
        {
          name: 'P1',
          context: mm,
          daemon: false,
          body: [run(call('munmap', plan.short ? binary('+', id('p'), num(1)) : id('p'), num(1)))],
          comment: 'another thread of the process unmaps it',
        },
      ]
  }
}

/** The operation of the model that stands for a call: of those that differ only in who takes mmap_lock, the one that does it alike. */
function operation(api: ReferenceApi): string {
  const kind = api.takes === 'pin' ? 'pin_user_pages' : 'get_user_pages'
  if (!api.lock) return `${kind}_fast`
  return api.mm === undefined ? kind : `${kind}_remote`
}

const leave: Stmt = { kind: 'return' }
