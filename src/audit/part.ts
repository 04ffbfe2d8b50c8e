import {
  funcKey,
  type Problem,
  Program,
  Scanner,
  type TreeData,
  treeFrom,
  type WordIndex,
} from '../source/index.ts'
import { Judge } from './judge.ts'
import { Knowledge } from './knowledge.ts'
import type { AuditOptions, Context, Job } from './protocol.ts'
import { all } from './protocols/index.ts'
import type { Site } from './result.ts'

/** What was found of some kinds of site. Plain data, so that it can come from another thread. */
export type Part = {
  readonly sites: readonly Site[]
  /** Functions with sites of which a part was not understood, and why. */
  readonly skipped: readonly (readonly [func: string, reasons: readonly string[]])[]
  /** The files that were read, and how many functions are in them. */
  readonly read: readonly (readonly [file: string, functions: number])[]
  readonly problems: readonly Problem[]
}

/** Every site of these kinds, judged. `onProgress` is told how many functions of how many are done. */
export async function partOf(
  context: Context,
  kinds: readonly string[],
  onProgress?: (done: number, of: number) => void,
): Promise<Part> {
  const { program, options } = context
  const todo: Job[] = []
  for (const protocol of all) {
    const own = protocol.kinds.filter((k) => kinds.includes(k))
    if (own.length === 0) continue
    options.signal?.throwIfAborted()
    todo.push(...protocol.jobs(context, own).filter((j) => program.scope(j.func.file.path)))
  }
  const sites: Site[] = []
  for (const [i, job] of todo.entries()) {
    await breathe()
    options.signal?.throwIfAborted()
    sites.push(...job.decide())
    onProgress?.(i + 1, todo.length)
  }
  const skipped = [...new Set(todo.map((j) => j.func))].flatMap((f): [string, string[]][] => {
    const reasons = new Set(f.body.problems.map((p) => p.reason))
    return reasons.size === 0 ? [] : [[funcKey(f), [...reasons]]]
  })
  return { sites, skipped, read: [...program.seen], problems: program.tree.problems }
}

/** Lets signals and timers in. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What another thread needs to judge a part of an audit by itself. The index is shared, not copied. */
export type Task = {
  readonly tree: TreeData
  readonly indexes: readonly WordIndex[]
  readonly kinds: readonly string[]
  readonly options: Omit<AuditOptions, 'signal' | 'onProgress' | 'aside'>
}

/** What that thread does. */
export function perform(
  { tree, indexes, kinds, options }: Task,
  onProgress: (done: number, of: number) => void,
): Promise<Part> {
  const opened = treeFrom(tree)
  const program = new Program(opened, { scanner: new Scanner(opened, { indexes }) })
  return partOf({ program, code: new Knowledge(program), judge: new Judge(), options }, kinds, onProgress)
}
