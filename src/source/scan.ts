import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { maxFileBytes, type Tree } from './tree.ts'

/**
 * Which files contain which of a set of identifiers: the byte filter before the parser. The first question is answered by reading everything
 * once and matching, so is the second; from the third on, a filter of the identifiers of each file (built in the same pass) leaves only a few
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
    // Building the filter costs a little more than two plain rounds.
    const index = this.#index || this.#asked > 1
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
      this.#shares ??= [
        new Share(files, root ?? '', root === undefined ? (f) => this.#tree.bytes(f) : undefined),
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

  constructor(files: readonly string[], root: string, read?: (file: string) => Uint8Array | undefined) {
    this.#files = files
    this.#root = root
    this.#read = read
  }

  answer(question: Question): Answer {
    const { words } = question
    const pattern = new RegExp(`\\b(?:${words.map(escape).join('|')})\\b`, 'g')
    const position = new Map(words.map((w, i) => [w, i]))
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
      const text = bytes.toString('latin1')
      pattern.lastIndex = 0
      let m = pattern.exec(text)
      if (m === null) continue
      const hits = new Set<number>()
      for (; m !== null && hits.size < words.length; m = pattern.exec(text)) hits.add(position.get(m[0])!)
      answer.push([file, ...[...hits].sort((a, b) => a - b)])
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

const escape = (word: string): string => word.replace(/[^\w]/g, '\\$&')

/** A Bloom filter with two probes; its length is a power of two. */
type Filter = Int32Array
const nothing: Filter = new Int32Array(1)

const isWord = new Uint8Array(256)
for (let c = 0; c < 256; c++) if (/[\w$]/.test(String.fromCharCode(c))) isWord[c] = 1

function filterOf(bytes: Uint8Array): Filter {
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

function mayHold(filter: Filter, h: number): boolean {
  const mask = filter.length - 1
  const a = Math.imul(h, 0x9e3779b1)
  const b = Math.imul(h, 0x85ebca6b)
  return (
    (filter[(a >>> 5) & mask]! & (1 << (a >>> 27))) !== 0 &&
    (filter[(b >>> 7) & mask]! & (1 << (b >>> 27))) !== 0
  )
}

function filterHash(word: string): number {
  let h = 0
  for (let i = 0; i < word.length; i++) h = (Math.imul(h, 31) + word.charCodeAt(i)) | 0
  return h
}
