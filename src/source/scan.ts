import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Overlay } from './overlay.ts'
import { maxFileBytes, reason, type Tree } from './tree.ts'
import {
  type FileWords,
  findWithin,
  findWord,
  Gatherer,
  IndexMaker,
  Place,
  type WordIndex,
} from './word-index.ts'

/** Says where words stand. */
export type Finder = {
  /** Reads the tree, in threads where that pays: then every question is answered at once. It may be left out, and costs the first question. */
  ready(): Promise<void>
  /** Where a word stands as a whole identifier, also in comments and strings. */
  find(word: string): Places
  /** Those of some files that hold a word, in the order in which they are given. */
  among(paths: readonly string[], word: string): readonly string[]
  close(): Promise<void>
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

/** The scanner for a tree: of an overlay both parts are asked, and the lower one is read but once however many lie over it. */
export function scannerOf(tree: Tree, below?: Finder): Finder {
  if (!(tree instanceof Overlay)) return new Scanner(tree)
  return new OverlayScanner(tree, below ?? scannerOf(tree.base), below === undefined)
}

class OverlayScanner implements Finder {
  readonly #tree: Overlay
  readonly #base: Finder
  readonly #owned: boolean
  readonly #top: Finder
  readonly #known = new Map<string, Places>()

  constructor(tree: Overlay, base: Finder, owned: boolean) {
    this.#tree = tree
    this.#base = base
    this.#owned = owned
    this.#top = new Scanner(tree.top)
  }

  async ready(): Promise<void> {
    await Promise.all([this.#base.ready(), this.#top.ready()])
  }

  find(word: string): Places {
    let places = this.#known.get(word)
    if (places === undefined) {
      const below = this.#base.find(word)
      const above = this.#top.find(word)
      const both = (of: (p: Places) => readonly string[]): string[] =>
        [...of(below).filter((f) => this.#tree.isBelow(f)), ...of(above)].sort()
      places = {
        files: both((p) => p.files),
        outermost: both((p) => p.outermost),
        defines: both((p) => p.defines),
        braced: both((p) => p.braced),
      }
      this.#known.set(word, places)
    }
    return places
  }

  among(paths: readonly string[], word: string): readonly string[] {
    const below = this.#base.among(
      paths.filter((f) => this.#tree.isBelow(f)),
      word,
    )
    const above = this.#top.among(
      paths.filter((f) => !this.#tree.isBelow(f)),
      word,
    )
    const found = new Set([...below, ...above])
    return paths.filter((f) => found.has(f))
  }

  async close(): Promise<void> {
    await Promise.all([this.#top.close(), ...(this.#owned ? [this.#base.close()] : [])])
  }
}

/** Fewer files are read before a thread has started. */
const worthThreads = 400
const mostThreads = (): number => Math.min(2, availableParallelism())
/** In how many threads so many files are best read. */
export const threadsFor = (files: number): number => (files < worthThreads ? 1 : mostThreads())

/** Which files hold which identifiers: all are read once, in threads, and each question after that is a look into an index. */
export class Scanner implements Finder {
  readonly #tree: Tree
  readonly #threads: number
  /** One for each thread. */
  #indexes: readonly WordIndex[] | undefined
  #reading: Promise<void> | undefined
  #workers: Worker[] = []
  readonly #known = new Map<string, Places>()
  #numbers: ReadonlyMap<string, number> | undefined

  /** `indexes`: the tree has been read already, by the threads of another scanner. */
  constructor(
    tree: Tree,
    options: { readonly threads?: number; readonly indexes?: readonly WordIndex[] } = {},
  ) {
    this.#tree = tree
    this.#indexes = options.indexes
    this.#threads = options.threads ?? mostThreads()
  }

  async ready(): Promise<void> {
    if (this.#indexes !== undefined) return
    const { root, files, words } = this.#tree
    if (root === undefined || words !== undefined || files.length < worthThreads || this.#threads < 2)
      this.#indexed()
    else await (this.#reading ??= this.#inThreads(root))
  }

  /** The indexes, if other threads can use them as they are. */
  get shared(): readonly WordIndex[] | undefined {
    return this.#indexes?.every(({ hash }) => hash.buffer instanceof SharedArrayBuffer)
      ? this.#indexes
      : undefined
  }

  find(word: string): Places {
    let places = this.#known.get(word)
    if (places === undefined) {
      const found = this.#indexed().flatMap((index) => findWord(index, word))
      found.sort(([a], [b]) => a - b)
      const { files } = this.#tree
      const where = (bits: number): string[] =>
        found.flatMap(([file, at]) => ((at & bits) !== 0 ? [files[file]!] : []))
      places = {
        files: found.map(([file]) => files[file]!),
        outermost: where(Place.outermost),
        defines: where(Place.define),
        braced: where(Place.braced),
      }
      this.#known.set(word, places)
    }
    return places
  }

  among(paths: readonly string[], word: string): readonly string[] {
    const numbers = (this.#numbers ??= new Map(this.#tree.files.map((f, i) => [f, i])))
    const wanted = new Set(paths.flatMap((p) => numbers.get(p) ?? []))
    const found = new Set<number>()
    for (const index of this.#indexed()) findWithin(index, word, wanted, found)
    return paths.filter((p) => found.has(numbers.get(p)!))
  }

  /** The index, made here and now if there is none. */
  #indexed(): readonly WordIndex[] {
    if (this.#indexes === undefined) {
      const { root, files, words } = this.#tree
      const every = files.map((_, i) => i)
      const bytes = (file: number): Uint8Array | undefined => this.#tree.bytes(files[file]!)
      this.#indexes = [
        words !== undefined
          ? indexOf(every, (file) => words.get(files[file]!))
          : root === undefined
            ? indexRead(every, bytes)
            : this.#told(readAll({ root, files, mine: every })),
      ]
    }
    return this.#indexes
  }

  async #inThreads(root: string): Promise<void> {
    const { files } = this.#tree
    const answers = await Promise.all(
      Array.from({ length: this.#threads }, (_, k) => {
        const mine = files.flatMap((_, i) => (i % this.#threads === k ? [i] : []))
        return this.#ask({ root, files, mine })
      }),
    )
    this.#indexes ??= answers.map((a) => this.#told(a))
  }

  /** A thread that reads its share and ends. */
  #ask(share: Share): Promise<Answer> {
    const url = new URL(import.meta.url.replace(/scan\.(\w+)$/, 'scan-worker.$1'))
    const worker = new Worker(url, { workerData: share })
    this.#workers.push(worker)
    return new Promise((resolve, reject) => {
      worker.on('message', resolve)
      worker.on('error', reject)
      worker.on('exit', () => reject(new Error('the scan was stopped')))
    })
  }

  /** Files that were listed and cannot be read have no words, and that is said. */
  #told({ index, unread }: Answer): WordIndex {
    for (const [file, why] of unread)
      this.#tree.problems.push({ file, message: `the file cannot be read: ${why}` })
    return index
  }

  /** Ends its threads; reading that is under way is rejected. */
  async close(): Promise<void> {
    const workers = this.#workers
    this.#workers = []
    await Promise.all(workers.map((w) => w.terminate()))
  }
}

/** The files that one thread reads, by number. */
export type Share = {
  readonly root: string
  readonly files: readonly string[]
  readonly mine: readonly number[]
}
export type Answer = {
  readonly index: WordIndex
  /** Files that could not be read, and why. */
  readonly unread: readonly (readonly [string, string])[]
}

function indexOf(
  mine: readonly number[],
  wordsOf: (file: number) => FileWords | undefined,
  shared = false,
): WordIndex {
  const maker = new IndexMaker()
  for (const file of mine) {
    const words = wordsOf(file)
    if (words !== undefined) maker.add(file, words)
  }
  return maker.index(shared)
}

function indexRead(
  mine: readonly number[],
  bytes: (file: number) => Uint8Array | undefined,
  shared = false,
): WordIndex {
  const gatherer = new Gatherer()
  return indexOf(
    mine,
    (file) => {
      const content = bytes(file)
      return content && gatherer.of(content)
    },
    shared,
  )
}

/** `shared`: for more than one thread to look into. */
export function readAll({ root, files, mine }: Share, shared = false): Answer {
  const room = new Room()
  const unread: [string, string][] = []
  const index = indexRead(
    mine,
    (file) => {
      const path = files[file]!
      const bytes = room.read(`${root}/${path}`)
      if (typeof bytes !== 'string') return bytes
      unread.push([path, bytes])
      return undefined
    },
    shared,
  )
  return { index, unread }
}

/** Files are read into one buffer: the bytes are good until the next one. */
export class Room {
  #buffer = Buffer.allocUnsafeSlow(1 << 20)

  /** The file's bytes, or why it cannot be read. */
  read(path: string): Uint8Array | string {
    let fd: number
    try {
      fd = openSync(path, 'r')
    } catch (e) {
      return reason(e)
    }
    try {
      for (let n = 0; ; ) {
        const got = readSync(fd, this.#buffer, n, this.#buffer.length - n, null)
        n += got
        if (n < this.#buffer.length || got === 0) return this.#buffer.subarray(0, n)
        if (this.#buffer.length > maxFileBytes) return `it is larger than ${maxFileBytes >> 20} MB`
        const doubled = Buffer.allocUnsafeSlow(this.#buffer.length * 2)
        this.#buffer.copy(doubled)
        this.#buffer = doubled
      }
    } catch (e) {
      return reason(e)
    } finally {
      closeSync(fd)
    }
  }
}
