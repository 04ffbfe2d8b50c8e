import type { Event, Thing } from './event.ts'
import { Facts, rootOf, type Val } from './value.ts'

/** One point of a path. Changed only by its owner: `fork()` first. */
export class State {
  env = new Map<string, Val>()
  facts = new Facts()
  things: readonly Thing[] = []
  events: readonly Event[] = []
  /** What the events so far come to: paths that differ in nothing that matters meet again. */
  trail = ''
  /** Values that name things which were there already. */
  given = new Map<string, number>()
  /** What fields of structs were given last: `foo.attach`. */
  fields = new Map<string, Val>()
  /** Counts of references to objects, where they are known. */
  counts = new Map<string, number>()
  rounds = new Map<number, number>()
  /** Objects that others can find. */
  published = new Set<string>()
  resv: 'none' | 'taken' | 'asserted' = 'none'

  fork(): State {
    const s = new State()
    s.env = new Map(this.env)
    s.facts = new Facts(this.facts)
    s.things = this.things
    s.events = this.events
    s.trail = this.trail
    s.given = new Map(this.given)
    s.fields = new Map(this.fields)
    s.counts = new Map(this.counts)
    s.rounds = new Map(this.rounds)
    s.published = new Set(this.published)
    s.resv = this.resv
    return s
  }

  /** Equal for paths that differ in nothing that a later step can see. */
  key(): string {
    const env = [...this.env].map(([k, v]) => `${k}=${v.sym}/${v.ref ?? ''}/${v.thing ?? ''}`)
    const rounds = [...this.rounds].filter(([, n]) => n > 1)
    const { signs, said } = this.facts
    return [
      env.sort().join(';'),
      sorted(signs),
      sorted(said),
      this.trail,
      this.resv,
      sorted(this.counts),
      [...this.published].join(),
      rounds.join(),
    ].join('|')
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

const sorted = (map: ReadonlyMap<string, unknown>): string =>
  [...map]
    .map(([k, v]) => `${k}=${String(v)}`)
    .sort()
    .join()
