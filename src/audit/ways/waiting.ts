import type { Ends, Out, Waiting } from './subject.ts'

/** Each way for itself, as long as it differs from the others. The last one first. */
export class Apart<S extends { key(): string }> implements Waiting<S> {
  readonly #queue: [number, S][] = []
  readonly #seen = new Set<string>()

  add(at: number, s: S): boolean {
    const key = `${at}|${s.key()}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    this.#queue.push([at, s])
    return true
  }

  take(): [number, S] | undefined {
    return this.#queue.pop()
  }
}

/** Ends that differ, in what is given (by `text`) or in the state. */
export class Different<S extends { key(): string }, V> implements Ends<S, V> {
  readonly #outs = new Map<string, Out<S, V>>()
  readonly #text: (v: V) => string

  constructor(text: (v: V) => string) {
    this.#text = text
  }

  add(out: Out<S, V>): void {
    const key = `${this.#text(out.v)}|${out.s.key()}`
    if (!this.#outs.has(key)) this.#outs.set(key, out)
  }

  all(): Out<S, V>[] {
    return [...this.#outs.values()]
  }
}
