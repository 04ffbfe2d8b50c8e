import { Worker } from 'node:worker_threads'
import type { AuditOptions, Part, Task, Turns } from '../audit/index.ts'
import { type Program, Scanner } from '../source/index.ts'

export type Told =
  | { readonly kind: 'progress'; readonly done: number; readonly of: number }
  | { readonly kind: 'part'; readonly part: Part }

/** Has these kinds of site judged by a thread of its own, by turns with others. Undefined: this tree cannot be read by two. */
export function aside(
  program: Program,
  kinds: readonly string[],
  turns: Turns,
  options: AuditOptions,
  onProgress: (done: number, of: number) => void,
): Promise<Part> | undefined {
  const { scanner, tree } = program
  const indexes = scanner instanceof Scanner ? scanner.shared : undefined
  if (indexes === undefined || tree.root === undefined) return undefined
  const { signal, onProgress: _, aside: __, ...plain } = options
  const { path, root, kernel, files } = tree
  const task: Task = {
    tree: { path, root, kernel, files },
    indexes,
    kinds,
    turns: turns.shared,
    options: plain,
  }
  const worker = new Worker(new URL(import.meta.url.replace(/aside\.(\w+)$/, 'aside-worker.$1')), {
    workerData: task,
    // Most of what is made is soon forgotten: with more room for the young less of it is copied.
    resourceLimits: { maxYoungGenerationSizeMb: 96 },
  })
  const stop = (): void => void worker.terminate()
  signal?.addEventListener('abort', stop, { once: true })
  return new Promise<Part>((resolve, reject) => {
    worker.on('message', (told: Told) => {
      if (told.kind === 'part') resolve(told.part)
      else onProgress(told.done, told.of)
    })
    worker.on('error', reject)
    worker.on('exit', () => reject(signal?.reason ?? new Error('a part of the audit was stopped')))
  }).finally(() => signal?.removeEventListener('abort', stop))
}
