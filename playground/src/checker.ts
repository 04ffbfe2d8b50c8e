import type { Answer, Run, Setting } from './model.ts'

export type Checking = {
  readonly done: Promise<Run>
  /** Stops it at once. The promise is then rejected with `Stopped`. */
  readonly stop: () => void
}
export class Stopped extends Error {}

let url: string | undefined
let next = 0
const idle: Worker[] = []

/** Checks a test in a worker of its own. Workers are used again, but for one that was stopped. */
export function check(
  text: string,
  setting: Setting,
  onProgress: (states: number, depth: number) => void,
): Checking {
  url ??= URL.createObjectURL(new Blob([`(${tenureModel.toString()})()`], { type: 'text/javascript' }))
  const worker = idle.pop() ?? new Worker(url)
  const id = next++
  let fail: (e: Error) => void = () => {}
  const done = new Promise<Run>((resolve, reject) => {
    fail = reject
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.id !== id) return
      if ('progress' in data) return onProgress(data.progress.states, data.progress.depth)
      idle.push(worker)
      if ('run' in data) resolve(data.run)
      else reject(new Error(data.failed))
    }
    worker.onerror = (e) => reject(new Error(e.message || 'the worker could not be started'))
  })
  worker.postMessage({ id, text, setting })
  return {
    done,
    stop: () => {
      worker.terminate()
      fail(new Stopped('stopped'))
    },
  }
}

/** A worker that waits, so that the first run need not. */
export function warmUp(): void {
  url ??= URL.createObjectURL(new Blob([`(${tenureModel.toString()})()`], { type: 'text/javascript' }))
  if (idle.length === 0) idle.push(new Worker(url))
}
