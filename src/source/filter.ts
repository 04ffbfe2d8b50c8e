/** The identifiers of a file: a Bloom filter with two probes; its length is a power of two. */
export type Filter = Int32Array

/** Bytes of identifiers and numbers. */
export const isWord = new Uint8Array(256)
for (let c = 0; c < 256; c++) if (/[\w$]/.test(String.fromCharCode(c))) isWord[c] = 1

export function filterOf(bytes: Uint8Array): Filter {
  // An identifier takes some 25 bytes with what is around it, and one in five is new: four bits for each new one.
  let words = 4
  while (words * 32 * 4 < bytes.length && words < 1 << 15) words *= 2
  const filter = new Int32Array(words)
  const mask = words - 1
  let h = 0
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!
    if (isWord[c] === 1) h = (Math.imul(h, 31) + c) | 0
    else if (h !== 0) {
      add(filter, mask, h)
      h = 0
    }
  }
  if (h !== 0) add(filter, mask, h)
  return filter
}

function add(filter: Filter, mask: number, h: number): void {
  const a = Math.imul(h, 0x9e3779b1)
  const b = Math.imul(h, 0x85ebca6b)
  filter[(a >>> 5) & mask]! |= 1 << (a >>> 27)
  filter[(b >>> 7) & mask]! |= 1 << (b >>> 27)
}

/** Where the filters of many files are asked for the same words: what depends on the word alone is worked out once. */
export class Probes {
  /** For each word the two positions, of which the mask of a filter takes the low bits, and the two bits there. */
  readonly #at: Int32Array
  readonly #bits: Int32Array

  private constructor(count: number) {
    this.#at = new Int32Array(2 * count)
    this.#bits = new Int32Array(2 * count)
  }

  static of(words: readonly string[]): Probes {
    const probes = new Probes(words.length)
    for (const [i, word] of words.entries()) {
      const h = filterHash(word)
      const a = Math.imul(h, 0x9e3779b1)
      const b = Math.imul(h, 0x85ebca6b)
      probes.#at.set([a >>> 5, b >>> 7], 2 * i)
      probes.#bits.set([1 << (a >>> 27), 1 << (b >>> 27)], 2 * i)
    }
    return probes
  }

  /** Whether one of the words may be in it. */
  mayHit(filter: Filter): boolean {
    const mask = filter.length - 1
    const at = this.#at
    const bits = this.#bits
    for (let k = 0; k < at.length; k += 2)
      if ((filter[at[k]! & mask]! & bits[k]!) !== 0 && (filter[at[k + 1]! & mask]! & bits[k + 1]!) !== 0)
        return true
    return false
  }
}

function filterHash(word: string): number {
  let h = 0
  for (let i = 0; i < word.length; i++) h = (Math.imul(h, 31) + word.charCodeAt(i)) | 0
  return h
}
