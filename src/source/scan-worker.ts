import { parentPort, workerData } from 'node:worker_threads'
import { readAll, type Share } from './scan.ts'

// A thread of scan.ts: it reads its share of the files, answers with the words of each, and ends.
const answer = readAll(workerData as Share)
const { start, hash, file } = answer.index
parentPort!.postMessage(answer, [start.buffer, hash.buffer, file.buffer])
