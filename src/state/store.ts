import { Bug } from '../base/index.ts'

/** What `add` answers when the candidate is new and there is no room for it. */
export const FULL = -0x8000_0000

const FIRST_SLOTS = 1 << 8
const FIRST_RECORDS = 1 << 6
const SLAB_BITS = 16
const SLAB = 1 << SLAB_BITS
const MOST_RECORDS = 2 ** 29

/**
 * A set of records of equal length, each with the index of its predecessor. Records keep the index under which they
 * were added, and are compared exactly. They lie in slabs of 65,536 that are never copied (the first one grows to
 * that by doubling, so that a small search stays small). An open-addressing table leads from the hash to the index;
 * the bits of a slot that no index needs hold bits of the hash, so that other records are seldom fetched.
 */
export class Store {
  /** Words of a record. */
  readonly words: number
  /** The record to add: the caller writes it here. */
  readonly candidate: Int32Array
  readonly #stride: number
  readonly #maxRecords: number
  readonly #maxBytes: number
  /** Each record is the predecessor's index and then the words. */
  readonly #slabs: Int32Array[]
  /** Index + 1 in the bits that number the slots, the hash's upper bits above; 0 is an empty slot. */
  #slots: Int32Array
  #count = 0
  #room: number

  /** `maxBytes` bounds slabs and table together, `maxRecords` the records. */
  constructor(words: number, limits: { readonly maxRecords?: number; readonly maxBytes?: number } = {}) {
    if (words < 1) throw new Bug('a record has at least one word')
    this.words = words
    this.candidate = new Int32Array(words)
    this.#stride = words + 1
    this.#maxRecords = Math.min(limits.maxRecords ?? MOST_RECORDS, MOST_RECORDS)
    this.#maxBytes = limits.maxBytes ?? Number.POSITIVE_INFINITY
    this.#room = FIRST_RECORDS
    this.#slabs = [new Int32Array(FIRST_RECORDS * this.#stride)]
    this.#slots = new Int32Array(FIRST_SLOTS)
  }

  get count(): number {
    return this.#count
  }

  /** Memory of slabs and table, in bytes. */
  get bytes(): number {
    return 4 * (this.#room * this.#stride + this.#slots.length)
  }

  /**
   * Adds the candidate. The answer is its index when it is new, `~index` when it was there before, and `FULL` when it
   * is new but the limits (or the machine's memory) are used up.
   */
  add(parent: number): number {
    const { words, candidate } = this
    const slots = this.#slots
    const mask = slots.length - 1
    const h = hash(candidate, 0, words)
    const tag = h & ~mask
    let at = h & mask
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if ((slot & ~mask) === tag) {
        const index = (slot & mask) - 1
        const slab = this.#slabs[index >> SLAB_BITS]!
        const start = (index & (SLAB - 1)) * this.#stride + 1
        let k = 0
        while (k < words && slab[start + k] === candidate[k]) k++
        if (k === words) return ~index
      }
      at = (at + 1) & mask
    }
    return this.#insert(parent, h, at)
  }

  #insert(parent: number, h: number, empty: number): number {
    const index = this.#count
    if (index >= this.#maxRecords) return FULL
    if (index === this.#room && !this.#growRecords()) return FULL
    let at = empty
    if ((index + 1) * 3 > this.#slots.length * 2) {
      if (!this.#growSlots()) return FULL
      at = freeSlot(this.#slots, h)
    }
    const { words, candidate } = this
    const slab = this.slabOf(index)
    const start = this.offsetOf(index)
    slab[start - 1] = parent
    for (let k = 0; k < words; k++) slab[start + k] = candidate[k]!
    this.#slots[at] = (h & ~(this.#slots.length - 1)) | (index + 1)
    this.#count = index + 1
    return index
  }

  /** The slab that holds a record's words. */
  slabOf(index: number): Int32Array {
    return this.#slabs[index >> SLAB_BITS]!
  }

  /** Where in its slab a record's words start. */
  offsetOf(index: number): number {
    return (index & (SLAB - 1)) * this.#stride + 1
  }

  /** The index of its predecessor that the record was added with. */
  parent(index: number): number {
    return this.slabOf(index)[this.offsetOf(index) - 1]!
  }

  /** Nothing is forgotten here; `CompactStore` does. */
  explored(_before: number): void {}

  /** Whether this is the record. */
  matches(index: number, record: Int32Array): boolean {
    const slab = this.slabOf(index)
    const start = this.offsetOf(index)
    for (let k = 0; k < this.words; k++) if (slab[start + k] !== record[k]) return false
    return true
  }

  #growRecords(): boolean {
    const add = Math.min(this.#room, SLAB)
    const slab = this.#allocate(add === SLAB ? SLAB : 2 * add, this.#stride, add)
    if (slab === undefined) return false
    if (add === SLAB) this.#slabs.push(slab)
    else {
      slab.set(this.#slabs[0]!)
      this.#slabs[0] = slab
    }
    this.#room += add
    return true
  }

  #growSlots(): boolean {
    const slots = this.#allocate(2 * this.#slots.length, 1, this.#slots.length)
    if (slots === undefined) return false
    const mask = slots.length - 1
    for (let index = 0; index < this.#count; index++) {
      const h = hash(this.slabOf(index), this.offsetOf(index), this.words)
      slots[freeSlot(slots, h)] = (h & ~mask) | (index + 1)
    }
    this.#slots = slots
    return true
  }

  /**
   * Room for so many items of so many words, or nothing when memory would grow beyond what is allowed or what there
   * is.
   */
  #allocate(items: number, words: number, more: number): Int32Array | undefined {
    if (this.bytes + 4 * more * words > this.#maxBytes) return undefined
    try {
      return new Int32Array(items * words)
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }
}

function freeSlot(slots: Int32Array, h: number): number {
  const mask = slots.length - 1
  let at = h & mask
  while (slots[at] !== 0) at = (at + 1) & mask
  return at
}

/** MurmurHash3 over words (Austin Appleby's public-domain constants). */
function hash(from: Int32Array, start: number, words: number): number {
  let h = words
  for (let k = start, end = start + words; k < end; k++) {
    const x = Math.imul(from[k]!, 0xcc9e2d51)
    h ^= Math.imul((x << 15) | (x >>> 17), 0x1b873593)
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
