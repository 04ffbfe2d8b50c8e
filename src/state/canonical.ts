import type { TableShape } from './rows.ts'

/** Where each member of each symmetric set goes: the sets' maps one behind the other, in the order of the layout. */
export type Permutation = Uint8Array

/** A set whose members may be exchanged, and the cells that must follow. */
type Plan = {
  readonly size: number
  /** Where this set's map starts in a permutation. */
  readonly at: number
  /** For each member, the cells of its rows; moving a member moves them all. Equal lengths, equal order. */
  readonly own: readonly Int32Array[]
  /** Those of them that do not name a member of this set: what members are compared by. */
  readonly signature: readonly Int32Array[]
  /**
   * Cells of tables that are indexed by this set twice or more: offset without this set's part, then a stride for
   * each use.
   */
  readonly woven: { readonly cells: Int32Array; readonly uses: number }[]
  /** Every cell that names a member of this set. */
  readonly refs: Int32Array
  readonly order: Int32Array
}

type SymmetricSet = { readonly set: string; readonly size: number }

/**
 * Picks one representative for states that differ only in the names of interchangeable members: sorts the members of
 * every symmetric set by their own cells, then by who names them first. Any permutation is sound, so a tie that is
 * left costs states, never answers.
 */
export class Canonicaliser {
  /** Length of a permutation. */
  readonly members: number
  readonly #plans: readonly Plan[]
  readonly #scratch: Uint8Array

  constructor(tables: readonly TableShape[], sets: readonly SymmetricSet[], bytes: number) {
    let at = 0
    this.#plans = sets.map((set) => {
      const plan = planOf(tables, set, at)
      at += set.size
      return plan
    })
    this.members = at
    this.#scratch = new Uint8Array(bytes)
  }

  identity(): Permutation {
    const out = new Uint8Array(this.members)
    for (const p of this.#plans) for (let e = 0; e < p.size; e++) out[p.at + e] = e
    return out
  }

  inverse(of: Permutation): Permutation {
    const out = new Uint8Array(this.members)
    for (const p of this.#plans) for (let e = 0; e < p.size; e++) out[p.at + of[p.at + e]!] = e
    return out
  }

  /** First `first`, then `then`. */
  compose(first: Permutation, then: Permutation): Permutation {
    const out = new Uint8Array(this.members)
    for (const p of this.#plans)
      for (let e = 0; e < p.size; e++) out[p.at + e] = then[p.at + first[p.at + e]!]!
    return out
  }

  /** The state with its members renamed. */
  permute(source: Uint8Array, by: Permutation, out: Uint8Array): void {
    out.set(source)
    for (const plan of this.#plans) this.#move(plan, by, out)
  }

  /** Writes the representative to `out`, and to `by` the permutation that leads from `source` to it. */
  canonicalise(source: Uint8Array, out: Uint8Array, by: Permutation): void {
    out.set(source)
    for (const plan of this.#plans) {
      const { size, order, at } = plan
      let sorted = true
      for (let i = 0; i < size; i++) {
        let j = i - 1
        while (j >= 0 && compare(plan, out, order[j]!, i) > 0) {
          order[j + 1] = order[j]!
          j--
          sorted = false
        }
        order[j + 1] = i
      }
      for (let i = 0; i < size; i++) by[at + order[i]!] = i
      if (!sorted) this.#move(plan, by, out)
    }
  }

  #move(plan: Plan, by: Permutation, state: Uint8Array): void {
    const { size, at, own, woven, refs } = plan
    const scratch = this.#scratch
    scratch.set(state)
    for (let e = 0; e < size; e++) {
      const to = by[at + e]!
      if (to === e) continue
      const from = own[e]!
      const into = own[to]!
      for (let k = 0; k < from.length; k++) state[into[k]!] = scratch[from[k]!]!
    }
    for (const { cells, uses } of woven)
      for (let k = 0; k < cells.length; k += 1 + 2 * uses) {
        let from = cells[k]!
        let into = from
        for (let u = 0; u < uses; u++) {
          const stride = cells[k + 1 + 2 * u]!
          const member = cells[k + 2 + 2 * u]!
          from += stride * member
          into += stride * by[at + member]!
        }
        state[into] = scratch[from]!
      }
    for (let k = 0; k < refs.length; k++) {
      const v = state[refs[k]!]!
      if (v !== 0) state[refs[k]!] = by[at + v - 1]! + 1
    }
  }
}

function compare({ signature, refs }: Plan, state: Uint8Array, x: number, y: number): number {
  const a = signature[x]!
  const b = signature[y]!
  for (let k = 0; k < a.length; k++) {
    const d = state[a[k]!]! - state[b[k]!]!
    if (d !== 0) return d
  }
  for (let k = 0; k < refs.length; k++) {
    const v = state[refs[k]!]!
    if (v === x + 1) return 1
    if (v === y + 1) return -1
  }
  return 0
}

function planOf(tables: readonly TableShape[], { set, size }: SymmetricSet, at: number): Plan {
  const own: number[][] = Array.from({ length: size }, () => [])
  const signature: number[][] = Array.from({ length: size }, () => [])
  const refs: number[] = []
  const woven: { cells: Int32Array; uses: number }[] = []
  for (const table of tables) {
    const uses = table.by.flatMap((s, d) => (s === set ? [d] : []))
    const strides = table.dims.map((_, d) => table.dims.slice(d + 1).reduce((a, b) => a * b, table.stride))
    const member = (row: number, d: number): number =>
      Math.floor((row * table.stride) / strides[d]!) % table.dims[d]!
    const cells: number[] = []
    for (let row = 0; row < table.count; row++)
      for (const field of table.fields) {
        const cell = field.at + row * field.stride
        const names = field.kind.kind === 'ref' && field.kind.to === set
        if (names) refs.push(cell)
        if (uses.length === 1) {
          const e = member(row, uses[0]!)
          own[e]!.push(cell)
          if (!names) signature[e]!.push(cell)
        } else if (uses.length > 1) {
          cells.push(uses.reduce((c, d) => c - strides[d]! * member(row, d), cell))
          for (const d of uses) cells.push(strides[d]!, member(row, d))
        }
      }
    if (cells.length > 0) woven.push({ cells: Int32Array.from(cells), uses: uses.length })
  }
  return {
    size,
    at,
    own: own.map((o) => Int32Array.from(o)),
    signature: signature.map((o) => Int32Array.from(o)),
    woven,
    refs: Int32Array.from(refs),
    order: new Int32Array(size),
  }
}
