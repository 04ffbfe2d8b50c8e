import { parentPort, workerData } from 'node:worker_threads'
import { searchAll, type SearchShare } from './search.ts'

// A thread of search.ts: it searches its share of the files, answers, and ends.
parentPort!.postMessage(searchAll(workerData as SearchShare))
