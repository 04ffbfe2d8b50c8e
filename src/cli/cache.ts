import { createHash } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { version } from './version.ts'

/**
 * Results by a hash of everything that they come from, as files. Deleting the folder, or any file of it, costs time and nothing else: an entry is
 * written beside its place and moved there, so two runs at once do not meet; one that is damaged is as good as none; a folder
 * that cannot be written to is not used.
 */
export class Cache {
  readonly #folder: string
  readonly #most: number

  /** `most`: so many bytes are kept; those that were used longest ago go first. */
  constructor(folder = defaultFolder(), most = 128 << 20) {
    this.#folder = folder
    this.#most = most
  }

  /** `parts` are all that decides the result; which build of the tool it is comes in by itself. */
  key(...parts: readonly unknown[]): string {
    return sha256(JSON.stringify([version, buildOf(), ...parts]))
  }

  get(key: string): unknown {
    const path = this.#path(key)
    try {
      const file = readFileSync(path)
      const body = brotliDecompressSync(file.subarray(32))
      if (!file.subarray(0, 32).equals(digest(body))) return undefined
      const now = new Date()
      utimesSync(path, now, now)
      return JSON.parse(body.toString())
    } catch {
      return undefined
    }
  }

  put(key: string, value: unknown): void {
    const path = this.#path(key)
    const beside = `${path}.${process.pid}.tmp`
    try {
      const body = Buffer.from(JSON.stringify(value))
      const packed = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(beside, Buffer.concat([digest(body), packed]))
      renameSync(beside, path)
      this.#prune()
    } catch {
      try {
        rmSync(beside, { force: true })
      } catch {
        // The folder cannot be written to, or is none.
      }
    }
  }

  #path(key: string): string {
    return join(this.#folder, `${key}.entry`)
  }

  #prune(): void {
    const entries = readdirSync(this.#folder).flatMap((name) => {
      const path = join(this.#folder, name)
      const s = statSync(path, { throwIfNoEntry: false })
      if (s === undefined) return []
      // What an interrupted run has left.
      const stale = name.endsWith('.tmp') && Date.now() - s.mtimeMs > 3_600_000
      return name.endsWith('.entry') || stale ? [{ path, size: s.size, used: stale ? 0 : s.mtimeMs }] : []
    })
    let total = 0
    for (const e of entries.sort((a, b) => b.used - a.used)) {
      total += e.size
      if (total > this.#most || e.used === 0) rmSync(e.path, { force: true })
    }
  }
}

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const defaultFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tenure', 'audits')

/** Which build this is: while the tool is worked on its version says nothing. */
function buildOf(): string {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const stamps = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.js') && !f.endsWith('.test.js'))
    .sort()
    .map((f) => {
      const s = statSync(join(root, f))
      return `${f} ${s.size} ${s.mtimeMs} ${s.ctimeMs}`
    })
  return sha256(stamps.join('\n'))
}
