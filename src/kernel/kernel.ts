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
  baseKind,
  blocked,
  called,
  done,
  type Flow,
  isOptional,
  isOut,
  isThing,
  type Kind,
  type Me,
  namesFrame,
  type Op,
  type Out,
} from './op.ts'
import { EFAULT } from './constants.ts'
import { ops } from './ops/index.ts'
import type { Instruction, Operand, Program } from './program.ts'
import { type KernelLayout, type KernelRows, layoutFor, type Row } from './schema.ts'
import { sizesOf } from './sizes.ts'
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
    }
  | { readonly kind: 'program'; readonly program: Program; readonly base: number }

/** The cells behind `me`: the accessors of an operation's arguments and locals read and write them. */
type MeCells = {
  thread: ThreadId
  ret: number
  cells: Row<'slot'>[]
  readonly names: ReadonlyMap<string, number>
}

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
  readonly notifier: KernelRows['notifier']
  readonly secondary: KernelRows['secondary']
  readonly dma: KernelRows['dma']
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
  /** Room for a step to list candidates in; empty between steps. */
  readonly scratch: number[] = []

  readonly #plain: KernelRows | undefined
  readonly #changes: ReadonlySet<string>
  readonly #code: Code[] = []
  readonly #codeOf = new Map<Op | Program, number>()
  readonly #slots: Row<'slot'>[][][]
  readonly #regs: Row<'reg'>[][]
  /** Registers and shared variables that name a frame, and that point to a VMA. */
  readonly #frameRegs: Row<'reg'>[][]
  readonly #vmaRegs: Row<'reg'>[][]
  readonly #frameVars: Row<'var'>[]
  readonly #vmaVars: Row<'var'>[]

  #choose: Choose = () => 0
  #violate: Violate = () => {}
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
    this.notifier = rows.notifier
    this.secondary = rows.secondary
    this.dma = rows.dma
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
    this.actors = config.threads.map((p) => ({ name: p.name, daemon: p.daemon ?? false }))
    this.#changes = new Set(
      changes.map((c) => c.name).filter((name) => hasChange(config.version, name as ChangeName)),
    )

    for (const program of config.threads) this.#addProgram(program, 0)
    for (const [i, program] of config.callbacks.entries()) this.#addProgram(program, regBase[i]!)
    for (const program of [...config.threads, ...config.callbacks])
      for (const instruction of program.code)
        if (instruction.kind === 'call') this.#addOp(ops.get(instruction.op)!)

    const threads = layout.ids('thread')
    const each = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i))
    this.#slots = threads.map((t) =>
      each(sizes.stack, (d) => each(sizes.slot, (s) => rows.slot(t, (d * sizes.slot + s) as Id<'slot'>))),
    )
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
    })
    this.#codeOf.set(op, this.#code.length)
    for (const callee of op.calls()) this.#addOp(callee)
  }

  // ---- what a checker asks

  init(): void {
    this.#choose = () => 0
    this.#violate = () => {}
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
    this.#violate = violate
    this.#running = thread

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
    me.cells = this.#slots[thread]![depth]!
    t.ret = 0
    const next = op.steps[frame.pc]!(this, me as unknown as Me)
    if (next === blocked) return 'blocked'
    if (next === done) this.#return(thread)
    else if (next !== called) frame.pc = indexOf(code.index, next, op)
    this.#settle(thread)
    return 'moved'
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
      if (code.kind === 'op') names.push(`${code.op.name}: ${code.op.labels[frame.pc]}`)
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
    this.#violate({ code, detail })
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
    const slots = this.#push(thread, op)
    for (const { index, kind } of op.args) {
      const value = args[index]
      if (value !== undefined) slots[index]!.value = isThing(baseKind(kind)) ? value + 1 : value
    }
    return called
  }

  /** A notifier's callback runs, then the step `resume`. */
  callback(which: number, resume: string): Flow {
    const thread = this.#running
    const frame = this.frame(thread, (this.thread(thread).depth - 1) as Id<'stack'>)
    const code = this.#code[frame.code - 1]!
    if (code.kind !== 'op') throw new Bug('a callback is called by no operation')
    frame.pc = indexOf(code.index, resume, code.op)
    this.#push(thread, this.config.callbacks[which]!)
    return called
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

  /** Writes a pinned page to a frame vector: its frame negated, which is how the vector remembers `got_ref`. */
  outPinned(to: Out | undefined, page: Pfn, readonly: boolean): void {
    if (to === undefined) return
    this.out(to, -(page + 1))
    this.#regs[this.#running]![to]!.readonly = readonly
  }

  /** The cell of an argument or a local, with its ghosts: for invariants only. */
  cell(me: object, name: string): Ghosted {
    const cells = me as MeCells
    return cells.cells[cells.names.get(name)!]!
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

  /** Ends a thread that is between two calls, where it is. */
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
      for (let d = 0; d < depth; d++) {
        const code = this.#code[this.frame(t as ThreadId, d as Id<'stack'>).code - 1]!
        if (code.kind !== 'op') continue
        for (const slot of code.op.frameSlots) {
          const cell = this.#slots[t]![d]![slot]!
          if (frameIn(cell.value) === raw) mark(cell)
        }
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

  #push(thread: ThreadId, what: Op | Program): Row<'slot'>[] {
    const t = this.thread(thread)
    const slots = this.#slots[thread]![t.depth]
    if (slots === undefined) throw new Bug(`the stack of ${this.threadName(thread)} is too small`)
    const frame = this.frame(thread, t.depth as Id<'stack'>)
    frame.code = this.#codeOf.get(what)!
    frame.pc = 0
    t.depth += 1
    return slots
  }

  #pop(thread: ThreadId): void {
    const t = this.thread(thread)
    t.depth -= 1
    const frame = this.frame(thread, t.depth as Id<'stack'>)
    frame.code = 0
    frame.pc = 0
    for (const slot of this.#slots[thread]![t.depth]!) {
      slot.value = 0
      slot.stale = slot.readonly = false
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
          frame.pc = evaluate(instruction.cond, read) === 0 ? instruction.ifFalse : instruction.ifTrue
          break
        case 'set': {
          const dst = regs[code.base + instruction.dst]!
          const src = instruction.value.kind === 'reg' ? regs[code.base + instruction.value.reg] : undefined
          dst.value = evaluate(instruction.value, read)
          dst.stale = src?.stale ?? false
          dst.readonly = src?.readonly ?? false
          frame.pc += 1
          break
        }
      }
    }
  }

  /** A program is over: a thread has ended, or a callback goes back to whoever invalidates. */
  #leave(thread: ThreadId, code: Code & { kind: 'program' }): void {
    const t = this.thread(thread)
    this.#pop(thread)
    if (t.depth === 0) {
      for (const invariant of invariants)
        invariant.atThreadEnd?.(this, thread, (detail) => this.#violate({ code: invariant.code, detail }))
      return
    }
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
    const slots = this.#push(thread, op)
    const regs = this.#regs[thread]!
    for (const arg of op.args) {
      const operand = instruction.args[arg.index]
      const slot = slots[arg.index]!
      if (operand !== undefined) this.#load(slot, arg.kind, operand, code.base, regs)
      else if (arg.kind === 'addr?') slot.value = -1 // page 0 is an address
      const kind = baseKind(arg.kind)
      if (!isThing(kind) || isOut(arg.kind)) continue
      const problem =
        kind === 'vma' && slot.stale
          ? ([
              'use-after-unlock',
              `the VMA that it found under mmap_lock, which it has dropped since`,
            ] as const)
          : slot.value === 0 && (operand !== undefined || !isOptional(arg.kind)) && kind !== 'device'
            ? (['uninitialised', `${arg.name}, into which nothing was put`] as const)
            : undefined
      if (problem !== undefined) {
        this.violate(problem[0], `${this.threadName(thread)} gives ${op.name} ${problem[1]}`)
        this.done(-EFAULT)
        this.#return(thread)
        return false
      }
    }
    this.#checkNeeds(thread, op, slots)
    return true
  }

  #load(slot: Row<'slot'>, kind: string, operand: Operand, base: number, regs: Row<'reg'>[]): void {
    switch (operand.kind) {
      case 'const':
        slot.value = operand.value
        break
      case 'thing':
        slot.value = operand.id + 1 + (/mutex|spinlock|rwsem/.test(kind) ? firstDeclaredLock(this.config) : 0)
        break
      case 'out':
        slot.value = base + operand.reg + 1
        break
      case 'reg':
        slot.value = regs[base + operand.reg]!.value
        slot.stale = regs[base + operand.reg]!.stale
        slot.readonly = regs[base + operand.reg]!.readonly
        break
      case 'offset':
        slot.value = signed(regs[base + operand.reg]!.value + operand.by)
        break
    }
  }

  #checkNeeds(thread: ThreadId, op: Op, slots: Row<'slot'>[]): void {
    for (const need of op.needs) {
      if (need === 'may sleep') {
        const lock = atomicBy(this, thread)
        if (lock !== undefined)
          this.violate(
            'lock-context',
            `${op.name} may sleep, and ${this.threadName(thread)} holds the spinlock ${lock}`,
          )
      } else if (need !== 'current mm') {
        const mm = this.#mmOf(thread, op, slots)
        if (mm === undefined) continue
        const lock = mmap_lock(this, mm)
        const ok =
          need === 'mmap_lock for writing'
            ? holdsForWriting(this, lock, thread)
            : holds(this, lock, thread) ||
              (need === 'mmap_lock or i_mmap_rwsem' && this.#holdsIMmap(thread, op, slots))
        if (!ok)
          this.violate(
            'lock-context',
            `${op.name} needs ${this.mmName(mm)}'s ${need}, which ${this.threadName(thread)} does not hold`,
          )
      }
    }
  }

  #holdsIMmap(thread: ThreadId, op: Op, slots: Row<'slot'>[]): boolean {
    const arg = op.args.find((a) => a.kind === 'vma?')
    const value = arg === undefined ? 0 : slots[arg.index]!.value
    const bo = value === 0 ? undefined : this.vma((value - 1) as Id<'vma'>).vm_file
    return bo !== undefined && holds(this, i_mmap_rwsem(this, bo), thread)
  }

  /** The mm that an operation is about: that of its VMA, the one it is given, or the process's own. */
  #mmOf(thread: ThreadId, op: Op, slots: Row<'slot'>[]): Id<'mm'> | undefined {
    for (const arg of op.args) {
      const value = slots[arg.index]!.value
      if (value === 0) continue
      if (arg.kind === 'vma' || arg.kind === 'vma?') return this.vma((value - 1) as Id<'vma'>).vm_mm
      if (arg.kind === 'mm' || arg.kind === 'mm?') return (value - 1) as Id<'mm'>
    }
    return this.currentMm(thread)
  }
}

function indexOf(index: ReadonlyMap<string, number>, label: string, op: Op): number {
  const i = index.get(label)
  if (i === undefined) throw new Bug(`${op.name} has no step ${label}`)
  return i
}

/** A frame vector with pins holds its frame negated: the frame is the same. */
const frameIn = (raw: number): number => Math.abs(raw)

/** The object that an operation's steps know as `me`: accessors over the cells of the running frame. */
function meOf(op: Op): MeCells {
  const names = new Map<string, number>()
  const me = { thread: 0 as ThreadId, ret: 0, cells: [] as Row<'slot'>[], names }
  for (const { name, kind, index } of [...op.args, ...op.locals]) {
    names.set(name, index)
    const thing = isThing(baseKind(kind)) || isOut(kind)
    Object.defineProperty(
      me,
      name,
      thing
        ? {
            get(this: MeCells) {
              const v = this.cells[index]!.value
              return v === 0 ? undefined : v - 1
            },
            set(this: MeCells, v: number | undefined) {
              const cell = this.cells[index]!
              cell.value = v === undefined ? 0 : v + 1
              cell.stale = false
            },
          }
        : {
            get(this: MeCells) {
              return this.cells[index]!.value
            },
            set(this: MeCells, v: number) {
              this.cells[index]!.value = v
            },
          },
    )
  }
  return me
}
