import { Bug } from '../base/index.ts'
import type { Choose } from './model.ts'

/**
 * Runs one step once per combination of answers to its choices. The first run is answered 0 everywhere; each next one
 * counts the last answer up, like an odometer whose wheels appear as they are asked for.
 *
 *     choices.begin()
 *     do { … model.step(actor, choices.choose, violate) … } while (choices.next())
 */
export class Choices {
  readonly #answers: number[] = []
  readonly #of: number[] = []
  /** Answers of the current run so far, and how many of them are given. */
  #asked = 0
  #given = 0

  readonly choose: Choose = (n) => {
    const at = this.#asked++
    if (at >= this.#given) {
      if (!(n >= 1)) throw new Bug(`a choice among ${n}`)
      this.#answers[at] = 0
      this.#of[at] = n
      return 0
    }
    if (this.#of[at] !== n)
      throw new Bug(`a step ran again from the same state and chose among ${n}, not ${this.#of[at]}`)
    return this.#answers[at]!
  }

  begin(): void {
    this.#asked = 0
    this.#given = 0
  }

  /** Sets up the next run; false when every combination has had one. */
  next(): boolean {
    let n = this.#asked
    while (n > 0 && this.#answers[n - 1]! + 1 >= this.#of[n - 1]!) n--
    if (n === 0) return false
    this.#answers[n - 1]!++
    this.#given = n
    this.#asked = 0
    return true
  }

  /** The answers of the run that has just ended. */
  taken(): number[] {
    return this.#answers.slice(0, this.#asked)
  }
}
