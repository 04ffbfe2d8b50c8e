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

/** A state that may become what is true of it or of another that stands alike. */
export interface Joinable<S> {
  fork(): S
  standing(): string
  /** `at`: a name for what is different in the two. Tells whether anything changed. */
  join(other: S, at: string): boolean
}

/** Those that stand alike are one where they meet; the first in the text comes first, so that most have met by then. */
export class Joined<S extends Joinable<S>> implements Waiting<S> {
  readonly #prefix: string
  readonly #states = new Map<number, Map<string, S>>()
  readonly #open = new Map<number, Set<string>>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  add(at: number, s: S): boolean {
    let states = this.#states.get(at)
    if (states === undefined) this.#states.set(at, (states = new Map()))
    const key = s.standing()
    const old = states.get(key)
    if (old === undefined) states.set(key, s)
    else if (!old.join(s, `${this.#prefix}${at}`)) return false
    const open = this.#open.get(at)
    if (open === undefined) this.#open.set(at, new Set([key]))
    else open.add(key)
    return true
  }

  take(): [number, S] | undefined {
    let at = Infinity
    for (const n of this.#open.keys()) if (n < at) at = n
    const open = this.#open.get(at)
    if (open === undefined) return undefined
    const [key] = open
    open.delete(key!)
    if (open.size === 0) this.#open.delete(at)
    return [at, this.#states.get(at)!.get(key!)!.fork()]
  }
}

/** Ends that differ, in what is given (by `text`) or in the state. */
export class Different<S extends { key(): string }, V> implements Ends<S, V> {
  readonly #outs = new Map<string, Out<S, V>>()
  readonly #text: (v: V) => string
  readonly #told: ((out: Out<S, V>) => void) | undefined

  constructor(text: (v: V) => string, told?: (out: Out<S, V>) => void) {
    this.#text = text
    this.#told = told
  }

  add(out: Out<S, V>): void {
    const key = `${this.#text(out.v)}|${out.s.key()}`
    if (this.#outs.has(key)) return
    this.#outs.set(key, out)
    this.#told?.(out)
  }

  all(): Out<S, V>[] {
    return [...this.#outs.values()]
  }
}
