import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Filter, filterHash, filterOf, isWord, mayHold } from './filter.ts'
import { maxFileBytes, type Tree } from './tree.ts'

/**
 * Which files contain which of a set of identifiers: the byte filter before the parser. The first questions are answered by reading everything
 * and matching; from the fourth on, a filter of the identifiers of each file (built in the same pass) leaves only a few
 * files to read, so following callers round by round costs little.
 */
export class Scanner {
  readonly #tree: Tree
  #shares: Share[] | undefined
  #workers: Thread[] = []
  #asked = 0
  #known = new Map<string, readonly string[]>()
  readonly #index: boolean
  readonly #threads: number

  /** `index`: build the filter at the first question, when many are to come. */
  constructor(tree: Tree, options: { readonly index?: boolean; readonly threads?: number } = {}) {
    this.#tree = tree
    this.#index = options.index ?? false
    this.#threads = options.threads ?? Math.min(2, availableParallelism())
  }

  /** The files that contain each word as a whole identifier (also in comments and strings), sorted. */
  async find(words: Iterable<string>): Promise<Map<string, readonly string[]>> {
    const all = [...new Set(words)]
    const fresh = all.filter((w) => !this.#known.has(w))
    if (fresh.length > 0) {
      const found = await this.#ask(fresh)
      for (const w of fresh) this.#known.set(w, (found.get(w) ?? []).sort())
    }
    return new Map(all.map((w) => [w, this.#known.get(w)!]))
  }

  async #ask(words: readonly string[]): Promise<Map<string, string[]>> {
    // Building the filter costs about as much as three plain rounds.
    const index = this.#index || this.#asked > 2
    this.#asked++
    const question: Question = { words, index }
    const merged = new Map<string, string[]>()
    const take = (answer: Answer): void => {
      for (const [file, ...hits] of answer)
        for (const w of hits) {
          const files = merged.get(words[w]!)
          if (files) files.push(file)
          else merged.set(words[w]!, [file])
        }
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

export type ShareData = { readonly root: string; readonly files: readonly string[] }
export type Question = { readonly words: readonly string[]; readonly index: boolean }
/** Per file with a hit: its path and the words' positions in the question. */
export type Answer = readonly (readonly [string, ...number[]])[]

/** The files that one thread looks after. */
export class Share {
  readonly #files: readonly string[]
  readonly #root: string
  readonly #read: ((file: string) => Uint8Array | undefined) | undefined
  #buffer: Buffer | undefined
  #filters: Filter[] | undefined

  constructor(
    files: readonly string[],
    root: string,
    read?: (file: string) => Uint8Array | undefined,
    filters?: Filter[],
  ) {
    this.#files = files
    this.#root = root
    this.#read = read
    this.#filters = filters
  }

  answer(question: Question): Answer {
    const { words } = question
    const matcher = new Matcher(words)
    const hashes = words.map(filterHash)
    const build = question.index && this.#filters === undefined
    const filters: Filter[] = []
    const answer: [string, ...number[]][] = []
    for (let i = 0; i < this.#files.length; i++) {
      const file = this.#files[i]!
      if (this.#filters !== undefined && !hashes.some((h) => mayHold(this.#filters![i]!, h))) continue
      const bytes = this.#load(file)
      if (bytes === undefined) {
        if (build) filters.push(nothing)
        continue
      }
      if (build) filters.push(filterOf(bytes))
      const hits = matcher.wordsIn(bytes)
      if (hits.size > 0) answer.push([file, ...[...hits].sort((x, y) => x - y)])
    }
    if (build) this.#filters = filters
    return answer
  }

  /** Into one buffer that is used again: the bytes are good until the next load. A file that cannot be read has no words. */
  #load(file: string): Buffer | undefined {
    if (this.#read) {
      const bytes = this.#read(file)
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.#buffer ??= Buffer.allocUnsafeSlow(1 << 20)
    let fd: number
    try {
      fd = openSync(`${this.#root}/${file}`, 'r')
    } catch {
      return undefined
    }
    try {
      let n = 0
      for (;;) {
        const got = readSync(fd, this.#buffer, n, this.#buffer.length - n, null)
        n += got
        if (n < this.#buffer.length || got === 0) return this.#buffer.subarray(0, n)
        if (this.#buffer.length > maxFileBytes) return undefined
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2)
        this.#buffer.copy(larger)
        this.#buffer = larger
      }
    } catch {
      return undefined
    } finally {
      closeSync(fd)
    }
  }
}

const nothing: Filter = new Int32Array(1)

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

  wordsIn(bytes: Uint8Array): Set<number> {
    const found = new Set<number>()
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
      for (const w of this.#ending.get(pair)!) if (this.#isAt(bytes, i - last, this.#words[w]!)) found.add(w)
      i++
    }
    return found
  }

  /** Whole words only. */
  #isAt(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
    for (let k = 0; k < word.length; k++) if (bytes[at + k] !== word[k]) return false
    return isWord[bytes[at - 1] ?? 0] === 0 && isWord[bytes[at + word.length] ?? 0] === 0
  }

  /** With a word of one letter there is nothing to skip. */
  #short(bytes: Uint8Array): Set<number> {
    const found = new Set<number>()
    this.#words.forEach((word, w) => {
      for (let i = bytes.indexOf(word[0]!); i >= 0 && !found.has(w); i = bytes.indexOf(word[0]!, i + 1))
        if (this.#isAt(bytes, i, word)) found.add(w)
    })
    return found
  }
}
