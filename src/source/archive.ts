import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, deflateRaw, inflateRawSync } from 'node:zlib'
import { extract } from 'tar-stream'
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
  reason,
  type Tree,
} from './tree.ts'
import { type FileWords, wordsOf } from './word-index.ts'

/**
 * A tarball, read once and kept in memory: nothing is written to disk. Files above a page or two are kept deflated (a kernel is
 * 1.3 GB of C, two thirds of it headers that generators wrote), so a whole tree takes some 300 MB.
 * Words are noted on the way: finding files later unpacks only those that may hold them.
 */
export async function openArchive(path: string, options: OpenOptions): Promise<Outcome<Tree>> {
  const problems: Problem[] = []
  const kept = new Map<string, Kept>()
  const makefiles = new Map<string, Uint8Array>()
  const pending = new Set<Promise<void>>()
  let decompressor: ReturnType<typeof decompress>
  const tar = extract()
  try {
    decompressor = decompress(path)
  } catch (e) {
    return diagnose('source/unreadable', `${path} cannot be read: ${reason(e)}`)
  }
  const { stream, failed } = decompressor
  const abort = (): void => {
    decompressor.stop()
    tar.destroy(new Error('stopped'))
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  stream.on('error', (e) => tar.destroy(e))
  void failed.then((e) => {
    if (e) tar.destroy(e)
  })
  stream.pipe(tar)
  let broken: unknown
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header
      const file = name.replace(/^(\.\/)+/, '')
      const wanted =
        type === 'file' && (isCFile(file) || /(^|\/)(Makefile|Kbuild)$/.test(file)) && !isOutside(file)
      if (!wanted || (size ?? 0) > maxFileBytes) {
        if (wanted)
          problems.push({
            file,
            message: `the file cannot be read: it is larger than ${maxFileBytes >> 20} MB`,
          })
        entry.resume()
        continue
      }
      const bytes = await collect(entry, size ?? 0)
      if (!isCFile(file)) {
        makefiles.set(file, bytes)
        continue
      }
      const slot: Kept = { raw: bytes, deflated: undefined, words: wordsOf(bytes) }
      kept.set(file, slot)
      options.progress?.(kept.size)
      if (bytes.length > 4096) {
        const deflating = deflate(slot, bytes).finally(() => pending.delete(deflating))
        pending.add(deflating)
        if (pending.size > 64) await Promise.race(pending)
      }
    }
  } catch (e) {
    broken = e
  }
  const failure = await failed
  broken ??= failure
  options.signal?.removeEventListener('abort', abort)
  options.signal?.throwIfAborted()
  await Promise.all(pending)
  if (broken !== undefined) {
    const missing =
      (broken as { code?: string }).code === 'ENOENT' &&
      (broken as { syscall?: string }).syscall?.startsWith('spawn')
    if (missing)
      return diagnose(
        'source/no-xz',
        `${path} needs the program xz, and there is none`,
        'install xz-utils, or unpack the archive and give its directory',
      )
    return diagnose(
      'source/corrupt-archive',
      `${path} cannot be unpacked: ${reason(broken)}`,
      `${kept.size} files were read before that; a damaged tree is not audited`,
    )
  }
  if (kept.size === 0) return diagnose('source/no-c', `${path} holds no .c or .h file`)

  const top = commonTop([...kept.keys()])
  const kernel = kernelVersion(asText(makefiles.get(`${top}Makefile`)))
  const files = new Map<string, Kept>()
  for (const [name, slot] of kept) {
    const file = name.slice(top.length)
    if (!(kernel && notKernel.has(file.split('/')[0]!))) files.set(file, slot)
  }
  const makes = new Map([...makefiles].map(([name, bytes]) => [name.slice(top.length), bytes]))
  return { value: new ArchiveTree(path, kernel, files, makes, problems), diagnostics: [] }
}

function deflate(slot: Kept, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    deflateRaw(bytes, { level: 1 }, (error, deflated) => {
      if (!error) {
        slot.deflated = deflated
        slot.raw = undefined
      }
      resolve()
    })
  })
}

type Kept = { raw: Uint8Array | undefined; deflated: Uint8Array | undefined; readonly words: FileWords }

class ArchiveTree implements Tree {
  readonly path: string
  readonly kind = 'archive'
  readonly root = undefined
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
  readonly problems: Problem[]
  readonly words: ReadonlyMap<string, FileWords>
  readonly #kept: ReadonlyMap<string, Kept>
  readonly #makefiles: ReadonlyMap<string, Uint8Array>

  constructor(
    path: string,
    kernel: KernelVersion | undefined,
    kept: ReadonlyMap<string, Kept>,
    makefiles: ReadonlyMap<string, Uint8Array>,
    problems: Problem[],
  ) {
    this.path = path
    this.kernel = kernel
    this.files = [...kept.keys()].sort()
    this.problems = problems
    this.#kept = kept
    this.words = new Map([...kept].map(([file, slot]) => [file, slot.words]))
    this.#makefiles = makefiles
  }

  bytes(path: string): Uint8Array | undefined {
    const slot = this.#kept.get(path)
    if (slot === undefined) {
      this.problems.push({ file: path, message: 'the file cannot be read: it is not there' })
      return undefined
    }
    return slot.raw ?? inflateRawSync(slot.deflated!)
  }

  text(path: string): string | undefined {
    return decode(this.bytes(path), path, this.problems)
  }

  makefile(directory: string): string | undefined {
    const prefix = directory === '' ? '' : `${directory}/`
    return asText(this.#makefiles.get(`${prefix}Kbuild`) ?? this.#makefiles.get(`${prefix}Makefile`))
  }
}

const asText = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')

/** `linux-source-6.12/`, when everything is below it. */
function commonTop(files: readonly string[]): string {
  const first = files[0]!
  const slash = first.indexOf('/')
  if (slash < 0) return ''
  const top = first.slice(0, slash + 1)
  return files.every((f) => f.startsWith(top)) ? top : ''
}

/** Parts that are large and never kernel code, known before the Makefile has been seen. */
const isOutside = (file: string): boolean => /^[^/]+\/(tools|Documentation)\//.test(file)

async function collect(entry: AsyncIterable<unknown>, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(size)
  let n = 0
  for await (const part of entry) {
    const chunk = part as Uint8Array
    bytes.set(chunk.subarray(0, size - n), n)
    n += chunk.length
  }
  return bytes.subarray(0, Math.min(n, size))
}

/** The tar inside. `failed` settles when the decompressor has ended, with what went wrong if anything did. */
function decompress(path: string): {
  stream: Readable
  failed: Promise<Error | undefined>
  stop: () => void
} {
  if (!path.endsWith('.xz') && !path.endsWith('.txz')) {
    const file = createReadStream(path, { highWaterMark: 1 << 20 })
    const stream = /\.t?gz$/.test(path) ? file.pipe(createGunzip({ chunkSize: 1 << 18 })) : file
    const failed = new Promise<Error | undefined>((resolve) => {
      file.on('error', resolve)
      stream.on('error', resolve)
      stream.on('close', () => resolve(undefined))
      stream.on('end', () => resolve(undefined))
    })
    return { stream, failed, stop: () => file.destroy() }
  }
  const child = spawn('xz', ['--decompress', '--stdout', '--', path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (s: string) => (said += s))
  const failed = new Promise<Error | undefined>((resolve) => {
    child.on('error', resolve)
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : new Error(said.trim() || `xz ended with ${code}`)),
    )
  })
  return { stream: child.stdout, failed, stop: () => child.kill('SIGKILL') }
}
