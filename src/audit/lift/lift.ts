import type { Call, Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import { compareVersions, constants } from '../../kernel/index.ts'
import type { Place } from '../trace/event.ts'
import { branch, call, id, num, or, out, run, set, testOf, thread } from './build.ts'
import type { CallbackStep, Plan, Step } from './plan.ts'

/**
 * A plan as a litmus test: one statement per step, each with the line that it was lifted from, then the adversaries. A look-up
 * that fails leaves what is held and ends the process, as the code does; what a device or a guest was given and nobody took back
 * is used at the very end, when every lock is gone: it may happen at any time after.
 */
export function lift(name: string, plan: Plan, kernel: string): LitmusTest {
  const body = new Body(plan, kernel)
  const stmts = body.stmts()
  const pfnmap = plan.memory === 'pfnmap'
  const init: Declaration[] = [
    { kind: 'device', name: 'gpu' },
    ...(pfnmap
      ? [{ kind: 'bo', name: 'B', call: call('gpu', pages(1), id('vram')) } satisfies Declaration]
      : []),
    { kind: 'mm', name: 'A' },
    {
      kind: 'address',
      scope: 'A',
      name: 'p',
      call: call(
        'mmap',
        id(pfnmap ? 'B' : 'NULL'),
        num(1),
        or(id('PROT_READ'), id('PROT_WRITE')),
        body.populated
          ? or(id(pfnmap ? 'MAP_SHARED' : 'MAP_PRIVATE'), id('MAP_POPULATE'))
          : id(pfnmap ? 'MAP_SHARED' : 'MAP_PRIVATE'),
        ...(body.keepsPins ? [id('cma')] : []),
        ...(body.populated || !pfnmap ? [] : [id('untouched')]),
      ),
    },
    ...(body.usesDriverLock || plan.callback?.some((s) => s.do === 'lock') === true
      ? [{ kind: body.lockKind, name: 'lock' } satisfies Declaration]
      : []),
    ...(plan.callback === undefined
      ? []
      : [
          {
            kind: 'notifier',
            name: 'n',
            call: call(
              'mmu_interval_notifier',
              { kind: 'name', name: 'p', proc: 'A' },
              num(1),
              id('invalidate'),
            ),
          } satisfies Declaration,
        ]),
  ]
  const procs: Proc[] = [thread('P0', 'A', stmts, body.comment)]
  if (pfnmap)
    procs.push({
      name: `P${procs.length}`,
      context: { kind: 'device', name: 'gpu' },
      daemon: false,
      body: [run(call('bo_move', id('B'), id('system')))],
      comment: 'the owner of the memory moves it, its old frames are free',
    })
  procs.push(
    thread(
      `P${procs.length}`,
      'A',
      [run(call('munmap', id('p'), num(1)))],
      'another thread of the process unmaps it',
    ),
  )
  if (plan.callback !== undefined)
    procs.push({
      name: 'invalidate',
      context: { kind: 'notifier', name: 'n' },
      daemon: false,
      body: plan.callback.map((s) => callbackStmt(s, body.lockKind)),
      comment: 'the notifier, before the page table changes',
    })
  const declared = pfnmap ? init : init.filter((d) => d.kind !== 'device')
  return testOf(name, declared, procs, body.reached())
}

class Body {
  readonly #plan: Plan
  readonly #out: Stmt[] = []
  readonly #held: Step[] = []
  /** Look-ups that hold something. */
  readonly #open: { reg: number; api: string }[] = []
  readonly #given = new Map<number, { how: 'give' | 'install'; at: Place | undefined }>()
  /** Look-ups that took something that has to be given back. */
  readonly #pinned = new Set<number>()
  readonly #framed = new Set<number>()
  readonly #put = new Set<number>()
  /** The look-up that is being asked whether it worked. */
  #trying: number | undefined
  readonly #kernel: string
  #faults = 0

  constructor(plan: Plan, kernel: string) {
    this.#plan = plan
    this.#kernel = kernel
  }

  /** Memory is there from the start, unless the test is about its being faulted in. */
  get populated(): boolean {
    return !this.#plan.steps.some((s) => s.do === 'fault')
  }

  /** Pages are pinned and not given back on this way: they are kept until user space asks again. */
  get keepsPins(): boolean {
    const { steps } = this.#plan
    return steps.some(
      (s) =>
        (s.do === 'pin' || (s.do === 'lookup' && s.api === 'get_vaddr_frames')) &&
        !steps.some((t) => t.do === 'put' && t.reg === s.reg),
    )
  }

  get usesDriverLock(): boolean {
    return this.#plan.steps.some((s) => s.do === 'lock' && s.lock === 'driver')
  }

  /** A lock that is ever taken for reading is a rwsem, the others are mutexes. */
  get lockKind(): 'mutex' | 'rwsem' {
    return this.#plan.steps.some((s) => s.do === 'lock' && s.lock === 'driver' && !s.write)
      ? 'rwsem'
      : 'mutex'
  }

  get comment(): string {
    return this.#plan.steps.find((s) => s.at !== undefined)?.at?.func ?? ''
  }

  /** The run in which the look-ups worked: without it a test shows nothing. */
  reached(): Expr {
    const lookups = this.#plan.steps.filter((s) => s.do === 'lookup' || s.do === 'pin' || s.do === 'fault')
    const terms = lookups.map((s, i): Expr => {
      void i
      const reg = s.do === 'fault' ? 'r' : `r${s.reg}`
      return {
        kind: 'binary',
        op: '==',
        left: { kind: 'name', name: reg, proc: 'P0' },
        right: num(this.#success(s)),
      }
    })
    return terms.slice(0, 1).reduce((a) => a, terms[0]!)
  }

  #success(s: Step): number {
    return s.do === 'pin' || (s.do === 'lookup' && s.api === 'get_vaddr_frames') ? 1 : 0
  }

  stmts(): Stmt[] {
    for (const s of this.#plan.steps) this.#step(s)
    for (const [reg, { how, at }] of this.#given)
      this.#later(
        how === 'install'
          ? call('secondary_write', id('n'), id('p'), num(1))
          : call('dma_write', id(`dma${reg}`), num(1)),
        at,
      )
    if (this.keepsPins) this.#out.push(run(call('exit_to_user_mode')))
    // What was taken is given back some day: else the model would report the leak, which is not what is asked here.
    for (const reg of this.#framed)
      if (!this.#put.has(reg)) this.#out.push(run(call('put_vaddr_frames', id(`pfn${reg}`))))
    for (const reg of this.#pinned)
      if (!this.#put.has(reg)) this.#out.push(run(call('unpin_user_page', id(`pfn${reg}`))))
    return this.#out
  }

  /** What the device or the guest does with what it has, whenever it likes. */
  #later(c: Call, at: Place | undefined): void {
    this.#out.push(run(c, at))
  }

  #step(s: Step): void {
    const place = s.at
    switch (s.do) {
      case 'lock':
      case 'unlock': {
        if (s.do === 'lock') this.#held.push(s)
        else
          this.#held.splice(
            this.#held.findLastIndex((h) => h.do === 'lock' && h.lock === s.lock),
            1,
          )
        this.#out.push(lockStmt(s, this.lockKind))
        return
      }
      case 'lookup': {
        this.#trying = s.reg
        this.#out.push(set(`r${s.reg}`, lookupCall(s.api, s.reg, s.flags ?? []), place))
        this.#leaveUnless(`r${s.reg}`, s.api === 'get_vaddr_frames' ? '<=' : '!=', place)
        this.#trying = undefined
        if (s.api === 'follow_pte' || s.api === 'follow_pfnmap_start') this.#open.push(s)
        if (s.api === 'get_vaddr_frames') this.#framed.add(s.reg)
        return
      }
      case 'pin':
        this.#out.push(
          set(
            `r${s.reg}`,
            call(
              this.#held.some((h) => h.do === 'lock' && h.lock === 'mmap')
                ? 'pin_user_pages'
                : 'pin_user_pages_fast',
              id('p'),
              num(1),
              or(id('FOLL_WRITE'), id('FOLL_LONGTERM')),
              out(`pfn${s.reg}`),
            ),
            place,
          ),
        )
        this.#leaveUnless(`r${s.reg}`, '<=', place)
        this.#pinned.add(s.reg)
        return
      case 'end': {
        const i = this.#open.findIndex((o) => o.reg === s.reg)
        if (i >= 0) this.#open.splice(i, 1)
        this.#out.push(run(endCall(s.api), place))
        return
      }
      case 'put':
        this.#out.push(
          run(
            call(this.#pinned.has(s.reg) ? 'unpin_user_page' : 'put_vaddr_frames', id(`pfn${s.reg}`)),
            place,
          ),
        )
        this.#put.add(s.reg)
        return
      case 'cpu':
        this.#out.push(
          s.write
            ? run(call('kernel_write', id(`pfn${s.reg}`), num(1)), place)
            : set('data', call('kernel_read', id(`pfn${s.reg}`)), place),
        )
        return
      case 'give':
        this.#out.push(set(`dma${s.reg}`, call('dma_map_pfn', id(`pfn${s.reg}`)), place))
        this.#given.set(s.reg, { how: 'give', at: place })
        return
      case 'revoke': {
        const given = this.#given.get(s.reg)
        if (given === undefined) return
        this.#given.delete(s.reg)
        if (given.how === 'give') {
          this.#later(call('dma_write', id(`dma${s.reg}`), num(1)), given.at)
          this.#out.push(run(call('dma_unmap', id(`dma${s.reg}`)), place))
        } else {
          this.#later(call('secondary_write', id('n'), id('p'), num(1)), given.at)
          this.#out.push(run(call('secondary_unmap', id('n'), id('p')), place))
        }
        return
      }
      case 'install':
        this.#out.push(run(call('secondary_map', id('n'), id('p'), id(`pfn${s.reg}`)), place))
        this.#given.set(s.reg, { how: 'install', at: place })
        return
      case 'compare':
        this.#out.push(
          branch(
            { kind: 'binary', op: '!=', left: id(`pfn${s.reg}`), right: id(`pfn${s.other}`) },
            this.#leave(),
            place,
          ),
        )
        return
      case 'seq':
        this.#out.push(set('seq', call('mmu_interval_read_begin', id('n')), place))
        return
      case 'retry':
        this.#out.push(branch(call('mmu_interval_read_retry', id('n'), id('seq')), this.#leave(), place))
        return
      case 'find-vma':
        this.#out.push(set('vma', call('vma_lookup', id('p')), place))
        this.#out.push(branch({ kind: 'unary', op: '!', of: id('vma') }, this.#leave(), place))
        return
      case 'fault': {
        const reg = this.#faults++ === 0 ? 'r' : `r_${this.#faults}`
        this.#out.push(
          set(
            reg,
            call(
              'fixup_user_fault',
              id('p'),
              s.write ? id('FAULT_FLAG_WRITE') : num(0),
              ...(s.dropped === undefined ? [] : [out('unlocked')]),
            ),
            place,
          ),
        )
        this.#leaveUnless(reg, '!=', place)
        if (s.dropped === false) this.#out.push(branch(id('unlocked'), this.#leave(), place))
        return
      }
      case 'use-vma': {
        // Any operation that is handed the VMA looks at it.
        const section = compareVersions(this.#kernel, '6.12') >= 0 ? 'follow_pfnmap_start' : 'follow_pte'
        this.#out.push(set('r1', call(section, id('vma'), id('p'), out('pfn')), place))
        this.#out.push(branch({ kind: 'unary', op: '!', of: id('r1') }, [run(endCall(section))], place))
        return
      }
    }
  }

  #leaveUnless(reg: string, op: '!=' | '<=', at: Place | undefined): void {
    const cond: Expr = op === '!=' ? id(reg) : { kind: 'binary', op: '<=', left: id(reg), right: num(0) }
    this.#out.push(branch(cond, this.#leave(), at))
  }

  /** Gives back what is held, innermost first, and returns. */
  #leave(): Stmt[] {
    return [
      ...[...this.#framed]
        .filter((r) => !this.#put.has(r) && r !== this.#trying)
        .map((r) => run(call('put_vaddr_frames', id(`pfn${r}`)))),
      ...[...this.#open].reverse().map((o) => run(endCall(o.api))),
      ...[...this.#held].reverse().map((h) => {
        const { at: _, ...bare } = h
        return lockStmt({ ...(bare as Step & { do: 'lock' }), do: 'unlock' }, this.lockKind)
      }),
      { kind: 'return' } satisfies Stmt,
    ]
  }
}

function lockStmt(s: Step & { do: 'lock' | 'unlock' }, kind: 'mutex' | 'rwsem'): Stmt {
  if (s.lock === 'mmap') return run(call(`mmap_${s.write ? 'write' : 'read'}_${s.do}`), s.at)
  if (kind === 'mutex') return run(call(`mutex_${s.do}`, id('lock')), s.at)
  return run(call(`${s.do === 'lock' ? 'down' : 'up'}_${s.write ? 'write' : 'read'}`, id('lock')), s.at)
}

function callbackStmt(s: CallbackStep, kind: 'mutex' | 'rwsem'): Stmt {
  switch (s.do) {
    case 'lock':
    case 'unlock': {
      const { at } = s
      return lockStmt({ do: s.do, lock: 'driver', write: true, ...(at !== undefined && { at }) }, kind)
    }
    case 'set-seq':
      return run(call('mmu_interval_set_seq', id('n')), s.at)
    case 'drop':
      return run(call('secondary_unmap', id('n'), id('p')), s.at)
  }
}

function lookupCall(api: string, reg: number, flags: readonly string[]): Call {
  const target = out(`pfn${reg}`)
  switch (api) {
    case 'get_vaddr_frames':
      // Where the code names its flags these are they; where it says only whether it writes, it does.
      return call(
        api,
        id('p'),
        num(1),
        flags
          .filter((f) => f in constants)
          .map(id)
          .reduce<Expr | undefined>((a, b) => (a === undefined ? b : or(a, b)), undefined) ??
          id('FOLL_WRITE'),
        target,
      )
    case 'hmm_range_fault':
      return call(api, id('n'), id('seq'), id('p'), target)
    default:
      return call(api, id('p'), target)
  }
}

function endCall(api: string): Call {
  return api === 'follow_pte' ? call('pte_unmap_unlock') : call('follow_pfnmap_end')
}

// ── Small words ──────────────────────────────────────────────────────────────────────────────────────────────────────

const pages = num
