import { execFile, spawn, spawnSync } from 'node:child_process'
import { posix } from 'node:path'
import type { Outcome } from '../base/index.ts'
import type { Problem } from './ir.ts'
import {
  decode,
  diagnose,
  isCFile,
  type KernelVersion,
  kernelVersion,
  maxFileBytes,
  notKernel,
  type OpenOptions,
  type Tree,
} from './tree.ts'
import { type FileWords, wordsOf } from './word-index.ts'

/**
 * A revision of a git repository, read from its objects: no checkout, no work tree, nothing is written. Every blob is read once, for the
 * words in it; later ones are fetched when they are asked for.
 */
export async function openRevision(
  repository: string,
  revision: string,
  options: OpenOptions = {},
): Promise<Outcome<Tree>> {
  options.signal?.throwIfAborted()
  const name = `${repository} at ${revision}`
  const parsed = await git(repository, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{tree}`,
  ])
  if ('missing' in parsed)
    return diagnose('source/no-git', 'git is needed to read a revision, and there is none', 'install git')
  if (parsed.code !== 0) {
    const isRepository = await git(repository, ['rev-parse', '--git-dir'])
    return 'missing' in isRepository || isRepository.code !== 0
      ? diagnose('source/no-repository', `${repository} is not a git repository`)
      : diagnose(
          'source/no-revision',
          `${repository} has no revision '${revision}'`,
          'give a tag, a branch or a commit that `git log` shows there',
        )
  }
  const tree = parsed.out.toString().trim()
  const listed = await git(repository, ['ls-tree', '-r', '-z', '-l', '--full-tree', tree])
  if ('missing' in listed || listed.code !== 0)
    return diagnose(
      'source/corrupt-repository',
      `${name} cannot be listed: ${'err' in listed ? listed.err : ''}`,
    )
  const entries = entriesOf(listed.out.toString())
  const makefile = entries.get('Makefile')
  const kernel = makefile && kernelVersion(blob(repository, makefile.oid)?.toString('latin1'))
  const problems: Problem[] = []
  const files = new Map<string, Entry>()
  const makefiles = new Map<string, Entry>()
  for (const [path, entry] of entries) {
    if (kernel && notKernel.has(path.split('/')[0]!)) continue
    const real = entry.link ? target(repository, entries, path) : entry
    if (isCFile(path)) {
      if (real === undefined)
        problems.push({ file: path, message: 'the link leads nowhere in this revision' })
      else if (real.size > maxFileBytes)
        problems.push({
          file: path,
          message: `the file cannot be read: it is larger than ${maxFileBytes >> 20} MB`,
        })
      else files.set(path, real)
    } else if (real !== undefined && /(^|\/)(Makefile|Kbuild)$/.test(path)) makefiles.set(path, real)
  }
  if (files.size === 0) return diagnose('source/no-c', `${name} holds no .c or .h file`)
  const oids = [...new Set([...files.values()].map((e) => e.oid))]
  const words = await wordsOfBlobs(repository, oids, options)
  if (words instanceof Error)
    return diagnose('source/corrupt-repository', `${name} cannot be read: ${words.message}`)
  return {
    value: new RevisionTree(name, repository, kernel, files, makefiles, words, problems),
    diagnostics: [],
  }
}

type Entry = { readonly oid: string; readonly size: number; readonly link: boolean }

/** `MODE blob OID    SIZE\tPATH`, ended by a zero. Submodules are somebody else's. */
function entriesOf(listing: string): Map<string, Entry> {
  const found = new Map<string, Entry>()
  for (const line of listing.split('\0')) {
    const m = /^(\d+) blob ([0-9a-f]+) +(\d+)\t([\s\S]+)$/.exec(line)
    if (m) found.set(m[4]!, { oid: m[2]!, size: Number(m[3]), link: m[1] === '120000' })
  }
  return found
}

/** The file that a link leads to, through other links. */
function target(repository: string, entries: ReadonlyMap<string, Entry>, path: string): Entry | undefined {
  let at = path
  for (let hops = 0; hops < 16; hops++) {
    const entry = entries.get(at)
    if (entry === undefined || !entry.link) return entry
    const to = blob(repository, entry.oid)?.toString()
    if (to === undefined || to.startsWith('/')) return undefined
    at = posix.normalize(posix.join(posix.dirname(at), to))
  }
  return undefined
}

class RevisionTree implements Tree {
  readonly path: string
  readonly kind = 'revision'
  readonly root = undefined
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
  readonly problems: Problem[]
  readonly words: ReadonlyMap<string, FileWords>
  readonly #repository: string
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #makefiles: ReadonlyMap<string, Entry>
  /** What was fetched last, the oldest first. */
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0

  constructor(
    path: string,
    repository: string,
    kernel: KernelVersion | undefined,
    entries: ReadonlyMap<string, Entry>,
    makefiles: ReadonlyMap<string, Entry>,
    words: ReadonlyMap<string, FileWords>,
    problems: Problem[],
  ) {
    this.path = path
    this.kernel = kernel
    this.files = [...entries.keys()].sort()
    this.problems = problems
    this.#repository = repository
    this.#entries = entries
    this.#makefiles = makefiles
    this.words = new Map([...entries].map(([file, e]) => [file, words.get(e.oid)!]))
  }

  /** Blobs that are about to be asked for, in one go. */
  fetch(paths: readonly string[]): void {
    const oids = new Set<string>()
    let bytes = 0
    for (const path of paths) {
      const entry = this.#entries.get(path)
      if (entry === undefined || this.#kept.has(entry.oid)) continue
      bytes += entry.size
      if (bytes > mostKept / 2) break
      oids.add(entry.oid)
    }
    if (oids.size === 0) return
    const { stdout, error } = spawnSync('git', ['-C', this.#repository, 'cat-file', '--batch'], {
      input: [...oids].join('\n'),
      maxBuffer: 2 * mostKept,
    })
    if (error === undefined) readBatch(stdout, (oid, content) => this.#keep(oid, Uint8Array.from(content)))
  }

  #keep(oid: string, bytes: Uint8Array): void {
    this.#kept.set(oid, bytes)
    this.#keptBytes += bytes.length
    for (const [old, b] of this.#kept) {
      if (this.#keptBytes <= mostKept || old === oid) break
      this.#kept.delete(old)
      this.#keptBytes -= b.length
    }
  }

  bytes(path: string): Uint8Array | undefined {
    const entry = this.#entries.get(path)
    if (entry === undefined) {
      this.problems.push({ file: path, message: 'the file cannot be read: it is not there' })
      return undefined
    }
    if (!this.#kept.has(entry.oid)) this.fetch([path])
    const bytes = this.#kept.get(entry.oid)
    if (bytes === undefined)
      this.problems.push({ file: path, message: `the file cannot be read: git has no object ${entry.oid}` })
    return bytes
  }

  text(path: string): string | undefined {
    return decode(this.bytes(path), path, this.problems)
  }

  makefile(directory: string): string | undefined {
    const at = directory === '' ? '' : `${directory}/`
    const entry = this.#makefiles.get(`${at}Kbuild`) ?? this.#makefiles.get(`${at}Makefile`)
    return entry && blob(this.#repository, entry.oid)?.toString('latin1')
  }
}

const mostKept = 96 << 20

/** The objects of a `cat-file --batch` that has ended. */
function readBatch(output: Buffer, each: (oid: string, content: Buffer) => void): void {
  for (let at = 0; at < output.length; ) {
    const line = output.indexOf(10, at)
    if (line < 0) return
    const [oid = '', type, size] = output.toString('latin1', at, line).split(' ')
    at = line + 1
    if (type !== 'blob') continue
    const end = at + Number(size)
    each(oid, output.subarray(at, end))
    at = end + 1
  }
}

/** The words of each blob, all of them read once as they come. */
function wordsOfBlobs(
  repository: string,
  oids: readonly string[],
  options: OpenOptions,
): Promise<Map<string, FileWords> | Error> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['-C', repository, 'cat-file', '--batch', '--buffer'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const words = new Map<string, FileWords>()
    const stop = (): void => void child.kill('SIGKILL')
    options.signal?.addEventListener('abort', stop, { once: true })
    let said = ''
    let missing = ''
    child.stderr.setEncoding('utf8').on('data', (s: string) => (said += s))
    // A header is one line; then comes the object, in as many pieces as the pipe likes.
    let header: Buffer[] = []
    let object: { oid: string; size: number; got: number } | undefined
    let scratch = Buffer.allocUnsafeSlow(1 << 20)
    child.stdout.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; ) {
        if (object === undefined) {
          const line = chunk.indexOf(10, at)
          header.push(chunk.subarray(at, line < 0 ? chunk.length : line))
          if (line < 0) return
          at = line + 1
          const [oid = '', type, size] = Buffer.concat(header).toString('latin1').split(' ')
          header = []
          if (type === 'missing') missing = oid
          // One byte more: the end of the line behind the object.
          else if (type === 'blob') object = { oid, size: Number(size) + 1, got: 0 }
          if (object !== undefined && object.size > scratch.length)
            scratch = Buffer.allocUnsafeSlow(2 * object.size)
          continue
        }
        const take = Math.min(chunk.length - at, object.size - object.got)
        chunk.copy(scratch, object.got, at, at + take)
        object.got += take
        at += take
        if (object.got < object.size) return
        words.set(object.oid, wordsOf(scratch.subarray(0, object.size - 1)))
        object = undefined
        options.progress?.(words.size)
      }
    })
    child.on('error', (e) => resolve(e))
    child.on('close', (code) => {
      options.signal?.removeEventListener('abort', stop)
      if (options.signal?.aborted === true) reject(new Error('stopped'))
      else if (missing !== '') resolve(new Error(`object ${missing} is missing`))
      else if (code !== 0) resolve(new Error(said.trim() || `git ended with ${code}`))
      else if (words.size < oids.length) resolve(new Error('not every object came'))
      else resolve(words)
    })
    child.stdin.on('error', () => {}) // it ended early: its exit code says so
    child.stdin.end(`${oids.join('\n')}\n`)
  })
}

type Ran = { readonly code: number; readonly out: Buffer; readonly err: string } | { readonly missing: true }

function git(repository: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      'git',
      ['-C', repository, ...args],
      { encoding: 'buffer', maxBuffer: 1 << 28 },
      (error, out, err) => {
        if (error?.code === 'ENOENT' && error.path === 'git') return resolve({ missing: true })
        resolve({ code: error ? 1 : 0, out, err: err.toString().trim() })
      },
    )
  })
}

function blob(repository: string, oid: string): Buffer | undefined {
  const { stdout, status } = spawnSync('git', ['-C', repository, 'cat-file', 'blob', oid], {
    maxBuffer: 1 << 28,
  })
  return status === 0 ? stdout : undefined
}
