import { Table } from '../table.ts'
import { type Known, sign } from '../ways/facts.ts'
import { rootOf } from '../ways/symbols.ts'
import type { Event, Thing } from './event.ts'
import { isPointer, type Val } from './value.ts'

/** One point of a path. Changed only by its owner: `fork()` first. */
export class State implements Known<Val> {
  readonly env: Table<Val>
  readonly signs: Table<number>
  readonly facts: Table<boolean>
  things: readonly Thing[]
  events: readonly Event[]
  /** What the events so far come to: paths that differ in nothing that matters meet again. */
  trail: string
  /** Values that name things which were there already. */
  readonly given: Table<number>
  /** What fields of structs were given last: `foo.attach`. */
  fields: Table<Val>
  /** Counts of references to objects, where they are known. */
  readonly counts: Table<number>
  rounds: Map<number, number>
  /** Objects that others can find. */
  readonly published: Set<string>
  resv: 'none' | 'taken' | 'asserted'

  constructor(from?: State) {
    this.env = from?.env.fork() ?? new Table(valueText)
    this.signs = from?.signs.fork() ?? new Table(String)
    this.facts = from?.facts.fork() ?? new Table(String)
    this.things = from?.things ?? []
    this.events = from?.events ?? []
    this.trail = from?.trail ?? ''
    this.given = from?.given.fork() ?? new Table(String)
    this.fields = from?.fields.fork() ?? new Table(valueText)
    this.counts = from?.counts.fork() ?? new Table(String)
    this.rounds = new Map(from?.rounds)
    this.published = new Set(from?.published)
    this.resv = from?.resv ?? 'none'
  }

  fork(): State {
    return new State(this)
  }

  /** Equal for paths that differ in nothing that a later step can see. */
  key(): string {
    const rounds = [...this.rounds].filter(([, n]) => n > 1)
    return [
      this.env.digest,
      this.signs.digest,
      this.facts.digest,
      this.trail,
      this.resv,
      this.counts.digest,
      [...this.published].join(),
      rounds.join(),
    ].join('|')
  }

  surely(v: Val): number | undefined {
    return isPointer(v) ? sign.plus : undefined
  }

  say(e: Event): void {
    this.events = [...this.events, e]
    if (e.do !== 'decide') this.trail += `${e.do}${'thing' in e ? e.thing : 'lock' in e ? e.lock : ''},`
  }

  add(thing: Thing): number {
    this.things = [...this.things, thing]
    return this.things.length - 1
  }

  change(id: number, by: Partial<Thing>): void {
    this.things = this.things.map((t, i) => (i === id ? { ...t, ...by } : t))
  }

  /** Whether this path has something that it must give back. */
  owns(id: number): boolean {
    const t = this.things[id]!
    if (t.kind === 'buf') return t.refs > 0
    return t.live && t.site !== undefined
  }

  get busy(): boolean {
    return this.things.some((_, i) => this.owns(i))
  }

  /** The dma-buf that a thing belongs to. */
  bufOf(id: number): number {
    let t = id
    while (this.things[t]!.of !== undefined) t = this.things[t]!.of!
    return t
  }

  /** Everything below a place is gone. */
  free(ref: string): void {
    for (const k of this.env.keys()) if (k === ref || rootOf(k) === ref) this.env.delete(k)
    this.published.delete(ref)
  }
}

const valueText = (v: Val): string => `${v.sym}/${v.ref ?? ''}/${v.thing ?? ''}`
