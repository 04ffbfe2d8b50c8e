import { FULL, Store } from './store.ts'

const SLAB_BITS = 16
const SLAB = 1 << SLAB_BITS
/** Bits of the hash that stands for a record. */
const BITS = 64

/**
 * A store that keeps of each record only a hash of 64 bits, and the record itself until it has been explored. Two records with one hash are
 * taken for one: `missed` says how likely that has happened at all.
 */
export class CompactStore {
  readonly words: number
  /** The record to add: the caller writes it here. */
  readonly candidate: Int32Array
  readonly #hashes: Store
  readonly #maxBytes: number
  /** Records that are not explored yet, in slabs; those before the first of them are gone. */
  readonly #slabs: (Int32Array | undefined)[] = []
  #held = 0

  constructor(words: number, limits: { readonly maxRecords?: number; readonly maxBytes?: number } = {}) {
    this.words = words
    this.candidate = new Int32Array(words)
    this.#maxBytes = limits.maxBytes ?? Number.POSITIVE_INFINITY
    this.#hashes = new Store(2, limits)
  }

  get count(): number {
    return this.#hashes.count
  }

  get bytes(): number {
    return this.#hashes.bytes + this.#held * 4 * SLAB * this.words
  }

  /** As `Store.add`. */
  add(parent: number): number {
    const { candidate, words } = this
    const index = this.#add(candidate, parent)
    if (index < 0) return index
    const slab = this.#slabs[index >> SLAB_BITS]!
    const start = this.offsetOf(index)
    for (let k = 0; k < words; k++) slab[start + k] = candidate[k]!
    return index
  }

  #add(record: Int32Array, parent: number): number {
    const hashes = this.#hashes
    // Room first: a hash that was added cannot be taken back.
    if (hashes.count >> SLAB_BITS === this.#slabs.length && !this.#grow()) return FULL
    hashOf(record, hashes.candidate)
    return hashes.add(parent)
  }

  #grow(): boolean {
    if (this.bytes + 4 * SLAB * this.words > this.#maxBytes) return false
    try {
      this.#slabs.push(new Int32Array(SLAB * this.words))
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
    this.#held++
    return true
  }

  /** The slab that holds a record's words, for one that is not explored yet. */
  slabOf(index: number): Int32Array {
    return this.#slabs[index >> SLAB_BITS]!
  }

  offsetOf(index: number): number {
    return (index & (SLAB - 1)) * this.words
  }

  parent(index: number): number {
    return this.#hashes.parent(index)
  }

  /** All records before this one have been explored. */
  explored(before: number): void {
    const slab = (before >> SLAB_BITS) - 1
    if (slab < 0 || this.#slabs[slab] === undefined) return
    this.#slabs[slab] = undefined
    this.#held--
  }

  /** Whether this is the record, or one with its hash. */
  matches(index: number, record: Int32Array): boolean {
    const hash = new Int32Array(2)
    hashOf(record, hash)
    return this.#hashes.matches(index, hash)
  }

  /** An upper bound of the probability that two different records had one hash (if hashes are as good as random): pairs over 2^64. */
  get missed(): number {
    return this.count ** 2 / 2 / 2 ** BITS
  }
}

/** Two hashes of 32 bits that are made in different ways (the public-domain constants of MurmurHash3 and of xxHash). */
function hashOf(record: Int32Array, into: Int32Array): void {
  let a = record.length
  let b = 0x165667b1
  for (let k = 0; k < record.length; k++) {
    const word = record[k]!
    const x = Math.imul(word, 0xcc9e2d51)
    a ^= Math.imul((x << 15) | (x >>> 17), 0x1b873593)
    a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0
    const y = (b + Math.imul(word, 0x85ebca77)) | 0
    b = Math.imul((y << 13) | (y >>> 19), 0x9e3779b1)
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 15), 0x85ebca77)
  b = Math.imul(b ^ (b >>> 13), 0xc2b2ae3d)
  into[0] = a ^ (a >>> 16)
  into[1] = b ^ (b >>> 16)
}
