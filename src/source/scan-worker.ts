import { parentPort, workerData } from 'node:worker_threads'
import { readAll, type Share } from './scan.ts'

// A thread of scan.ts: it reads its share of the files, answers with an index of their words, and ends.
parentPort!.postMessage(readAll(workerData as Share, true))
