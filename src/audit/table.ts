/**
 * What is known by name on one path. A fork costs nothing until one of the two is changed, and what is in it comes to a short text, kept
 * up to date as it changes: paths that are alike are found by it.
 */
export class Table<V> {
  #map: Map<string, V>
  /** Another table has the same map. */
  #shared = false
  #low = 0
  #high = 0
  readonly #text: (v: V) => string

  /** `text`: what of a value counts when two tables are compared. */
  constructor(text: (v: V) => string, from?: Table<V>) {
    this.#text = text
    if (from === undefined) {
      this.#map = new Map<string, V>()
      return
    }
    this.#map = from.#map
    this.#low = from.#low
    this.#high = from.#high
    this.#shared = true
    from.#shared = true
  }

  fork(): Table<V> {
    return new Table(this.#text, this)
  }

  /** Equal for tables that hold the same, in whatever order it came; of those that do not, one pair in 2^64 is. */
  get digest(): string {
    return `${this.#low},${this.#high}`
  }

  get size(): number {
    return this.#map.size
  }

  get(name: string): V | undefined {
    return this.#map.get(name)
  }

  has(name: string): boolean {
    return this.#map.has(name)
  }

  set(name: string, value: V): void {
    const before = this.#map.get(name)
    if (before === value) return
    this.#own()
    if (before !== undefined) this.#count(name, before, -1)
    this.#count(name, value, 1)
    this.#map.set(name, value)
  }

  delete(name: string): void {
    const before = this.#map.get(name)
    if (before === undefined) return
    this.#own()
    this.#count(name, before, -1)
    this.#map.delete(name)
  }

  clear(): void {
    this.#map = new Map()
    this.#shared = false
    this.#low = 0
    this.#high = 0
  }

  keys(): MapIterator<string> {
    return this.#map.keys()
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.#map[Symbol.iterator]()
  }

  #own(): void {
    if (!this.#shared) return
    this.#map = new Map(this.#map)
    this.#shared = false
  }

  /** A sum over all entries: what is put in can be taken out again. */
  #count(name: string, value: V, sign: 1 | -1): void {
    let low = 0x811c9dc5
    let high = 0x1b873593
    for (const part of [name, '=', this.#text(value)])
      for (let i = 0; i < part.length; i++) {
        const c = part.charCodeAt(i)
        low = Math.imul(low ^ c, 0x01000193)
        high = Math.imul(high, 31) + c
      }
    this.#low = (this.#low + sign * mixed(low, high)) | 0
    this.#high = (this.#high + sign * mixed(high, low)) | 0
  }
}

function mixed(a: number, b: number): number {
  let h = Math.imul(a ^ (b >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13) ^ b, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
