import { Bug } from '../base/index.ts'
import {
  type BoConfig,
  configure,
  constants,
  type Instruction,
  Kernel,
  type KernelConfig,
  needsProcess,
  type Operand,
  ops as kernelOps,
  type Program,
  whyAbsent,
} from '../kernel/index.ts'
import type { Id } from '../state/index.ts'
import {
  eventKinds,
  frameBits,
  type GuestEvent,
  nobody,
  objAnon,
  type Op,
  type Opcode,
  pteBits,
  refKinds,
  signalBase,
  vmaAnon,
  vmaShmem,
} from './protocol.ts'
import type { Held } from './random.ts'
import { byPfn, type Compared, comparedFrameBits, toldOf, type Seen, type SeenVma, vmFlags } from './seen.ts'
import type { NotifierSetup, ObjectSetup } from './sequence.ts'

/** How large the model is made for these runs. Frames and device mappings share one numbering below 128, so there are few of them. */
export const room = { procs: 3, pages: 12, handles: 6, notifiers: 2 } as const
const frames = { normal: 44, vram: 20 } as const
/** What processes get where there is a ZONE_MOVABLE. */
const movableFrames = 36

/** The model has what the kernel has, but for these: why, for the report and docs/conformance.md. */
export const notCompared: readonly string[] = [
  'dirty and young bits of page table entries',
  'PageDirty, LRU membership, and all other page flags',
  'in how many calls a notifier is told of pages, and in which order: only of which pages',
  '5.10: FOLL_FORCE writes to read-only private memory that is not there yet: it depends on pagevecs',
  '7.2: /proc/PID/mem on what the process may not reach itself',
  '5.10: mlock() where there are notifiers: copying or unlocking a page notifies all who map it',
  'long-term pins that move a page out of ZONE_MOVABLE while another process has a notifier: all who might map the page are told',
  'mremap() that makes locked memory longer: which of the frames that it frees it takes again',
  'vm_pgoff of a private remap_pfn_range() mapping, which is its first PFN',
]

/** Which operation of the model is which of the agent's. Undefined: the model has none. */
const counterparts: Partial<Record<Opcode, readonly string[]>> = {
  LOAD: ['load'],
  STORE: ['store'],
  MMAP: ['mmap'],
  MUNMAP: ['munmap'],
  MPROTECT: ['mprotect'],
  MADVISE: ['madvise'],
  MREMAP: ['mremap'],
  MLOCK: ['mlock'],
  MUNLOCK: ['munlock'],
  FORK: ['fork'],
  EXIT: ['exit_mm'],
  CORE: ['dump_user_range', 'exit_mm'],
  VM_READ: ['process_vm_readv'],
  VM_WRITE: ['process_vm_writev'],
  PEEK: ['ptrace_peek'],
  POKE: ['ptrace_poke'],
  ZAP: ['unmap_mapping_range'],
  MOVE: ['bo_move'],
  FREE: ['bo_free'],
  MOVE_NOUNMAP: ['bo_move_nounmap'],
  FREE_NOUNMAP: ['bo_free_nounmap'],
  ZAP_VMA: ['zap_vma_ptes'],
  FTRUNCATE: ['ftruncate'],
  PUNCH_HOLE: ['punch_hole'],
  PREAD: ['pread'],
  PWRITE: ['pwrite'],
  PIN: ['pin_user_pages'],
  PIN_FAST: ['pin_user_pages_fast'],
  GET: ['get_user_pages'],
  GET_FAST: ['get_user_pages_fast'],
  UNPIN: ['unpin_user_page'],
  PUT: ['put_page'],
  HANDLE_READ: ['kernel_read'],
  HANDLE_WRITE: ['kernel_write'],
  PIN_REMOTE: ['pin_user_pages_remote'],
  FOLLOW_PFN: ['follow_pfn'],
  FOLLOW_PTE: ['follow_pte', 'pte_unmap_unlock'],
  FOLLOW_PHYS: ['follow_phys'],
  FOLLOW_PFNMAP: ['follow_pfnmap_start', 'follow_pfnmap_end'],
  FIXUP_FAULT: ['fixup_user_fault'],
  NOTIFIER_ADD: ['mmu_interval_notifier_insert'],
  NOTIFIER_REMOVE: ['mmu_interval_notifier_remove'],
  NOTIFIER_BEGIN: ['mmu_interval_read_begin'],
  NOTIFIER_RETRY: ['mmu_interval_read_retry'],
}

const insertions = {
  remap: 'remap_pfn_range',
  pfn: 'vmf_insert_pfn',
  mixed: 'vmf_insert_mixed',
  page: 'vm_insert_page',
  return: 'finish_fault',
} as const

export function modelledObject(o: ObjectSetup): boolean {
  if (o.insert === 'file') return true
  return o.insert in insertions && !(needsPages(o) && o.backing === 'vram')
}

/** Those whose pages a private write fault copies at once: do_cow_fault(). */
const copiesAtOnce: ReadonlySet<ObjectSetup['insert']> = new Set(['file', 'return'])

/** Pages of a mapping, at most. */
const longest = 5

const needsPages = (o: ObjectSetup): boolean => o.insert === 'page' || o.insert === 'return'

/**
 * Broken promises after which kernels go on in a way that can be seen: freeing what is still mapped, copying what is pinned, sharing what is
 * written. What is in memory that is nobody's cannot be compared.
 */
const visible: ReadonlySet<string> = new Set(['freed-while-mapped', 'pinned-diverges', 'fork-isolation'])

const vmFlagNames = Object.keys(vmFlags) as (keyof typeof vmFlags)[]

const vmOpKinds = {
  open: eventKinds.OPEN,
  close: eventKinds.CLOSE,
  mremap: eventKinds.MREMAP,
} as const

/** Registers of each thread. */
const RET = 0
const WRITABLE = 1
const SPECIAL = 2
const FOUND = 3
/** Then a sequence of each notifier, and the page of each handle. */
const SEQS = 4
const HANDLES = SEQS + room.notifiers

/** Of a core dump: a bit for each page, half of them in each. */
const [LOW, HIGH] = [WRITABLE, SPECIAL]
const half = room.pages / 2

const DRIVER = room.procs

type Cell = { value: number; stale: boolean }
type Outcome = { ret: number; data: number; found: number; foundBits: number }

/** A part of the state, as it is and as it was before an operation. */
type Part = { readonly now: Buffer; readonly then: Buffer }
const changed = ({ now, then }: Part): boolean => !now.equals(then)

/** Operations after which a handle names another frame, which is in no table. */
const renames: ReadonlySet<Opcode> = new Set([
  'PIN',
  'PIN_FAST',
  'PIN_REMOTE',
  'GET',
  'GET_FAST',
  'UNPIN',
  'PUT',
])
const nothing: GuestEvent[] = []

/**
 * The model, driven as a machine: one operation at a time, run to its end with nobody else moving. It is the same code that the checker
 * explores; only who steps when is decided here.
 */
export class ModelMachine {
  readonly #kernel: Kernel
  readonly #programs: { readonly code: Instruction[] }[]
  readonly #rows: ReturnType<Kernel['layout']['open']>
  readonly #objects: readonly ObjectSetup[]
  readonly #notifiers: readonly NotifierSetup[]
  readonly #version: string
  readonly #movable: boolean
  readonly #snapshot: Uint8Array
  /** The state before an operation, as rows. */
  readonly #rowsBefore: ReturnType<Kernel['layout']['open']>
  /** What of the state can be seen, and its frames: as it is, and as it was before an operation. */
  readonly #visible: Part
  readonly #pages: Part
  /** What was seen last, and whether it is as it was before that. */
  #seen: Seen | undefined
  #steady = false
  #before = new Map<number, number>()
  /** How far the sequence of a process has gone since a notifier of it was told of anything; and since then, of what a look-up began with. */
  readonly #age: number[]
  readonly #begunAge: number[]
  /** Which pages an operation tells each notifier of, a bit for each. */
  readonly #invalidated: number[] = []
  /** The calls of vm_ops that an operation makes. */
  #vmOps: GuestEvent[] = []
  held: Held = { handles: new Map(), notifiers: new Set(), begun: new Set(), born: new Set([0]) }

  constructor(
    version: string,
    objects: readonly ObjectSetup[],
    notifiers: readonly NotifierSetup[],
    movable = false,
  ) {
    this.#version = version
    this.#movable = movable
    this.#objects = objects
    this.#notifiers = notifiers
    this.#age = notifiers.map(() => 0)
    this.#begunAge = notifiers.map(() => 0)
    const names = [...new Set(Object.values(counterparts).flat())].filter((n) => this.#exists(n))
    // What the programs may ever call is named once, behind a jump, so that the tables are made for it.
    const templates = ['mmap_read_lock', 'mmap_read_unlock', ...names].map((name): Instruction => {
      const op = kernelOps.get(name)!
      const args = op.args.map((a) => template(a.kind))
      // Each process may have made shared anonymous memory, as long as this.
      if (name === 'mmap') args[1] = number(longest)
      return { kind: 'call', op: name, args, dst: RET }
    })
    const registers = [
      { name: 'ret', kind: 'int' },
      { name: 'writable', kind: 'int' },
      { name: 'special', kind: 'int' },
      { name: 'found', kind: 'pfn' },
      ...Array.from({ length: room.notifiers }, (_, i) => ({ name: `seq${i}`, kind: 'seq' })),
      ...Array.from({ length: room.handles }, (_, i) => ({ name: `h${i}`, kind: 'page' })),
    ] as Program['registers']
    this.#programs = Array.from({ length: room.procs + 1 }, (_, i) => {
      const mine = templates.filter(
        (t) =>
          i !== DRIVER ||
          (t.kind === 'call' && !needsProcess(kernelOps.get(t.op)!, (arg) => t.args[arg] !== undefined)),
      )
      return { code: [...mine.slice(0, 1), { kind: 'jump', to: 0 }, ...mine.slice(1)] }
    })
    const config: KernelConfig = {
      version,
      mms: Array.from({ length: room.procs }, (_, i) => ({ name: `P${i}`, unborn: i > 0 })),
      devices: [],
      bos: objects.map(
        (o, i): BoConfig => ({
          name: `obj${i}`,
          pages: o.pages,
          ...(o.insert === 'file'
            ? { fs: 'shmem', where: 'system' }
            : {
                where: o.backing,
                insert: insertions[o.insert as keyof typeof insertions],
                flags: (Object.keys(vmFlags) as (keyof typeof vmFlags)[]).filter((f) => o.flags & vmFlags[f]),
              }),
        }),
      ),
      notifiers: notifiers.map((n, i) => ({
        name: `n${i}`,
        mm: n.proc,
        start: n.page,
        pages: n.pages,
        unregistered: true,
        invalidate: i,
      })),
      vars: [],
      callbacks: notifiers.map((_, i) => ({
        name: `invalidate${i}`,
        context: { notifier: i },
        registers: [],
        code: [
          { kind: 'call', op: 'mmu_interval_set_seq', args: [thing(i)] },
          { kind: 'return' },
        ] satisfies Instruction[],
      })),
      threads: this.#programs.map((p, i) => ({
        name: i === DRIVER ? 'driver' : `P${i}`,
        context: i === DRIVER ? {} : { mm: i },
        registers,
        code: p.code,
      })),
      spare: { ...frames, movable: movable ? movableFrames : 0 },
    }
    const { value, diagnostics } = configure(config, kernelOps)
    const wrong = diagnostics.filter((d) => d.severity === 'error')
    if (wrong.length > 0) throw new Bug(wrong.map((d) => d.message).join('; '))
    if (value === undefined) throw new Bug('the model cannot be configured')
    this.#kernel = new Kernel({ ...value, vpns: room.pages, vmaSlots: 60, dmaSlots: 0, zeroPage: true })
    this.#kernel.onVmOp = (e) => {
      const { mm: proc, bo: id } = e
      // Nobody listens to those of a memfd, or of shared anonymous memory.
      if (objects[id] === undefined || this.#isFile(id)) return
      this.#vmOps.push(
        e.op === 'fault'
          ? { kind: eventKinds.FAULT, id, start: e.pgoff, end: Number(e.write), proc, arg: 0 }
          : e.op === 'may_split'
            ? { kind: eventKinds.SPLIT, id, start: e.at!, end: 0, proc, arg: 0 }
            : { kind: vmOpKinds[e.op], id, start: e.start, end: e.end, proc, arg: 0 },
      )
    }
    this.#kernel.onInvalidate = ({ notifier, start, end }) => {
      this.#invalidated[notifier] =
        (this.#invalidated[notifier] ?? 0) | toldOf(notifiers[notifier]!, start, end)
    }
    this.#rows = this.#kernel.layout.open(this.#kernel.state)
    const { layout, state } = this.#kernel
    this.#snapshot = new Uint8Array(state.length)
    this.#rowsBefore = layout.open(this.#snapshot)
    const part = (first: string, last?: string): Part => {
      const { at } = layout.shapes.find((t) => t.name === first)!
      const end = last === undefined ? state.length : layout.shapes.find((t) => t.name === last)!.at
      return {
        now: Buffer.from(state.buffer, state.byteOffset + at, end - at),
        then: Buffer.from(this.#snapshot.buffer, this.#snapshot.byteOffset + at, end - at),
      }
    }
    this.#visible = part('mm')
    this.#pages = part('page', 'bo')
  }

  #exists(name: string): boolean {
    const op = kernelOps.get(name)
    return op !== undefined && whyAbsent(op, this.#version) === undefined
  }

  has(op: Opcode): boolean {
    return counterparts[op]?.every((name) => this.#exists(name)) ?? false
  }

  get compared(): Compared {
    return {
      vmFlags: Object.values(vmFlags).reduce((a, b) => a | b, 0),
      pteBits: pteBits.PRESENT | pteBits.WRITE | pteBits.SPECIAL | pteBits.OTHER,
      frameBits: comparedFrameBits,
      eventKinds: new Set([
        eventKinds.INVALIDATE,
        eventKinds.FAULT,
        eventKinds.SPLIT,
        ...Object.values(vmOpKinds),
      ]),
    }
  }

  /** One process, nothing mapped, the objects there. */
  reset(): Seen {
    this.#kernel.init()
    this.#before.clear()
    this.#seen = undefined
    this.held = { handles: new Map(), notifiers: new Set(), begun: new Set(), born: new Set([0]) }
    return this.#see({ ret: 0, data: 0, found: -1, foundBits: 0 }, [])
  }

  /** Runs an operation to its end. Undefined: it cannot be run here; nothing has changed then. */
  perform(op: Op): Seen | undefined {
    const [a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0] = op.args
    if (!this.has(op.op)) return undefined
    if (op.proc !== nobody && !this.#alive(op.proc)) return undefined
    const outcome = { ret: 0, data: 0, found: -1, foundBits: 0 }
    let thread = op.proc === nobody ? DRIVER : op.proc
    const call = (name: string, ...args: (Operand | undefined)[]): Instruction => ({
      kind: 'call',
      op: name,
      args,
      dst: RET,
    })
    const plain = (name: string, ...args: (Operand | undefined)[]): Instruction => ({
      kind: 'call',
      op: name,
      args,
    })
    const locked = (...inside: Instruction[]) => [
      plain('mmap_read_lock'),
      ...inside,
      plain('mmap_read_unlock'),
    ]
    let code: Instruction[]
    switch (op.op) {
      case 'LOAD':
        code = [call('load', number(a0))]
        break
      case 'STORE':
        code = [call('store', number(a0), number(a1))]
        break
      case 'MMAP': {
        const obj = a4 & 0xff
        const o = this.#objects[obj]
        if (obj !== objAnon && o === undefined) return undefined
        // The driver would run into a BUG at the first fault: the guest refuses that.
        if (o?.insert === 'pfn' && a3 === constants['MAP_PRIVATE'] && this.#version === '5.10')
          return undefined
        const what = obj === objAnon ? undefined : thing(obj)
        const flags = number(a3 | constants['MAP_FIXED']!)
        code = [call('mmap', what, number(a1), number(a2), flags, number(a4 >> 8), number(a0))]
        break
      }
      case 'MUNMAP':
        code = [call('munmap', number(a0), number(a1))]
        break
      case 'MPROTECT':
      case 'MADVISE':
        code = [call(counterparts[op.op]![0]!, number(a0), number(a1), number(a2))]
        break
      case 'MLOCK':
      case 'MUNLOCK':
        // Copying and unlocking a locked page looks for whoever else has locked it, and tells all their notifiers.
        if (this.#version === '5.10' && this.#notifiers.length > 0) return undefined
        code = [call(counterparts[op.op]![0]!, number(a0), number(a1))]
        break
      case 'MREMAP':
        if (a2 > a1 && this.#isLocked(op.proc, a0)) return undefined
        code = [call('mremap', number(a0), number(a1), number(a2), number(a3), number(a4))]
        break
      case 'VM_READ':
      case 'PEEK':
        if (!this.#alive(a0)) return undefined
        if (op.op === 'PEEK' && this.#isForced(a0, a1, 'VM_READ')) return undefined
        code = [call(counterparts[op.op]![0]!, thing(a0), number(a1))]
        break
      case 'VM_WRITE':
      case 'POKE':
        if (!this.#alive(a0)) return undefined
        if (op.op === 'POKE' && (this.#freshCow(a0, a1) || this.#isForced(a0, a1, 'VM_WRITE')))
          return undefined
        code = [call(counterparts[op.op]![0]!, thing(a0), number(a1), number(a2))]
        break
      case 'FORK':
        if (a0 >= room.procs || this.held.born.has(a0)) return undefined
        code = [call('fork', thing(a0))]
        break
      case 'EXIT':
        code = [plain('exit_mm')]
        break
      case 'CORE':
        this.#clear(thread, LOW)
        this.#clear(thread, HIGH)
        code = [...dumps, plain('exit_mm')]
        break
      case 'ZAP':
        if (a0 >= this.#objects.length || this.#isFile(a0)) return undefined
        code = [plain('unmap_mapping_range', thing(a0), number(a3), number(a1), number(a2))]
        break
      case 'FTRUNCATE':
      case 'PUNCH_HOLE':
      case 'PREAD':
      case 'PWRITE': {
        if (!this.#isFile(a0) || (op.op !== 'FTRUNCATE' && a1 >= this.#objects[a0]!.pages)) return undefined
        if (a1 > this.#objects[a0]!.pages) return undefined
        const name = counterparts[op.op]![0]!
        const args =
          op.op === 'FTRUNCATE' ? [number(a1)] : [number(a1), op.op === 'PREAD' ? out(WRITABLE) : number(a2)]
        code = [call(name, thing(a0), ...args)]
        break
      }
      case 'ZAP_VMA':
        // The guest looks for the mapping, and says so when there is none.
        if (!this.#isMapped(op.proc, a0))
          return this.#same({ ...outcome, ret: -constants['EFAULT']! }, nothing)
        code = locked(plain('zap_vma_ptes', undefined, number(a0), number(a1)))
        break
      case 'MOVE':
      case 'MOVE_NOUNMAP': {
        const o = this.#objects[a0]
        if (o === undefined || o.insert === 'file' || (a1 === 1 && needsPages(o))) return undefined
        const where = a1 === 1 ? constants['vram']! : constants['system']!
        code = [call(op.op === 'MOVE' ? 'bo_move' : 'bo_move_nounmap', thing(a0), number(where))]
        break
      }
      case 'FREE':
      case 'FREE_NOUNMAP':
        if (a0 >= this.#objects.length || this.#isFile(a0) || !this.#kernel.bo(a0 as Id<'bo'>).alive)
          return undefined
        code = [plain(op.op === 'FREE' ? 'bo_free' : 'bo_free_nounmap', thing(a0))]
        break
      case 'PIN':
      case 'PIN_FAST':
      case 'GET':
      case 'GET_FAST': {
        if (a0 >= room.handles || this.held.handles.has(a0) || a2 !== 1) return undefined
        if ((a3 & 3) === 3 && this.#freshCow(op.proc, a1)) return undefined
        if ((a3 & constants['FOLL_LONGTERM']!) !== 0 && this.#tellsOthers(op.proc, a1)) return undefined
        const one = call(counterparts[op.op]![0]!, number(a1), number(1), number(a3), out(HANDLES + a0))
        code = op.op === 'PIN' || op.op === 'GET' ? locked(one) : [one]
        break
      }
      case 'PIN_REMOTE': {
        if (a0 >= room.handles || this.held.handles.has(a0) || !this.#alive(a2)) return undefined
        if ((a3 & 3) === 3 && this.#freshCow(a2, a1)) return undefined
        if ((a3 & constants['FOLL_LONGTERM']!) !== 0 && this.#tellsOthers(a2, a1)) return undefined
        const mm = thing(a2)
        const pin = call('pin_user_pages_remote', mm, number(a1), number(1), number(a3), out(HANDLES + a0))
        code = [plain('mmap_read_lock', mm), pin, plain('mmap_read_unlock', mm)]
        break
      }
      case 'UNPIN':
      case 'PUT':
      case 'HANDLE_READ':
      case 'HANDLE_WRITE': {
        const handle = this.held.handles.get(a0)
        if (handle === undefined) return undefined
        if (op.op === 'UNPIN' && handle.kind !== 'pin') return undefined
        if (op.op === 'PUT' && handle.kind !== 'get') return undefined
        if (op.op === 'HANDLE_WRITE' && !handle.write) return undefined
        thread = handle.proc
        const register = { kind: 'reg', reg: HANDLES + a0 } as const
        if (this.#register(thread, HANDLES + a0).value === 0) {
          // 5.10 counts a page that it did not pin.
          if (op.op !== 'UNPIN' && op.op !== 'PUT') return undefined
          this.held.handles.delete(a0)
          return this.#see(outcome, [])
        }
        if (op.op === 'HANDLE_READ') code = [call('kernel_read', register)]
        else if (op.op === 'HANDLE_WRITE') code = [plain('kernel_write', register, number(a2))]
        else code = [plain(counterparts[op.op]![0]!, register)]
        break
      }
      case 'FOLLOW_PFN':
        code = locked(call('follow_pfn', undefined, number(a0), out(FOUND)))
        break
      case 'FOLLOW_PHYS':
        code = locked(call('follow_phys', undefined, number(a0), number(a1), out(FOUND)))
        break
      case 'FOLLOW_PTE':
      case 'FOLLOW_PFNMAP': {
        const isPte = op.op === 'FOLLOW_PTE'
        const look = isPte
          ? call('follow_pte', undefined, undefined, number(a0), out(FOUND))
          : call('follow_pfnmap_start', undefined, number(a0), out(FOUND), out(WRITABLE), out(SPECIAL))
        const end = plain(isPte ? 'pte_unmap_unlock' : 'follow_pfnmap_end')
        // if (ret == 0) end();
        code = [plain('mmap_read_lock'), look, unlessZero(RET, 4, 2), end, plain('mmap_read_unlock')]
        break
      }
      case 'FIXUP_FAULT': {
        // Twice, as the guest does.
        const flags = number(a1 === 0 ? 0 : constants['FAULT_FLAG_WRITE']!)
        const once = locked(call('fixup_user_fault', undefined, number(a0), flags, out(WRITABLE)))
        code = [...once, unlessZero(RET, 2 * once.length + 1), ...once]
        break
      }
      case 'NOTIFIER_ADD': {
        const n = this.#notifiers[a0]
        if (n === undefined || this.held.notifiers.has(a0)) return undefined
        if (n.proc !== op.proc || n.page !== a1 || n.pages !== a2) return undefined
        code = [plain('mmu_interval_notifier_insert', thing(a0))]
        break
      }
      case 'NOTIFIER_BEGIN':
      case 'NOTIFIER_RETRY': {
        if (!this.held.notifiers.has(a0)) return undefined
        if (op.op === 'NOTIFIER_RETRY' && !this.held.begun.has(a0)) return undefined
        const register = { kind: 'reg', reg: SEQS + a0 } as const
        code =
          op.op === 'NOTIFIER_BEGIN'
            ? [{ kind: 'call', op: 'mmu_interval_read_begin', args: [thing(a0)], dst: SEQS + a0 }]
            : [call('mmu_interval_read_retry', thing(a0), register)]
        break
      }
      case 'NOTIFIER_REMOVE':
        if (!this.held.notifiers.has(a0)) return undefined
        code = [plain('mmu_interval_notifier_remove', thing(a0))]
        break
      default:
        return undefined
    }
    const events = this.#run(thread, code)
    if (events === undefined) return undefined

    const ret = this.#register(thread, RET).value
    switch (op.op) {
      case 'LOAD':
      case 'STORE':
        if (ret === constants['SIGBUS']) outcome.ret = -(signalBase + 7)
        else if (ret === constants['SIGSEGV']) outcome.ret = -(signalBase + 11)
        else if (op.op === 'LOAD') outcome.data = ret
        break
      case 'MMAP':
      case 'MREMAP':
        outcome.ret = Math.min(ret, 0)
        break
      case 'VM_READ':
      case 'PEEK':
        if (ret < 0) outcome.ret = ret
        else outcome.data = ret
        break
      case 'VM_WRITE':
      case 'POKE':
        outcome.ret = ret
        outcome.data = a2
        break
      case 'CORE':
        outcome.data = this.#register(thread, LOW).value + (this.#register(thread, HIGH).value << half)
        break
      case 'PREAD':
        outcome.ret = ret
        if (ret > 0) outcome.data = this.#register(thread, WRITABLE).value
        break
      case 'PWRITE':
        outcome.ret = ret
        outcome.data = a2
        break
      case 'HANDLE_READ':
        outcome.data = ret
        break
      case 'HANDLE_WRITE':
        outcome.data = a2
        break
      case 'FORK':
        outcome.ret = ret
        if (ret === 0) this.held.born.add(a0)
        break
      case 'PIN':
      case 'PIN_FAST':
      case 'GET':
      case 'GET_FAST':
      case 'PIN_REMOTE':
        outcome.ret = ret
        if (ret > 0)
          this.held.handles.set(a0, {
            kind: op.op.startsWith('PIN') ? 'pin' : 'get',
            proc: thread,
            write: (a3 & 1) !== 0,
          })
        break
      case 'UNPIN':
      case 'PUT':
        this.held.handles.delete(a0)
        this.#clear(thread, HANDLES + a0)
        break
      case 'FOLLOW_PFN':
      case 'FOLLOW_PTE':
      case 'FOLLOW_PHYS':
      case 'FOLLOW_PFNMAP':
        outcome.ret = ret
        break
      case 'FTRUNCATE':
      case 'PUNCH_HOLE':
      case 'MUNMAP':
      case 'MPROTECT':
      case 'MADVISE':
      case 'MLOCK':
      case 'MUNLOCK':
      case 'MOVE':
      case 'MOVE_NOUNMAP':
      case 'FIXUP_FAULT':
        outcome.ret = ret
        break
      case 'NOTIFIER_ADD':
        this.held.notifiers.add(a0)
        this.#age[a0] = 2
        break
      case 'NOTIFIER_REMOVE':
        this.held.notifiers.delete(a0)
        this.held.begun.delete(a0)
        break
      case 'NOTIFIER_BEGIN':
        this.held.begun.add(a0)
        this.#begunAge[a0] = this.#age[a0]!
        if (this.#begunAge[a0]! > 100) this.held.begun.delete(a0)
        break
      case 'NOTIFIER_RETRY':
        outcome.data = ret
        break
      default:
        break
    }
    // The frames of an object that moved are new ones, even where the model gives one the number of one that it has just freed.
    if (op.op.startsWith('MOVE') && ret === 0)
      for (let i = 0; i < this.#objects[a0]!.pages; i++)
        this.#before.delete(this.#kernel.bo_page(a0 as Id<'bo'>, i as Id<'boPage'>).pfn!)
    const found = this.#register(thread, FOUND)
    const lookedUp = found.value
    this.#clear(thread, FOUND)
    const seen =
      renames.has(op.op) || changed(this.#visible) ? this.#see(outcome, events) : this.#same(outcome, events)
    if (op.op.startsWith('FOLLOW') && ret === 0) {
      seen.found = this.#before.get(lookedUp - 1) ?? -2
      if (op.op === 'FOLLOW_PFNMAP')
        seen.foundBits = this.#register(thread, WRITABLE).value | (this.#register(thread, SPECIAL).value << 1)
    }
    return seen
  }

  #alive(proc: number): boolean {
    return proc < room.procs && this.#kernel.mm(proc as Id<'mm'>).alive
  }

  #register(thread: number, reg: number): Cell {
    return this.#rows.reg(thread as Id<'thread'>, reg as Id<'reg'>)
  }

  #clear(thread: number, reg: number): void {
    const cell = this.#register(thread, reg)
    cell.value = 0
    cell.stale = false
  }

  /**
   * A forced write to private memory that is read-only and not there yet. Before 5.19 that is two faults, and whether the second copies
   * the page of the first depends on whether that is still in a pagevec, which holds a reference.
   */
  #freshCow(proc: number, page: number): boolean {
    const k = this.#kernel
    if (k.has('anon-exclusive') || page >= room.pages) return false
    if (k.pte(proc as Id<'mm'>, page as Id<'vpn'>).present) return false
    return k.vmas.some((id) => {
      const v = k.vma(id)
      if (v.vm_mm !== proc || page < v.vm_start || v.vm_end <= page || v.VM_SHARED || v.VM_WRITE) return false
      return v.vm_file === undefined || copiesAtOnce.has(this.#objects[v.vm_file]!.insert)
    })
  }

  /** Debian's 7.2 lets /proc/PID/mem reach what the process may not reach itself only where it is being traced (CONFIG_PROC_MEM_FORCE_PTRACE). */
  #isForced(proc: number, page: number, flag: 'VM_READ' | 'VM_WRITE'): boolean {
    const k = this.#kernel
    return (
      this.#version === '7.2' &&
      k.vmas.some((id) => {
        const v = k.vma(id)
        return v.vm_mm === proc && v.vm_start <= page && page < v.vm_end && !v[flag]
      })
    )
  }

  /** Moved over something and grown, it frees frames and takes some: which of them again, chance decides. */
  #isLocked(proc: number, page: number): boolean {
    const k = this.#kernel
    return k.vmas.some((id) => {
      const v = k.vma(id)
      return v.vm_mm === proc && v.vm_start <= page && page < v.vm_end && v.VM_LOCKED
    })
  }

  /**
   * A long-term pin of what is there moves it out of ZONE_MOVABLE: it is looked for wherever it may be mapped, and the notifiers of those are
   * told who never had it.
   */
  #tellsOthers(proc: number, page: number): boolean {
    if (!this.#movable || ![...this.held.notifiers].some((i) => this.#notifiers[i]!.proc !== proc))
      return false
    const k = this.#kernel
    const pte = page < room.pages ? k.pte(proc as Id<'mm'>, page as Id<'vpn'>) : undefined
    if (pte?.present !== true || k.zone[pte.pfn!] !== 'movable' || !k.has('longterm-movable')) return false
    // Memory that only this process still maps, and shared once, it makes its own before it moves it: then nobody else is asked.
    const { owner, mapcount, exclusive } = k.page(pte.pfn!)
    const anon = owner !== undefined && owner < room.procs
    return !(anon && mapcount === 1 && !exclusive && k.has('anon-exclusive'))
  }

  #isFile(object: number): boolean {
    return this.#objects[object]?.insert === 'file'
  }

  #isMapped(proc: number, page: number): boolean {
    const k = this.#kernel
    return k.vmas.some((id) => {
      const v = k.vma(id)
      return v.vm_mm === proc && v.vm_start <= page && page < v.vm_end
    })
  }

  /** Steps a thread through a piece of code. Undefined, and nothing has changed: it hits a bound, a BUG, or another breach of contract. */
  #run(thread: number, code: Instruction[]): GuestEvent[] | undefined {
    const k = this.#kernel
    const program = this.#programs[thread]!
    program.code.splice(0, Number.POSITIVE_INFINITY, ...code, { kind: 'jump', to: 0 })
    this.#snapshot.set(k.state)
    this.#invalidated.length = 0
    this.#vmOps = []
    let refused = false
    const choose = () => this.#fresh()
    const violate = (v: { code: string }) => {
      if (!visible.has(v.code)) refused = true
    }
    const t = this.#rows.thread(thread as Id<'thread'>)
    for (let steps = 0; ; steps++) {
      const moved = k.step(thread, choose, violate)
      if (moved !== 'moved' || steps > 500)
        throw new Bug(
          `the model's ${code.map((i) => (i.kind === 'call' ? i.op : i.kind)).join(', ')} is ${moved}`,
        )
      if (refused || t.depth === 0) break
      if (t.depth === 1 && this.#rows.frame(thread as Id<'thread'>, 0 as Id<'stack'>).pc === 0) break
    }
    // A frame that something stale still names was handed out: the kernel has others.
    if (changed(this.#pages))
      for (const pfn of k.pfns) {
        const before = this.#rowsBefore.page(pfn)
        if (before.owner === undefined && before.was !== undefined && k.page(pfn).owner !== undefined)
          refused = true
      }
    if (refused) {
      k.state.set(this.#snapshot)
      return undefined
    }
    for (const [i, n] of this.#notifiers.entries()) {
      const mm = n.proc as Id<'mm'>
      const calls = (k.mm(mm).invalidate_seq - this.#rowsBefore.mm(mm).invalidate_seq) & 127
      this.#age[i] = this.#invalidated[i] === undefined ? this.#age[i]! + calls : 0
      this.#begunAge[i]! += calls
      // The model's sequence soon comes round to where it was.
      if (this.#begunAge[i]! > 100) this.held.begun.delete(i)
    }
    if (this.#invalidated.length + this.#vmOps.length === 0) return nothing
    const events = this.#notifiers.flatMap(({ proc }, id): GuestEvent[] => {
      const pages = this.#invalidated[id]
      return pages === undefined
        ? []
        : [{ kind: eventKinds.INVALIDATE, id, start: 0, end: 0, proc, arg: pages }]
    })
    return [...events, ...this.#vmOps]
  }

  /** Of the frames that an allocation may get, one that nobody remembers: real frames are not handed out again while somebody does. */
  #fresh(): number {
    const k = this.#kernel
    let best = -1
    for (const [i, pfn] of k.scratch.entries()) {
      if (k.page(pfn as Id<'pfn'>).was !== undefined) continue
      // Where memory may come from ZONE_MOVABLE, it does.
      if (k.zone[pfn] === 'movable') return i
      if (best < 0) best = i
    }
    return Math.max(best, 0)
  }

  /** Nothing that can be seen has changed: each frame is the one that it was. */
  #same(outcome: Outcome, events: GuestEvent[]): Seen {
    if (this.#seen === undefined) return this.#see(outcome, events)
    if (!this.#steady) {
      this.#seen = { ...this.#seen, frames: this.#seen.frames.map((f, before) => ({ ...f, before })) }
      this.#steady = true
    }
    const { alive, vmas, ptes, frames, refs } = this.#seen
    return { ...outcome, alive, vmas, ptes, frames, refs, events }
  }

  #see(outcome: Outcome, events: GuestEvent[]): Seen {
    const k = this.#kernel
    const now = new Map<number, number>()
    const frames: Seen['frames'] = []
    const exclusive = k.has('anon-exclusive')
    const frame = (pfn: number): number => {
      const known = now.get(pfn)
      if (known !== undefined) return known
      const index = frames.length
      now.set(pfn, index)
      const page = k.page(pfn as Id<'pfn'>)
      const anon = page.owner !== undefined && page.owner < room.procs
      const zone = k.zone[pfn]
      frames.push({
        before: this.#before.get(pfn) ?? -1,
        refcount: page.refcount + 1024 * page.pins,
        mapcount: page.mapcount,
        flags:
          (anon ? frameBits.ANON : 0) |
          (anon && exclusive && page.exclusive ? frameBits.EXCLUSIVE : 0) |
          (pfn === k.zeroPage ? frameBits.ZERO : 0) |
          (zone === 'vram' ? frameBits.VRAM : 0) |
          (zone === 'movable' ? frameBits.MOVABLE : 0),
        data: page.data,
      })
      return index
    }
    const vmas: SeenVma[] = []
    const ptes: Seen['ptes'] = []
    let alive = 0
    for (const id of k.vmas) {
      const v = k.vma(id)
      const proc = v.vm_mm
      if (proc === undefined || !this.#alive(proc)) continue
      let flags = 0
      for (const name of vmFlagNames) if (v[name]) flags |= vmFlags[name]
      const obj = v.vm_file === undefined ? vmaAnon : v.vm_file < this.#objects.length ? v.vm_file : vmaShmem
      const remapped = this.#objects[obj]?.insert === 'remap' && v.VM_MAYWRITE && !v.VM_SHARED
      vmas.push({
        proc,
        start: v.vm_start,
        end: v.vm_end,
        obj,
        pgoff: obj >= vmaShmem ? 0 : remapped ? byPfn : v.vm_pgoff,
        flags,
      })
    }
    for (let p = 0; p < room.procs; p++) {
      if (!this.#alive(p)) continue
      alive |= 1 << p
      for (let a = 0; a < room.pages; a++) {
        const pte = k.pte(p as Id<'mm'>, a as Id<'vpn'>)
        if (!pte.present) continue
        ptes.push({
          proc: p,
          page: a,
          bits: pteBits.PRESENT | (pte.write ? pteBits.WRITE : 0) | (pte.special ? pteBits.SPECIAL : 0),
          frame: frame(pte.pfn!),
        })
      }
    }
    vmas.sort((a, b) => a.proc - b.proc || a.start - b.start)
    const refs: Seen['refs'] = []
    for (const [i, o] of this.#objects.entries()) {
      if (!k.bo(i as Id<'bo'>).alive) continue
      for (let p = 0; p < o.pages; p++) {
        const pfn = k.bo_page(i as Id<'bo'>, p as Id<'boPage'>).pfn
        if (pfn !== undefined) refs.push({ kind: refKinds.OBJ, id: i, index: p, frame: frame(pfn) })
      }
    }
    for (let h = 0; h < room.handles; h++) {
      const handle = this.held.handles.get(h)
      if (handle === undefined) continue
      const value = this.#register(handle.proc, HANDLES + h).value
      if (value !== 0) refs.push({ kind: refKinds.HANDLE, id: h, index: 0, frame: frame(value - 1) })
    }
    this.#before = now
    this.#seen = { ...outcome, alive, vmas, ptes, frames, refs, events }
    this.#steady = false
    return this.#seen
  }
}

/** Goes on when the register is 0, else to `to`. */
const unlessZero = (reg: number, to: number, at = 3): Instruction => ({
  kind: 'branch',
  cond: { kind: '==', left: { kind: 'reg', reg }, right: { kind: 'const', value: 0 } },
  ifTrue: at + 1,
  ifFalse: to,
})

/** Dumps all pages one after the other: each that is in the dump sets its bit. */
const dumps: readonly Instruction[] = Array.from({ length: room.pages }, (_, page): Instruction[] => {
  const reg = page < half ? LOW : HIGH
  const at = 3 * page
  return [
    { kind: 'call', op: 'dump_user_range', args: [{ kind: 'const', value: page }], dst: RET },
    {
      kind: 'branch',
      cond: { kind: 'reg', reg: RET },
      ifTrue: at + 2,
      ifFalse: at + 3,
    },
    {
      kind: 'set',
      dst: reg,
      value: {
        kind: '+',
        left: { kind: 'reg', reg },
        right: { kind: 'const', value: 1 << (page % half) },
      },
    },
  ]
}).flat()

const number = (value: number): Operand => ({ kind: 'const', value })
const thing = (id: number): Operand => ({ kind: 'thing', id })
const out = (reg: number): Operand => ({ kind: 'out', reg })

/** Something of the kind, for a call that is never made. */
function template(kind: string): Operand | undefined {
  if (kind.startsWith('&'))
    return out(kind.includes('page') ? HANDLES : kind.includes('pfn') ? FOUND : WRITABLE)
  if (kind.endsWith('?')) return undefined
  if (/^(frame|page|target|frames)$/.test(kind)) return { kind: 'reg', reg: HANDLES }
  if (/^(mm|bo|file|notifier|vma|pfn)$/.test(kind)) return thing(0)
  return number(1)
}
