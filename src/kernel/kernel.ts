import { Bug } from '../base/index.ts'
import type { Id } from '../state/index.ts'
import { boot } from './boot.ts'
import type { FullConfig, Zone } from './config.ts'
import { evaluate, signed } from './evaluate.ts'
import { type InvariantCode, invariants } from './invariants/index.ts'
import {
  atomicBy,
  firstDeclaredLock,
  holds,
  holdsForWriting,
  i_mmap_rwsem,
  type LockInfo,
  locksOf,
  mmap_lock,
} from './mm/locks.ts'
import {
  blocked,
  called,
  done,
  type Flow,
  isThing,
  type Kind,
  type Me,
  namesFrame,
  type Op,
  type Out,
  type Slot,
} from './op.ts'
import { EFAULT } from './constants.ts'
import { ops } from './ops/index.ts'
import type { Expression, Instruction, Operand, Program } from './program.ts'
import { type KernelLayout, type KernelRows, layoutFor, pgoffs, type Row } from './schema.ts'
import { calleesOf, sizesOf } from './sizes.ts'
import { type ChangeName, changes, hasChange } from './versions.ts'

type ThreadId = Id<'thread'>
type Pfn = Id<'pfn'>
export type Choose = (n: number) => number
export type Violate = (violation: { readonly code: string; readonly detail: string }) => void
export type StepLabel = { readonly name: string; readonly statement?: string; readonly place?: string }

/** What a stack frame runs: an operation's steps, or a program's instructions. */
type Code =
  | {
      readonly kind: 'op'
      readonly op: Op
      readonly me: MeCells
      readonly index: ReadonlyMap<string, number>
      readonly slots: number
      /** Those of them that name frames. */
      readonly tracked: readonly Slot[]
      /** Which of them point to VMAs. */
      readonly vmas: readonly number[]
    }
  | { readonly kind: 'program'; readonly program: Program; readonly base: number }

/** The cells behind `me`: the accessors of an operation's arguments and locals read and write them. */
type MeCells = {
  thread: ThreadId
  ret: number
  /** The slots of the thread, and where those of the running frame begin. */
  cells: Row<'slot'>[]
  base: number
  ghosts: Row<'ghost'>[]
  ghostBase: number
  readonly names: ReadonlyMap<string, Slot>
}

/** A call of a driver's vm_ops: for which mapping, and for `may_split` at which address. A `fault` is for a page of the object. */
export type VmOp =
  | {
      readonly op: 'open' | 'close' | 'may_split' | 'mremap'
      readonly mm: Id<'mm'>
      readonly bo: Id<'bo'>
      readonly start: number
      readonly end: number
      readonly at?: number
    }
  | {
      readonly op: 'fault'
      readonly mm: Id<'mm'>
      readonly bo: Id<'bo'>
      readonly pgoff: number
      readonly write: boolean
    }

/** An interval notifier is told that a range is no longer what it was. */
export type Invalidation = { readonly notifier: Id<'notifier'>; readonly start: number; readonly end: number }

/** A value, and what a person who sees everything knows about it. */
export type Ghosted = { value: number; stale: boolean; readonly: boolean }

/**
 * A small kernel with a test's programs in it: the state, the step of each thread, the invariants. It has the shape of a checker's model
 * and knows of none. Nothing but `state` decides what a step does; the fields set during a step are forgotten with it.
 */
export class Kernel {
  readonly config: FullConfig
  readonly layout: KernelLayout
  readonly state: Uint8Array
  readonly actors: readonly { readonly name: string; readonly daemon: boolean }[]

  readonly thread: KernelRows['thread']
  readonly frame: KernelRows['frame']
  readonly var: KernelRows['var']
  readonly hold: KernelRows['hold']
  readonly mm: KernelRows['mm']
  readonly vma: KernelRows['vma']
  readonly pte: KernelRows['pte']
  readonly page: KernelRows['page']
  readonly bo: KernelRows['bo']
  readonly bo_page: KernelRows['bo_page']
  readonly bo_kref: KernelRows['bo_kref']
  readonly notifier: KernelRows['notifier']
  readonly secondary: KernelRows['secondary']
  readonly dma: KernelRows['dma']
  readonly mapping: KernelRows['mapping']
  readonly dma_buf: KernelRows['dma_buf']
  readonly attachment: KernelRows['attachment']
  readonly fd: KernelRows['fd']
  readonly object: KernelRows['object']
  readonly system: Row<'system'>

  /** The frame of zeroes that anonymous memory shows before it is written; tests without anonymous memory have none. */
  readonly zeroPage: Pfn | undefined
  /** Constants of the test. */
  readonly policy: FullConfig['policies']
  readonly zone: readonly Zone[]
  readonly locks: readonly LockInfo[]
  readonly spinlocks: readonly Id<'lock'>[]
  readonly owners: readonly string[]
  readonly pfns: readonly Pfn[]
  readonly vmas: readonly Id<'vma'>[]
  readonly mms: readonly Id<'mm'>[]
  readonly threads: number
  /** How many values vm_pgoff has. */
  readonly pgoffs: number
  /** Whether the test looks at dirty entries; else they are not told apart. */
  readonly dirtyTracked: boolean
  /** Whether GUP-fast runs beside fork, so that the steps of both matter. */
  readonly forkRaces: boolean
  /** Told of each call of a mapping's vm_ops, as the kernel makes them; a machine that runs the model alone listens. */
  onVmOp: ((event: VmOp) => void) | undefined
  /** Told of each call of an interval notifier, in the same way. */
  onInvalidate: ((event: Invalidation) => void) | undefined
  /** Room for a step to list candidates in; empty between steps. */
  readonly scratch: number[] = []

  readonly #plain: KernelRows | undefined
  readonly #changes: ReadonlySet<string>
  readonly #code: Code[] = []
  readonly #codeOf = new Map<Op | Program, number>()
  readonly #slots: Row<'slot'>[][]
  readonly #ghosts: Row<'ghost'>[][]
  readonly #regs: Row<'reg'>[][]
  /** Registers and shared variables that name a frame, and that point to a VMA. */
  readonly #frameRegs: Row<'reg'>[][]
  readonly #vmaRegs: Row<'reg'>[][]
  readonly #frameVars: Row<'var'>[]
  readonly #vmaVars: Row<'var'>[]

  #choose: Choose = () => 0
  #raised: { readonly code: string; readonly detail: string }[] = []
  #returned = 0
  #returnedStale = false
  #returnedReadonly = false
  #running: ThreadId = 0 as ThreadId

  /** `open` gives rows that hold the state themselves instead of `state`: plain objects, for a reference run (`layout.openPlain()`). */
  constructor(config: FullConfig, open?: (layout: KernelLayout, state: Uint8Array) => KernelRows) {
    this.config = config
    const { sizes, zones, regBase } = sizesOf(config, ops)
    const layout = layoutFor(sizes)
    this.layout = layout
    this.state = layout.buffer()
    this.#plain = open?.(layout, this.state)
    const rows = this.#plain ?? layout.open(this.state)
    this.thread = rows.thread
    this.frame = rows.frame
    this.var = rows.var
    this.hold = rows.hold
    this.mm = rows.mm
    this.vma = rows.vma
    this.pte = rows.pte
    this.page = rows.page
    this.bo = rows.bo
    this.bo_page = rows.bo_page
    this.bo_kref = rows.bo_kref
    this.notifier = rows.notifier
    this.secondary = rows.secondary
    this.dma = rows.dma
    this.mapping = rows.mapping
    this.dma_buf = rows.dma_buf
    this.attachment = rows.attachment
    this.fd = rows.fd
    this.object = rows.object
    this.system = rows.system(0 as Id<'one'>)

    this.policy = config.policies
    this.zone = zones
    this.zeroPage = config.zeroPage ? (0 as Pfn) : undefined
    this.locks = locksOf(config)
    this.spinlocks = layout.ids('lock').filter((id) => this.locks[id]!.kind === 'spinlock')
    this.owners = sizes.owner
    this.pfns = layout.ids('pfn')
    this.vmas = layout.ids('vma')
    this.mms = layout.ids('mm')
    this.threads = config.threads.length
    this.pgoffs = pgoffs(sizes)
    this.actors = config.threads.map((p) => ({ name: p.name, daemon: p.daemon ?? false }))
    this.#changes = new Set(
      changes.map((c) => c.name).filter((name) => hasChange(config.version, name as ChangeName)),
    )

    for (const program of config.threads) this.#addProgram(program, 0)
    for (const [i, program] of config.callbacks.entries()) this.#addProgram(program, regBase[i]!)
    for (const program of [...config.threads, ...config.callbacks])
      for (const instruction of program.code)
        if (instruction.kind === 'call') this.#addOp(ops.get(instruction.op)!)

    const called = this.#code.flatMap((c) => (c.kind === 'op' ? [c.op] : []))
    this.dirtyTracked = called.some((op) => op.dirty)
    this.forkRaces = ['fork', 'gup_fast'].every((name) => called.some((op) => op.name === name))

    const threads = layout.ids('thread')
    const each = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i))
    this.#slots = threads.map((t) => each(sizes.slot, (i) => rows.slot(t, i as Id<'slot'>)))
    this.#ghosts = threads.map((t) => each(sizes.ghost, (i) => rows.ghost(t, i as Id<'ghost'>)))
    this.#regs = threads.map((t) => each(sizes.reg, (r) => rows.reg(t, r as Id<'reg'>)))
    const regsThat = (wanted: (kind: Kind) => boolean) =>
      threads.map((t) => [
        ...config.threads[t]!.registers.flatMap((r, i) => (wanted(r.kind) ? [this.#regs[t]![i]!] : [])),
        ...config.callbacks.flatMap((p, c) =>
          p.registers.flatMap((r, i) => (wanted(r.kind) ? [this.#regs[t]![regBase[c]! + i]!] : [])),
        ),
      ])
    this.#frameRegs = regsThat(namesFrame)
    this.#vmaRegs = regsThat((kind) => kind === 'vma')
    const varsThat = (wanted: (kind: Kind) => boolean) =>
      layout
        .ids('var')
        .filter((v) => wanted(config.vars[v]!.kind))
        .map((v) => rows.var(v))
    this.#frameVars = varsThat(namesFrame)
    this.#vmaVars = varsThat((kind) => kind === 'vma')
  }

  #addProgram(program: Program, base: number): void {
    this.#code.push({ kind: 'program', program, base })
    this.#codeOf.set(program, this.#code.length)
  }

  #addOp(op: Op): void {
    if (this.#codeOf.has(op)) return
    this.#code.push({
      kind: 'op',
      op,
      me: meOf(op),
      index: new Map(op.labels.map((label, i) => [label, i])),
      slots: op.args.length + op.locals.length,
      tracked: [...op.args, ...op.locals].filter((s) => s.ghost !== undefined),
      vmas: [...op.args, ...op.locals].filter((s) => s.base === 'vma').map((s) => s.index),
    })
    this.#codeOf.set(op, this.#code.length)
    for (const callee of calleesOf(op, this.config)) this.#addOp(callee)
  }

  // ---- what a checker asks

  init(): void {
    this.#choose = () => 0
    if (this.#plain === undefined) this.layout.reset(this.state)
    else this.layout.copyIn(this.layout.fresh, this.#plain)
    boot(this)
    for (const [t, program] of this.config.threads.entries()) {
      const thread = t as ThreadId
      this.#push(thread, program)
      this.#settle(thread)
    }
  }

  step(actor: number, choose: Choose, violate: Violate): 'moved' | 'blocked' | 'ended' {
    const thread = actor as ThreadId
    const t = this.thread(thread)
    if (t.depth === 0) return 'ended'
    this.#choose = choose
    this.#running = thread
    const went = this.#step(thread, t)
    if (this.#raised.length > 0) {
      // A step that is blocked after all has not happened.
      if (went !== 'blocked') for (const violation of this.#raised) violate(violation)
      this.#raised.length = 0
    }
    return went
  }

  #step(thread: ThreadId, t: Row<'thread'>): 'moved' | 'blocked' {
    let code = this.#top(thread)
    if (code.kind === 'program') {
      const mm = code.program.context.mm
      if (mm !== undefined && !this.mm(mm as Id<'mm'>).born) return 'blocked'
      if (!this.#enter(thread, code)) {
        this.#settle(thread)
        return 'moved'
      }
      code = this.#top(thread)
    }
    if (code.kind !== 'op') throw new Bug('a program runs where an operation should')

    const { me, op } = code
    const depth = t.depth - 1
    const frame = this.frame(thread, depth as Id<'stack'>)
    me.thread = thread
    me.ret = t.ret
    me.cells = this.#slots[thread]!
    me.ghosts = this.#ghosts[thread]!
    const [base, ghostBase] = this.#baseOf(thread, depth)
    me.base = base
    me.ghostBase = ghostBase
    t.ret = 0
    const next = this.#vmaGone(thread, code, base)
      ? this.done(-EFAULT)
      : op.steps[frame.pc]!(this, me as unknown as Me)
    if (next === blocked) return 'blocked'
    if (next === done) this.#return(thread)
    else if (next !== called) frame.pc = indexOf(code.index, next, op)
    this.#settle(thread)
    return 'moved'
  }

  /** An operation that was called without the lock it needs may find that its VMA is no more; what it would do then nobody can say. */
  #vmaGone(thread: ThreadId, code: Code & { kind: 'op' }, base: number): boolean {
    for (const index of code.vmas) {
      const value = this.#slots[thread]![base + index]!.value
      if (value === 0 || this.vma((value - 1) as Id<'vma'>).vm_mm !== undefined) continue
      this.violate(
        'use-after-unlock',
        `${this.threadName(thread)} is in ${code.op.name} with a VMA that has been unmapped since it was found`,
      )
      return true
    }
    return false
  }

  /**
   * Whether the next step of a thread commutes with every step that others can take before it, and no invariant sees it: it lets go of a lock,
   * or hands a number on. Who waited for the lock could not go before. A thread's last step is none: what it leaves behind is final.
   */
  quiet(actor: number): boolean {
    const thread = actor as ThreadId
    const { depth } = this.thread(thread)
    if (depth === 0 || this.#vmaVars.length > 0) return false
    const { code: top, pc } = this.frame(thread, (depth - 1) as Id<'stack'>)
    const code = this.#code[top - 1]!
    if (code.kind === 'op') {
      if (!code.op.quiet[pc]!) return false
      const below = this.frame(thread, (depth - 2) as Id<'stack'>)
      const caller = this.#code[below.code - 1]!
      return caller.kind === 'op' || !mayEnd(caller.program, below.pc + 1)
    }
    const { program } = code
    const instruction = program.code[pc]
    if (instruction?.kind !== 'call' || !ops.get(instruction.op)!.quiet[0]!) return false
    if (program.context.mm !== undefined && !this.mm(program.context.mm as Id<'mm'>).born) return false
    return !mayEnd(program, pc + 1)
  }

  label(actor: number): StepLabel {
    const thread = actor as ThreadId
    const depth = this.thread(thread).depth
    if (depth === 0) return { name: 'ended' }
    const names: string[] = []
    let at: Instruction | undefined
    for (let d = 0; d < depth; d++) {
      const frame = this.frame(thread, d as Id<'stack'>)
      const code = this.#code[frame.code - 1]!
      const top = d === depth - 1
      if (code.kind === 'op') names.push(top ? `${code.op.name}: ${code.op.labels[frame.pc]}` : code.op.name)
      else {
        at = code.program.code[frame.pc]
        if (d > 0) names.push(code.program.name)
      }
    }
    if (this.#top(thread).kind === 'program' && at?.kind === 'call') {
      const op = ops.get(at.op)!
      names.push(`${op.name}: ${op.labels[0]}`)
    }
    return {
      name: names.join(' > '),
      ...(at?.statement === undefined ? {} : { statement: at.statement }),
      ...(at?.place === undefined ? {} : { place: at.place }),
    }
  }

  check(violate: Violate): void {
    let ended = true
    for (let t = 0; t < this.threads; t++)
      if (!this.actors[t]!.daemon && this.thread(t as ThreadId).depth !== 0) ended = false
    for (const invariant of invariants) {
      const report = (detail: string): void => violate({ code: invariant.code, detail })
      invariant.check?.(this, report)
      if (ended) invariant.atEnd?.(this, report)
    }
  }

  /** The value of a register, for a final condition; frames and other things are their id plus one, 0 is NULL. */
  register(thread: number, reg: number): number {
    return this.#regs[thread]![reg]!.value
  }

  // ---- what steps ask

  has(change: ChangeName): boolean {
    return this.#changes.has(change)
  }

  /** One of `n` ways to go on, all of which are explored. */
  choose(n: number): number {
    return n === 1 ? 0 : this.#choose(n)
  }

  violate(code: InvariantCode, detail: string): void {
    this.#raised.push({ code, detail })
  }

  /** Ends an operation with a number. */
  done(value = 0): Flow {
    this.#returned = value
    this.#returnedStale = false
    this.#returnedReadonly = false
    return done
  }

  /** Ends an operation with a thing, or NULL. */
  give(thing: Id<string> | undefined): Flow {
    return this.done(thing === undefined ? 0 : thing + 1)
  }

  /** Ends an operation with what a cell holds, ghosts and all. */
  doneWith(cell: Ghosted): Flow {
    this.#returned = cell.value
    this.#returnedStale = cell.stale
    this.#returnedReadonly = cell.readonly
    return done
  }

  /** Another operation runs, with these arguments (things as they are in `me`); then the step `resume`, with what it returned in `me.ret`. */
  call(op: Op, resume: string, ...args: readonly (number | undefined)[]): Flow {
    const thread = this.#running
    const frame = this.frame(thread, (this.thread(thread).depth - 1) as Id<'stack'>)
    const code = this.#code[frame.code - 1]!
    if (code.kind !== 'op') throw new Bug(`${op.name} is called by no operation`)
    frame.pc = indexOf(code.index, resume, code.op)
    const [base] = this.#push(thread, op)
    const slots = this.#slots[thread]!
    for (const { index, thing } of op.args) {
      const value = args[index]
      if (value !== undefined) slots[base + index]!.value = thing ? value + 1 : value
    }
    return called
  }

  /** A callback runs, of a notifier or a driver, with what it is given; then the step `resume`, with what it returned. */
  callback(which: number, resume: string, given: readonly number[] = []): Flow {
    const thread = this.#running
    const frame = this.frame(thread, (this.thread(thread).depth - 1) as Id<'stack'>)
    const code = this.#code[frame.code - 1]!
    if (code.kind !== 'op') throw new Bug('a callback is called by no operation')
    frame.pc = indexOf(code.index, resume, code.op)
    const program = this.config.callbacks[which]!
    this.#push(thread, program)
    const { base } = this.#code[this.#codeOf.get(program)! - 1] as Code & { kind: 'program' }
    for (const [i, value] of given.entries()) this.#regs[thread]![base + i]!.value = value
    return called
  }

  /** An argument that the operation must not look at any more: a VMA, once the lock is gone. */
  forget(me: object, name: string): void {
    const cells = me as MeCells
    cells.cells[cells.base + cells.names.get(name)!.index]!.value = 0
  }

  /** Writes through a pointer argument: `k.out(me.pfn, pfn)`. NULL pointers are left alone. */
  out(to: Out | undefined, value: number): void {
    if (to === undefined) return
    const reg = this.#regs[this.#running]![to]!
    reg.value = value
    reg.stale = false
    reg.readonly = false
  }

  /** Writes a thing through a pointer argument; `readonly`: it was looked up, or pinned, for reading only. */
  outThing(to: Out | undefined, thing: Id<string> | undefined, readonly = false): void {
    if (to === undefined) return
    this.out(to, thing === undefined ? 0 : thing + 1)
    this.#regs[this.#running]![to]!.readonly = readonly
  }

  /** What is in a register that an argument points to: `pages[i]`, as an operation reads it that is given them. */
  at(from: Out): Ghosted {
    return this.#regs[this.#running]![from]!
  }

  /** Writes a pinned page to a frame vector: its frame negated, which is how the vector remembers `got_ref`. */
  outPinned(to: Out | undefined, page: Pfn, readonly: boolean): void {
    if (to === undefined) return
    this.out(to, -(page + 1))
    this.#regs[this.#running]![to]!.readonly = readonly
  }

  /** The cell of an argument or a local, with its ghosts: for invariants only. */
  cell(me: object, name: string): Ghosted {
    const cells = me as MeCells
    const { index, ghost } = cells.names.get(name)!
    const { value } = cells.cells[cells.base + index]!
    const g = cells.ghosts[cells.ghostBase + ghost!]!
    return { value, stale: g.stale, readonly: g.readonly }
  }

  /** Whether an mm has notifiers at all: without them an invalidation is nobody's business, and takes no step. */
  notified(mm: Id<'mm'>): boolean {
    for (const n of this.config.notifiers) if (n.mm === mm) return true
    return false
  }

  /** `current->mm`. */
  currentMm(thread: ThreadId): Id<'mm'> | undefined {
    return this.config.threads[thread]!.context.mm as Id<'mm'> | undefined
  }

  // ---- names, for what is said to people

  threadName(thread: ThreadId): string {
    return this.actors[thread]!.name
  }
  pfnName(pfn: Pfn): string {
    return `f${pfn}`
  }
  /** An address as the test has it: `A:p`, `A:p+1`; where it has no name, `A:2`. */
  addrName(mm: Id<'mm'>, addr: number): string {
    const named = this.config.vmas.find(
      (v) => v.mm === mm && v.name !== undefined && addr >= v.start && addr < v.start + v.pages,
    )
    if (named?.name === undefined) return `${this.mmName(mm)}:${addr}`
    return addr === named.start ? named.name : `${named.name}+${addr - named.start}`
  }
  mmName(mm: Id<'mm'>): string {
    return this.config.mms[mm]!.name
  }
  boName(bo: Id<'bo'>): string {
    return this.config.bos[bo]!.name
  }
  /** Whose a frame is now: `free`, `anonymous memory of A`, `bo B`. */
  ownerName(pfn: Pfn): string {
    const owner = this.page(pfn).owner
    return owner === undefined ? 'free' : this.owners[owner]!
  }

  /** Whether a thread is between two calls and holds nothing: it can die where it is. */
  canDie(thread: ThreadId): boolean {
    if (this.thread(thread).depth > 1) return false
    for (let id = 0; id < this.locks.length; id++)
      if (this.hold(id as Id<'lock'>, thread).mode !== 0) return false
    return true
  }

  /** Ends a thread that can die. */
  kill(thread: ThreadId): void {
    if (this.thread(thread).depth > 0) this.#pop(thread)
  }

  // ---- ghosts

  /** Everything that names this frame without owning it is stale now. Whether there is any such thing. */
  markStale(pfn: Pfn): boolean {
    let any = false
    const mark = (row: { stale: boolean }): void => {
      row.stale = true
      any = true
    }
    const raw = pfn + 1
    for (let t = 0; t < this.threads; t++) {
      const depth = this.thread(t as ThreadId).depth
      if (depth === 0) continue
      for (const reg of this.#frameRegs[t]!) if (frameIn(reg.value) === raw) mark(reg)
      let base = 0
      let ghostBase = 0
      for (let d = 0; d < depth; d++) {
        const code = this.#code[this.frame(t as ThreadId, d as Id<'stack'>).code - 1]!
        if (code.kind !== 'op') continue
        for (const { index, ghost } of code.tracked)
          if (frameIn(this.#slots[t]![base + index]!.value) === raw)
            mark(this.#ghosts[t]![ghostBase + ghost!]!)
        base += code.slots
        ghostBase += code.op.ghosts
      }
    }
    for (const row of this.#frameVars) if (frameIn(row.value) === raw) mark(row)
    for (const mm of this.mms)
      for (let v = 0; v < this.config.vpns; v++) {
        const pte = this.pte(mm, v as Id<'vpn'>)
        if (pte.present && pte.pfn === pfn) mark(pte)
      }
    for (let n = 0; n < this.config.notifiers.length; n++)
      for (let v = 0; v < this.config.vpns; v++) {
        const spte = this.secondary(n as Id<'notifier'>, v as Id<'vpn'>)
        if (spte.present && spte.pfn === pfn) mark(spte)
      }
    for (let d = 0; d < this.config.dmaSlots; d++) {
      const dma = this.dma(d as Id<'dma'>)
      if (dma.active && dma.pfn === pfn) mark(dma)
    }
    return any
  }

  /** VMA pointers of a thread are worth nothing once it has dropped the mmap_lock. */
  forgetVmas(thread: ThreadId): void {
    for (const reg of this.#vmaRegs[thread]!) if (reg.value !== 0) reg.stale = true
    for (const row of this.#vmaVars) if (row.value !== 0) row.stale = true
  }

  // ---- the stack

  #top(thread: ThreadId): Code {
    const depth = this.thread(thread).depth - 1
    return this.#code[this.frame(thread, depth as Id<'stack'>).code - 1]!
  }

  /** Where the slots and the ghosts of a stack frame begin: behind those of the frames below. */
  #baseOf(thread: ThreadId, depth: number): readonly [number, number] {
    let base = 0
    let ghostBase = 0
    for (let d = 0; d < depth; d++) {
      const code = this.#code[this.frame(thread, d as Id<'stack'>).code - 1]!
      if (code.kind !== 'op') continue
      base += code.slots
      ghostBase += code.op.ghosts
    }
    return [base, ghostBase]
  }

  /** A new stack frame; gives where its slots and ghosts begin. */
  #push(thread: ThreadId, what: Op | Program): readonly [number, number] {
    const t = this.thread(thread)
    const { depth } = t
    const frame = this.frame(thread, depth as Id<'stack'>)
    if (frame === undefined) throw new Bug(`the stack of ${this.threadName(thread)} is too small`)
    frame.code = this.#codeOf.get(what)!
    frame.pc = 0
    t.depth = depth + 1
    return this.#baseOf(thread, depth)
  }

  #pop(thread: ThreadId): void {
    const t = this.thread(thread)
    const depth = t.depth - 1
    t.depth = depth
    const frame = this.frame(thread, depth as Id<'stack'>)
    const code = this.#code[frame.code - 1]!
    frame.code = 0
    frame.pc = 0
    if (code.kind !== 'op') return
    const [base, ghostBase] = this.#baseOf(thread, depth)
    const slots = this.#slots[thread]!
    for (let i = base; i < base + code.slots; i++) slots[i]!.value = 0
    const ghosts = this.#ghosts[thread]!
    for (let i = ghostBase; i < ghostBase + code.op.ghosts; i++) {
      const g = ghosts[i]!
      g.stale = g.readonly = false
    }
  }

  /** The operation on top is over: its value goes to whoever called it. */
  #return(thread: ThreadId): void {
    this.#pop(thread)
    const t = this.thread(thread)
    const frame = this.frame(thread, (t.depth - 1) as Id<'stack'>)
    const code = this.#code[frame.code - 1]!
    if (code.kind === 'op') {
      t.ret = this.#returned
      return
    }
    const instruction = code.program.code[frame.pc]!
    if (instruction.kind === 'call' && instruction.dst !== undefined) {
      const reg = this.#regs[thread]![code.base + instruction.dst]!
      reg.value = this.#returned
      reg.stale = this.#returnedStale
      reg.readonly = this.#returnedReadonly
    }
    frame.pc += 1
  }

  /** Runs what touches registers only, until the thread is about to call an operation again, or has ended. */
  #settle(thread: ThreadId): void {
    const t = this.thread(thread)
    for (let budget = 1000; t.depth > 0; budget--) {
      const frame = this.frame(thread, (t.depth - 1) as Id<'stack'>)
      const code = this.#code[frame.code - 1]!
      if (code.kind === 'op') return
      const instruction = code.program.code[frame.pc]
      if (budget === 0) {
        this.violate('model-bound', `${this.threadName(thread)} loops without calling anything`)
        return
      }
      if (instruction?.kind === 'call') return
      const regs = this.#regs[thread]!
      const read = (reg: number): number => regs[code.base + reg]!.value
      switch (instruction?.kind) {
        case undefined:
        case 'return':
          this.#leave(thread, code)
          break
        case 'jump':
          frame.pc = instruction.to
          break
        case 'branch':
          this.#revalidate(instruction.cond, code, regs)
          frame.pc = evaluate(instruction.cond, read) === 0 ? instruction.ifFalse : instruction.ifTrue
          break
        case 'set': {
          const dst = regs[code.base + instruction.dst]!
          const src = instruction.value.kind === 'reg' ? regs[code.base + instruction.value.reg] : undefined
          this.#revalidate(instruction.value, code, regs)
          dst.value = evaluate(instruction.value, read)
          dst.stale = src?.stale ?? false
          dst.readonly = src?.readonly ?? false
          frame.pc += 1
          break
        }
      }
    }
  }

  /**
   * Two names for frames are compared and are the same: a stale one is then as good as a fresh one. That is how code revalidates what it
   * looked up before, by looking it up again.
   */
  #revalidate(e: Expression, code: Code & { kind: 'program' }, regs: Row<'reg'>[]): void {
    if ('of' in e) this.#revalidate(e.of, code, regs)
    if (!('left' in e)) return
    this.#revalidate(e.left, code, regs)
    this.#revalidate(e.right, code, regs)
    if ((e.kind !== '==' && e.kind !== '!=') || e.left.kind !== 'reg' || e.right.kind !== 'reg') return
    const kinds = code.program.registers
    if (!namesFrame(kinds[e.left.reg]!.kind) || !namesFrame(kinds[e.right.reg]!.kind)) return
    const a = regs[code.base + e.left.reg]!
    const b = regs[code.base + e.right.reg]!
    if (a.value === b.value && a.stale !== b.stale) a.stale = b.stale = false
  }

  /** A program is over: a thread has ended, or a callback goes back to whoever invalidates. */
  #leave(thread: ThreadId, code: Code & { kind: 'program' }): void {
    const t = this.thread(thread)
    this.#pop(thread)
    if (t.depth === 0) {
      for (const invariant of invariants)
        invariant.atThreadEnd?.(
          this,
          thread,
          (detail) => void this.#raised.push({ code: invariant.code, detail }),
        )
      return
    }
    if (code.program.result !== undefined) t.ret = this.#regs[thread]![code.base + code.program.result]!.value
    for (let r = 0; r < code.program.registers.length; r++) {
      const reg = this.#regs[thread]![code.base + r]!
      reg.value = 0
      reg.stale = reg.readonly = false
    }
  }

  /** Calls the operation of the instruction that the program is at. False: it was given what it cannot be given, and is over. */
  #enter(thread: ThreadId, code: Code & { kind: 'program' }): boolean {
    const frame = this.frame(thread, (this.thread(thread).depth - 1) as Id<'stack'>)
    const instruction = code.program.code[frame.pc]
    if (instruction?.kind !== 'call') throw new Bug(`${code.program.name} is not at a call`)
    const op = ops.get(instruction.op)!
    const [base, ghostBase] = this.#push(thread, op)
    const slots = this.#slots[thread]!
    const ghosts = this.#ghosts[thread]!
    const regs = this.#regs[thread]!
    for (const arg of op.args) {
      const operand = instruction.args[arg.index]
      const slot = slots[base + arg.index]!
      let vmaStale = false
      if (operand !== undefined) {
        slot.value = this.#valueOf(operand, arg.base, code.base, regs)
        const from = operand.kind === 'reg' ? regs[code.base + operand.reg] : undefined
        if (from !== undefined && arg.ghost !== undefined) {
          const g = ghosts[ghostBase + arg.ghost]!
          g.stale = from.stale
          g.readonly = from.readonly
        }
        vmaStale = from?.stale ?? false
      } else if (arg.kind === 'addr?') slot.value = -1 // page 0 is an address
      if (!arg.thing || arg.out) continue
      const problem =
        arg.base === 'vma' && vmaStale
          ? ([
              'use-after-unlock',
              `the VMA that it found under mmap_lock, which it has dropped since`,
            ] as const)
          : slot.value === 0 && (operand !== undefined || !arg.optional) && arg.base !== 'device'
            ? (['uninitialised', `${arg.name}, into which nothing was put`] as const)
            : undefined
      if (problem !== undefined) {
        this.violate(problem[0], `${this.threadName(thread)} gives ${op.name} ${problem[1]}`)
        this.done(op.returns !== undefined && isThing(op.returns) ? 0 : -EFAULT)
        this.#return(thread)
        return false
      }
    }
    if (this.#checkNeeds(thread, op, slots, base)) return true
    this.done(-EFAULT)
    this.#return(thread)
    return false
  }

  #valueOf(operand: Operand, kind: Kind, base: number, regs: Row<'reg'>[]): number {
    switch (operand.kind) {
      case 'const':
        return operand.value
      case 'thing':
        return operand.id + 1 + (isLock(kind) ? firstDeclaredLock(this.config) : 0)
      case 'out':
        return base + operand.reg + 1
      case 'reg':
        return regs[base + operand.reg]!.value
      case 'offset':
        return signed(regs[base + operand.reg]!.value + operand.by)
    }
  }

  /** False: without that it cannot even begin. */
  #checkNeeds(thread: ThreadId, op: Op, slots: Row<'slot'>[], base: number): boolean {
    for (const need of op.needs) {
      if (need === 'current mm') {
        if (this.currentMm(thread) !== undefined) continue
        this.violate('lock-context', `${op.name} needs a process, and ${this.threadName(thread)} has none`)
        return false
      } else if (need === 'may sleep') {
        const lock = atomicBy(this, thread)
        if (lock !== undefined)
          this.violate(
            'lock-context',
            `${op.name} may sleep, and ${this.threadName(thread)} holds the spinlock ${lock}`,
          )
      } else {
        const mm = this.#mmOf(thread, op, slots, base)
        if (mm === undefined) {
          this.violate('lock-context', `${op.name} needs an mm, and ${this.threadName(thread)} has none`)
          return false
        }
        if (need === 'an mm') continue
        const lock = mmap_lock(this, mm)
        const ok =
          need === 'mmap_lock for writing'
            ? holdsForWriting(this, lock, thread)
            : holds(this, lock, thread) ||
              (need === 'mmap_lock or i_mmap_rwsem' && this.#holdsIMmap(thread, op, slots, base))
        if (!ok)
          this.violate(
            'lock-context',
            `${op.name} needs ${this.mmName(mm)}'s ${need}, which ${this.threadName(thread)} does not hold`,
          )
      }
    }
    return true
  }

  #holdsIMmap(thread: ThreadId, op: Op, slots: Row<'slot'>[], base: number): boolean {
    const arg = op.args.find((a) => a.kind === 'vma?')
    const value = arg === undefined ? 0 : slots[base + arg.index]!.value
    const bo = value === 0 ? undefined : this.vma((value - 1) as Id<'vma'>).vm_file
    return bo !== undefined && holds(this, i_mmap_rwsem(this, bo), thread)
  }

  /** The mm that an operation is about: that of its VMA, the one it is given, or the process's own. */
  #mmOf(thread: ThreadId, op: Op, slots: Row<'slot'>[], base: number): Id<'mm'> | undefined {
    for (const arg of op.args) {
      const value = slots[base + arg.index]!.value
      if (value === 0 || arg.out) continue
      if (arg.base === 'vma') return this.vma((value - 1) as Id<'vma'>).vm_mm
      if (arg.base === 'mm') return (value - 1) as Id<'mm'>
    }
    return this.currentMm(thread)
  }
}

function indexOf(index: ReadonlyMap<string, number>, label: string, op: Op): number {
  const i = index.get(label)
  if (i === undefined) throw new Bug(`${op.name} has no step ${label}`)
  return i
}

/** Whether a program can be over before it calls anything again. */
function mayEnd(program: Program, from: number): boolean {
  const seen = new Set<number>()
  const todo = [from]
  for (let pc = todo.pop(); pc !== undefined; pc = todo.pop()) {
    if (seen.has(pc)) continue
    seen.add(pc)
    const instruction = program.code[pc]
    if (instruction === undefined || instruction.kind === 'return') return true
    if (instruction.kind === 'branch') todo.push(instruction.ifTrue, instruction.ifFalse)
    else if (instruction.kind === 'jump') todo.push(instruction.to)
    else if (instruction.kind === 'set') todo.push(pc + 1)
  }
  return false
}

const isLock = (kind: Kind): boolean => kind === 'mutex' || kind === 'spinlock' || kind === 'rwsem'

/** A frame vector with pins holds its frame negated: the frame is the same. */
const frameIn = (raw: number): number => Math.abs(raw)

/** The object that an operation's steps know as `me`: accessors over the cells of the running frame. */
function meOf(op: Op): MeCells {
  const names = new Map<string, Slot>()
  const me = {
    thread: 0 as ThreadId,
    ret: 0,
    cells: [] as Row<'slot'>[],
    base: 0,
    ghosts: [] as Row<'ghost'>[],
    ghostBase: 0,
    names,
  }
  for (const slot of [...op.args, ...op.locals]) {
    const { name, index, ghost } = slot
    names.set(name, slot)
    const thing = slot.thing || slot.out
    Object.defineProperty(
      me,
      name,
      thing
        ? {
            get(this: MeCells) {
              const v = this.cells[this.base + index]!.value
              return v === 0 ? undefined : v - 1
            },
            set(this: MeCells, v: number | undefined) {
              this.cells[this.base + index]!.value = v === undefined ? 0 : v + 1
              if (ghost === undefined) return
              const g = this.ghosts[this.ghostBase + ghost]!
              g.stale = g.readonly = false
            },
          }
        : {
            get(this: MeCells) {
              return this.cells[this.base + index]!.value
            },
            set(this: MeCells, v: number) {
              this.cells[this.base + index]!.value = v
            },
          },
    )
  }
  return me
}
