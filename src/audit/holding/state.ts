/** What a point of a path knows, and how two paths become one. */

import { Table } from '../table.ts'
import { isConstant, type Known, sign, signOf } from '../ways/facts.ts'
import { type Ends, type Out as WayOut, result } from '../ways/subject.ts'
import { nothing, rootOf, unseen } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'
import type { Holding, HoldingEvent } from './event.ts'
import { type Val, valueText } from './value.ts'

export type Out = WayOut<State, Val>

const { minus, plus, any: anySign } = sign

/** An acquisition, and what the walk has to know of it besides. */
type Followed = Holding & {
  readonly asked: Val
  /** The array, or the part of one, that it was given. */
  readonly into?: string | undefined
  readonly inside?: boolean | undefined
  /** How many it was asked for the last time. */
  readonly last?: Val
  /** One by one, they were put into an array. */
  readonly spread?: boolean
  /** References that were added to what the call took. */
  readonly extra?: number
  readonly checked?: boolean
  readonly counted?: boolean
}

/** One point of a path. Changed only by its owner: `fork()` first. */
export class State implements Known<Val> {
  readonly env: Table<Val>
  readonly signs: Table<number>
  readonly facts: Table<boolean>
  readonly holds: Map<number, Followed>
  events: readonly HoldingEvent[]
  rounds: Map<number, number>
  /** Objects that others can find. */
  readonly published: Set<string>
  locked: 'taken' | 'asserted' | 'unseen'
  /** What was taken that forbids to sleep, the innermost last. */
  atomic: readonly string[]

  constructor(from?: State) {
    this.env = from?.env.fork() ?? new Table(valueText)
    this.signs = from?.signs.fork() ?? new Table(String)
    this.facts = from?.facts.fork() ?? new Table(String)
    this.holds = new Map(from?.holds)
    this.events = from?.events ?? []
    this.rounds = new Map(from?.rounds)
    this.published = new Set(from?.published)
    this.locked = from?.locked ?? 'unseen'
    this.atomic = from?.atomic ?? []
  }

  fork(): State {
    return new State(this)
  }

  key(): string {
    const holds = [...this.holds.values()].map(
      (h) =>
        `${h.id}${h.outcome}${h.left}${h.unclear ?? ''}${h.wrong ?? ''}${h.written}${h.dirtied}${h.checked === true}${h.counted === true}${h.extra ?? ''}${h.handed ?? ''}${h.site.call.start}`,
    )
    return `${this.env.digest}|${this.signs.digest}|${this.facts.digest}|${holds.join()}|${this.locked}${this.atomic.length}|${[...this.published].join()}|${[...this.rounds].filter(([, n]) => n > 1).join()}`
  }

  /** What a path is asked in the end: how its acquisitions stand, and what names them. Paths that are alike in it may be joined. */
  standing(): string {
    const env: string[] = []
    for (const [k, v] of this.env)
      if (this.#open(v.hold) || this.#open(v.got) || v.sym.includes('FOLL_'))
        env.push(`${k}=${v.hold ?? v.sym}/${v.form ?? ''}/${v.got ?? ''}/${v.element ?? ''}`)
    let key = `${env.sort().join(';')}|${this.locked}${this.atomic.length}`
    const holds: string[] = []
    for (const h of this.holds.values())
      if (h.unclear !== undefined) holds.push(`${h.id}?${h.wrong ?? ''}`)
      else if (this.#open(h.id))
        holds.push(
          `${h.id}${h.outcome}${h.written}${h.dirtied}${h.checked === true}${h.counted === true}${h.extra ?? ''}${h.handed !== undefined}`,
        )
      else if (h.outcome !== 'none') holds.push(`${h.id}-${h.wrong ?? ''}${h.written}${h.dirtied}`)
    key += holds.sort().join()
    // Whether a loop over what is there had its round decides how it is left.
    const once = this.live ? 1 : 2
    for (const [at, n] of this.rounds) if (n >= once) key += `|${at}`
    return key
  }

  /** Something is still to be done about it. */
  #open(id: number | undefined): boolean {
    if (id === undefined) return false
    const h = this.holds.get(id)!
    return h.left !== 'nothing' && h.unclear === undefined
  }

  /**
   * Becomes what is true of either path; they stand alike. What has another value in each gets a new name, the same for all
   * that has the same two, so what was equal in both still is. Tells whether anything changed.
   */
  join(o: State, at: string): boolean {
    let changed = false
    const names = new Map<string, string>()
    const signs = new Map<string, number>()
    const either = (loc: string, a: Val, b: Val): Val => {
      const pair = `${a.sym}\n${b.sym}`
      let sym = names.get(pair)
      if (sym === undefined) {
        sym = `${at}~${loc}`
        names.set(pair, sym)
        signs.set(sym, signOf(a, this) | signOf(b, o))
      }
      if (sym !== a.sym) changed = true
      const { hold, form, element, got, part } = a
      // What may be NULL still points nowhere else.
      const ref = a.ref === b.ref || b.num === 0 ? a.ref : a.num === 0 ? b.ref : undefined
      return {
        sym,
        ref: ref ?? clip(`*${sym}`),
        ...(hold !== undefined && hold === b.hold && { hold }),
        ...(form !== undefined && form === b.form && { form }),
        ...(element !== undefined && { element }),
        ...(got !== undefined && got === b.got && { got }),
        ...(part !== undefined && part === (b.part ?? b.got) && { part }),
      }
    }
    for (const loc of new Set([...this.env.keys(), ...o.env.keys()])) {
      const a = this.env.get(loc) ?? valueAt(loc, this)
      const b = o.env.get(loc) ?? valueAt(loc, o)
      if (a.sym !== b.sym || a.ref !== b.ref) this.env.set(loc, either(loc, a, b))
    }
    for (const [id, h] of this.holds) {
      const other = o.holds.get(id)
      if (other === undefined) continue
      if (h.asked.sym !== other.asked.sym)
        this.holds.set(id, { ...h, asked: either(`${id}#asked`, h.asked, other.asked) })
      if (h.flags !== other.flags && h.flags !== undefined) {
        const { flags: _, ...rest } = this.holds.get(id)!
        this.holds.set(id, { ...rest, flags: undefined })
        changed = true
      }
    }
    for (const [id, h] of o.holds) {
      const mine = this.holds.get(id)
      // Which calls failed is the same to us.
      if (mine === undefined) this.holds.set(id, h)
      else if (mine.unclear === undefined && h.unclear !== undefined) this.holds.set(id, h)
    }
    for (const [sym, sign] of this.signs) {
      if (signs.has(sym)) continue
      const both = sign | (o.signs.get(sym) ?? anySign)
      if (both === sign) continue
      changed = true
      if (both === anySign) this.signs.delete(sym)
      else this.signs.set(sym, both)
    }
    for (const [sym, sign] of signs) {
      if ((this.signs.get(sym) ?? anySign) !== sign) changed = true
      if (sign === anySign) this.signs.delete(sym)
      else this.signs.set(sym, sign)
    }
    for (const [k, yes] of this.facts)
      if (o.facts.get(k) !== yes) {
        this.facts.delete(k)
        changed = true
      }
    for (const [head, n] of o.rounds)
      if ((this.rounds.get(head) ?? 0) < n) {
        this.rounds.set(head, n)
        changed = true
      }
    for (const p of o.published)
      if (!this.published.has(p)) {
        this.published.add(p)
        changed = true
      }
    return changed
  }

  surely(v: Val): number | undefined {
    if (v.part !== undefined) return plus
    if (v.got !== undefined && (v.sym.startsWith('short#') || v.sym === this.holds.get(v.got)?.asked.sym))
      return plus
    return v.sym.startsWith('&') || v.hold !== undefined || v.sym.startsWith('new@') ? plus : undefined
  }

  compared(op: '<' | '==', a: Val, b: Val): boolean | undefined {
    const sides = [
      [a, b, true],
      [b, a, false],
    ] as const
    const asked = (v: Val, w: Val, outcome: (h: Holding) => boolean): boolean => {
      const h = v.got === undefined ? undefined : this.holds.get(v.got)!
      return h !== undefined && outcome(h) && (w.sym === h.asked.sym || w.sym === h.last?.sym)
    }
    for (const [v, w, less] of sides)
      if (asked(v, w, (h) => h.outcome === 'short')) return op === '==' ? false : less
    // A page that is there is no error, and nor is its number.
    for (const [v, w] of sides)
      if (op === '==' && v.hold !== undefined && v.form !== 'memory' && w.num === undefined && isConstant(w))
        return false
    // An error is never a number of pages.
    for (const [v, w, less] of sides)
      if (asked(v, w, () => signOf(v, this) === minus)) return op === '==' ? false : less
    return undefined
  }

  say(e: HoldingEvent): void {
    this.events = [...this.events, e]
  }

  change(id: number, by: Partial<Followed>): void {
    this.holds.set(id, { ...this.holds.get(id)!, ...by })
  }

  get live(): boolean {
    for (const h of this.holds.values()) if (h.left !== 'nothing') return true
    return false
  }
}

/** The ends of ways that stand alike, joined; what they give joins like a variable. */
export class JoinedEnds implements Ends<State, Val> {
  readonly #prefix: string
  readonly #outs = new Map<string, State>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  add({ s, v }: Out): void {
    const key = `${v.num ?? ''}/${signOf(v, s)}/${v.hold}/${v.got}/${v.ref?.startsWith('new@') === true ? v.ref : ''}|${s.standing()}`
    const old = this.#outs.get(key)
    s.env.set(`${this.#prefix}${result}`, v)
    if (old === undefined) this.#outs.set(key, s)
    else old.join(s, `${this.#prefix}end`)
  }

  all(): Out[] {
    return [...this.#outs.values()].map((s) => {
      const v = s.env.get(`${this.#prefix}${result}`)!
      s.env.delete(`${this.#prefix}${result}`)
      return { s, v }
    })
  }
}

/** What a place holds on a path. */
export function valueAt(loc: string, s: State): Val {
  const v = s.env.get(loc)
  if (v !== undefined) return v
  const root = rootOf(loc)
  if (/^new@\w+z$/.test(root) && root !== loc && !s.published.has(root)) return nothing
  if (root !== loc && s.env.has(`${root}#z`)) return nothing
  return unseen(loc)
}

/** The pages are gone from where they were, and their numbers are kept: the ends of a range, as it seems, whose middle has no name. */
export function onlyNumbers(s: State, id: number): void {
  const h = s.holds.get(id)!
  if (h.left === 'nothing') return
  let numbered = false
  for (const [, v] of s.env)
    if (v.hold === id) {
      if (v.form !== 'number') return
      numbered = true
    }
  if (numbered)
    s.change(id, {
      left: 'nothing',
      unclear: h.unclear ?? 'only numbers of pages are kept, and ranges are not followed',
    })
}

/** What was acquired is not followed any more: the next that the same call gives is. */
export function letGo(s: State, id: number): void {
  for (const [k, v] of s.env)
    if (v.hold === id || v.got === id || v.part === id) {
      // An array is there as before, and so is a variable; what is in it is not known.
      if (v.hold === id && (rootOf(k) === k || valueAt(`${rootOf(k)}.`, s) !== nothing)) {
        s.env.delete(k)
        continue
      }
      const { hold: _, got: __, form: ___, part: ____, ...rest } = v
      const sym = clip(`${v.sym}~`)
      const sign = signOf(v, s)
      if (sign !== anySign) s.signs.set(sym, sign)
      s.env.set(k, { ...rest, sym })
    }
  s.events = s.events.filter((x) => !('hold' in x) || x.hold !== id)
  s.holds.delete(id)
}
