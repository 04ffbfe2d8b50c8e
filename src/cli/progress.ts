import type { Io } from './io.ts'

/** One line on the terminal that is written over again. */
export class Progress {
  readonly #io: Io
  #shown = false
  #last = 0
  constructor(io: Io) {
    this.#io = io
  }
  say(text: string): void {
    const now = Date.now()
    if (now - this.#last < 80) return
    this.#last = now
    this.#shown = true
    this.#io.err(`\r\u001b[K${text}`)
  }
  clear(): void {
    if (this.#shown) this.#io.err('\r\u001b[K')
    this.#shown = false
  }
}
