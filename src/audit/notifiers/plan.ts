import type { Event } from '../things/event.ts'
import type { CallbackStep } from '../lift/plan.ts'
import type { Place } from '../trace/event.ts'

/** What becomes of a notifier and of the object that it is part of, in the order of the code. Repairs rewrite it. */
export type Step = { readonly at?: Place; readonly note?: string } & (
  | { readonly do: 'unregister'; readonly api: string }
  | { readonly do: 'free' }
  | { readonly do: 'lock' | 'unlock'; readonly lock: string; readonly write: boolean }
)

/** The life of a notifier as a test. */
export type Plan = {
  readonly kind: 'interval' | 'classic'
  readonly api: string
  readonly at: Place
  /** What the function does before it registers. */
  readonly before: readonly Step[]
  /** What it does when that fails; undefined: it goes on. */
  readonly failed: readonly Step[] | undefined
  /** What it does then. */
  readonly then: readonly Step[]
  /** What another function does with it, when it has returned. */
  readonly later: readonly Step[]
  /** The way on which registering fails, and nobody asks. */
  readonly unasked?: true
  /** Its device or guest has translations, which are installed as the interval notifiers' protocol says, and which the callback drops. */
  readonly installs: boolean
  /** `->free_notifier()` frees the object. */
  readonly freedByCore: boolean
  /** The callback, in the order of its code; undefined: it has none that is called for an invalidation. */
  readonly callback: readonly CallbackStep[] | undefined
}

/** Events of one notifier, and of locks, as steps. */
export function stepsOf(events: readonly Event[], thing: number): Step[] {
  return tidy(
    events.flatMap((e): Step[] => {
      const with_ = { at: e.at, ...(e.text !== undefined && { note: e.text }) }
      if (e.do === 'unregister' && e.thing === thing) return [{ ...with_, do: 'unregister', api: e.api }]
      if (e.do === 'free' && e.thing === thing) return [{ ...with_, do: 'free' }]
      if (e.do === 'hold') return [{ ...with_, do: 'lock', lock: e.lock, write: e.write }]
      if (e.do === 'drop') return [{ ...with_, do: 'unlock', lock: e.lock, write: e.write }]
      return []
    }),
  )
}

/** Without locks around nothing, and what is taken twice or dropped by somebody else. */
export function tidy(steps: readonly Step[]): Step[] {
  const list: Step[] = []
  const held = new Map<string, boolean>()
  for (const s of steps) {
    if (s.do === 'lock') {
      if (held.has(s.lock)) continue
      held.set(s.lock, s.write)
    } else if (s.do === 'unlock') {
      const write = held.get(s.lock)
      if (write === undefined) continue
      held.delete(s.lock)
      const last = list.at(-1)
      if (last?.do === 'lock' && last.lock === s.lock) {
        list.pop()
        continue
      }
      list.push({ ...s, write })
      continue
    }
    list.push(s)
  }
  for (const [lock, write] of held) list.push({ do: 'unlock', lock, write })
  const emptied = list.filter(
    (s, i) =>
      !(
        (s.do === 'lock' && list[i + 1]?.do === 'unlock' && sameLock(s, list[i + 1]!)) ||
        (s.do === 'unlock' && list[i - 1]?.do === 'lock' && sameLock(s, list[i - 1]!))
      ),
  )
  return emptied.length < list.length ? tidy(emptied) : list
}
const sameLock = (a: Step, b: Step): boolean => 'lock' in a && 'lock' in b && a.lock === b.lock
