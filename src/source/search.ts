import { Worker } from 'node:worker_threads'
import { Room, scannerOf, threadsFor } from './scan.ts'
import type { Tree } from './tree.ts'
import { isWord } from './word-index.ts'

/**
 * Which files hold some words as whole identifiers, also in comments and strings: what a Finder says of each, without the index of all
 * the others. The bytes of every file are searched for all the words at once. Trees whose words are known already, or that are not in a
 * directory, are asked by their index.
 */
export async function filesHolding(
  tree: Tree,
  words: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { root, files } = tree
  if (root === undefined || tree.words !== undefined || words.some((w) => w.length < shortest)) {
    const scanner = scannerOf(tree)
    await scanner.ready()
    const found = new Map(words.map((w) => [w, scanner.find(w).files]))
    await scanner.close()
    return found
  }
  const threads = threadsFor(files.length)
  const shares = Array.from({ length: threads }, (_, k) => ({
    root,
    words,
    files: files.filter((_, i) => i % threads === k),
  }))
  // The first share is this thread's own.
  const others = shares.slice(1).map(inThread)
  const answers = [searchAll(shares[0]!), ...(await Promise.all(others))]
  for (const [file, why] of answers.flatMap((a) => a.unread))
    tree.problems.push({ file, message: `the file cannot be read: ${why}` })
  const found = new Map(words.map((w): [string, string[]] => [w, []]))
  for (const [file, held] of answers.flatMap((a) => a.holding)) for (const w of held) found.get(w)!.push(file)
  for (const held of found.values()) held.sort()
  return found
}

export type SearchShare = {
  readonly root: string
  readonly files: readonly string[]
  readonly words: readonly string[]
}
export type SearchAnswer = {
  /** Files that hold any of the words, and which. */
  readonly holding: readonly (readonly [file: string, words: readonly string[]])[]
  /** Files that could not be read, and why. */
  readonly unread: readonly (readonly [file: string, why: string])[]
}

function inThread(share: SearchShare): Promise<SearchAnswer> {
  const url = new URL(import.meta.url.replace(/search\.(\w+)$/, 'search-worker.$1'))
  const worker = new Worker(url, { workerData: share })
  return new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('the search was stopped')))
  })
}

export function searchAll({ root, files, words }: SearchShare): SearchAnswer {
  const room = new Room()
  const search = new Search(words)
  const holding: [string, string[]][] = []
  const unread: [string, string][] = []
  for (const file of files) {
    const bytes = room.read(`${root}/${file}`)
    if (typeof bytes === 'string') unread.push([file, bytes])
    else {
      const held = search.in(bytes)
      if (held.length > 0) holding.push([file, held])
    }
  }
  return { holding, unread }
}

/** Words with fewer letters give the search too little to step over. */
const shortest = 4

/**
 * Searches for several words in one pass (Wu and Manber): the two bytes at the end of a window as long as the shortest word say how far
 * it can move without missing a word that begins in it.
 */
export class Search {
  readonly #words: readonly { readonly word: string; readonly bytes: Uint8Array }[]
  readonly #window: number
  readonly #shift: Uint8Array

  /** Words of ASCII, of two letters at least. */
  constructor(words: readonly string[]) {
    this.#words = words.map((word) => ({ word, bytes: Buffer.from(word, 'latin1') }))
    this.#window = Math.min(255, ...words.map((w) => w.length))
    this.#shift = new Uint8Array(1 << 16).fill(this.#window - 1)
    for (const { bytes } of this.#words)
      for (let end = 1; end < this.#window; end++) {
        const pair = (bytes[end - 1]! << 8) | bytes[end]!
        this.#shift[pair] = Math.min(this.#shift[pair]!, this.#window - 1 - end)
      }
  }

  /** Which of the words the text holds, in the order in which they were given. */
  in(text: Uint8Array): string[] {
    const shift = this.#shift
    const last = this.#window - 1
    const n = text.length
    const found = new Set<string>()
    for (let i = last; i < n; ) {
      const step = shift[(text[i - 1]! << 8) | text[i]!]!
      if (step === 0) this.#at(text, i++ - last, found)
      else i += step
    }
    return found.size === 0 ? [] : this.#words.flatMap(({ word }) => (found.has(word) ? [word] : []))
  }

  #at(text: Uint8Array, start: number, found: Set<string>): void {
    if (start > 0 && isWord[text[start - 1]!] === 1) return
    for (const { word, bytes } of this.#words) {
      const end = start + bytes.length
      if (end > text.length || (end < text.length && isWord[text[end]!] === 1)) continue
      let k = 0
      while (k < bytes.length && text[start + k] === bytes[k]) k++
      if (k === bytes.length) found.add(word)
    }
  }
}
