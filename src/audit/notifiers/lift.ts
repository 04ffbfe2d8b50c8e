import type { Declaration, Expr, LitmusTest, Stmt } from '../../litmus/index.ts'
import { binary, branch, call, id, inEnd, num, or, out, run, set, testOf, thread } from '../lift/build.ts'
import type { CallbackStep } from '../lift/plan.ts'
import type { Place } from '../trace/event.ts'
import { operation, wantsLock } from './api.ts'
import type { Plan, Step } from './plan.ts'

/**
 * The life of a notifier as a test: whoever registers it, in the order of the code; another thread, which unmaps what it watches, or the
 * end of the process, where the notifier is told of nothing else; its callback.
 */
export function liftNotifier(name: string, plan: Plan): LitmusTest {
  const locks = locksOf(plan)
  const body: Stmt[] = []
  const lockStmt = (what: 'lock' | 'unlock', lock: string, write: boolean, at?: Place): Stmt => {
    if (lock === 'mmap_lock') return run(call(`mmap_${write ? 'write' : 'read'}_${what}`, id('A')), at)
    const kind = locks.get(lock)
    if (kind === 'mutex') return run(call(`mutex_${what}`, id(nameOf(lock))), at)
    return run(call(`${what === 'lock' ? 'down' : 'up'}_${write ? 'write' : 'read'}`, id(nameOf(lock))), at)
  }
  let installed = false
  const stmts = (steps: readonly Step[]): Stmt[] =>
    steps.flatMap((s): Stmt[] => {
      switch (s.do) {
        case 'lock':
        case 'unlock':
          return [lockStmt(s.do, s.lock, s.write, s.at)]
        case 'free':
          return [run(call('kfree', id('ctx')), s.at)]
        case 'unregister': {
          const does: Stmt[] = []
          // What it has let a device reach it takes away itself.
          if (installed) does.push(run(call('secondary_unmap', id('n'), id('p'))))
          does.push(run(call(s.api, id('n')), s.at))
          if (plan.freedByCore && s.api === 'mmu_notifier_put')
            does.push(run(call('mmu_notifier_synchronize', id('n'))), run(call('kfree', id('ctx'))))
          return does
        }
      }
    })
  const locked = wantsLock(plan.api)
  const holds = plan.before.some((s) => s.do === 'lock' && s.lock === 'mmap_lock')
  const before = plan.before.filter((s) => s.do === 'lock')
  for (const s of before) body.push(...stmts([s]))
  // The caller's.
  if (locked && !holds) body.push(run(call('mmap_write_lock', id('A'))))
  const release = (): Stmt[] => [
    ...(locked && !holds ? [run(call('mmap_write_unlock', id('A')))] : []),
    ...[...before].reverse().flatMap((s) => (s.do === 'lock' ? [lockStmt('unlock', s.lock, s.write)] : [])),
  ]
  body.push(set('r0', call('kmalloc'), plan.at))
  if (plan.unasked === true) {
    body.push(branch(not(id('r0')), [...release(), { kind: 'return' }]))
    body.push(...release())
  } else {
    body.push(branch(not(id('r0')), [set('r0', call(operation(plan.api), id('n')), plan.at)]))
    body.push(...release())
    if (plan.failed !== undefined)
      body.push(branch(id('r0'), [...stmts(plan.failed), { kind: 'return' }], plan.at))
  }
  const live = !plan.then.some((s) => s.do === 'unregister')
  if (!live) body.push(...stmts(plan.then))
  if (plan.installs && live) {
    body.push(...install(plan, lockStmt))
    installed = true
  }
  if (live) body.push(...stmts(plan.then))
  body.push(...stmts(plan.later))
  // It is told of nothing else.
  const exits = plan.callback === undefined
  const watch = plan.kind === 'interval' ? 'mmu_interval_notifier' : 'mmu_notifier'
  const init: Declaration[] = [
    { kind: 'mm', name: 'A' },
    { kind: 'object', name: 'ctx', call: call('kref', num(1)) },
    {
      kind: 'address',
      scope: 'A',
      name: 'p',
      call: call(
        'mmap',
        id('NULL'),
        num(1),
        or(id('PROT_READ'), id('PROT_WRITE')),
        or(or(id('MAP_PRIVATE'), id('MAP_ANONYMOUS')), id('MAP_POPULATE')),
      ),
    },
    ...[...locks].map(([lock, kind]): Declaration => ({ kind, name: nameOf(lock) })),
    {
      kind: 'notifier',
      name: 'n',
      call: call(watch, { kind: 'name', name: 'p', proc: 'A' }, num(1), id('invalidate'), id('unregistered')),
    },
  ]
  return testOf(
    name,
    init,
    [
      {
        ...thread('P0', 'A', body, 'who registers the notifier, and then unregisters it'),
        ...(exits && { context: { kind: '', name: '' } }),
      },
      thread(
        'P1',
        'A',
        [exits ? run(call('exit_mm')) : run(call('munmap', id('p'), num(1)))],
        exits ? 'the process, which ends' : 'another thread of the process, which unmaps',
      ),
      {
        name: 'invalidate',
        context: { kind: 'notifier', name: 'n' },
        daemon: false,
        body: [
          run(call('read_field', id('ctx'))),
          ...(plan.callback ?? []).map((s) => callbackStmt(s, lockStmt)),
        ],
        comment: 'its callback',
      },
    ],
    binary(
      '==',
      inEnd('P0', 'r0'),
      plan.unasked === true ? { kind: 'unary', op: '-', of: id('ENOMEM') } : num(0),
    ),
  )
}

type LockStmt = (what: 'lock' | 'unlock', lock: string, write: boolean, at?: Place) => Stmt

/** As Documentation/mm/hmm.rst has it, under the lock that the callback takes. */
function install(plan: Plan, lockStmt: LockStmt): Stmt[] {
  const lock = plan.callback?.find((s) => s.do === 'lock')?.note
  const map: Stmt = run(call('secondary_map', id('n'), id('p'), id('pfn')))
  const asked: Stmt[] =
    plan.kind === 'interval'
      ? [branch(not(call('mmu_interval_read_retry', id('n'), id('seq'))), [map])]
      : [map]
  const looked: Stmt[] =
    plan.kind === 'interval'
      ? [
          set('seq', call('mmu_interval_read_begin', id('n'))),
          run(call('mmap_read_lock')),
          set('r1', call('hmm_range_fault', id('n'), id('seq'), id('p'), out('pfn'))),
          run(call('mmap_read_unlock')),
        ]
      : [set('r1', call('get_user_pages_fast', id('p'), num(1), id('FOLL_WRITE'), out('pfn')))]
  const worked: Expr =
    plan.kind === 'interval' ? not(id('r1')) : { kind: 'binary', op: '==', left: id('r1'), right: num(1) }
  return [
    ...looked,
    branch(worked, [
      ...(lock === undefined ? [] : [lockStmt('lock', lock, true)]),
      ...asked,
      ...(lock === undefined ? [] : [lockStmt('unlock', lock, true)]),
      ...(plan.kind === 'interval' ? [] : [run(call('put_page', id('pfn')))]),
    ]),
    run(call('secondary_write', id('n'), id('p'), num(1))),
  ]
}

function callbackStmt(s: CallbackStep, lockStmt: LockStmt): Stmt {
  switch (s.do) {
    case 'lock':
    case 'unlock':
      return lockStmt(s.do, s.note ?? 'lock', true, s.at)
    case 'set-seq':
      return run(call('mmu_interval_set_seq', id('n')), s.at)
    case 'drop':
      return run(call('secondary_unmap', id('n'), id('p')), s.at)
  }
}

/** Every lock of the plan; one that is ever taken for reading is a rwsem. */
function locksOf(plan: Plan): Map<string, 'mutex' | 'rwsem'> {
  const found = new Map<string, 'mutex' | 'rwsem'>()
  for (const s of [...plan.before, ...(plan.failed ?? []), ...plan.then, ...plan.later])
    if (s.do === 'lock' && s.lock !== 'mmap_lock')
      found.set(s.lock, s.write && found.get(s.lock) !== 'rwsem' ? 'mutex' : 'rwsem')
  for (const s of plan.callback ?? [])
    if (s.do === 'lock' && !found.has(s.note ?? 'lock')) found.set(s.note ?? 'lock', 'mutex')
  return found
}

/** A name that is not one of the test's own. */
const nameOf = (lock: string): string => (/^(p|n|ctx|seq|pfn|r\d)$/.test(lock) ? `${lock}_lock` : lock)
const not = (of: Expr): Expr => ({ kind: 'unary', op: '!', of })
