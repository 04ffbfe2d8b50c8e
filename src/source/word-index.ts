/**
 * The identifiers of a file, each once: two numbers for each, the hashes of the word, where the low bits of the second say in what
 * kind of line it stands.
 */
export type FileWords = Uint32Array

/** Where in a file a word stands, told by its line. */
export const Place = { inside: 1, outermost: 2, define: 4, braced: 8 } as const
const placeBits = 15

/** Bytes of identifiers and numbers. */
export const isWord = new Uint8Array(256)
for (let c = 0; c < 256; c++) if (/[\w$]/.test(String.fromCharCode(c))) isWord[c] = 1
const isDigit = (c: number): boolean => c >= 48 && c <= 57
const newline = 10
const isBlank = (c: number | undefined): boolean => c === 32 || c === 9

const prime1 = 31
const prime2 = 0x01000193
const seed2 = 0x811c9dc5 | 0

/** 32 bits of a word, well mixed. */
const mix = (h: number): number => {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
const second = (h: number): number => (h & ~placeBits) >>> 0

function rawHashes(word: string): [number, number] {
  let h1 = 0
  let h2 = seed2
  for (let i = 0; i < word.length; i++) {
    const c = word.charCodeAt(i)
    h1 = (Math.imul(h1, prime1) + c) | 0
    h2 = Math.imul(h2 ^ c, prime2)
  }
  return [h1, h2]
}

/** Gathers the words of one file after the other, in room that is used again. */
export class Gatherer {
  #slots = new Uint32Array(1 << 12)
  /** Of which file a slot is. */
  #stamps = new Uint32Array(1 << 12)
  #words = new Uint32Array(1 << 13)
  #count = 0
  #stamp = 0

  /** The words of a file; good until the next one. */
  of(bytes: Uint8Array): FileWords {
    this.#count = 0
    this.#stamp++
    const n = bytes.length
    let first = n > 0 ? bytes[0]! : 0
    /** How far a `#define` has been read: the name comes next after `defineName`. */
    let word = 0
    let defines = false
    for (let i = 0; i < n; ) {
      const c = bytes[i]!
      if (isWord[c] === 0) {
        i++
        if (c === newline && i < n) {
          first = bytes[i]!
          word = 0
          defines = false
        }
        continue
      }
      const start = i
      let h1 = 0
      let h2 = seed2
      for (let w = c; ; ) {
        h1 = (Math.imul(h1, prime1) + w) | 0
        h2 = Math.imul(h2 ^ w, prime2)
        i++
        if (i >= n) break
        w = bytes[i]!
        if (isWord[w] === 0) break
      }
      if (isDigit(c)) {
        word++
        continue
      }
      let place: number = Place.inside
      if (first === 35) {
        if (word === 1 && defines && isBlank(bytes[start - 1])) place = Place.define
        defines = word === 0 && h1 === defineHash && h2 === defineHash2
        word++
      } else if (isWord[first] === 1) {
        let next = i
        while (isBlank(bytes[next]) || bytes[next] === newline) next++
        place = bytes[next] === 123 ? Place.outermost | Place.braced : Place.outermost
      }
      this.#add(mix(h1), second(h2), place)
    }
    return this.#words.subarray(0, 2 * this.#count)
  }

  #add(h1: number, h2: number, place: number): void {
    const mask = this.#slots.length - 1
    for (let at = h1 & mask; ; at = (at + 1) & mask) {
      if (this.#stamps[at] !== this.#stamp) {
        this.#stamps[at] = this.#stamp
        this.#slots[at] = this.#count
        if (2 * this.#count + 2 > this.#words.length) this.#words = larger(this.#words)
        this.#words[2 * this.#count] = h1
        this.#words[2 * this.#count + 1] = (h2 | place) >>> 0
        this.#count++
        if (2 * this.#count > mask) this.#grow()
        return
      }
      const k = 2 * this.#slots[at]!
      if (this.#words[k] !== h1) continue
      const other = this.#words[k + 1]!
      if (second(other) !== h2) continue
      this.#words[k + 1] = (other | place) >>> 0
      return
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(4 * this.#slots.length)
    this.#stamps = new Uint32Array(this.#slots.length)
    const mask = this.#slots.length - 1
    for (let k = 0; k < this.#count; k++) {
      let at = this.#words[2 * k]! & mask
      while (this.#stamps[at] === this.#stamp) at = (at + 1) & mask
      this.#stamps[at] = this.#stamp
      this.#slots[at] = k
    }
  }
}

const [defineHash, defineHash2] = rawHashes('define')

function larger(old: Uint32Array): Uint32Array<ArrayBuffer> {
  const made = new Uint32Array(2 * old.length)
  made.set(old)
  return made
}

const gatherer = new Gatherer()

/** The words of a file, to keep. */
export const wordsOf = (bytes: Uint8Array): FileWords => gatherer.of(bytes).slice()

/**
 * Which files hold which identifiers. 52 bits of a hash tell them apart: of some million different ones about one question in a
 * thousand million is answered with a file too many. Eight bytes for each identifier of each file.
 */
export type WordIndex = {
  /** Where the words begin whose first hash begins with the position's bits. */
  readonly start: Uint32Array
  /** The second hash, and the places. */
  readonly hash: Uint32Array
  /** More bits of the first hash, and the file's number. */
  readonly file: Uint32Array
}

const bucketBits = 12
const fileBits = 20
const fileMask = (1 << fileBits) - 1
const bucketOf = (h1: number): number => h1 >>> (32 - bucketBits)
const restOf = (h1: number): number => (h1 << fileBits) >>> 0

/** Takes the words of one file after the other, and puts them in the order of an index. */
export class IndexMaker {
  readonly #files: number[] = []
  readonly #counts: number[] = []
  #words = new Uint32Array(1 << 16)
  #used = 0

  /** `file`: its number, below 2^20. */
  add(file: number, words: FileWords): void {
    while (this.#used + words.length > this.#words.length) this.#words = larger(this.#words)
    this.#words.set(words, this.#used)
    this.#used += words.length
    this.#files.push(file)
    this.#counts.push(words.length / 2)
  }

  /** `shared`: so that other threads can have it. */
  index(shared = false): WordIndex {
    const words = this.#words
    const total = this.#used / 2
    const make = (n: number): Uint32Array =>
      new Uint32Array(shared ? new SharedArrayBuffer(4 * n) : new ArrayBuffer(4 * n))
    const start = make((1 << bucketBits) + 1)
    for (let k = 0; k < this.#used; k += 2) start[bucketOf(words[k]!) + 1]!++
    for (let b = 0; b < 1 << bucketBits; b++) start[b + 1]! += start[b]!
    const next = Uint32Array.from(start)
    const hash = make(total)
    const file = make(total)
    let k = 0
    for (const [i, number] of this.#files.entries())
      for (const end = k + 2 * this.#counts[i]!; k < end; k += 2) {
        const h1 = words[k]!
        const at = next[bucketOf(h1)]!++
        hash[at] = words[k + 1]!
        file[at] = (restOf(h1) | number) >>> 0
      }
    return { start, hash, file }
  }
}

/** The files that hold a word, by number and in their order, and the places in each. */
export function findWord({ start, hash, file }: WordIndex, word: string): [file: number, places: number][] {
  const [raw1, raw2] = rawHashes(word)
  const h1 = mix(raw1)
  const h2 = second(raw2)
  const rest = restOf(h1)
  const found: [number, number][] = []
  for (let at = start[bucketOf(h1)]!, end = start[bucketOf(h1) + 1]!; at < end; at++) {
    const other = hash[at]!
    if (second(other) === h2 && (file[at]! & ~fileMask) >>> 0 === rest)
      found.push([file[at]! & fileMask, other & placeBits])
  }
  return found
}

/** Which of some files hold a word: adds their numbers. */
export function findWithin(
  { start, hash, file }: WordIndex,
  word: string,
  wanted: ReadonlySet<number>,
  found: Set<number>,
): void {
  const [raw1, raw2] = rawHashes(word)
  const h1 = mix(raw1)
  const h2 = second(raw2)
  const rest = restOf(h1)
  for (let at = start[bucketOf(h1)]!, end = start[bucketOf(h1) + 1]!; at < end; at++) {
    if (second(hash[at]!) !== h2) continue
    const f = file[at]!
    if ((f & ~fileMask) >>> 0 === rest && wanted.has(f & fileMask)) found.add(f & fileMask)
  }
}
