import { nobody, objAnon, type Op, type Opcode, refKinds } from './protocol.ts'
import { type Seen, vmFlags } from './seen.ts'
import type { NotifierSetup, ObjectSetup } from './sequence.ts'

/** Random numbers that a seed repeats (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number below n. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  weighted<T>(list: readonly (readonly [T, number])[]): T {
    let at = this.below(list.reduce((sum, [, w]) => sum + w, 0))
    for (const [value, weight] of list) {
      at -= weight
      if (at < 0) return value
    }
    return list.at(-1)![0]
  }
}

/** What the generator may use: the model says which operations it has, and how much room. */
export type Room = {
  readonly procs: number
  readonly pages: number
  readonly objects: readonly ObjectSetup[]
  readonly handles: number
  readonly notifiers: readonly NotifierSetup[]
  readonly has: (op: Opcode) => boolean
}

/** How the handles and notifiers were taken, which cannot be seen. */
export type Held = {
  /** 'pin' or 'get' by handle, who took it, and whether for writing. */
  readonly handles: Map<
    number,
    { readonly kind: 'pin' | 'get'; readonly proc: number; readonly write: boolean }
  >
  readonly notifiers: Set<number>
  /** Notifiers under which a look-up has begun. */
  readonly begun: Set<number>
  /** Processes that have been born in this sequence. */
  readonly born: Set<number>
}

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
/** As in the model; the guest has the kernel's. */
const FOLL_WRITE = 1
const FOLL_FORCE = 2
const FOLL_LONGTERM = 4

/**
 * How often each operation comes. Faults come often, for they are where most is decided; what tears down comes seldom, or nothing
 * would be there to be torn.
 */
const weights: readonly (readonly [Opcode, number])[] = [
  ['LOAD', 140],
  ['STORE', 180],
  ['MMAP', 140],
  ['MUNMAP', 50],
  ['MPROTECT', 70],
  ['MADVISE', 70],
  ['MREMAP', 60],
  ['MLOCK', 20],
  ['MUNLOCK', 10],
  ['FORK', 30],
  ['EXIT', 10],
  ['CORE', 3],
  ['VM_READ', 20],
  ['VM_WRITE', 20],
  ['PEEK', 20],
  ['POKE', 20],
  ['ZAP', 40],
  ['MOVE', 40],
  ['FREE', 2],
  ['MOVE_NOUNMAP', 6],
  ['FREE_NOUNMAP', 2],
  ['ZAP_VMA', 20],
  ['FTRUNCATE', 20],
  ['PUNCH_HOLE', 20],
  ['PREAD', 20],
  ['PWRITE', 30],
  ['PIN', 80],
  ['PIN_FAST', 60],
  ['PIN_REMOTE', 20],
  ['GET', 40],
  ['GET_FAST', 30],
  ['UNPIN', 70],
  ['PUT', 40],
  ['HANDLE_READ', 30],
  ['HANDLE_WRITE', 30],
  ['FOLLOW_PFN', 30],
  ['FOLLOW_PTE', 30],
  ['FOLLOW_PHYS', 20],
  ['FOLLOW_PFNMAP', 40],
  ['FIXUP_FAULT', 40],
  ['NOTIFIER_ADD', 30],
  ['NOTIFIER_REMOVE', 10],
  ['NOTIFIER_BEGIN', 25],
  ['NOTIFIER_RETRY', 30],
]

const fileOps: ReadonlySet<Opcode> = new Set(['FTRUNCATE', 'PUNCH_HOLE', 'PREAD', 'PWRITE'])

export class Generator {
  readonly #random: Random
  readonly #room: Room
  readonly #weights: readonly (readonly [Opcode, number])[]
  #proc = 0

  constructor(random: Random, room: Room) {
    this.#random = random
    this.#room = room
    const files = room.objects.some((o) => o.insert === 'file')
    this.#weights = weights.filter(([op]) => room.has(op) && (files || !fileOps.has(op)))
  }

  /** The next operation, given what was seen last. Undefined: the one it thought of makes no sense now. */
  next(seen: Seen, held: Held): Op | undefined {
    const r = this.#random
    const room = this.#room
    const alive = Array.from({ length: room.procs }, (_, i) => i).filter((i) => seen.alive & (1 << i))
    if (alive.length === 0) return undefined
    // Mostly the one that went last: to change costs the guest more than to go on.
    if (!alive.includes(this.#proc) || r.chance(10)) this.#proc = r.pick(alive)
    const proc = this.#proc
    const op = r.weighted(this.#weights)
    const make = (...args: number[]): Op => ({ op, proc, args })
    const byNobody = (...args: number[]): Op => ({ op, proc: nobody, args })
    switch (op) {
      case 'LOAD':
      case 'FOLLOW_PFN':
      case 'FOLLOW_PTE':
      case 'FOLLOW_PFNMAP':
        return make(this.#page(seen, proc))
      case 'FOLLOW_PHYS':
      case 'FIXUP_FAULT':
        return make(this.#page(seen, proc), r.below(2))
      case 'STORE':
        return make(this.#page(seen, proc), 1 + r.below(99))
      case 'MMAP': {
        const pages = 1 + r.below(r.chance(70) ? 3 : 5)
        const anon = room.objects.length === 0 || r.chance(45)
        const obj = r.below(Math.max(1, room.objects.length))
        const limit = room.objects[obj]?.pages ?? 1
        const first = anon ? 0 : r.below(limit)
        // Now and then past the end of the object.
        const past = room.objects[obj]?.insert === 'file' ? 20 : 5
        const count = anon || r.chance(past) ? pages : Math.min(pages, limit - first)
        const shared = r.chance(anon ? 12 : 70)
        return make(
          this.#place(seen, proc, count),
          count,
          r.weighted([
            [PROT_READ | PROT_WRITE, 70],
            [PROT_READ, 22],
            [PROT_WRITE, 3],
            [0, 5],
          ]),
          shared ? MAP_SHARED : MAP_PRIVATE,
          anon ? objAnon : obj | (first << 8),
        )
      }
      case 'MUNMAP':
      case 'ZAP_VMA':
      case 'MLOCK':
      case 'MUNLOCK':
        return make(...this.#range(seen, proc))
      case 'MPROTECT':
        return make(
          ...this.#range(seen, proc),
          r.weighted([
            [PROT_READ | PROT_WRITE, 45],
            [PROT_READ, 45],
            [0, 10],
          ]),
        )
      case 'MADVISE':
        return make(
          ...this.#range(seen, proc),
          r.weighted([
            [4, 50], // DONTNEED
            [8, 10], // FREE
            [9, 3], // REMOVE
            [10, 15], // DONTFORK
            [11, 15], // DOFORK
            [18, 5], // WIPEONFORK
            [19, 5], // KEEPONFORK
            [22, 6], // POPULATE_READ
            [23, 8], // POPULATE_WRITE
            [24, 4], // DONTNEED_LOCKED
          ]),
        )
      case 'MREMAP': {
        const [page, pages] = this.#range(seen, proc)
        const grown = r.weighted([
          [pages, 50],
          [Math.max(1, pages - 1), 20],
          [pages + 1, 30],
        ])
        const flags = r.weighted([
          [0, 30], // in place
          [1 | 2, 60], // MAYMOVE | FIXED
          [1 | 2 | 4, 10], // and DONTUNMAP
        ])
        return make(page, pages, grown, flags, r.below(room.pages - Math.min(grown, room.pages) + 1))
      }
      case 'FORK': {
        const unborn = Array.from({ length: room.procs }, (_, i) => i).filter((i) => !held.born.has(i))
        return unborn.length === 0 ? undefined : make(r.pick(unborn))
      }
      case 'EXIT':
      case 'CORE':
        // The last one stays, or there would be nothing to see.
        return alive.length < 2 ? undefined : make()
      case 'VM_READ':
      case 'PEEK': {
        const whose = r.pick(alive)
        return make(whose, this.#page(seen, whose))
      }
      case 'VM_WRITE':
      case 'POKE': {
        const whose = r.pick(alive)
        return make(whose, this.#page(seen, whose), 1 + r.below(99))
      }
      case 'ZAP':
        return this.#object((o) => byNobody(o, 0, room.objects[o]!.pages, r.below(2)))
      case 'MOVE':
      case 'MOVE_NOUNMAP':
        return this.#object((o) => byNobody(o, r.below(2)))
      case 'FREE':
      case 'FREE_NOUNMAP':
        return this.#object((o) => byNobody(o))
      case 'FTRUNCATE':
      case 'PUNCH_HOLE':
      case 'PREAD':
      case 'PWRITE': {
        const files = Array.from(room.objects.keys()).filter((i) => room.objects[i]!.insert === 'file')
        const file = r.pick(files)
        const { pages } = room.objects[file]!
        // Mostly as long as it can be: what is short has nothing in it.
        if (op === 'FTRUNCATE') return byNobody(file, r.chance(60) ? pages : r.below(pages + 1))
        const index = r.below(pages)
        if (op === 'PREAD') return byNobody(file, index)
        return byNobody(file, index, op === 'PWRITE' ? 1 + r.below(99) : 1 + r.below(pages - index))
      }
      case 'PIN_REMOTE': {
        const free = Array.from({ length: room.handles }, (_, i) => i).filter((i) => !held.handles.has(i))
        if (free.length === 0) return undefined
        const whose = r.pick(alive)
        const flags =
          (r.chance(70) ? FOLL_WRITE : 0) |
          (r.chance(12) ? FOLL_FORCE : 0) |
          (r.chance(20) ? FOLL_LONGTERM : 0)
        return make(free[0]!, this.#page(seen, whose), whose, flags)
      }
      case 'PIN':
      case 'PIN_FAST':
      case 'GET':
      case 'GET_FAST': {
        const free = Array.from({ length: room.handles }, (_, i) => i).filter((i) => !held.handles.has(i))
        if (free.length === 0) return undefined
        const [page, pages] = this.#range(seen, proc)
        const flags =
          r.weighted([
            [0, 30],
            [FOLL_WRITE, 70],
          ]) |
          (r.chance(12) ? FOLL_FORCE : 0) |
          // Without FOLL_PIN kernels since 6.1 refuse it, with a warning.
          (op.startsWith('PIN') && r.chance(25) ? FOLL_LONGTERM : 0)
        return make(free[0]!, page + r.below(pages), 1, flags)
      }
      case 'UNPIN':
      case 'PUT': {
        const kind = op === 'UNPIN' ? 'pin' : 'get'
        const mine = [...held.handles].filter(([, h]) => h.kind === kind).map(([i]) => i)
        return mine.length === 0 ? undefined : byNobody(r.pick(mine), 0)
      }
      case 'HANDLE_READ':
      case 'HANDLE_WRITE': {
        const named = seen.refs.filter(
          (ref) =>
            ref.kind === refKinds.HANDLE &&
            (op === 'HANDLE_READ' || held.handles.get(ref.id)?.write === true),
        )
        if (named.length === 0) return undefined
        const ref = r.pick(named)
        return byNobody(ref.id, ref.index, ...(op === 'HANDLE_WRITE' ? [1 + r.below(99)] : []))
      }
      case 'NOTIFIER_ADD': {
        const i = r.below(Math.max(1, room.notifiers.length))
        const n = room.notifiers[i]
        return n === undefined || held.notifiers.has(i) || !alive.includes(n.proc)
          ? undefined
          : { op, proc: n.proc, args: [i, n.page, n.pages] }
      }
      case 'NOTIFIER_REMOVE':
        return held.notifiers.size === 0 ? undefined : byNobody(r.pick([...held.notifiers]))
      case 'NOTIFIER_BEGIN':
        return held.notifiers.size === 0
          ? undefined
          : { op, proc: nobody, args: [r.pick([...held.notifiers])] }
      case 'NOTIFIER_RETRY':
        return held.begun.size === 0 ? undefined : { op, proc: nobody, args: [r.pick([...held.begun])] }
      default:
        return undefined
    }
  }

  #object(make: (o: number) => Op): Op | undefined {
    return this.#room.objects.length === 0 ? undefined : make(this.#random.below(this.#room.objects.length))
  }

  /** Where a mapping goes: mostly where nothing is, now and then over something. */
  #place(seen: Seen, proc: number, pages: number): number {
    const r = this.#random
    const at = r.below(this.#room.pages - pages + 1)
    if (r.chance(25)) return at
    const mine = seen.vmas.filter((v) => v.proc === proc)
    for (let i = 0; i <= this.#room.pages - pages; i++) {
      const start = (at + i) % (this.#room.pages - pages + 1)
      if (mine.every((v) => v.end <= start || v.start >= start + pages)) return start
    }
    return at
  }

  /** A page of the window: mostly one that is mapped, now and then the one behind a mapping or any. */
  #page(seen: Seen, proc: number): number {
    const r = this.#random
    const mine = seen.vmas.filter((v) => v.proc === proc)
    if (mine.length === 0 || r.chance(6)) return r.below(this.#room.pages)
    const v = r.pick(mine)
    return Math.min(this.#room.pages - 1, v.start + r.below(v.end - v.start + (r.chance(5) ? 1 : 0)))
  }

  /** A first page and a number of pages: a mapping, a part of one, or across several. */
  #range(seen: Seen, proc: number): [number, number] {
    const r = this.#random
    const mine = seen.vmas.filter((v) => v.proc === proc)
    const last = this.#room.pages
    if (mine.length === 0 || r.chance(12)) {
      const page = r.below(last)
      return [page, 1 + r.below(Math.min(6, last - page))]
    }
    const v = r.pick(mine)
    const length = v.end - v.start
    if (r.chance(35)) return [v.start, length]
    const page = v.start + r.below(length)
    const most = r.chance(15) ? Math.min(last, v.end + 2) - page : v.end - page
    return [page, 1 + r.below(Math.max(1, most))]
  }
}

export function randomNotifiers(
  random: Random,
  procs: number,
  pages: number,
  count: number,
): NotifierSetup[] {
  return Array.from({ length: count }, () => {
    const page = random.below(pages)
    return { proc: random.below(procs), page, pages: 1 + random.below(pages - page) }
  })
}

/** Objects of every kind that a driver can make without running into a BUG. */
export function randomObjects(random: Random, modelled: (o: ObjectSetup) => boolean): ObjectSetup[] {
  const { VM_IO, VM_PFNMAP, VM_MIXEDMAP, VM_DONTEXPAND, VM_DONTCOPY } = vmFlags
  const count = 1 + random.below(3)
  const made: ObjectSetup[] = []
  while (made.length < count) {
    const insert = random.pick(['remap', 'pfn', 'mixed', 'page', 'return', 'file', 'file'] as const)
    const backing = random.pick(['system', 'vram'] as const)
    let flags = random.pick([0, VM_IO, VM_DONTEXPAND, VM_IO | VM_DONTEXPAND])
    if (random.chance(10)) flags |= VM_DONTCOPY
    switch (insert) {
      case 'remap':
        flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND
        break
      case 'pfn':
        flags |= VM_PFNMAP
        break
      case 'mixed':
      case 'page':
        flags |= VM_MIXEDMAP
        break
      case 'return':
        break
      case 'file':
        flags = 0
        break
    }
    const o: ObjectSetup = {
      flags,
      insert,
      backing,
      pages: 1 + random.below(4),
      refusePrivate: insert === 'pfn',
    }
    if (modelled(o)) made.push(o)
  }
  return made
}
