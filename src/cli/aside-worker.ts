import { parentPort, workerData } from 'node:worker_threads'
import { perform, type Task } from '../audit/index.ts'
import type { Told } from './aside.ts'

// A thread of aside.ts: it judges its kinds of site, answers, and ends.
const tell = (told: Told): void => parentPort!.postMessage(told)
tell({
  kind: 'part',
  part: await perform(workerData as Task, (done, of) => tell({ kind: 'progress', done, of })),
})
