type Kind =
  | { readonly kind: 'u8' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'ref'; readonly to: string }
export const u8 = { kind: 'u8' } as const
export const flag = { kind: 'flag' } as const
export const ref = <const N extends string>(to: N) => ({ kind: 'ref', to }) as const
type Sets = Record<string, { readonly size: number; readonly symmetric?: boolean }>
type Tables = Record<string, { readonly by: readonly string[]; readonly cols: Record<string, Kind> }>
declare const brand: unique symbol
export type Id<N extends string> = number & { readonly [brand]: N }
type Cell<C> = C extends { kind: 'ref'; to: infer N extends string }
  ? Id<N> | undefined
  : C extends { kind: 'flag' }
    ? boolean
    : number
type Ids<B extends readonly string[]> = { [I in keyof B]: Id<B[I] & string> }
type Row<C> = { -readonly [K in keyof C]: Cell<C[K]> }
export type Rows<T extends Tables> = {
  readonly [K in keyof T]: (...ids: Ids<T[K]['by']>) => Row<T[K]['cols']>
}
type Field = { off: number; stride: number[]; by: readonly string[]; n: number; kind: Kind; path: string }

export class Layout<const S extends Sets, const T extends Tables> {
  readonly bytes: number
  readonly fields: Field[] = []
  readonly sets: S
  readonly tables: T
  constructor(spec: { sets: S; tables: T }) {
    this.sets = spec.sets
    this.tables = spec.tables
    let off = 0
    for (const [name, t] of Object.entries(spec.tables)) {
      const dims = t.by.map((s) => spec.sets[s]!.size)
      const n = dims.reduce((a, b) => a * b, 1)
      const stride = dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1))
      for (const [col, kind] of Object.entries(t.cols)) {
        this.fields.push({ off, stride, by: t.by, n, kind, path: `${name}.${col}` })
        off += n
      }
    }
    this.bytes = (off + 3) & ~3
  }
  ids<K extends keyof S & string>(set: K): Id<K>[] {
    return Array.from({ length: this.sets[set]!.size }, (_, i) => i as Id<K>)
  }
  open(b: Uint8Array): Rows<T> {
    const out: Record<string, unknown> = {}
    for (const [name, t] of Object.entries(this.tables)) {
      class R {
        readonly b: Uint8Array
        readonly i: number
        constructor(b: Uint8Array, i: number) {
          this.b = b
          this.i = i
        }
      }
      for (const f of this.fields) {
        const [tn, col] = f.path.split('.') as [string, string]
        if (tn !== name) continue
        const o = f.off
        const acc: PropertyDescriptor & ThisType<R> =
          f.kind.kind === 'u8'
            ? {
                get() {
                  return this.b[o + this.i]
                },
                set(v: number) {
                  this.b[o + this.i] = v
                },
              }
            : f.kind.kind === 'flag'
              ? {
                  get() {
                    return this.b[o + this.i] === 1
                  },
                  set(v: boolean) {
                    this.b[o + this.i] = v ? 1 : 0
                  },
                }
              : {
                  get() {
                    const v = this.b[o + this.i]!
                    return v === 0 ? undefined : v - 1
                  },
                  set(v: number | undefined) {
                    this.b[o + this.i] = v === undefined ? 0 : v + 1
                  },
                }
        Object.defineProperty(R.prototype, col, { ...acc, enumerable: true })
      }
      const f0 = this.fields.find((f) => f.path.startsWith(name + '.'))!
      const rows = Array.from({ length: f0.n }, (_, i) => new R(b, i))
      const [s0 = 0, s1 = 0] = f0.stride
      out[name] =
        t.by.length === 0
          ? () => rows[0]
          : t.by.length === 1
            ? (i: number) => rows[i]
            : (i: number, j: number) => rows[i * s0 + j * s1]
    }
    return out as Rows<T>
  }
  /** Sorts the members of every symmetric set by what the state says about them. */
  canonicaliser(): (src: Uint8Array, dst: Uint8Array) => void {
    const plans = Object.entries(this.sets)
      .filter(([, s]) => s.symmetric)
      .map(([set, { size }]) => {
        const own = Array.from({ length: size }, (_, e) =>
          this.fields.flatMap((f) => {
            const d = f.by.indexOf(set)
            if (d < 0) return []
            return Array.from({ length: f.n }, (_, i) => i)
              .filter((i) => Math.floor(i / f.stride[d]!) % size === e)
              .map((i) => ({ at: f.off + i, self: f.kind.kind === 'ref' && f.kind.to === set }))
          }),
        )
        const refs = this.fields.flatMap((f) =>
          f.kind.kind === 'ref' && f.kind.to === set ? Array.from({ length: f.n }, (_, i) => f.off + i) : [],
        )
        const ownAt = own.map((o) => Int32Array.from(o.filter((c) => !c.self).map((c) => c.at))),
          moves = own.map((o) => Int32Array.from(o.map((c) => c.at)))
        const inc = Int32Array.from(refs)
        return { size, ownAt, moves, inc, order: new Int32Array(size), to: new Int32Array(size) }
      })
    const tmp = new Uint8Array(this.bytes)
    return (src, dst) => {
      dst.set(src)
      for (const p of plans) {
        const { order, to, ownAt, moves, inc } = p
        const cmp = (x: number, y: number): number => {
          const a = ownAt[x]!,
            b = ownAt[y]!
          for (let k = 0; k < a.length; k++) {
            const d = dst[a[k]!]! - dst[b[k]!]!
            if (d !== 0) return d
          }
          for (let k = 0; k < inc.length; k++) {
            const v = dst[inc[k]!]!
            if (v === x + 1) return 1
            if (v === y + 1) return -1
          }
          return 0
        }
        for (let i = 0; i < p.size; i++) order[i] = i
        for (let i = 1; i < p.size; i++) {
          const x = order[i]!
          let j = i - 1
          while (j >= 0 && cmp(order[j]!, x) > 0) {
            order[j + 1] = order[j]!
            j--
          }
          order[j + 1] = x
        }
        for (let i = 0; i < p.size; i++) to[order[i]!] = i
        tmp.set(dst)
        for (let e = 0; e < p.size; e++) {
          const from = moves[e]!,
            into = moves[to[e]!]!
          for (let k = 0; k < from.length; k++) dst[into[k]!] = tmp[from[k]!]!
        }
        for (let k = 0; k < inc.length; k++) {
          const v = dst[inc[k]!]!
          if (v !== 0) dst[inc[k]!] = to[v - 1]! + 1
        }
      }
    }
  }
}

/** One cell that differs between two states, by name: `page[f0].refcount 1 -> 0`. */
export type Change = {
  readonly table: string
  readonly ids: readonly string[]
  readonly col: string
  readonly from: string
  readonly to: string
}

// biome-ignore lint: a layout of any shape, for code that is generic over it
export type AnyLayout = Layout<any, any>
