import { isAscii } from 'node:buffer'
import { closeSync, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Diagnostic, Outcome } from '../base/index.ts'
import type { Problem } from './ir.ts'
import type { FileWords } from './word-index.ts'

export type KernelVersion = {
  readonly text: string
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Where the sources are: a directory, one file, an archive, a revision, files in memory, or one of these over another. */
export type Tree = {
  /** As it was given. */
  readonly path: string
  readonly kind: 'directory' | 'file' | 'archive' | 'revision' | 'memory' | 'overlay'
  /** From the top Makefile, if that is a kernel's. */
  readonly kernel: KernelVersion | undefined
  /** The .c and .h files, sorted, relative to the tree, with `/`. */
  readonly files: readonly string[]
  /** What could not be read; grows as files are read. */
  readonly problems: Problem[]
  /** These are about to be asked for: a tree that fetches them from elsewhere can do so in one go. */
  fetch?(paths: readonly string[]): void
  /** The directory that the files can be read from, when there is one. */
  readonly root: string | undefined
  /** The identifiers of each file, where they are known already. */
  readonly words?: ReadonlyMap<string, FileWords>
  /** A file's bytes. `undefined`, and a problem, when it cannot be read. */
  bytes(path: string): Uint8Array | undefined
  /** A file's text: UTF-8 or else Latin-1. `undefined`, and a problem, when it cannot be read or is not text. */
  text(path: string): string | undefined
  /** The Makefile or Kbuild of a directory of the tree; no problem when there is none. */
  makefile(directory: string): string | undefined
}

export type OpenOptions = {
  readonly signal?: AbortSignal
  /** Told how far the reading of an archive is. */
  readonly progress?: (files: number) => void
}

/**
 * The directories at the top of a kernel tree that hold no kernel code: programs for the build host and for user space,
 * documentation. Everything else is read, samples/ too: out-of-tree drivers are copied from there.
 */
export const notKernel: ReadonlySet<string> = new Set([
  'Documentation',
  'LICENSES',
  'debian',
  'scripts',
  'tools',
  'usr',
])

export const isCFile = (name: string): boolean => name.endsWith('.c') || name.endsWith('.h')

/** Files larger than this are not C that people write; they are reported and not read. */
export const maxFileBytes = 32 << 20

export const diagnose = (code: string, message: string, hint?: string): Outcome<never> => ({
  diagnostics: [
    {
      code,
      severity: 'error',
      message,
      ...(hint === undefined ? {} : { hints: [{ text: hint }] }),
    } satisfies Diagnostic,
  ],
})

export function openDirectory(path: string, options: OpenOptions): Outcome<Tree> {
  const root = realpathSync(path)
  const problems: Problem[] = []
  const kernel = kernelVersion(readQuietly(join(root, 'Makefile')))
  const files: string[] = []
  const walk = (directory: string): void => {
    options.signal?.throwIfAborted()
    let entries: ReturnType<typeof list>
    try {
      entries = list(join(root, directory))
    } catch (e) {
      problems.push({ file: directory, message: `the directory cannot be read: ${reason(e)}` })
      return
    }
    for (const e of entries) {
      const name = directory === '' ? e.name : `${directory}/${e.name}`
      if (e.isDirectory()) {
        if (e.name === '.git' || (directory === '' && kernel && notKernel.has(e.name))) continue
        walk(name)
      } else if (!isCFile(e.name)) continue
      else if (e.isFile()) files.push(name)
      // A link to a directory is never followed, so there are no loops; a link to a file is the file.
      else if (e.isSymbolicLink()) {
        const broken = linkProblem(join(root, name))
        if (broken === undefined) files.push(name)
        else problems.push({ file: name, message: broken })
      }
    }
  }
  walk('')
  files.sort()
  if (files.length === 0)
    return diagnose(
      'source/no-c',
      `${path} holds no .c or .h file`,
      'give a kernel tree, a driver’s directory, a .c file, or a linux-source tarball',
    )
  return { value: new DirectoryTree(path, 'directory', root, kernel, files, problems), diagnostics: [] }
}

export function openFile(path: string): Outcome<Tree> {
  return {
    value: new DirectoryTree(
      path,
      'file',
      dirname(realpathSync(path)),
      undefined,
      [basename(realpathSync(path))],
      [],
    ),
    diagnostics: [],
  }
}

/** A directory that has been listed. */
export type TreeData = {
  readonly path: string
  readonly root: string
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
}

/** A directory that another thread has listed. */
export const treeFrom = ({ path, root, kernel, files }: TreeData): Tree =>
  new DirectoryTree(path, 'directory', root, kernel, files, [])

class DirectoryTree implements Tree {
  readonly path: string
  readonly kind: 'directory' | 'file'
  readonly root: string
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
  readonly problems: Problem[]

  constructor(
    path: string,
    kind: 'directory' | 'file',
    root: string,
    kernel: KernelVersion | undefined,
    files: readonly string[],
    problems: Problem[],
  ) {
    this.path = path
    this.kind = kind
    this.root = root
    this.kernel = kernel
    this.files = files
    this.problems = problems
  }

  bytes(path: string): Uint8Array | undefined {
    try {
      return readWhole(join(this.root, path))
    } catch (e) {
      this.problems.push({ file: path, message: `the file cannot be read: ${reason(e)}` })
      return undefined
    }
  }

  text(path: string): string | undefined {
    return decode(this.bytes(path), path, this.problems)
  }

  makefile(directory: string): string | undefined {
    return (
      readQuietly(join(this.root, directory, 'Kbuild')) ?? readQuietly(join(this.root, directory, 'Makefile'))
    )
  }
}

/** Text of C, or `undefined` with a problem when it is something else. */
export function decode(bytes: Uint8Array | undefined, path: string, problems: Problem[]): string | undefined {
  if (bytes === undefined) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.subarray(0, 8192).includes(0)) {
    problems.push({ file: path, message: 'the file is binary' })
    return undefined
  }
  if (isAscii(buffer)) return buffer.toString('latin1')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer)
  } catch {
    return buffer.toString('latin1')
  }
}

export function kernelVersion(makefile: string | undefined): KernelVersion | undefined {
  const part = (name: string): number | undefined => {
    const m = new RegExp(`^${name}\\s*=\\s*(\\d+)\\s*$`, 'm').exec(makefile ?? '')
    return m ? Number(m[1]) : undefined
  }
  const major = part('VERSION')
  const minor = part('PATCHLEVEL')
  if (major === undefined || minor === undefined) return undefined
  const patch = part('SUBLEVEL') ?? 0
  return { text: `${major}.${minor}.${patch}`, major, minor, patch }
}

const list = (directory: string) => readdirSync(directory, { withFileTypes: true })

/** What is wrong with a link that should be a file. */
function linkProblem(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? undefined : 'the link leads to something that is not a file'
  } catch (e) {
    return `the link leads nowhere: ${reason(e)}`
  }
}

function readWhole(path: string): Uint8Array {
  const fd = openSync(path, 'r')
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error('it is not a regular file')
    if (stat.size > maxFileBytes) throw new Error(`it is larger than ${maxFileBytes >> 20} MB`)
    const buffer = Buffer.allocUnsafe(stat.size)
    let n = 0
    while (n < stat.size) {
      const got = readSync(fd, buffer, n, stat.size - n, n)
      if (got === 0) break // it shrank
      n += got
    }
    return buffer.subarray(0, n)
  } finally {
    closeSync(fd)
  }
}

function readQuietly(path: string): string | undefined {
  try {
    return Buffer.from(readWhole(path)).toString('latin1')
  } catch {
    return undefined
  }
}

export const reason = (e: unknown): string => {
  const code = (e as { code?: string }).code
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'ENOENT':
      return 'it is not there'
    case 'ELOOP':
      return 'too many symbolic links'
    case 'EISDIR':
      return 'it is a directory'
    default:
      return e instanceof Error ? e.message : String(e)
  }
}
