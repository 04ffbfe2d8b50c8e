import { hasErrors } from '../base/index.ts'
import { renderDiagnostic } from '../report/diagnostic.ts'
import { ansi, plain } from '../report/style.ts'
import { openRevision, openTree, Overlay, Program, type Tree } from '../source/index.ts'
import { type Io, UsageError } from './io.ts'
import type { Progress } from './progress.ts'

export type InputOptions = {
  /** What is named is a revision of this repository, not a path. */
  readonly git: string | undefined
  /** The kernel tree that a driver from outside is built for. */
  readonly against: string | undefined
}

/** What is audited: sites are looked for in `program.scope`. */
export type Input = { readonly name: string; readonly tree: Tree; readonly program: Program }

/** Opens what was named on the command line. Undefined: it could not be read, and that has been said. */
export async function openInput(
  name: string,
  options: InputOptions,
  io: Io,
  progress: Progress | undefined,
): Promise<Input | undefined> {
  const own = await open(name, options.git, io, progress)
  if (own === undefined) return undefined
  if (own.files.length === 0)
    throw new UsageError(`there is no C in ${name}`, 'give a kernel tree, a folder of drivers, or a .c file')
  if (own.kind === 'file' && !/\.[ch]$/.test(name)) throw new UsageError(`${name} is not C`, hint)
  if (options.against === undefined) return { name: own.path, tree: own, program: new Program(own) }
  const base = await open(options.against, undefined, io, progress)
  if (base === undefined) return undefined
  if (base.kernel === undefined)
    throw new UsageError(
      `${options.against} is not a kernel tree: its Makefile names no version`,
      '--against takes the kernel that the driver is built for',
    )
  const mine = new Set(own.files)
  const tree = new Overlay(base, own, { path: own.path })
  return { name: own.path, tree, program: new Program(tree, { scope: (path) => mine.has(path) }) }
}

export const hint = 'give a .c file, a folder of drivers, a kernel tree or its tarball'

async function open(
  name: string,
  repository: string | undefined,
  io: Io,
  progress: Progress | undefined,
): Promise<Tree | undefined> {
  const options = {
    signal: io.signal,
    progress: (files: number) => progress?.say(`reading ${name}: ${files} files`),
  }
  const opened =
    repository === undefined ? await openTree(name, options) : await openRevision(repository, name, options)
  for (const d of opened.diagnostics) io.err(`${renderDiagnostic(d, io.errIsTerminal ? ansi : plain)}\n`)
  return hasErrors(opened.diagnostics) ? undefined : opened.value
}
