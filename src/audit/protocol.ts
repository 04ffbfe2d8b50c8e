import { compareVersions, isVersion, kernels } from '../kernel/index.ts'
import type { Func, Program } from '../source/index.ts'
import type { Judge, Rules } from './judge.ts'
import type { Part, Turns } from './part.ts'
import type { Knowledge } from './knowledge.ts'
import type { Site } from './result.ts'

export type AuditOptions = {
  /** The version that the tree says it is, if it does. */
  readonly treeKernel: string | undefined
  /** The version asked for: it is used whatever the tree says. */
  readonly kernel?: string
  readonly policies?: Readonly<Record<string, string>>
  /** Only these protocols; left out, those that are on by themselves. */
  readonly protocols?: readonly string[]
  readonly version: string
  readonly path: string
  /** The command that gives this audit again; left out, `tenure audit PATH`. */
  readonly replay?: string
  readonly onProgress?: (done: number, of: number) => void
  /** Aborted: the audit rejects. */
  readonly signal?: AbortSignal
  /** Has these kinds of site judged elsewhere, by turns with others, if it can (another thread, where there are threads). */
  readonly aside?: (
    program: Program,
    kinds: readonly string[],
    turns: Turns,
    options: AuditOptions,
    onProgress: (done: number, of: number) => void,
  ) => Promise<Part> | undefined
}

/** What every protocol works with. */
export type Context = {
  readonly program: Program
  readonly code: Knowledge
  readonly judge: Judge
  readonly options: AuditOptions
}

/** The sites of one function, judged together. */
export type Job = {
  readonly func: Func
  decide(): readonly Site[]
}

/** A way of borrowing or lending memory: how its sites are found, and how each is judged. */
export type Protocol = {
  /** The kinds of site that it finds (finding-classes in docs/audit.md), which are also the names that it is asked for by. */
  readonly kinds: readonly string[]
  /** On without being asked for. */
  readonly standing: boolean
  /** One for each function that has sites. */
  jobs(context: Context, kinds: readonly string[]): readonly Job[]
}

/** The files that hold one of these words and are to be audited, in order. */
export function filesWith(program: Program, words: Iterable<string>): readonly string[] {
  const paths = new Set<string>()
  for (const word of words)
    for (const path of program.filesWith(word)) if (program.scope(path)) paths.add(path)
  return [...paths].sort()
}

export const newest = kernels.at(-1)!

/** A version that is modelled: the newest one not above what the tree says. */
export function modelled(version: string): string {
  const [major = '0', minor = '0'] = version.split('.')
  const short = `${major}.${minor}`
  if (isVersion(short)) return short
  return compareVersions(short, newest) > 0 ? newest : kernels[0]
}

/**
 * The kernel by which a call is judged: the tree's. A tree that does not say which it is is judged by the newest kernel that has the call,
 * as is one that has the call although its version does not.
 */
export function rulesFor(
  api: { readonly since?: string; readonly until?: string },
  { treeKernel, kernel, policies = {} }: AuditOptions,
): Rules {
  const asked = kernel ?? treeKernel
  const has = (v: string): boolean =>
    (api.since === undefined || compareVersions(v, api.since) >= 0) &&
    (api.until === undefined || compareVersions(v, api.until) < 0)
  if (asked !== undefined) {
    const version = modelled(asked)
    if (kernel !== undefined || has(version)) return { kernel: version, policies }
  }
  return { kernel: kernels.findLast(has) ?? newest, policies }
}
