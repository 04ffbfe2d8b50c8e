import type { Kind } from './op.ts'

/**
 * A litmus process or callback, compiled: a list of instructions over registers. Running one is itself a stack frame, so a notifier
 * callback is a program that runs in the context of whoever invalidates.
 */
export type Program = {
  readonly name: string
  /** What runs it: the process's mm (`current->mm`), or the device or notifier that it belongs to. Ids, in the order of the configuration. */
  readonly context: {
    readonly mm?: number
    readonly device?: number
    readonly notifier?: number
    readonly attachment?: number
    /** The object whose driver it is. */
    readonly bo?: number
  }
  /** The register with what it returns, for a function of a driver. */
  readonly result?: number
  /** It may stop anywhere, and need not end. */
  readonly daemon?: boolean
  readonly registers: readonly Register[]
  readonly code: readonly Instruction[]
}

/** A register has one kind: `pfn` and `page` name frames (so they can go stale), `vma` goes stale with the mmap_lock. */
export type Register = { readonly name: string; readonly kind: Kind }

export type Instruction = (
  | {
      readonly kind: 'call'
      readonly op: string
      /** One for each argument of the operation, in its order; undefined for an optional one that is not given. */
      readonly args: readonly (Operand | undefined)[]
      /** Register that takes what it returns. */
      readonly dst?: number
    }
  | { readonly kind: 'set'; readonly dst: number; readonly value: Expression }
  | { readonly kind: 'branch'; readonly cond: Expression; readonly ifTrue: number; readonly ifFalse: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'return' }
) & { readonly statement?: string; readonly place?: string }

/**
 * A register, a constant, a named thing (an id, in the order of the configuration), or, for an argument that is written through
 * a pointer, the register that takes the result.
 */
export type Operand =
  | { readonly kind: 'reg'; readonly reg: number }
  /** A register plus a constant: `p + 1`. */
  | { readonly kind: 'offset'; readonly reg: number; readonly by: number }
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'thing'; readonly id: number }
  | { readonly kind: 'out'; readonly reg: number }

/** Values are small signed integers. Things (frames, VMAs, …) compare equal or not, and NULL is 0. */
export type Expression =
  | { readonly kind: 'reg'; readonly reg: number }
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'not' | 'neg'; readonly of: Expression }
  | {
      readonly kind: '==' | '!=' | '<' | '<=' | '>' | '>=' | '&&' | '||' | '+' | '-' | '|' | '&'
      readonly left: Expression
      readonly right: Expression
    }
