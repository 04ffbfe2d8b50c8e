import type { Answer, Run, Setting } from './model.ts'

export type Checking = {
  readonly done: Promise<Run>
  /** Stops it at once. The promise is then rejected with `Stopped`. */
  readonly stop: () => void
}
export class Stopped extends Error {}

let next = 0
const idle: Worker[] = [tenureFirst]

/** Checks a test in a worker of its own. Workers are used again, but for one that was stopped. */
export function check(
  text: string,
  setting: Setting,
  onProgress: (states: number, depth: number) => void,
): Checking {
  const worker = idle.pop() ?? new Worker(tenureWorkers)
  const id = next++
  let fail: (e: Error) => void = () => {}
  const done = new Promise<Run>((resolve, reject) => {
    fail = reject
    const listening = new AbortController()
    const { signal } = listening
    worker.addEventListener(
      'message',
      ({ data }: MessageEvent<Answer>) => {
        if (data.id !== id) return
        if ('progress' in data) return onProgress(data.progress.states, data.progress.depth)
        listening.abort()
        idle.push(worker)
        if ('run' in data) resolve(data.run)
        else reject(new Error(data.failed))
      },
      { signal },
    )
    worker.addEventListener(
      'error',
      (e) => {
        listening.abort()
        reject(new Error(e.message || 'the worker could not be started'))
      },
      { signal },
    )
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
