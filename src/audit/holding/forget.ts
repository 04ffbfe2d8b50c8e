import { type Frame, result } from '../ways/subject.ts'
import type { State } from './state.ts'

/** What is asked no more, and with it what tells ways apart that are alike. */
export class Forgetting {
  /** The variable that a place is in; whether conditions name all of a key. */
  readonly #variables = new Map<string, string>()
  readonly #named = new Map<ReadonlySet<string>, Map<string, boolean>>()

  /** Locals that nothing reads any more, and what is known of values that nobody names any more. */
  forget(s: State, frame: Frame, names: ReadonlySet<string>, conditions: ReadonlySet<string>): void {
    for (const [k, v] of s.env) {
      if (!k.startsWith(frame.prefix)) continue
      const name = this.#variable(k, frame)
      if (!names.has(name) && name !== result && v.hold === undefined) s.env.delete(k)
    }
    let known: Set<string> | undefined
    /** What is known of a value by a name that something still has. */
    const held = (key: string): boolean => {
      if (known === undefined) {
        known = new Set()
        for (const [k, v] of s.env)
          if (
            !known.has(v.sym) &&
            (!k.startsWith(frame.prefix) || v.got !== undefined || conditions.has(this.#variable(k, frame)))
          )
            known.add(v.sym)
        for (const h of s.holds.values()) known.add(h.asked.sym)
      }
      if (known.has(key)) return true
      for (const k of known) if (key.indexOf(k) >= 0) return true
      return false
    }
    for (const k of s.signs.keys()) if (!this.#namedIn(k, conditions) && !held(k)) s.signs.delete(k)
    for (const k of s.facts.keys()) if (!this.#namedIn(k, conditions) && !held(k)) s.facts.delete(k)
  }

  /** The variable of a frame that a place is in. */
  #variable(loc: string, frame: Frame): string {
    let name = this.#variables.get(loc)
    if (name === undefined) {
      name = /^\w*/.exec(loc.slice(frame.prefix.length))![0]
      this.#variables.set(loc, name)
    }
    return name
  }

  /** Whether conditions name all that something is known of; what an #if says they always do. */
  #namedIn(key: string, conditions: ReadonlySet<string>): boolean {
    let known = this.#named.get(conditions)
    if (known === undefined) this.#named.set(conditions, (known = new Map()))
    let named = known.get(key)
    if (named === undefined) {
      named =
        key.startsWith('#if ') ||
        key.startsWith('user(') ||
        (!key.includes('#') &&
          (key.match(/[A-Za-z_]\w*/g) ?? []).every((w) => conditions.has(w) || /^[A-Z_0-9]+$/.test(w)))
      known.set(key, named)
    }
    return named
  }
}
