import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Filter, filterOf, isWord, Probes } from './filter.ts'
import { Overlay } from './overlay.ts'
import { maxFileBytes, reason, type Tree } from './tree.ts'

/** Says where words stand. */
export type Finder = {
  find(words: Iterable<string>): Promise<Map<string, Places>>
  close(): Promise<void>
}

/** The scanner for a tree: of an overlay both parts are asked, and the lower one is read but once however many lie over it. */
export function scannerOf(tree: Tree, below?: Finder): Finder {
  if (!(tree instanceof Overlay)) return new Scanner(tree, { index: true })
  return new OverlayScanner(tree, below ?? scannerOf(tree.base), below === undefined)
}

class OverlayScanner implements Finder {
  readonly #tree: Overlay
  readonly #base: Finder
  readonly #owned: boolean
  readonly #top: Finder
  #known = new Map<string, Places>()

  constructor(tree: Overlay, base: Finder, owned: boolean) {
    this.#tree = tree
    this.#base = base
    this.#owned = owned
    this.#top = new Scanner(tree.top, { index: true })
  }

  async find(words: Iterable<string>): Promise<Map<string, Places>> {
    const all = [...new Set(words)]
    const fresh = all.filter((w) => !this.#known.has(w))
    if (fresh.length > 0) {
      const [below, above] = await Promise.all([this.#base.find(fresh), this.#top.find(fresh)])
      for (const w of fresh) {
        const both = (of: (p: Places) => readonly string[]): string[] =>
          [...of(below.get(w)!).filter((f) => this.#tree.isBelow(f)), ...of(above.get(w)!)].sort()
        this.#known.set(w, {
          files: both((p) => p.files),
          outermost: both((p) => p.outermost),
          defines: both((p) => p.defines),
          braced: both((p) => p.braced),
        })
      }
    }
    return new Map(all.map((w) => [w, this.#known.get(w)!]))
  }

  async close(): Promise<void> {
    await Promise.all([this.#top.close(), ...(this.#owned ? [this.#base.close()] : [])])
  }
}

/**
 * Which files contain which of a set of identifiers: the byte filter before the parser. The first questions are answered by reading everything
 * and matching; from the sixth on, a filter of the identifiers of each file (built in the same pass) leaves only a few
 * files to read, so following callers round by round costs little.
 */
export class Scanner implements Finder {
  readonly #tree: Tree
  #shares: Share[] | undefined
  #workers: Thread[] = []
  #asked = 0
  #known = new Map<string, Places>()
  readonly #unread = new Set<string>()
  readonly #index: boolean
  readonly #threads: number

  /** `index`: build the filter at the first question, when many are to come. */
  constructor(tree: Tree, options: { readonly index?: boolean; readonly threads?: number } = {}) {
    this.#tree = tree
    this.#index = options.index ?? false
    this.#threads = options.threads ?? Math.min(2, availableParallelism())
  }

  /** Where each word stands as a whole identifier, also in comments and strings. */
  async find(words: Iterable<string>): Promise<Map<string, Places>> {
    const all = [...new Set(words)]
    const fresh = all.filter((w) => !this.#known.has(w))
    if (fresh.length > 0) {
      const found = await this.#ask(fresh)
      fresh.forEach((w, k) => {
        const list = found[k]!.sort(([a], [b]) => (a < b ? -1 : 1))
        const where = (bit: number): string[] =>
          list.flatMap(([file, bits]) => ((bits & bit) !== 0 ? [file] : []))
        this.#known.set(w, {
          files: list.map(([file]) => file),
          outermost: where(Place.outermost),
          defines: where(Place.define),
          braced: where(Place.braced),
        })
      })
    }
    return new Map(all.map((w) => [w, this.#known.get(w)!]))
  }

  /** For each word the files with their bits. */
  async #ask(words: readonly string[]): Promise<[string, number][][]> {
    const index = this.#index || this.#asked > 4 // building the filter costs about as much as five plain rounds
    this.#asked++
    const question: Question = { words, index }
    const merged: [string, number][][] = words.map(() => [])
    const take = ({ found, unread }: Answer): void => {
      for (const [file, why] of unread) this.#lost(file, why)
      for (const [file, ...hits] of found)
        for (let k = 0; k + 1 < hits.length; k += 2) merged[hits[k]!]!.push([file, hits[k + 1]!])
    }
    const { root, files } = this.#tree
    if (root === undefined || files.length < 400 || this.#threads < 2) {
      const { filters } = this.#tree
      this.#shares ??= [
        new Share(
          files,
          root ?? '',
          root === undefined ? (f) => this.#tree.bytes(f) : undefined,
          filters && files.map((f) => filters.get(f) ?? nothing),
          (paths) => this.#tree.fetch?.(paths),
        ),
      ]
      take(this.#shares[0]!.answer(question))
      return merged
    }
    if (this.#workers.length === 0)
      for (let k = 0; k < this.#threads; k++) {
        const share: ShareData = { root, files: files.filter((_, i) => i % this.#threads === k) }
        this.#workers.push(new Thread(share))
      }
    const answers = await Promise.all(this.#workers.map((worker) => worker.ask(question)))
    for (const a of answers) take(a)
    return merged
  }

  /** A file that was listed and cannot be read has no words; that is said, and once. */
  #lost(file: string, why: string): void {
    if (this.#unread.has(file)) return
    this.#unread.add(file)
    this.#tree.problems.push({ file, message: `the file cannot be read: ${why}` })
  }

  /** Ends its threads; a question that is under way is rejected. */
  async close(): Promise<void> {
    const workers = this.#workers
    this.#workers = []
    await Promise.all(workers.map((w) => w.stop()))
  }
}

type Settle = { readonly resolve: (a: Answer) => void; readonly reject: (e: unknown) => void }

/** A worker that answers one question at a time and keeps the process alive only while it does. */
class Thread {
  readonly #worker: Worker
  #settle: Settle | undefined

  constructor(share: ShareData) {
    this.#worker = new Worker(new URL(import.meta.url.replace(/scan\.(\w+)$/, 'scan-worker.$1')), {
      workerData: share,
    })
    this.#worker.on('message', (a: Answer) => this.#done()?.resolve(a))
    this.#worker.on('error', (e) => this.#done()?.reject(e))
    this.#worker.on('exit', () => this.#done()?.reject(new Error('the scan was stopped')))
    this.#worker.unref()
  }

  #done(): Settle | undefined {
    const settle = this.#settle
    this.#settle = undefined
    this.#worker.unref()
    return settle
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#worker.ref()
      this.#worker.postMessage(question)
    })
  }

  stop(): Promise<number> {
    return this.#worker.terminate()
  }
}

/** The files that hold a word, in order. */
export type Places = {
  readonly files: readonly string[]
  /** Those with the word in a line that begins with a letter: where, in kernel style, definitions and declarations stand. */
  readonly outermost: readonly string[]
  /** Those with `#define WORD`. */
  readonly defines: readonly string[]
  /** Those with the word before a `{`: `struct WORD {`. */
  readonly braced: readonly string[]
}

export type ShareData = { readonly root: string; readonly files: readonly string[] }
export type Question = { readonly words: readonly string[]; readonly index: boolean }
export type Answer = {
  /** Per file with a hit: its path and, for each word in it, the word's position in the question and its bits. */
  readonly found: readonly (readonly [string, ...number[]])[]
  /** Files that could not be read, and why. */
  readonly unread: readonly (readonly [string, string])[]
}

/** The files that one thread looks after. */
export class Share {
  readonly #files: readonly string[]
  readonly #root: string
  readonly #read: ((file: string) => Uint8Array | undefined) | undefined
  #buffer: Buffer | undefined
  #filters: Filter[] | undefined
  readonly #fetch: ((files: readonly string[]) => void) | undefined

  constructor(
    files: readonly string[],
    root: string,
    read?: (file: string) => Uint8Array | undefined,
    filters?: Filter[],
    fetch?: (files: readonly string[]) => void,
  ) {
    this.#files = files
    this.#root = root
    this.#read = read
    this.#filters = filters
    this.#fetch = fetch
  }

  answer(question: Question): Answer {
    const { words } = question
    const matcher = new Matcher(words)
    const filters: Filter[] = []
    const build = question.index && this.#filters === undefined
    const found: [string, ...number[]][] = []
    const unread: [string, string][] = []
    const may = this.#mayHold(words)
    for (const [n, i] of may.entries()) {
      const file = this.#files[i]!
      if (n % batch === 0) this.#fetch?.(may.slice(n, n + batch).map((k) => this.#files[k]!))
      const bytes = this.#load(file)
      if (!(bytes instanceof Uint8Array)) {
        if (build) filters.push(nothing)
        // Who reads for us has said so itself.
        if (bytes !== undefined) unread.push([file, bytes])
        continue
      }
      if (build) filters.push(filterOf(bytes))
      const hits = matcher.wordsIn(bytes)
      if (hits.size > 0) found.push([file, ...[...hits].flat()])
    }
    if (build) this.#filters = filters
    return { found, unread }
  }

  /** The positions of the files that may hold one of the words. With many words nearly all time of a scan would be spent here. */
  #mayHold(words: readonly string[]): number[] {
    const filters = this.#filters
    const may: number[] = []
    if (filters === undefined) {
      for (let i = 0; i < this.#files.length; i++) may.push(i)
      return may
    }
    const probes = Probes.of(words)
    for (let i = 0; i < filters.length; i++) if (probes.mayHit(filters[i]!)) may.push(i)
    return may
  }

  /** Into one buffer that is used again: the bytes are good until the next load. Or why it cannot be read. */
  #load(file: string): Buffer | string | undefined {
    if (this.#read) {
      const bytes = this.#read(file)
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.#buffer ??= Buffer.allocUnsafeSlow(1 << 20)
    let fd: number
    try {
      fd = openSync(`${this.#root}/${file}`, 'r')
    } catch (e) {
      return reason(e)
    }
    try {
      let n = 0
      for (;;) {
        const got = readSync(fd, this.#buffer, n, this.#buffer.length - n, null)
        n += got
        if (n < this.#buffer.length || got === 0) return this.#buffer.subarray(0, n)
        if (this.#buffer.length > maxFileBytes) return `it is larger than ${maxFileBytes >> 20} MB`
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2)
        this.#buffer.copy(larger)
        this.#buffer = larger
      }
    } catch (e) {
      return reason(e)
    } finally {
      closeSync(fd)
    }
  }
}

/** So many files are fetched at a time, where they have to be. */
const batch = 512

const nothing: Filter = new Int32Array(1)

/** Where in a file a word stands, told by its line. */
const Place = { inside: 1, outermost: 2, define: 4, braced: 8 } as const

/**
 * Wu and Manber's search for many words: two bytes tell how far no word can end, so most of a file is never looked at.
 * Reading takes longer than this; a regular expression takes three times as long.
 */
class Matcher {
  readonly #words: readonly Uint8Array[]
  readonly #least: number
  readonly #shift: Uint8Array
  /** By the two bytes at the end of the words' common length. */
  readonly #ending = new Map<number, number[]>()

  constructor(words: readonly string[]) {
    this.#words = words.map((w) => Buffer.from(w, 'latin1'))
    const least = Math.min(255, ...words.map((w) => w.length))
    this.#least = least
    this.#shift = new Uint8Array(1 << 16).fill(Math.max(1, least - 1))
    this.#words.forEach((word, w) => {
      for (let i = 1; i < least; i++) {
        const pair = word[i - 1]! | (word[i]! << 8)
        this.#shift[pair] = Math.min(this.#shift[pair]!, least - 1 - i)
        if (i === least - 1) this.#ending.set(pair, [...(this.#ending.get(pair) ?? []), w])
      }
    })
  }

  /** The words that are there, with their places. */
  wordsIn(bytes: Uint8Array): Map<number, number> {
    const found = new Map<number, number>()
    const last = this.#least - 1
    const shift = this.#shift
    const n = bytes.length
    if (last < 1) return this.#short(bytes)
    for (let i = last; i < n; ) {
      const pair = bytes[i - 1]! | (bytes[i]! << 8)
      const skip = shift[pair]!
      if (skip > 0) {
        i += skip
        continue
      }
      for (const w of this.#ending.get(pair)!) this.#note(found, bytes, i - last, w)
      i++
    }
    return found
  }

  #note(found: Map<number, number>, bytes: Uint8Array, at: number, w: number): void {
    const bits = found.get(w) ?? 0
    const word = this.#words[w]!
    if (bits < 15 && this.#isAt(bytes, at, word)) found.set(w, bits | placeOf(bytes, at, at + word.length))
  }

  /** Whole words only. */
  #isAt(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
    for (let k = 0; k < word.length; k++) if (bytes[at + k] !== word[k]) return false
    return isWord[bytes[at - 1] ?? 0] === 0 && isWord[bytes[at + word.length] ?? 0] === 0
  }

  /** With a word of one letter there is nothing to skip. */
  #short(bytes: Uint8Array): Map<number, number> {
    const found = new Map<number, number>()
    this.#words.forEach((word, w) => {
      for (let i = bytes.indexOf(word[0]!); i >= 0; i = bytes.indexOf(word[0]!, i + 1))
        this.#note(found, bytes, i, w)
    })
    return found
  }
}

function placeOf(bytes: Uint8Array, at: number, end: number): number {
  let start = at
  while (start > 0 && bytes[start - 1] !== 10) start--
  const first = bytes[start]!
  if (first === 35) return isDefine(bytes, start + 1, at) ? Place.define : Place.inside
  if (isWord[first] !== 1) return Place.inside
  let next = end
  while (bytes[next] === 32 || bytes[next] === 10 || bytes[next] === 9) next++
  return bytes[next] === 123 ? Place.outermost | Place.braced : Place.outermost
}

/** Whether `define`, and nothing else, stands between two places. */
const isDefine = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from < 40 && Buffer.from(bytes.subarray(from, to)).toString('latin1').trim() === 'define'
