import {
  type Answer,
  eventKinds,
  frameBits,
  type GuestEvent,
  type GuestRef,
  type Opcode,
  objs,
  objStride,
  pages,
  pteBits,
  refKinds,
  vmaAnon,
} from './protocol.ts'
import type { NotifierSetup } from './sequence.ts'

/**
 * What was seen after one operation, in a form in which model and kernel are equal when they agree: frames are numbered in the
 * order in which page table entries, objects and handles name them, and each says which frame of the answer before it was.
 */
export type Seen = {
  ret: number
  /** Of a load or a read through a handle. */
  data: number
  /** Of a look-up: the frame, its write and special bits. -1: none. */
  found: number
  foundBits: number
  alive: number
  vmas: SeenVma[]
  ptes: { proc: number; page: number; bits: number; frame: number }[]
  frames: SeenFrame[]
  refs: GuestRef[]
  events: GuestEvent[]
}

/** The vm_pgoff of a private remap_pfn_range() mapping: a PFN, which is nothing to compare. */
export const byPfn = -1

export type SeenVma = { proc: number; start: number; end: number; obj: number; pgoff: number; flags: number }

export type SeenFrame = {
  /** Its number in the answer before, or -1 when nobody named it there. */
  before: number
  refcount: number
  mapcount: number
  flags: number
  data: number
}

/** The VM_ flags that are compared, by the kernel's bits (include/linux/mm.h). */
export const vmFlags = {
  VM_READ: 0x1,
  VM_WRITE: 0x2,
  VM_SHARED: 0x8,
  VM_MAYWRITE: 0x20,
  VM_MAYSHARE: 0x80,
  VM_PFNMAP: 0x400,
  VM_IO: 0x4000,
  VM_DONTCOPY: 0x20000,
  VM_DONTEXPAND: 0x40000,
  VM_MIXEDMAP: 0x10000000,
} as const
export type VmFlagName = keyof typeof vmFlags
export const comparedFlags = Object.values(vmFlags).reduce((a, b) => a | b, 0)

export const comparedPteBits = pteBits.PRESENT | pteBits.WRITE | pteBits.SPECIAL | pteBits.OTHER
export const comparedFrameBits =
  frameBits.ANON | frameBits.EXCLUSIVE | frameBits.ZERO | frameBits.VRAM | frameBits.MOVABLE

/** What a model has, and so what can be compared. */
export type Compared = {
  readonly vmFlags: number
  readonly pteBits: number
  readonly frameBits: number
  readonly eventKinds: ReadonlySet<number>
}

/** Puts what a kernel answered into that form. One for each machine, for it remembers the answer before. */
export class KernelEyes {
  #before = new Map<number, number>()
  /** What was seen last, and whether each frame is the one that it was. */
  #seen: Seen | undefined
  #steady = false
  readonly #compared: Compared
  readonly #notifiers: readonly NotifierSetup[]

  constructor(compared: Compared, notifiers: readonly NotifierSetup[] = []) {
    this.#compared = compared
    this.#notifiers = notifiers
  }

  see(answer: Answer, op: Opcode, moved = -1): Seen {
    const isReset = op === 'RESET' || op === 'OBJ'
    const isLookup = op.startsWith('FOLLOW')
    const c = this.#compared
    if (isReset) {
      this.#before.clear()
      this.#seen = undefined
    }
    const outcome = {
      ret: answer.ret,
      data: isLookup ? 0 : answer.data,
      foundBits: op === 'FOLLOW_PFNMAP' && answer.ret === 0 ? answer.data2 : 0,
    }
    if (answer.same && this.#seen !== undefined && !op.startsWith('MOVE')) {
      if (!this.#steady) {
        this.#seen = { ...this.#seen, frames: this.#seen.frames.map((f, before) => ({ ...f, before })) }
        this.#steady = true
      }
      const { alive, vmas, ptes, frames, refs } = this.#seen
      const found = isLookup && answer.ret === 0 ? (this.#before.get(answer.data) ?? -2) : -1
      return { ...outcome, found, alive, vmas, ptes, frames, refs, events: [] }
    }
    const now = new Map<number, number>()
    for (const [i, f] of answer.frames.entries()) now.set(f.pfn, i)
    const seen: Seen = {
      ...outcome,
      found: isLookup && answer.ret === 0 ? (now.get(answer.data) ?? -2) : -1,
      alive: answer.alive,
      vmas: answer.vmas.map((v) => ({
        ...v,
        end: Math.min(v.end, pages),
        pgoff: v.obj >= objs ? 0 : v.pgoff >= objs * objStride ? byPfn : v.pgoff - v.obj * objStride,
        flags: v.flags & c.vmFlags,
      })),
      ptes: answer.ptes.map((p) => ({ ...p, bits: p.bits & c.pteBits })),
      frames: answer.frames.map((f) => ({
        before: this.#before.get(f.pfn) ?? -1,
        refcount: f.refcount,
        mapcount: f.mapcount,
        flags: f.flags & c.frameBits,
        // Nobody's memory: what is in it means nothing.
        data: f.flags & frameBits.QUARANTINE && f.refcount === 0 ? 0 : f.data,
      })),
      refs: answer.refs,
      events: this.#events(answer.events),
    }
    this.#before = now
    // The new frames of an object that moved may be some that its unmapping has just freed, as chance will have it.
    if (op.startsWith('MOVE') && answer.ret === 0)
      for (const r of answer.refs)
        if (r.kind === refKinds.OBJ && r.id === moved) seen.frames[r.frame]!.before = -1
    this.#seen = seen
    this.#steady = false
    return seen
  }

  /** Of which pages each notifier was told, not in how many calls; and the calls of vm_ops, in their order. */
  #events(events: readonly GuestEvent[]): GuestEvent[] {
    const hit = new Map<number, GuestEvent>()
    const calls: GuestEvent[] = []
    for (const e of events) {
      if (!this.#compared.eventKinds.has(e.kind)) continue
      if (e.kind === eventKinds.INVALIDATE) {
        const arg = (hit.get(e.id)?.arg ?? 0) | toldOf(this.#notifiers[e.id]!, e.start, e.end)
        hit.set(e.id, { ...e, start: 0, end: 0, arg })
      } else calls.push(e)
    }
    return [...[...hit.values()].sort((a, b) => a.id - b.id), ...calls]
  }
}

/** Which of its pages a notifier is told of, a bit for each: with others it depends on what lies in one VMA. */
export function toldOf({ page, pages }: NotifierSetup, start: number, end: number): number {
  return (1 << Math.min(end, page + pages)) - (1 << Math.max(start, page))
}

/** Whose counts are not compared: the zero page is everybody's, device memory has none. */
const uncounted = frameBits.ZERO | frameBits.VRAM

/** What differs, in words; empty when nothing does. */
export function differences(model: Seen, kernel: Seen): string[] {
  const found: string[] = []
  const say = (what: string, m: unknown, k: unknown) => {
    if (m !== k) found.push(`${what}: the model has ${String(m)}, the kernel ${String(k)}`)
  }
  say('result', model.ret, kernel.ret)
  say('data', model.data, kernel.data)
  say('frame looked up', model.found, kernel.found)
  say('bits looked up', model.foundBits, kernel.foundBits)
  say('processes alive (bits)', model.alive, kernel.alive)

  if (!same(model.vmas, kernel.vmas, sameVma))
    found.push(`VMAs:\n  model   ${model.vmas.map(showVma).join('\n          ') || 'none'}
  kernel  ${kernel.vmas.map(showVma).join('\n          ') || 'none'}`)
  if (!same(model.ptes, kernel.ptes, samePte))
    found.push(`page table entries:\n  model   ${model.ptes.map(showPte).join(', ') || 'none'}
  kernel  ${kernel.ptes.map(showPte).join(', ') || 'none'}`)
  if (!same(model.refs, kernel.refs, sameRef))
    found.push(`objects and handles:\n  model   ${model.refs.map(showRef).join(', ') || 'none'}
  kernel  ${kernel.refs.map(showRef).join(', ') || 'none'}`)
  if (!same(model.frames, kernel.frames, sameFrame))
    found.push(`frames:\n  model   ${model.frames.map(showFrame).join('\n          ') || 'none'}
  kernel  ${kernel.frames.map(showFrame).join('\n          ') || 'none'}`)
  if (!same(model.events, kernel.events, sameEvent))
    found.push(`calls back:\n  model   ${model.events.map(showEvent).join(', ') || 'none'}
  kernel  ${kernel.events.map(showEvent).join(', ') || 'none'}`)
  return found
}

/** The quick answer. */
export function agrees(model: Seen, kernel: Seen): boolean {
  return (
    model.ret === kernel.ret &&
    model.data === kernel.data &&
    model.found === kernel.found &&
    model.foundBits === kernel.foundBits &&
    model.alive === kernel.alive &&
    same(model.vmas, kernel.vmas, sameVma) &&
    same(model.ptes, kernel.ptes, samePte) &&
    same(model.refs, kernel.refs, sameRef) &&
    same(model.frames, kernel.frames, sameFrame) &&
    same(model.events, kernel.events, sameEvent)
  )
}

function same<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!equal(a[i]!, b[i]!)) return false
  return true
}

const sameVma = (a: SeenVma, b: SeenVma) =>
  a.proc === b.proc &&
  a.start === b.start &&
  a.end === b.end &&
  a.obj === b.obj &&
  a.pgoff === b.pgoff &&
  a.flags === b.flags
const samePte = (a: Seen['ptes'][number], b: Seen['ptes'][number]) =>
  a.proc === b.proc && a.page === b.page && a.bits === b.bits && a.frame === b.frame
const sameRef = (a: GuestRef, b: GuestRef) =>
  a.kind === b.kind && a.id === b.id && a.index === b.index && a.frame === b.frame
const sameFrame = (a: SeenFrame, b: SeenFrame) =>
  a.before === b.before &&
  a.flags === b.flags &&
  a.data === b.data &&
  ((a.flags & uncounted) !== 0 || (a.refcount === b.refcount && a.mapcount === b.mapcount))
const unborn = 255
const sameEvent = (a: GuestEvent, b: GuestEvent) =>
  a.kind === b.kind &&
  a.id === b.id &&
  a.start === b.start &&
  a.end === b.end &&
  // At fork a child has no number in the guest yet.
  (a.proc === b.proc || b.proc === unborn) &&
  a.arg === b.arg

const bits = (value: number, names: Readonly<Record<string, number>>): string =>
  Object.entries(names)
    .filter(([, bit]) => value & bit)
    .map(([name]) => name.replace(/^VM_/, '').toLowerCase())
    .join('|') || '-'

export const showVma = (v: SeenVma): string =>
  `P${v.proc} [${v.start},${v.end}) ${v.obj === vmaAnon ? 'anon' : `obj${v.obj}+${v.pgoff}`} ${bits(v.flags, vmFlags)}`
export const showPte = (p: Seen['ptes'][number]): string =>
  `P${p.proc}:${p.page} ${p.frame === 255 ? '' : `f${p.frame} `}${bits(p.bits & ~pteBits.PRESENT, pteBits)}`
export const showRef = (r: GuestRef): string =>
  `${r.kind === 1 ? 'obj' : 'handle'}${r.id}[${r.index}] f${r.frame}`
export const showFrame = (f: SeenFrame, i: number): string =>
  `f${i}${f.before < 0 ? ' new' : f.before === i ? '' : ` was f${f.before}`} ref ${f.refcount} map ${f.mapcount} data ${f.data} ${bits(f.flags, frameBits)}`
const eventNames = [
  '',
  'open',
  'close',
  'fault',
  'split',
  'mremap',
  'mmap',
  'invalidate',
  'start',
  'end',
  'release',
]
export const showEvent = (e: GuestEvent): string =>
  `${eventNames[e.kind]}(${e.id}, [${e.start},${e.end}), P${e.proc}, ${e.arg})`
