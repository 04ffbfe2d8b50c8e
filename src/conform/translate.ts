import {
  constants,
  type Expression,
  type Instruction,
  type Operand,
  ops as kernelOps,
} from '../kernel/index.ts'
import type { Bound } from '../litmus/index.ts'
import { vmFlags } from './seen.ts'
import { backings, insertions } from './sequence.ts'
import {
  alu,
  handles,
  nobody,
  objAnon,
  objPages,
  objs,
  opcodes,
  type Op,
  type Opcode,
  pages,
  procs,
  quiet,
  raceMutexes,
  raceRegisters,
  raceThreads,
  raceVars,
} from './protocol.ts'

/** A litmus test as the guest runs it: what it needs at first, and the programs that race. */
export type Race = {
  readonly setup: readonly Op[]
  readonly programs: readonly { readonly proc: number; readonly code: readonly Op[] }[]
}

/** Why the guest cannot run a test. */
class Refusal extends Error {}

const refuse = (why: string): never => {
  throw new Refusal(why)
}

/** A bound test for the guest, or why it cannot be run there. */
export function translate(bound: Bound): Race | string {
  try {
    return { setup: setup(bound), programs: programs(bound) }
  } catch (e) {
    if (e instanceof Refusal) return e.message
    throw e
  }
}

const insertionOf: Readonly<Record<string, (typeof insertions)[number]>> = {
  remap_pfn_range: 'remap',
  vmf_insert_pfn: 'pfn',
  vmf_insert_mixed: 'mixed',
  vm_insert_page: 'page',
  finish_fault: 'return',
}

/** The operations that bring a guest to where a test starts. */
function setup({ config }: Bound): Op[] {
  if (config.callbacks.length > 0) refuse('it has callbacks of notifiers, importers or drivers')
  if (config.notifiers.length > 0) refuse('it has notifiers')
  if (config.attachments.length > 0 || config.bos.some((b) => b.exported !== undefined))
    refuse('dma-bufs are not in the guest')
  if (config.objects.length > 0) refuse('it has objects of kernel code')
  if (config.bos.some((b) => b.fs === 'ext4')) refuse('files with a disk are not in the guest')
  if (config.mms.length > procs || config.vpns > pages) refuse('it has more memory than the guest')
  if (config.bos.filter((b) => !b.anonymous).length > objs || config.bos.some((b) => b.pages > objPages))
    refuse('it has more objects than the guest')
  if (config.mms.some((m, i) => i > 0 && m.unborn !== true && !config.vmas.some((v) => v.mm === i)))
    refuse('it has a second process that maps nothing')
  const made: Op[] = [{ op: 'RESET', proc: nobody, args: [quiet] }]
  for (const [i, bo] of config.bos.entries()) {
    if (bo.anonymous) continue // mmap() makes it
    if (bo.fs !== undefined) {
      made.push({ op: 'OBJ', proc: nobody, args: [i, 0, insertions.indexOf('file'), 0, bo.pages] })
      for (const page of bo.present)
        made.push({ op: 'PWRITE', proc: nobody, args: [i, page, bo.data[page] ?? 0] })
      if (bo.readonly) refuse('its file is opened for reading only')
      continue
    }
    const insert = insertionOf[bo.insert] ?? refuse(`no driver of the guest inserts by ${bo.insert}`)
    if (bo.counted || bo.readonly || bo.const) refuse('its driver does more than the guest’s')
    let flags = 0
    for (const f of bo.flags) flags |= vmFlags[f as keyof typeof vmFlags] ?? 0
    const how = backings.indexOf(bo.where) | (insert === 'pfn' ? 0x100 : 0)
    made.push({ op: 'OBJ', proc: nobody, args: [i, flags, insertions.indexOf(insert), how, bo.pages] })
    for (const [page, value] of bo.data.entries())
      if (value !== 0) made.push({ op: 'OBJ_DATA', proc: nobody, args: [i, page, value] })
  }
  // Processes that are there at first are children of the first one, from before it maps anything.
  for (const [i, mm] of config.mms.entries())
    if (i > 0 && mm.unborn !== true) made.push({ op: 'FORK', proc: 0, args: [i] })
  const { PROT_READ, PROT_WRITE, MAP_SHARED, MAP_PRIVATE } = constants as Record<string, number>
  for (const v of config.vmas) {
    if (v.zone !== 'normal') refuse('the guest has no other zones')
    const shared = (v.flags & MAP_SHARED!) !== 0
    const obj = v.bo === undefined || config.bos[v.bo]!.anonymous ? objAnon : v.bo | (v.pgoff << 8)
    const populated = v.populated === true
    // What is private and there has been written to, whatever its protection is now: but for pages of a file that it may only read.
    const reads = v.bo !== undefined && config.bos[v.bo]!.fs !== undefined && (v.prot & PROT_WRITE!) === 0
    const writes = populated && !shared && !reads
    const prot = writes ? PROT_READ! | PROT_WRITE! : v.prot
    const flags = shared ? MAP_SHARED! : MAP_PRIVATE!
    made.push({ op: 'MMAP', proc: v.mm, args: [v.start, v.pages, prot, flags, obj] })
    for (let p = v.start, end = p + (populated ? v.pages : 0); p < end; p++)
      made.push(
        writes && v.bo === undefined
          ? { op: 'STORE', proc: v.mm, args: [p, 0] }
          : writes
            ? { op: 'STORE', proc: v.mm, args: [p, config.bos[v.bo!]!.data[v.pgoff + p - v.start] ?? 0] }
            : { op: 'LOAD', proc: v.mm, args: [p] },
      )
    if (prot !== v.prot) made.push({ op: 'MPROTECT', proc: v.mm, args: [v.start, v.pages, v.prot] })
  }
  return made
}

function programs({ config }: Bound): Race['programs'][number][] {
  if (config.threads.length > raceThreads) refuse('it has more processes than the guest')
  if (config.vars.length > raceVars || config.locks.length > raceMutexes)
    refuse('it has more variables or locks than the guest')
  let nextHandle = 0
  const files = new Set([...config.bos.keys()].filter((i) => config.bos[i]!.fs !== undefined))
  return config.threads.map((thread) => {
    // What the model's ptrace does is done by /proc/PID/mem, which in Debian's 7.2 forces nothing (CONFIG_PROC_MEM_FORCE_PTRACE).
    const calls = thread.code.flatMap((i) => (i.kind === 'call' ? [i.op] : []))
    if (config.version === '7.2' && calls.some((name) => name.startsWith('ptrace_')))
      refuse('nobody traces in the guest')
    const { FOLL_NOFAULT } = constants as Record<string, number>
    const foll = thread.code.flatMap((i) =>
      i.kind === 'call' && /user_pages/.test(i.op)
        ? i.args.filter((_, n) => kernelOps.get(i.op)!.args[n]?.name === 'flags')
        : [],
    )
    if (config.version === '5.10' && foll.some((a) => a?.kind === 'const' && (a.value & FOLL_NOFAULT!) !== 0))
      refuse('FOLL_NOFAULT is not in this kernel')
    if (thread.daemon) refuse('one of its processes may stop anywhere')
    const writer = new Writer(thread.registers.length, files, () => nextHandle++)
    return {
      proc: thread.context.mm ?? nobody,
      code: writer.write(thread.code, thread.registers),
    }
  })
}

/** An argument for the guest: a number, or the register that has it. */
type Value = { readonly number: number } | { readonly register: number }

const number = (n: number): Value => ({ number: n })

/** Writes one program. */
class Writer {
  readonly #code: Op[] = []
  readonly #newHandle: () => number
  readonly #handles = new Map<number, number>()
  /** Registers that hold one of several pages: which of the handle's, and the register with how many there are. */
  readonly #several = new Map<number, { handle: number; i: number; count: number | undefined }>()
  readonly #named: number
  /** Objects that are files. */
  readonly #files: ReadonlySet<number>
  #locked = false
  #temporary: number

  constructor(registers: number, files: ReadonlySet<number>, newHandle: () => number) {
    this.#newHandle = newHandle
    this.#files = files
    this.#named = registers
    this.#temporary = registers
  }

  write(code: readonly Instruction[], registers: readonly { readonly kind: string }[]): Op[] {
    const starts: number[] = []
    const jumps: { at: number; arg: number; to: number }[] = []
    for (const [i, instruction] of code.entries()) {
      starts.push(this.#code.length)
      this.#temporary = this.#named
      switch (instruction.kind) {
        case 'call':
          this.#call(instruction, code.slice(i + 1), registers)
          break
        case 'set': {
          const value = this.#expression(instruction.value)
          this.#emit('SET', instruction.dst, number(alu.indexOf('+')), value, number(0))
          break
        }
        case 'branch':
          this.#emit('BRANCH', undefined, this.#expression(instruction.cond))
          jumps.push({ at: this.#code.length - 1, arg: 1, to: instruction.ifTrue })
          jumps.push({ at: this.#code.length - 1, arg: 2, to: instruction.ifFalse })
          break
        case 'jump':
          this.#emit('JUMP', undefined)
          jumps.push({ at: this.#code.length - 1, arg: 0, to: instruction.to })
          break
        case 'return':
          this.#emit('STOP', undefined)
          break
      }
    }
    starts.push(this.#code.length)
    for (const { at, arg, to } of jumps) {
      const op = this.#code[at]!
      const args = [0, 1, 2].map((i) => (i === arg ? (starts[to] ?? this.#code.length) : (op.args[i] ?? 0)))
      this.#code[at] = { ...op, args }
    }
    return this.#code
  }

  #emit(op: Opcode, dst: number | undefined, ...values: Value[]): void {
    let registers = 0
    const args = values.map((v, i) => {
      if ('number' in v) return v.number
      registers |= 1 << i
      return v.register
    })
    if (op === 'LOCK_READ' || op === 'UNLOCK_READ') this.#locked = op === 'LOCK_READ'
    // It would fault, or wait for the lock itself.
    else if (this.#locked && opcodes[op] < opcodes.ZAP)
      refuse('it does with the mmap_lock held what processes do')
    this.#code.push({ op, proc: dst ?? nobody, args, registers })
  }

  #scratch(): number {
    if (this.#temporary === raceRegisters) refuse('it has more registers than the guest')
    return this.#temporary++
  }

  #expression(e: Expression): Value {
    switch (e.kind) {
      case 'const':
        return number(e.value)
      case 'reg':
        return { register: e.reg }
      case 'not':
      case 'neg': {
        const of = this.#expression(e.of)
        const dst = this.#scratch()
        if (e.kind === 'not') this.#emit('SET', dst, number(alu.indexOf('==')), of, number(0))
        else this.#emit('SET', dst, number(alu.indexOf('-')), number(0), of)
        return { register: dst }
      }
      default: {
        const left = this.#expression(e.left)
        const right = this.#expression(e.right)
        const dst = this.#scratch()
        this.#emit('SET', dst, number(alu.indexOf(e.kind)), left, right)
        return { register: dst }
      }
    }
  }

  #value(operand: Operand): Value {
    switch (operand.kind) {
      case 'const':
        return number(operand.value)
      case 'reg':
        return { register: operand.reg }
      case 'thing':
        return number(operand.id)
      case 'offset': {
        const dst = this.#scratch()
        const by = number(operand.by)
        this.#emit('SET', dst, number(alu.indexOf('+')), { register: operand.reg }, by)
        return { register: dst }
      }
      case 'out':
        return refuse('a result is taken where the guest gives none')
    }
  }

  #call(
    call: Instruction & { kind: 'call' },
    after: readonly Instruction[],
    registers: readonly { readonly kind: string }[],
  ): void {
    const op = kernelOps.get(call.op)!
    const given = new Map(op.args.map((a, i) => [a.name, call.args[i]] as const))
    const value = (name: string, otherwise?: number): Value => {
      const operand = given.get(name)
      if (operand !== undefined) return this.#value(operand)
      return otherwise === undefined ? refuse(`${call.op}() without ${name}`) : number(otherwise)
    }
    const constant = (name: string, otherwise?: number): number => {
      const v = value(name, otherwise)
      return 'number' in v ? v.number : refuse(`${call.op}() with a ${name} that is computed`)
    }
    /** The register that takes a result, plus one: 0 is none. */
    const out = (name: string): Value => {
      const operand = given.get(name)
      return number(operand?.kind === 'out' ? operand.reg + 1 : 0)
    }
    const emit = (code: Opcode, ...values: Value[]) => this.#emit(code, call.dst, ...values)
    if (given.get('mm') !== undefined && /^(mmap_read|vma_lookup|fixup_user)/.test(call.op))
      refuse(`${call.op}() of a named process`)

    switch (call.op) {
      case 'load':
        return emit('LOAD', value('addr'))
      case 'store':
        return emit('STORE', value('addr'), value('value'))
      case 'mmap': {
        if ((constant('flags') & constants['MAP_FIXED']!) === 0) refuse('the kernel chooses an address')
        const bo = given.get('bo')
        const obj = bo === undefined ? objAnon : constant('bo') | (constant('pgoff', 0) << 8)
        return emit('MMAP', value('addr'), value('pages'), value('prot'), value('flags'), number(obj))
      }
      case 'munmap':
      case 'mlock':
      case 'munlock':
        return emit(call.op.toUpperCase() as Opcode, value('addr'), value('pages'))
      case 'mprotect':
        return emit('MPROTECT', value('addr'), value('pages'), value('prot'))
      case 'madvise':
        return emit('MADVISE', value('addr'), value('pages'), value('advice'))
      case 'mremap': {
        const flags = constant('flags', 0)
        if ((flags & 1) !== 0 && (flags & 2) === 0) refuse('the kernel chooses an address')
        return emit(
          'MREMAP',
          value('addr'),
          value('old_len'),
          value('new_len'),
          number(flags),
          value('new_addr', 0),
        )
      }
      case 'fork':
        return emit('FORK', value('child'))
      case 'process_vm_readv':
        return emit('VM_READ', value('mm'), value('addr'))
      case 'process_vm_writev':
        return emit('VM_WRITE', value('mm'), value('addr'), value('value'))
      case 'ptrace_peek':
        return emit('PEEK', value('mm'), value('addr'))
      case 'ptrace_poke':
        return emit('POKE', value('mm'), value('addr'), value('value'))
      case 'ftruncate':
        return emit('FTRUNCATE', value('file'), value('pages'))
      case 'punch_hole':
        return emit('PUNCH_HOLE', value('file'), value('index'), value('pages'))
      case 'pread':
        return emit('PREAD', value('file'), value('index'), out('value'))
      case 'pwrite':
        return emit('PWRITE', value('file'), value('index'), value('value'))
      case 'unmap_mapping_range':
        if (this.#isFile(given.get('bo'))) refuse('unmap_mapping_range() of a file')
        return emit('ZAP', value('bo'), value('first', 0), value('pages', objPages), value('even_cows', 1))
      case 'bo_move':
      case 'bo_move_nounmap': {
        const where = constant('where') === constants['vram'] ? 1 : 0
        return emit(call.op === 'bo_move' ? 'MOVE' : 'MOVE_NOUNMAP', value('bo'), number(where))
      }
      case 'bo_free':
        return emit('FREE', value('bo'))
      case 'bo_free_nounmap':
        return emit('FREE_NOUNMAP', value('bo'))

      case 'pin_user_pages':
      case 'pin_user_pages_fast':
      case 'get_user_pages':
      case 'get_user_pages_fast': {
        const nr = constant('nr', 1)
        const page = given.get('pages')
        if (page?.kind !== 'out') return refuse(`${call.op}() without a page`)
        const handle = this.#handle(page.reg)
        if (nr > 1)
          for (let i = 0; i < nr; i++) this.#several.set(page.reg + i, { handle, i, count: call.dst })
        const name = call.op.startsWith('pin') ? 'PIN' : 'GET'
        const code = (call.op.endsWith('_fast') ? `${name}_FAST` : name) as Opcode
        return emit(code, number(handle), value('addr'), number(nr), value('flags', 0), number(page.reg + 1))
      }
      case 'unpin_user_page':
        return emit('UNPIN', number(this.#handleOf(given.get('page'))), number(0))
      case 'unpin_user_pages_dirty_lock':
        return emit('UNPIN', number(this.#handleOf(given.get('page'))), value('make_dirty'))
      // The guest drops all that it has got: as many as it said.
      case 'unpin_user_pages':
      case 'release_pages': {
        const pages = given.get('pages')
        const npages = given.get('npages')
        const first = pages?.kind === 'out' ? this.#several.get(pages.reg) : undefined
        if (first?.i !== 0 || npages?.kind !== 'reg' || npages.reg !== first.count)
          return refuse('it releases another number of pages than it has got')
        return emit(call.op === 'release_pages' ? 'PUT' : 'UNPIN', number(first.handle), number(0))
      }
      case 'put_page':
        return emit('PUT', number(this.#handleOf(given.get('page'))), number(0))
      case 'kernel_read':
      case 'dma_read': {
        const from = given.get('from')
        if (this.#isPfn(from, registers)) return emit('PFN_READ', value('from'))
        return emit('HANDLE_READ', ...this.#pageOf(from))
      }
      case 'kernel_write':
      case 'dma_write': {
        const to = given.get('to')
        if (this.#isPfn(to, registers)) return emit('PFN_WRITE', value('to'), value('value'))
        return emit('HANDLE_WRITE', ...this.#pageOf(to), value('value'))
      }

      case 'mmap_read_lock':
        return emit('LOCK_READ')
      case 'mmap_read_unlock':
        return emit('UNLOCK_READ')
      case 'vma_lookup':
        return emit('LOOKUP', value('addr'))
      case 'follow_pfn':
        return emit('FOLLOW_PFN', value('addr'), number(0), out('pfn'))
      case 'follow_phys':
        return emit('FOLLOW_PHYS', value('addr'), value('flags', 0), out('pfn'))
      case 'follow_pte':
      case 'follow_pfnmap_start': {
        const end = call.op === 'follow_pte' ? 'pte_unmap_unlock' : 'follow_pfnmap_end'
        if (after.find((i) => i.kind === 'call')?.op !== end)
          refuse('the page-table lock is held over other calls')
        const code = call.op === 'follow_pte' ? 'FOLLOW_PTE' : 'FOLLOW_PFNMAP'
        return emit(code, value('addr'), number(0), out('pfn'), out('writable'), out('special'))
      }
      // The guest has let go of the page table already.
      case 'pte_unmap_unlock':
      case 'follow_pfnmap_end':
        return
      case 'fixup_user_fault': {
        const write = (constant('flags', 0) & constants['FAULT_FLAG_WRITE']!) === 0 ? 0 : 1
        return emit('FIXUP_FAULT', value('addr'), number(write), out('unlocked'))
      }
      // Says only how long a pin is kept.
      case 'exit_to_user_mode':
        return
      case 'READ_ONCE':
        return emit('VAR_GET', value('variable'))
      case 'WRITE_ONCE':
        return emit('VAR_SET', value('variable'), value('value'))
      case 'mutex_lock':
      case 'spin_lock':
        return emit('MUTEX_LOCK', value('lock'))
      case 'mutex_unlock':
      case 'spin_unlock':
        return emit('MUTEX_UNLOCK', value('lock'))
    }
    refuse(`${call.op}() is not in the guest`)
  }

  /** A register that takes a page has a handle of its own. */
  #handle(register: number): number {
    const known = this.#handles.get(register)
    if (known !== undefined) return known
    const handle = this.#newHandle()
    if (handle >= handles) refuse('it holds more pages than the guest')
    this.#handles.set(register, handle)
    return handle
  }

  /** The handle of a page, and which of its pages it is. */
  #pageOf(operand: Operand | undefined): readonly [Value, Value] {
    const nth = operand?.kind === 'reg' ? this.#several.get(operand.reg) : undefined
    return nth === undefined
      ? [number(this.#handleOf(operand)), number(0)]
      : [number(nth.handle), number(nth.i)]
  }

  #handleOf(operand: Operand | undefined): number {
    if (operand?.kind === 'reg' && this.#several.has(operand.reg))
      return refuse('it releases one of several pages')
    const handle = operand?.kind === 'reg' ? this.#handles.get(operand.reg) : undefined
    return handle ?? refuse('a page comes from elsewhere than GUP')
  }

  #isFile(operand: Operand | undefined): boolean {
    return operand?.kind !== 'thing' || this.#files.has(operand.id)
  }

  #isPfn(operand: Operand | undefined, registers: readonly { readonly kind: string }[]): boolean {
    return operand?.kind === 'reg' && registers[operand.reg]?.kind === 'pfn'
  }
}
