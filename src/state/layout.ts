import { Bug } from '../base/index.ts'
import { Canonicaliser } from './canonical.ts'
import { type Change, describe, type Description, diff, rowName } from './describe.ts'
import { bitsOf, decode, encode, type Id } from './kinds.ts'
import { Packing } from './packing.ts'
import { type Field, plainRows, type Rows, rowsOf, type Tables, type TableShape, viewRows } from './rows.ts'

/**
 * The things that a state speaks of. `names` are the members' names in descriptions; without them they are `pfn0`,
 * `pfn1`, …. `symmetric`: the members are interchangeable, and the model treats them alike. A set may be empty; its
 * tables then vanish.
 */
export type Sets = Readonly<
  Record<string, { readonly size: number; readonly symmetric?: boolean; readonly names?: readonly string[] }>
>

/**
 * A schema: sets, and tables of columns over them. From it follow the places in the buffer, the rows, the
 * descriptions, the canonical form and the packed form.
 *
 *     const layout = new Layout({
 *       sets: { mm: { size: 2 }, vpn: { size: 2 }, pfn: { size: 3 } },
 *       tables: {
 *         pte: { by: ['mm', 'vpn'], cols: { write: flag, pfn: ref('pfn') } },
 *         page: { by: ['pfn'], cols: { refcount: u8, state: enums('free', 'used') } },
 *       },
 *     })
 *     const state = layout.buffer()
 *     const k = layout.open(state)
 *     k.page(pfn).refcount += 1
 *
 * A schema that cannot be laid out (an unknown set, a set too large for a reference, a wrong number of names) is a
 * `Bug`.
 */
export class Layout<const S extends Sets, const T extends Tables> {
  readonly sets: S
  readonly tables: T
  /** Length of a state's buffer, a multiple of 4. */
  readonly bytes: number
  readonly shapes: readonly TableShape[]
  /** A fresh state: every cell at its initial value. */
  readonly fresh: Uint8Array
  #packing: Packing | undefined

  constructor(spec: { readonly sets: S; readonly tables: T }) {
    this.sets = spec.sets
    this.tables = spec.tables
    for (const [name, { size, names }] of Object.entries(spec.sets)) {
      if (!Number.isInteger(size) || size < 0) throw new Bug(`set ${name} has no size: ${size}`)
      if (names !== undefined && names.length !== size)
        throw new Bug(`set ${name} has ${size} members and ${names.length} names`)
    }
    let at = 0
    this.shapes = Object.entries(spec.tables).map(([name, { by, cols }]) => {
      const dims = by.map((set) => this.#size(set, name))
      const count = dims.reduce((a, b) => a * b, 1)
      const stride = Object.keys(cols).length
      const fields = Object.entries(cols).map(([col, kind], c): Field => {
        if (!/^[A-Za-z_]\w*$/.test(col)) throw new Bug(`${name}: '${col}' is no name for a column`)
        const members = kind.kind === 'ref' ? this.#size(kind.to, `${name}.${col}`) : 0
        bitsOf(kind, members)
        return { col, kind, at: at + c, stride, members }
      })
      const shape = { name, by, dims, count, at, stride, fields }
      at += count * stride
      return shape
    })
    this.bytes = Math.max(4, (at + 3) & ~3)
    this.fresh = new Uint8Array(this.bytes)
    for (const table of this.shapes)
      for (const { col, kind, at, stride, members } of table.fields) {
        if (kind.init === undefined) continue
        const byte = encode(kind, kind.init, members)
        if (byte === undefined)
          throw new Bug(`${table.name}.${col} cannot start as ${JSON.stringify(kind.init)}`)
        for (let row = 0; row < table.count; row++) this.fresh[at + row * stride] = byte
      }
  }

  #size(set: string, user: string): number {
    const found = this.sets[set]
    if (found === undefined) throw new Bug(`${user} uses the set ${set}, which is not there`)
    return found.size
  }

  /** The members of a set, in order. */
  ids<K extends keyof S & string>(set: K): Id<K>[] {
    return Array.from({ length: this.sets[set]!.size }, (_, i) => i as Id<K>)
  }

  /** The name of a member, for people. */
  nameOf(set: keyof S & string, id: number): string {
    return this.sets[set]?.names?.[id] ?? `${set}${id}`
  }

  /** A new buffer that holds a fresh state. */
  buffer(): Uint8Array {
    return this.fresh.slice()
  }

  /** Makes a buffer a fresh state again. */
  reset(bytes: Uint8Array): void {
    bytes.set(this.fresh)
  }

  /**
   * Rows that are views on the buffer, made once. `checked` is for tests: an id that is no member, or a value that
   * its column cannot hold, is a `Bug` that names the cell; without it nothing is verified.
   */
  open(bytes: Uint8Array, options: { readonly checked?: boolean } = {}): Rows<T> {
    if (bytes.length !== this.bytes)
      throw new Bug(`a state has ${this.bytes} bytes, the buffer ${bytes.length}`)
    const name = (table: TableShape, row: number): string =>
      rowName(table, row, (set, id) => this.nameOf(set, id))
    return viewRows(this.shapes, bytes, options.checked === true ? name : undefined) as Rows<T>
  }

  /**
   * The same rows as plain objects with plain properties, holding a fresh state: an independent representation, for
   * tests.
   */
  openPlain(): Rows<T> {
    return plainRows(this.shapes, this.fresh) as Rows<T>
  }

  /** Sets any rows to the state in `bytes`. */
  copyIn(bytes: Uint8Array, rows: Rows<T>): void {
    for (const table of this.shapes)
      rowsOf(table, rows).forEach((row, i) => {
        for (const f of table.fields) row[f.col] = decode(f.kind, bytes[f.at + i * f.stride]!)
      })
  }

  /** Writes the state that any rows hold to `bytes`. A value that its column cannot hold is a `Bug`. */
  copyOut(rows: Rows<T>, bytes: Uint8Array): void {
    for (const table of this.shapes)
      rowsOf(table, rows).forEach((row, i) => {
        for (const f of table.fields) {
          const byte = encode(f.kind, row[f.col], f.members)
          if (byte === undefined)
            throw new Bug(
              `${rowName(table, i, (set, id) => this.nameOf(set, id))}.${f.col} cannot hold ${String(row[f.col])}`,
            )
          bytes[f.at + i * f.stride] = byte
        }
      })
  }

  /** The state as plain objects with names: `{ page: { pfn0: { refcount: 1 } }, … }`. */
  describe(bytes: Uint8Array): Description {
    return describe(this.shapes, bytes, (set, id) => this.nameOf(set, id))
  }

  /** What differs between two states, in the order of tables, rows and columns. */
  diff(before: Uint8Array, after: Uint8Array): Change[] {
    return diff(this.shapes, before, after, (set, id) => this.nameOf(set, id))
  }

  /** Merges states that differ only in names of symmetric members; nothing when no set is symmetric. */
  canonicaliser(): Canonicaliser | undefined {
    const symmetric = Object.entries(this.sets).flatMap(([set, { size, symmetric }]) =>
      symmetric === true && size > 1 ? [{ set, size }] : [],
    )
    return symmetric.length === 0 ? undefined : new Canonicaliser(this.shapes, symmetric, this.bytes)
  }

  /** How states are stored. */
  packing(): Packing {
    return (this.#packing ??= new Packing(this.shapes, this.bytes))
  }
}

// biome-ignore lint: a layout of any shape, for code that is generic over it
export type AnyLayout = Layout<any, any>
