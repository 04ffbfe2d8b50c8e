import { Bug } from '../base/index.ts'

/**
 * A member of a set: a number with the set's name on it, so that a `vpn` cannot stand where a `pfn` is meant. Zero is
 * a member.
 */
declare const brand: unique symbol
export type Id<N extends string> = number & { readonly [brand]: N }

/**
 * What a column holds, in one byte: a count (`u8`, `upTo`), an errno (`i8`), a `flag`, one of some words (`enums`),
 * or a member of a set or nothing (`ref`). `init` is what a fresh state has there; without it 0, false, the first
 * word, nothing.
 */
export type Kind = (
  | { readonly kind: 'u8'; readonly max: number }
  | { readonly kind: 'i8' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'ref'; readonly to: string }
  | { readonly kind: 'enum'; readonly words: readonly string[] }
) & { readonly init?: unknown }

/** 0 to 255. */
export const u8 = { kind: 'u8', max: 255 } as const

/** 0 to `max`, at most 255: as `u8`, but stored in fewer bits. */
export const upTo = (max: number): { readonly kind: 'u8'; readonly max: number } => ({ kind: 'u8', max })

/** −128 to 127. */
export const i8 = { kind: 'i8' } as const

export const flag = { kind: 'flag' } as const

/** A member of the set `to`, or `undefined`. The set has at most 255 members. */
export const ref = <const N extends string>(to: N): { readonly kind: 'ref'; readonly to: N } => ({
  kind: 'ref',
  to,
})

/** One of the words, which are the column's type. At most 256. */
export const enums = <const W extends readonly [string, ...string[]]>(
  ...words: W
): { readonly kind: 'enum'; readonly words: W } => ({ kind: 'enum', words })

/** A column of this kind that holds `value` in a fresh state. */
export const initially = <K extends Kind>(kind: K, value: Cell<K>): K => ({ ...kind, init: value })

/** What a reader of a column of kind `K` sees. */
export type Cell<K> = K extends { kind: 'ref'; to: infer N extends string }
  ? Id<N> | undefined
  : K extends { kind: 'flag' }
    ? boolean
    : K extends { kind: 'enum'; words: infer W extends readonly string[] }
      ? W[number]
      : number

/** The value that a byte stands for. */
export function decode(kind: Kind, byte: number): number | boolean | string | undefined {
  switch (kind.kind) {
    case 'u8':
      return byte
    case 'i8':
      return (byte << 24) >> 24
    case 'flag':
      return byte === 1
    case 'ref':
      return byte === 0 ? undefined : byte - 1
    case 'enum':
      return kind.words[byte]
  }
}

/**
 * The byte that a value is stored as, or `undefined` when the column cannot hold it. `members` is the size of the set
 * that a `ref` names.
 */
export function encode(kind: Kind, value: unknown, members: number): number | undefined {
  const within = (low: number, high: number): boolean =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high
  switch (kind.kind) {
    case 'u8':
      return within(0, kind.max) ? (value as number) : undefined
    case 'i8':
      return within(-128, 127) ? (value as number) & 0xff : undefined
    case 'flag':
      return value === true ? 1 : value === false ? 0 : undefined
    case 'ref':
      return value === undefined ? 0 : within(0, members - 1) ? (value as number) + 1 : undefined
    case 'enum': {
      const at = kind.words.indexOf(value as string)
      return at < 0 ? undefined : at
    }
  }
}

/** How many bits a column takes in a stored state. */
export function bitsOf(kind: Kind, members: number): number {
  const values =
    kind.kind === 'u8'
      ? kind.max + 1
      : kind.kind === 'i8'
        ? 256
        : kind.kind === 'flag'
          ? 2
          : kind.kind === 'ref'
            ? members + 1
            : kind.words.length
  if (values < 1 || values > 256) throw new Bug(`a column of ${values} values does not fit in a byte`)
  return Math.ceil(Math.log2(values))
}
