import { decode } from './kinds.ts'
import { type Field, idsOf, type TableShape } from './rows.ts'

/**
 * One cell that differs between two states, by name: `page[f0].refcount 1 -> 0`. Nothing is `none`, flags are `true`
 * and `false`.
 */
export type Change = {
  readonly table: string
  readonly ids: readonly string[]
  readonly col: string
  readonly from: string
  readonly to: string
}

/** A state as plain objects: table, then one level for each index set, then the columns. */
export type Description = { readonly [name: string]: Description | Shown }
export type Shown = number | boolean | string | undefined

/** The name of a member of a set. */
export type NameOf = (set: string, id: number) => string

/** `page[f0]`, or `taint` for a table of one row. */
export function rowName(table: TableShape, row: number, nameOf: NameOf): string {
  const ids = idsOf(table, row).map((id, d) => nameOf(table.by[d]!, id))
  return ids.length === 0 ? table.name : `${table.name}[${ids.join(',')}]`
}

export function describe(tables: readonly TableShape[], bytes: Uint8Array, nameOf: NameOf): Description {
  const out: Record<string, unknown> = {}
  for (const table of tables)
    for (let row = 0; row < table.count; row++) {
      const path = [table.name, ...idsOf(table, row).map((id, d) => nameOf(table.by[d]!, id))]
      let at = out
      for (const step of path) at = (at[step] ??= {}) as Record<string, unknown>
      for (const field of table.fields)
        at[field.col] = shown(field, bytes[field.at + row * field.stride]!, nameOf)
    }
  return out as Description
}

/** What differs, in the order of tables, rows and columns. */
export function diff(
  tables: readonly TableShape[],
  before: Uint8Array,
  after: Uint8Array,
  nameOf: NameOf,
): Change[] {
  const changes: Change[] = []
  for (const table of tables)
    for (let row = 0; row < table.count; row++)
      for (const field of table.fields) {
        const at = field.at + row * field.stride
        if (before[at] === after[at]) continue
        changes.push({
          table: table.name,
          ids: idsOf(table, row).map((id, d) => nameOf(table.by[d]!, id)),
          col: field.col,
          from: text(shown(field, before[at]!, nameOf)),
          to: text(shown(field, after[at]!, nameOf)),
        })
      }
  return changes
}

function shown(field: Field, byte: number, nameOf: NameOf): Shown {
  const value = decode(field.kind, byte)
  return field.kind.kind === 'ref' && value !== undefined ? nameOf(field.kind.to, value as number) : value
}

const text = (value: Shown): string => (value === undefined ? 'none' : String(value))
