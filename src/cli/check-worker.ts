import { parentPort } from 'node:worker_threads'
import { type Job, plainDiagnostic, type PlainDiagnostic, runJob } from './check-job.ts'
import { renderDiagnostic } from '../report/diagnostic.ts'
import { ansi, plain } from '../report/style.ts'
import type { Judgement, LitmusResult } from '../litmus/index.ts'

/** What a worker says: how far it is, and what a job gave. A search cannot be interrupted, a worker can. */
export type Said =
  | { readonly kind: 'progress'; readonly states: number; readonly depth: number }
  | {
      readonly kind: 'done'
      readonly result?: LitmusResult
      readonly judgement?: Judgement
      readonly diagnostics: readonly PlainDiagnostic[]
      readonly rendered: readonly string[]
      readonly absent: boolean
    }

const port = parentPort
port?.on('message', ({ job, colour }: { job: Job; colour: boolean }) => {
  const say = (said: Said): void => {
    port.postMessage(said)
  }
  // Nothing is given back: true would stop the search.
  const { diagnostics, ...done } = runJob(job, (states, depth) => say({ kind: 'progress', states, depth }))
  say({
    kind: 'done',
    ...done,
    diagnostics: diagnostics.map(plainDiagnostic),
    rendered: diagnostics.map((d) => renderDiagnostic(d, colour ? ansi : plain)),
  })
})
