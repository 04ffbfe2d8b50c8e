import { Bug } from '../base/index.ts'
import { bitsOf } from './kinds.ts'
import type { TableShape } from './rows.ts'

/**
 * The form in which states are stored: every cell in as many bits as its range needs. The four bytes of a word of the
 * state are squeezed together, and the squeezed words are fitted into the words of a record without one lying across
 * two of them. So each word of the state packs alone, and the record of a successor is that of its predecessor with
 * the words that changed packed anew.
 *
 * Nothing is lost: a value that its column's bits cannot hold is a `Bug`.
 */
export class Packing {
  /** Words of a state, and of its record. */
  readonly words: number
  readonly record: number
  /** Where word `k` goes in the record, how far up, and the bits of it that are used. */
  readonly #to: Int32Array
  readonly #up: Int32Array
  readonly #used: Int32Array
  /** Masks of the four squeezed cells of word `k` (at 4k…), and the distances by which three of them move. */
  readonly #mask: Int32Array
  readonly #down: Int32Array
  readonly #tables: readonly TableShape[]

  constructor(tables: readonly TableShape[], bytes: number) {
    this.#tables = tables
    this.words = bytes >> 2
    const width = new Uint8Array(bytes)
    for (const table of tables)
      for (const field of table.fields) {
        const bits = bitsOf(field.kind, field.members)
        for (let row = 0; row < table.count; row++) width[field.at + row * field.stride] = bits
      }
    this.#to = new Int32Array(this.words)
    this.#up = new Int32Array(this.words)
    this.#used = new Int32Array(this.words)
    this.#mask = new Int32Array(this.words * 4)
    this.#down = new Int32Array(this.words * 4)
    const total = new Uint8Array(this.words)
    for (let k = 0; k < this.words; k++) {
      let bits = 0
      for (let b = 0; b < 4; b++) {
        const w = width[4 * k + b]!
        this.#mask[4 * k + b] = ((1 << w) - 1) << bits
        this.#down[4 * k + b] = 8 * b - bits
        this.#used[k] = this.#used[k]! | (((1 << w) - 1) << (8 * b))
        bits += w
      }
      total[k] = bits
    }
    // Largest first into the first word with room.
    const room: number[] = []
    const order = Array.from(total.keys()).sort((a, b) => total[b]! - total[a]! || a - b)
    for (const k of order) {
      if (total[k] === 0) continue
      let to = room.findIndex((left) => left >= total[k]!)
      if (to < 0) to = room.push(32) - 1
      this.#to[k] = to
      this.#up[k] = 32 - room[to]!
      room[to] = room[to]! - total[k]!
    }
    this.record = Math.max(1, room.length)
  }

  /** Writes the record of `state`. */
  pack(state: Int32Array, out: Int32Array): void {
    out.fill(0)
    for (let k = 0; k < this.words; k++) {
      const to = this.#to[k]!
      out[to] = out[to]! | this.#squeeze(k, state[k]!)
    }
  }

  /** Makes `record`, which is that of `before`, the record of `after`. */
  repack(before: Int32Array, after: Int32Array, record: Int32Array): void {
    for (let k = 0; k < this.words; k++) {
      const x = after[k]!
      const y = before[k]!
      if (x === y) continue
      const to = this.#to[k]!
      record[to] = record[to]! ^ this.#squeeze(k, x) ^ this.#squeeze(k, y)
    }
  }

  /** Reads a state from its record, which starts at `at`. */
  unpack(records: Int32Array, at: number, state: Int32Array): void {
    const mask = this.#mask
    const down = this.#down
    for (let k = 0, q = 0; k < this.words; k++, q += 4) {
      const x = records[at + this.#to[k]!]! >>> this.#up[k]!
      state[k] =
        (x & mask[q]!) |
        ((x & mask[q + 1]!) << down[q + 1]!) |
        ((x & mask[q + 2]!) << down[q + 2]!) |
        ((x & mask[q + 3]!) << down[q + 3]!)
    }
  }

  #squeeze(k: number, x: number): number {
    if ((x & ~this.#used[k]!) !== 0) this.#overflow(k, x)
    const mask = this.#mask
    const down = this.#down
    const q = 4 * k
    return (
      ((x & mask[q]!) |
        ((x >>> down[q + 1]!) & mask[q + 1]!) |
        ((x >>> down[q + 2]!) & mask[q + 2]!) |
        ((x >>> down[q + 3]!) & mask[q + 3]!)) <<
      this.#up[k]!
    )
  }

  #overflow(k: number, x: number): never {
    for (const table of this.#tables)
      for (const field of table.fields)
        for (let row = 0; row < table.count; row++) {
          const at = field.at + row * field.stride
          const byte = (x >>> (8 * (at & 3))) & 0xff
          if (at >> 2 === k && byte >> bitsOf(field.kind, field.members) !== 0)
            throw new Bug(`${table.name}.${field.col} of row ${row} holds ${byte}, which its kind cannot`)
        }
    throw new Bug(`word ${k} of the state has bits outside of every column`)
  }
}
