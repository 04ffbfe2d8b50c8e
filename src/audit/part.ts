import {
  type Func,
  funcKey,
  type Problem,
  Program,
  Scanner,
  type TreeData,
  treeFrom,
  type WordIndex,
} from '../source/index.ts'
import { Judge } from './judge.ts'
import { Knowledge } from './knowledge.ts'
import type { AuditOptions, Context, Protocol } from './protocol.ts'
import { all } from './protocols/index.ts'
import type { Site } from './result.ts'

/** What was found of some kinds of site. Plain data, so that it can come from another thread. */
export type Part = {
  readonly sites: readonly Site[]
  /** Functions with sites of which a part was not understood, and why. */
  readonly skipped: readonly (readonly [func: string, reasons: readonly string[]])[]
  /** The files that were read, and how many functions are in them. */
  readonly read: readonly (readonly [file: string, functions: number])[]
  /** The functions that were gone into, and whether they were understood to the end. */
  readonly bodies: readonly (readonly [func: string, whole: boolean])[]
  readonly problems: readonly Problem[]
}

/** What one thread judges in one go: the kinds of one protocol. */
type Share = { readonly protocol: Protocol; readonly kinds: readonly string[] }

/** The shares of what is asked for, those first that take longest, so that the threads end together. */
export function sharesOf(asked: readonly string[]): readonly Share[] {
  const cost = ({ kinds }: Share): number => {
    const place = dearest.findIndex((k) => kinds.includes(k))
    return place < 0 ? dearest.length : place
  }
  return all
    .map((protocol) => ({ protocol, kinds: protocol.kinds.filter((k) => asked.includes(k)) }))
    .filter(({ kinds }) => kinds.length > 0)
    .sort((a, b) => cost(a) - cost(b))
}
const dearest: readonly string[] = ['page-pin', 'page-get', 'dma-buf-import', 'map-out', 'pfn-lookup']

type Memory = SharedArrayBuffer | ArrayBuffer

/** Whose turn it is: several threads take one share after the other. */
export class Turns {
  readonly shared: Memory
  readonly #next: Int32Array

  /** A page has no memory that threads share, and one thread. */
  constructor(
    shared: Memory = typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(4) : new SharedArrayBuffer(4),
  ) {
    this.shared = shared
    this.#next = new Int32Array(shared)
  }

  /** The number of the next share, for whoever asks first. */
  take(): number {
    return Atomics.add(this.#next, 0, 1)
  }
}

/** The sites of the shares that come to this thread, judged. `onProgress` is told how many functions of how many so far are done. */
export async function partOf(
  context: Context,
  shares: readonly Share[],
  turns: Turns,
  onProgress?: (done: number, of: number) => void,
): Promise<Part> {
  const { program, options } = context
  const sites: Site[] = []
  const funcs = new Set<Func>()
  let done = 0
  for (let share = shares[turns.take()]; share !== undefined; share = shares[turns.take()]) {
    options.signal?.throwIfAborted()
    const todo = share.protocol.jobs(context, share.kinds).filter((j) => program.scope(j.func.file.path))
    const of = done + todo.length
    for (const job of todo) {
      await breathe()
      options.signal?.throwIfAborted()
      // A driver's function may be called by the kernel that it is audited against.
      sites.push(...job.decide().filter((s) => program.scope(s.file)))
      funcs.add(job.func)
      onProgress?.(++done, of)
    }
  }
  const skipped = [...funcs].flatMap((f): [string, string[]][] => {
    const reasons = new Set(f.body.problems.map((p) => p.reason))
    return reasons.size === 0 ? [] : [[funcKey(f), [...reasons]]]
  })
  return {
    sites,
    skipped,
    read: [...program.seen],
    bodies: [...program.bodies],
    problems: program.tree.problems,
  }
}

/** Lets signals and timers in. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What another thread needs to judge a part of an audit by itself. The index is shared, not copied. */
export type Task = {
  readonly tree: TreeData
  readonly indexes: readonly WordIndex[]
  readonly kinds: readonly string[]
  readonly turns: Memory
  readonly options: Omit<AuditOptions, 'signal' | 'onProgress' | 'aside'>
}

/** What that thread does. */
export function perform(
  { tree, indexes, kinds, turns, options }: Task,
  onProgress: (done: number, of: number) => void,
): Promise<Part> {
  const opened = treeFrom(tree)
  const program = new Program(opened, { scanner: new Scanner(opened, { indexes }) })
  const context = { program, code: new Knowledge(program), judge: new Judge(), options }
  return partOf(context, sharesOf(kinds), new Turns(turns), onProgress)
}
