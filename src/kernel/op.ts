import type { Id } from '../state/index.ts'
import type { Kernel } from './kernel.ts'

/**
 * What an argument, a local or a register can hold. Numbers are small and signed; things are ids, and NULL (undefined) is nothing.
 * `addr` is a page number of an address space; `where` is vram or system; `any` is what a shared variable holds.
 */
export type NumberKind = 'int' | 'addr' | 'flags' | 'errno' | 'seq' | 'where' | 'any'
/** `frames` is a frame vector: a page with a pin, or a bare PFN. `dma` is a dma_addr_t. `mutex`, `spinlock`, `rwsem` are locks. */
export type ThingKind =
  | 'pfn'
  | 'page'
  | 'frames'
  | 'dma'
  /** A DMA mapping of a dma-buf attachment: handled as a `dma`. */
  | 'sgt'
  | 'dma_buf'
  | 'attachment'
  | 'object'
  | 'vma'
  | 'mm'
  | 'bo'
  | 'file'
  | 'device'
  | 'notifier'
  | 'mutex'
  | 'spinlock'
  | 'rwsem'
  | 'var'
  /** Arguments only: a `pfn`, a `page` or `frames`; and any of these, a `dma` or an `sgt`. */
  | 'frame'
  | 'target'
  /** Arguments only: a `bo` or a `file`. */
  | 'backing'
export type Kind = NumberKind | ThingKind

/** `vma?` may be left out; `&pfn` is a register that takes a result; `&page?` is both. */
export type ArgKind = Kind | `${Kind}?` | `&${Kind}` | `&${Kind}?`

/** A register of the running program, or undefined when the caller does not want the result. */
export type Out = number & { readonly out: true }

type SetOf<K> = K extends 'page' | 'frames' | 'frame' | 'target'
  ? 'pfn'
  : K extends 'mutex' | 'spinlock' | 'rwsem'
    ? 'lock'
    : K extends 'file' | 'backing'
      ? 'bo'
      : K extends 'sgt'
        ? 'dma'
        : K extends string
          ? K
          : never
type Value<A> = A extends `&${string}`
  ? Out | undefined
  : A extends `${infer K}?`
    ? K extends NumberKind
      ? number
      : Id<SetOf<K>> | undefined
    : A extends NumberKind
      ? number
      : Id<SetOf<A>>
type LocalValue<K> = K extends NumberKind ? number : Id<SetOf<K>> | undefined

declare const none: unique symbol
/** The register behind it: `pages[i]` lie one behind the other. */
export const nth = (to: Out | undefined, i: number): Out | undefined =>
  to === undefined ? undefined : ((to + i) as Out)

/** No arguments, no locals. */
type None = { readonly [none]?: never }

/**
 * The running operation, as its steps see it: arguments, locals (zero or undefined at first), and whose it is.
 * `ret` is what the call that this step resumes from has returned; it is there in that step only.
 */
export type Me<A = None, L = None> = {
  readonly thread: Id<'thread'>
  readonly ret: number
} & { -readonly [K in keyof A]: Value<A[K]> } & { -readonly [K in keyof L]: LocalValue<L[K]> }

declare const flow: unique symbol
/** How a step ends when not by naming the next one. */
export type Flow = string & { readonly [flow]: true }
/** It cannot go now; what it did so far is forgotten. */
export const blocked = ' blocked' as Flow
/** The operation is over; use `k.done(value)`. */
export const done = ' done' as Flow
/** Another operation runs first; use `k.call(…)`. */
export const called = ' called' as Flow

/**
 * What must be there where an operation is called: checked at its first step. `an mm` is that of its VMA, the one it is given, or current->mm;
 * the mmap_lock is that mm's. `may sleep`: no spinlock or page-table lock may be held.
 */
export type Need =
  | 'current mm'
  | 'an mm'
  | 'mmap_lock'
  | 'mmap_lock for writing'
  | 'mmap_lock or i_mmap_rwsem'
  | 'may sleep'

/** What an operation can take for good. `mapping`: a DMA mapping with a direction. */
export type Taken = 'each' | 'vma' | 'pfn' | 'dma' | 'mapping' | 'attachment' | 'fd'

export type OpSpec<A extends Record<string, ArgKind>, L extends Record<string, Kind>, S extends string> = {
  readonly name: string
  /** Where the kernel has it. */
  readonly source: string
  /** One sentence, for hover and help. */
  readonly doc: string
  readonly since?: string
  readonly until?: string
  readonly needs?: readonly Need[]
  /** In the order of the call. An argument with `?` may be left out where the kinds of the others tell. */
  readonly args: A
  readonly returns?: Kind
  readonly locals?: L
  /** Operations that it may call. */
  readonly calls?: () => readonly Op[]
  /** Those that it calls besides when `nr`, a constant, is more than one: only tests with such a call have room for them. */
  readonly several?: () => readonly Op[]
  /** Arguments of which a call gives one. */
  readonly either?: readonly (keyof A & string)[]
  /** It may run notifier callbacks. */
  readonly notifies?: boolean
  /** How much of what it may take for good, per call: the test's tables are sized by it. `each`: frames for each of its `pages`. */
  readonly takes?: Partial<Record<Taken, number>>
  /** It looks at whether an entry is dirty: only tests that call such an operation keep track of that. */
  readonly dirty?: boolean
  /** Cannot be called from a litmus test. */
  readonly internal?: boolean
  /** Steps that only let go of a lock that nobody tries without waiting for it, or hand a number on to the caller: `Kernel.quiet`. */
  readonly quiet?: readonly NoInfer<S>[]
  readonly steps: Record<S, (k: Kernel, me: Me<A, L>) => NoInfer<S> | Flow>
}

/** An argument or local: which slot of the frame it has, and which ghost if it names a frame. */
export type Slot = {
  readonly name: string
  readonly kind: ArgKind
  readonly index: number
  readonly ghost: number | undefined
  /** The kind without its marks, and the marks. */
  readonly base: Kind
  readonly out: boolean
  readonly optional: boolean
  readonly thing: boolean
}

/** An operation of the kernel: named atomic steps over the state. The first step is where it begins. */
export type Op = {
  readonly name: string
  readonly source: string
  readonly doc: string
  readonly since?: string
  readonly until?: string
  readonly needs: readonly Need[]
  readonly args: readonly Slot[]
  readonly returns?: Kind
  readonly locals: readonly Slot[]
  /** How many of them name frames. */
  readonly ghosts: number
  readonly calls: () => readonly Op[]
  readonly several: (() => readonly Op[]) | undefined
  readonly either: readonly string[]
  readonly notifies: boolean
  readonly takes: Partial<Record<Taken, number>>
  readonly dirty: boolean
  readonly internal: boolean
  readonly labels: readonly string[]
  /** By step. */
  readonly quiet: readonly boolean[]
  readonly steps: readonly ((k: Kernel, me: Me) => string)[]
}

export function op<
  const A extends Record<string, ArgKind>,
  S extends string,
  const L extends Record<string, Kind> = None,
>(spec: OpSpec<A, L, S>): Op {
  const { steps, args, locals, quiet, ...rest } = spec
  let ghosts = 0
  const slots = Object.entries({ ...args, ...locals }).map(([name, kind], index): Slot => {
    const base = baseKind(kind)
    const out = isOut(kind)
    const ghost = !out && (namesFrame(base) || base === 'any') ? ghosts++ : undefined
    return { name, kind, index, ghost, base, out, optional: isOptional(kind), thing: isThing(base) }
  })
  const count = Object.keys(args).length
  return {
    needs: [],
    calls: () => [],
    several: undefined,
    either: [],
    notifies: false,
    takes: {},
    dirty: false,
    internal: false,
    ...rest,
    args: slots.slice(0, count),
    locals: slots.slice(count),
    ghosts,
    labels: Object.keys(steps),
    quiet: Object.keys(steps).map(
      (label) => (quiet as readonly string[] | undefined)?.includes(label) ?? false,
    ),
    steps: Object.values(steps) as Op['steps'],
  }
}

export const baseKind = (kind: ArgKind): Kind => kind.replace(/^&|\?$/g, '') as Kind
export const isOut = (kind: ArgKind): boolean => kind.startsWith('&')
export const isOptional = (kind: ArgKind): boolean => kind.endsWith('?')

/** Whether a register (or thing) of kind `given` can stand for an argument of kind `wanted`. */
export function accepts(wanted: Kind, given: Kind): boolean {
  if (wanted === given || wanted === 'any' || given === 'any') return true
  if (wanted === 'frame') return namesFrame(given)
  if (wanted === 'backing') return given === 'bo' || given === 'file' || given === 'dma_buf'
  if (wanted === 'target') return namesFrame(given) || given === 'dma' || given === 'sgt'
  // A dma-buf stands for the object that it exports: its reservation lock, its memory.
  if (wanted === 'bo' && given === 'dma_buf') return true
  return !isThing(wanted) && !isThing(given)
}

const numbers: ReadonlySet<string> = new Set<NumberKind>([
  'int',
  'addr',
  'flags',
  'errno',
  'seq',
  'where',
  'any',
])
export const isThing = (kind: Kind): boolean => !numbers.has(kind)
/** Whether a cell of this kind names a frame, and so can go stale when the frame is freed. */
export const namesFrame = (kind: Kind): boolean =>
  kind === 'pfn' || kind === 'page' || kind === 'frames' || kind === 'frame' || kind === 'target'

/**
 * Which of the given values is for which argument: they go in order, and an optional argument is left out where its kind does not fit or the
 * rest would not. `kinds` are those of the values, with `&` before a register that takes a result. Undefined: they do not fit at all.
 */
export function matchArgs(op: Op, kinds: readonly ArgKind[]): (number | undefined)[] | undefined {
  const match = (arg: number, given: number): (number | undefined)[] | undefined => {
    const formal = op.args[arg]
    if (formal === undefined) return given === kinds.length ? [] : undefined
    const kind = kinds[given]
    if (
      kind !== undefined &&
      isOut(kind) === isOut(formal.kind) &&
      accepts(baseKind(formal.kind), baseKind(kind))
    ) {
      const rest = match(arg + 1, given + 1)
      if (rest !== undefined) return [given, ...rest]
    }
    if (!isOptional(formal.kind)) return undefined
    const rest = match(arg + 1, given)
    return rest === undefined ? undefined : [undefined, ...rest]
  }
  return match(0, 0)
}

/** Whether a call needs `current->mm`: the operation asks for it, or for an mm when the call gives neither one nor a VMA. */
export function needsProcess(op: Op, given: (arg: number) => boolean): boolean {
  if (op.needs.includes('current mm')) return true
  if (!op.needs.some((n) => n === 'an mm' || n.startsWith('mmap_lock'))) return false
  return !op.args.some((a) => (a.base === 'vma' || a.base === 'mm') && !a.out && given(a.index))
}
