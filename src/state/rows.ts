import { Bug } from '../base/index.ts'
import { type Cell, decode, encode, type Id, type Kind } from './kinds.ts'

export type Columns = Readonly<Record<string, Kind>>

/** A table is a map from the members of the sets in `by` to a row; with no set it is one row. */
export type Tables = Readonly<Record<string, { readonly by: readonly string[]; readonly cols: Columns }>>

export type Row<C> = { -readonly [K in keyof C]: Cell<C[K]> }

type Ids<B extends readonly string[]> = { [I in keyof B]: Id<B[I] & string> }

/** `rows.pte(mm, vpn).pfn`: a function per table, from ids to the row. The row is the same object each time. */
export type Rows<T extends Tables> = {
  readonly [K in keyof T]: (...ids: Ids<T[K]['by']>) => Row<T[K]['cols']>
}

/** A column of a table and where its cells are: that of row `i` is the byte `at + i * stride`. */
export type Field = {
  readonly col: string
  readonly kind: Kind
  readonly at: number
  readonly stride: number
  /** The size of the set that a `ref` names, else 0. */
  readonly members: number
}

/** A table with its place in the buffer: `count` rows, row after row, the last index running fastest. */
export type TableShape = {
  readonly name: string
  readonly by: readonly string[]
  readonly dims: readonly number[]
  readonly count: number
  readonly at: number
  readonly stride: number
  readonly fields: readonly Field[]
}

type View = { readonly $bytes: Uint8Array; readonly $at: number }
type ViewClass = new (bytes: Uint8Array, at: number) => View
type AnyRow = Record<string, unknown>

/**
 * Rows lie one after the other, so an accessor needs to know only where its row starts: `bytes[row + column]`. The
 * class therefore depends on nothing but the columns, and all layouts of the program that have such a table share it.
 * That keeps the code which uses the rows monomorphic through thousands of small checks.
 */
const classes = new Map<string, ViewClass>()

function viewClass(table: TableShape): ViewClass {
  let key = ''
  for (const { col, kind } of table.fields)
    key += `${col} ${kind.kind} ${kind.kind === 'enum' ? JSON.stringify(kind.words) : ''};`
  let made = classes.get(key)
  if (made === undefined) {
    made = makeClass(table, (field) => accessor(field.kind, field.at - table.at))
    classes.set(key, made)
  }
  return made
}

function makeClass(table: TableShape, accessorOf: (field: Field) => PropertyDescriptor): ViewClass {
  class RowView implements View {
    readonly $bytes: Uint8Array
    readonly $at: number
    constructor(bytes: Uint8Array, at: number) {
      this.$bytes = bytes
      this.$at = at
    }
  }
  for (const field of table.fields)
    Object.defineProperty(RowView.prototype, field.col, { ...accessorOf(field), enumerable: true })
  return RowView
}

function accessor(kind: Kind, c: number): PropertyDescriptor & ThisType<View> {
  switch (kind.kind) {
    case 'u8':
      return {
        get() {
          return this.$bytes[this.$at + c]
        },
        set(value: number) {
          this.$bytes[this.$at + c] = value
        },
      }
    case 'i8':
      return {
        get() {
          return (this.$bytes[this.$at + c]! << 24) >> 24
        },
        set(value: number) {
          this.$bytes[this.$at + c] = value
        },
      }
    case 'flag':
      return {
        get() {
          return this.$bytes[this.$at + c] === 1
        },
        set(value: boolean) {
          this.$bytes[this.$at + c] = value ? 1 : 0
        },
      }
    case 'ref':
      return {
        get() {
          const v = this.$bytes[this.$at + c]!
          return v === 0 ? undefined : v - 1
        },
        set(value: number | undefined) {
          this.$bytes[this.$at + c] = value === undefined ? 0 : value + 1
        },
      }
    case 'enum': {
      const { words } = kind
      return {
        get() {
          return words[this.$bytes[this.$at + c]!]
        },
        set(value: string) {
          for (let i = 0; i < words.length; i++)
            if (words[i] === value) {
              this.$bytes[this.$at + c] = i
              return
            }
          throw new Bug(`'${value}' is none of ${words.join(', ')}`)
        },
      }
    }
  }
}

/** The accessor of a debug build: what is written must fit, or a `Bug` names the cell. Reading is the same. */
function checkedAccessor(
  table: TableShape,
  field: Field,
  nameOf: (row: number) => string,
): PropertyDescriptor & ThisType<View> {
  return {
    ...accessor(field.kind, field.at - table.at),
    set(value: unknown) {
      const byte = encode(field.kind, value, field.members)
      if (byte === undefined)
        throw new Bug(
          `${nameOf((this.$at - table.at) / table.stride)}.${field.col} cannot hold ${String(value)} (${rangeOf(field)})`,
        )
      this.$bytes[this.$at + field.at - table.at] = byte
    },
  }
}

function rangeOf({ kind, members }: Field): string {
  switch (kind.kind) {
    case 'u8':
      return `0 to ${kind.max}`
    case 'i8':
      return '-128 to 127'
    case 'flag':
      return 'true or false'
    case 'ref':
      return `one of the ${members} members of ${kind.to}, or undefined`
    case 'enum':
      return kind.words.join(', ')
  }
}

/** The function from ids to rows. In a debug build an id that is no member of its set is a `Bug`. */
function finder(
  table: TableShape,
  rows: readonly unknown[],
  checked: boolean,
): (...ids: number[]) => unknown {
  if (checked)
    return (...ids) => {
      ids.forEach((id, d) => {
        if (!Number.isInteger(id) || id < 0 || id >= table.dims[d]!)
          throw new Bug(`${table.name}: ${String(id)} is no ${table.by[d]} (there are ${table.dims[d]})`)
      })
      return rows[ids.reduce((row, id, d) => row * table.dims[d]! + id, 0)]
    }
  const [, d1 = 1] = table.dims
  switch (table.dims.length) {
    case 0: {
      const [row] = rows
      return () => row
    }
    case 1:
      return (i) => rows[i!]
    case 2:
      return (i, j) => rows[i! * d1 + j!]
    default: {
      const { dims } = table
      return (...ids) => {
        let row = 0
        for (let d = 0; d < dims.length; d++) row = row * dims[d]! + ids[d]!
        return rows[row]
      }
    }
  }
}

/** Rows as views on a buffer. */
export function viewRows(
  tables: readonly TableShape[],
  bytes: Uint8Array,
  checked: ((table: TableShape, row: number) => string) | undefined,
): unknown {
  return collect(tables, checked !== undefined, (table) => {
    const Class =
      checked === undefined
        ? viewClass(table)
        : makeClass(table, (field) => checkedAccessor(table, field, (row) => checked(table, row)))
    return (row) => new Class(bytes, table.at + row * table.stride)
  })
}

/** Rows as plain objects that hold what a fresh state has. */
export function plainRows(tables: readonly TableShape[], fresh: Uint8Array): unknown {
  return collect(
    tables,
    false,
    (table) => (row) =>
      Object.fromEntries(
        table.fields.map((f) => [f.col, decode(f.kind, fresh[f.at + row * f.stride]!)] as const),
      ),
  )
}

function collect(
  tables: readonly TableShape[],
  checked: boolean,
  maker: (table: TableShape) => (row: number) => unknown,
): unknown {
  // Object.fromEntries makes an object with a shape, however many tables there are; assigning one by one makes a dictionary of it.
  return Object.fromEntries(
    tables.map((table) => {
      const make = maker(table)
      const rows = Array.from({ length: table.count }, (_, row) => make(row))
      return [table.name, finder(table, rows, checked)] as const
    }),
  )
}

/** Every row of a table, in the order of the buffer, by asking for each. */
export function rowsOf(table: TableShape, rows: unknown): AnyRow[] {
  const find = (rows as Record<string, (...ids: number[]) => AnyRow>)[table.name]!
  return Array.from({ length: table.count }, (_, row) => find(...idsOf(table, row)))
}

/** The ids that lead to a row. */
export function idsOf(table: TableShape, row: number): number[] {
  const ids: number[] = []
  for (let d = table.dims.length - 1, rest = row; d >= 0; d--) {
    ids.unshift(rest % table.dims[d]!)
    rest = Math.floor(rest / table.dims[d]!)
  }
  return ids
}
