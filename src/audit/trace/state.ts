import type { Event, Trail, Trails } from './event.ts'
import { sameSpot } from './event.ts'

/**
 * What is known of an integer: its sign, or exactly zero, or which error it is (`-EAGAIN`). `nonzero` is either sign.
 */
export type Int = 'zero' | 'pos' | 'neg' | 'nonzero' | `-E${string}`

/** In which form a looked-up value is at hand. */
export type Form =
  | 'pfn'
  | 'pte'
  /** A pointer to the page-table entry: reading through it is no access to the memory. */
  | 'ptep'
  | 'page'
  /** An address that the CPU, or a device, can use. */
  | 'address'
  | 'dma'

export type Value = {
  /** Number of the look-up that it comes from. */
  readonly of?: number
  readonly form?: Form
  /** Where it points: a location. */
  readonly to?: string
  readonly int?: Int
  /** A VMA; `stale` when mmap_lock was dropped since it was looked up. */
  readonly vma?: 'fresh' | 'stale'
  /** A snapshot of the notifier's sequence. */
  readonly seq?: boolean
  /** Something was added to it: it is no longer the very number that was looked up. */
  readonly moved?: boolean
  /** A function, by name. */
  readonly func?: string
}

export const unknown: Value = {}

/**
 * One point of a path: what the variables are known to hold, which conditions were found true, and what has happened so far.
 * Immutable for its users: `with…` gives a new one. Locations are names: `0:args.pfn` is a field of a local of the outermost
 * function, `*(0:mem).dma` what the local `mem` points to, `g:table` a global.
 */
export class State {
  readonly env: ReadonlyMap<string, Value>
  readonly facts: ReadonlyMap<string, boolean>
  readonly trail: Trail
  #key: string | undefined

  constructor(env: ReadonlyMap<string, Value>, facts: ReadonlyMap<string, boolean>, trail: Trail) {
    this.env = env
    this.facts = facts
    this.trail = trail
  }

  key(): string {
    if (this.#key === undefined) {
      const parts: string[] = []
      for (const [loc, v] of this.env) parts.push(`${loc}=${valueKey(v)}`)
      for (const [fact, yes] of this.facts) parts.push(`${yes ? '+' : '-'}${fact}`)
      this.#key = `${this.trail.id}|${parts.sort().join(';')}`
    }
    return this.#key
  }

  /** Undefined when the same has happened `rounds` times on this path: another round of the loop shows nothing new. */
  happen(trails: Trails, event: Event, rounds: number): State | undefined {
    const last = this.trail.event
    // A lock around nothing.
    if (
      event.kind === 'unlock' &&
      last?.kind === 'lock' &&
      last.lock.name === event.lock.name &&
      this.trail.before !== undefined
    )
      return new State(this.env, this.facts, this.trail.before)
    if (sameAgain(this.trail, event)) return this
    let before = 0
    for (let t: Trail | undefined = this.trail; t?.event !== undefined; t = t.before)
      if (sameSpot(t.event, event) && ++before === rounds) return undefined
    return new State(this.env, this.facts, trails.add(this.trail, event))
  }

  withFact(text: string, yes: boolean): State {
    const facts = new Map(this.facts)
    facts.set(text, yes)
    return new State(this.env, facts, this.trail)
  }

  /**
   * Writes a value; what was known of its fields, and by conditions on it, is known no longer. What the old value pointed to is
   * still there: it gets a name of its own.
   */
  withValue(loc: string, value: Value): State {
    const env = new Map<string, Value>()
    const pointee = `*(${loc})`
    const points = value.to !== undefined
    for (const [k, v] of this.env) {
      if (isField(k, loc)) continue
      if (points || !k.includes(pointee)) env.set(k, v)
      else if (v.of !== undefined) env.set(k.replaceAll(pointee, `*(${loc}~)`), v)
    }
    const { to, ...rest } = value
    const known = to === pointee ? rest : value
    if (isNothing(known)) env.delete(loc)
    else env.set(loc, known)
    let facts = this.facts
    const name = /\w+$/.exec(loc)?.[0] ?? loc
    for (const f of facts.keys())
      if (f.includes(name)) {
        if (facts === this.facts) facts = new Map(facts)
        ;(facts as Map<string, boolean>).delete(f)
      }
    return new State(env, facts, this.trail)
  }

  withEnv(env: ReadonlyMap<string, Value>): State {
    return new State(env, this.facts, this.trail)
  }

  /** Every VMA that was looked up so far may be gone. */
  withStaleVmas(): State {
    let env: Map<string, Value> | undefined
    for (const [loc, v] of this.env)
      if (v.vma === 'fresh') {
        env ??= new Map(this.env)
        env.set(loc, { ...v, vma: 'stale' })
      }
    return env === undefined ? this : this.withEnv(env)
  }

  /** Forgets locals of a frame that nothing reads any more, and conditions that are not asked again. */
  only(prefix: string, live: (name: string) => boolean, asked: (fact: string) => boolean): State {
    let env: Map<string, Value> | undefined
    for (const k of this.env.keys()) {
      if (!k.startsWith(prefix)) continue
      const name = /^\w*/.exec(k.slice(prefix.length))![0] // a parameter may have none
      if (live(name)) continue
      env ??= new Map(this.env)
      env.delete(k)
    }
    let facts: Map<string, boolean> | undefined
    for (const f of this.facts.keys())
      if (!asked(f)) {
        facts ??= new Map(this.facts)
        facts.delete(f)
      }
    return env === undefined && facts === undefined
      ? this
      : new State(env ?? this.env, facts ?? this.facts, this.trail)
  }

  /** An object is freed: what it held is gone with it. */
  free(to: string): State {
    let env: Map<string, Value> | undefined
    for (const [k, v] of this.env)
      if (v.of !== undefined && (k === to || isField(k, to))) {
        env ??= new Map(this.env)
        env.delete(k)
      }
    return env === undefined ? this : this.withEnv(env)
  }

  /** What can be reached from a location and holds something looked up: the object, its fields, what they point to. */
  tainted(loc: string, hops = 3): [string, Value][] {
    const found: [string, Value][] = []
    const pointee = `*(${loc}`
    const onward: string[] = []
    for (const [k, v] of this.env) {
      if (k !== loc && !isField(k, loc) && !k.includes(pointee)) continue
      if (v.of !== undefined) found.push([k, v])
      else if (v.to !== undefined) onward.push(v.to)
    }
    if (found.length === 0 && hops > 0) for (const to of onward) found.push(...this.tainted(to, hops - 1))
    return found
  }

  /** What a callee can see: what its arguments reach, and what has no frame. And the rest. */
  split(args: readonly Value[]): { seen: State; rest: ReadonlyMap<string, Value> } {
    const roots = new Set<string>()
    const queue = args.flatMap((a) => (a.to === undefined ? [] : [a.to]))
    const seen = new Map<string, Value>()
    const rest = new Map(this.env)
    const take = (k: string, v: Value): void => {
      seen.set(k, v)
      rest.delete(k)
      if (v.to !== undefined) queue.push(v.to)
    }
    for (const [k, v] of this.env) if (!/\d:/.test(k)) take(k, v)
    for (let root = queue.pop(); root !== undefined; root = queue.pop()) {
      if (roots.has(root)) continue
      roots.add(root)
      const base = baseOf(root)
      const reached = [...rest].filter(([k]) => k.includes(base))
      for (const [k, v] of reached) take(k, v)
    }
    return { seen: new State(seen, new Map(), this.trail), rest }
  }

  /** After the call: with what it did not see, and the conditions of the caller. */
  join(rest: ReadonlyMap<string, Value>, caller: State): State {
    const env = new Map(this.env)
    const dropped = this.#droppedSince(caller.trail)
    for (const [k, v] of rest) env.set(k, dropped && v.vma === 'fresh' ? { ...v, vma: 'stale' } : v)
    return new State(env, caller.facts, this.trail)
  }

  #droppedSince(before: Trail): boolean {
    for (let t: Trail | undefined = this.trail; t?.event !== undefined && t !== before; t = t.before) {
      const e = t.event
      if ((e.kind === 'unlock' && e.lock.mmap) || (e.kind === 'fault' && e.dropped === true)) return true
    }
    return false
  }

  /**
   * The frame of a function that returned: its locals are gone. What they pointed to is not, if it holds something looked up.
   * Facts are those of the function that runs on.
   */
  leave(prefix: string, func: string, facts: ReadonlyMap<string, boolean>): State {
    const env = new Map<string, Value>()
    for (const [k, v] of this.env)
      if (!k.includes(prefix)) env.set(k, outlive(v, prefix, func))
      else if (v.of !== undefined && !k.startsWith(prefix))
        env.set(k.replaceAll(prefix, `@${func}.`), outlive(v, prefix, func))
    return new State(env, facts, this.trail)
  }
}

/** A value as it is after the function with this frame has returned. */
export function outlive(v: Value, prefix: string, func: string): Value {
  return v.to?.includes(prefix) === true ? { ...v, to: v.to.replaceAll(prefix, `@${func}.`) } : v
}

/** `a.b` and `a[]` are parts of `a`; what `a` points to is not. */
export function isField(loc: string, of: string): boolean {
  if (!loc.startsWith(of)) return false
  const next = loc.charCodeAt(of.length)
  return next === 46 || next === 91
}

/** The variable that a location begins at: `0:args` of `*(0:args.vma).vm_mm`. */
function baseOf(loc: string): string {
  return /(?:\d+:|g:|@)[\w.~]*?\w+/.exec(loc)?.[0] ?? loc
}

/** The value was used in this way since a lock was last taken or dropped, a look-up ended, or the notifier was asked. */
function sameAgain(trail: Trail, event: Event): boolean {
  const way = wayOf(event)
  if (way === undefined) return false
  for (let t: Trail | undefined = trail; t?.event !== undefined; t = t.before) {
    const before = wayOf(t.event)
    if (before === undefined) return false
    if (before === way) return true
  }
  return false
}

function wayOf(e: Event): string | undefined {
  switch (e.kind) {
    case 'cpu':
      return `cpu ${e.value} ${e.write}`
    case 'device':
    case 'guest':
    case 'lost':
      return `${e.kind} ${e.value}`
    case 'hop':
      return `hop ${e.value} ${e.struct} ${e.field}`
    default:
      return undefined
  }
}

const isNothing = (v: Value): boolean =>
  v.of === undefined &&
  v.to === undefined &&
  v.int === undefined &&
  v.vma === undefined &&
  v.seq === undefined &&
  v.func === undefined

const valueKey = (v: Value): string =>
  `${v.of ?? ''}${v.form ?? ''}/${v.to ?? ''}/${v.int ?? ''}/${v.vma ?? ''}/${v.seq === true ? 's' : ''}${v.func ?? ''}`
