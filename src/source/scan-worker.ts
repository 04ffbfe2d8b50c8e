import { parentPort, workerData } from 'node:worker_threads'
import { type Question, Share, type ShareData } from './scan.ts'

// A thread of scan.ts: it keeps its share of the files and answers one question after the other.
const data = workerData as ShareData
const share = new Share(data.files, data.root)
parentPort!.on('message', (question: Question) => parentPort!.postMessage(share.answer(question)))
