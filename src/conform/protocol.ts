/**
 * What the host and the guest say to each other: the numbers of guest/protocol.h (a test compares them), and the two directions,
 * operations as bytes and bytes as answers.
 */
export const magic = 0x746e7265
export const version = 2
export const procs = 4
export const pages = 16
export const objs = 4
export const objPages = 4
export const handles = 8
export const handlePages = 8
export const notifiers = 4
export const objStride = 256
export const shmSize = 64 << 20
export const opsOffset = 2 << 20
export const opsSize = 6 << 20
export const answersOffset = 8 << 20
export const signalBase = 10000
export const absent = -20000
/** Who does what no process in particular does. */
export const nobody = 255
export const objAnon = 0xff
export const vmaAnon = 0xff
export const vmaShmem = 0xfe

export const opcodes = {
  RESET: 1,
  OBJ: 2,
  OBJ_DATA: 3,
  LOAD: 10,
  STORE: 11,
  MMAP: 12,
  MUNMAP: 13,
  MPROTECT: 14,
  MADVISE: 15,
  MREMAP: 16,
  MLOCK: 17,
  MUNLOCK: 18,
  FORK: 19,
  EXIT: 20,
  VM_READ: 21,
  VM_WRITE: 22,
  PEEK: 23,
  POKE: 24,
  CORE: 25,
  ZAP: 40,
  MOVE: 41,
  FREE: 42,
  MOVE_NOUNMAP: 43,
  FREE_NOUNMAP: 44,
  ZAP_VMA: 45,
  FTRUNCATE: 46,
  PUNCH_HOLE: 47,
  PREAD: 48,
  PWRITE: 49,
  PIN: 50,
  PIN_FAST: 51,
  GET: 52,
  GET_FAST: 53,
  UNPIN: 54,
  PUT: 55,
  HANDLE_READ: 56,
  HANDLE_WRITE: 57,
  PIN_REMOTE: 58,
  FOLLOW_PFN: 60,
  FOLLOW_PTE: 61,
  FOLLOW_PHYS: 62,
  FOLLOW_PFNMAP: 63,
  FIXUP_FAULT: 64,
  NOTIFIER_ADD: 70,
  NOTIFIER_REMOVE: 71,
  NOTIFIER_BEGIN: 72,
  NOTIFIER_RETRY: 73,
  LOCK_READ: 80,
  UNLOCK_READ: 81,
  PFN_READ: 82,
  PFN_WRITE: 83,
  LOOKUP: 84,
  SET: 92,
  JUMP: 93,
  BRANCH: 94,
  STOP: 95,
  VAR_GET: 96,
  VAR_SET: 97,
  MUTEX_LOCK: 98,
  MUTEX_UNLOCK: 99,
  RACE: 100,
  RACE_THREAD: 101,
  RACE_REG: 102,
  RACE_VAR: 103,
} as const
export type Opcode = keyof typeof opcodes

/** One operation, as it is sent, saved and replayed. What the arguments are stands in guest/protocol.h. */
export type Op = {
  readonly op: Opcode
  readonly proc: number
  readonly args: readonly number[]
  /** In a race: a bit for each argument that is in a register. */
  readonly registers?: number
}

/** What SET computes, in the order of the guest's numbers. */
export const alu = ['==', '!=', '<', '<=', '>', '>=', '&&', '||', '+', '-', '|', '&'] as const
export const raceThreads = 6
export const raceRegisters = 24
export const raceVars = 8
export const raceMutexes = 8
/** In the argument of RESET: no events, there will be a race. */
export const quiet = 2

export const opSize = 24

export function encode(ops: readonly Op[]): Uint8Array {
  const bytes = new Uint8Array(ops.length * opSize)
  const view = new DataView(bytes.buffer)
  for (const [i, op] of ops.entries()) {
    const at = i * opSize
    bytes[at] = opcodes[op.op]
    bytes[at + 1] = op.proc
    bytes[at + 2] = op.registers ?? 0
    for (const [j, a] of op.args.entries()) view.setUint32(at + 4 + 4 * j, a, true)
  }
  return bytes
}

export const pteBits = {
  PRESENT: 1,
  WRITE: 2,
  SPECIAL: 4,
  DIRTY: 8,
  YOUNG: 16,
  PROTNONE: 32,
  OTHER: 64,
} as const

export const frameBits = {
  VALID: 1,
  ANON: 2,
  EXCLUSIVE: 4,
  DIRTY: 8,
  LRU: 16,
  ZERO: 32,
  MAPPING: 128,
  QUARANTINE: 256,
  VRAM: 512,
  MOVABLE: 1024,
} as const

export const refKinds = { OBJ: 1, HANDLE: 2 } as const

export const eventKinds = {
  OPEN: 1,
  CLOSE: 2,
  FAULT: 3,
  SPLIT: 4,
  MREMAP: 5,
  MMAP: 6,
  INVALIDATE: 7,
  RANGE_START: 8,
  RANGE_END: 9,
  RELEASE: 10,
} as const

export type GuestVma = { proc: number; start: number; end: number; obj: number; pgoff: number; flags: number }
export type GuestPte = { proc: number; page: number; bits: number; frame: number }
export type GuestFrame = { pfn: number; refcount: number; mapcount: number; flags: number; data: number }
export type GuestRef = { kind: number; id: number; index: number; frame: number }
export type GuestEvent = { kind: number; id: number; start: number; end: number; proc: number; arg: number }

/** What the guest saw after one operation. */
export type Answer = {
  ret: number
  data: number
  data2: number
  alive: number
  overflow: boolean
  vmas: GuestVma[]
  ptes: GuestPte[]
  frames: GuestFrame[]
  refs: GuestRef[]
  events: GuestEvent[]
  /** All but the result is as in the answer before, to the byte, and nobody was called. */
  same: boolean
}

/** Answers one after the other, from what a batch left. */
export class Answers {
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = 0
  #last: { readonly answer: Answer; readonly body: Buffer } | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get ended(): boolean {
    return this.#at >= this.#view.byteLength
  }

  next(): Answer {
    const v = this.#view
    const start = this.#at
    const bytes = v.getUint32(start, true)
    const n = (offset: number) => v.getUint8(start + offset)
    const result = {
      ret: v.getInt32(start + 4, true),
      data: v.getUint32(start + 8, true),
      data2: v.getUint32(start + 12, true),
    }
    // What follows the result: how many there are of each, and they.
    const body = this.#bytes.subarray(start + 16, start + bytes)
    if (n(19) === 0 && this.#last?.body.equals(body) === true) {
      this.#at = start + bytes
      return { ...this.#last.answer, ...result, same: true }
    }
    let at = start + 24
    const vmas: GuestVma[] = []
    for (let i = n(16); i > 0; i--, at += 16)
      vmas.push({
        proc: v.getUint8(at),
        start: v.getUint8(at + 1),
        end: v.getUint8(at + 2),
        obj: v.getUint8(at + 3),
        pgoff: v.getUint32(at + 4, true),
        // Flags above bit 31 are none of ours, but for their being there.
        flags: v.getUint32(at + 8, true),
      })
    const ptes: GuestPte[] = []
    for (let i = n(17); i > 0; i--, at += 4)
      ptes.push({
        proc: v.getUint8(at),
        page: v.getUint8(at + 1),
        bits: v.getUint8(at + 2),
        frame: v.getUint8(at + 3),
      })
    const frames: GuestFrame[] = []
    for (let i = n(18); i > 0; i--, at += 20)
      frames.push({
        pfn: v.getUint32(at, true),
        refcount: v.getInt32(at + 4, true),
        mapcount: v.getInt32(at + 8, true),
        flags: v.getUint16(at + 12, true),
        data: v.getUint32(at + 16, true),
      })
    const refs: GuestRef[] = []
    for (let i = n(20); i > 0; i--, at += 4)
      refs.push({
        kind: v.getUint8(at),
        id: v.getUint8(at + 1),
        index: v.getUint8(at + 2),
        frame: v.getUint8(at + 3),
      })
    const events: GuestEvent[] = []
    for (let i = n(19); i > 0; i--, at += 8)
      events.push({
        kind: v.getUint8(at),
        id: v.getUint8(at + 1),
        start: v.getUint8(at + 2),
        end: v.getUint8(at + 3),
        proc: v.getUint8(at + 4),
        arg: v.getUint8(at + 5),
      })
    if (at !== start + bytes) throw new RangeError(`an answer of ${bytes} bytes has ${at - start}`)
    this.#at = at
    const answer: Answer = {
      ...result,
      alive: n(21),
      overflow: v.getUint16(start + 22, true) !== 0,
      vmas,
      ptes,
      frames,
      refs,
      events,
      same: false,
    }
    this.#last = { answer, body }
    return answer
  }
}
