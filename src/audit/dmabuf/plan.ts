import type { Place } from '../trace/event.ts'
import type { Event } from '../things/event.ts'
import type { State } from '../things/state.ts'

/** One way through the code, as far as one dma-buf goes. Repairs rewrite it. */
export type Plan = {
  readonly steps: readonly Step[]
  readonly things: readonly PlanThing[]
  /** Which things of the path these are. */
  readonly ids: readonly number[]
  /** Whose memory it is. The heap never moves it, and keeps nothing mapped for others; left out, it is a GPU's. */
  readonly exporter?: 'gpu' | 'heap'
}

export type PlanThing = {
  readonly kind: 'buf' | 'attach' | 'sgt' | 'pin'
  readonly of?: number
  /** It was there when the code began: others have made it, and undo it. */
  readonly given: boolean
  /** Its reference went to the code together with it. */
  readonly handedOver?: true
  /** An importer that can be told of moves, and whether its callback gives the mapping up. */
  readonly dynamic?: 'drops' | 'ignores' | 'none'
}

export type Step = { readonly at?: Place; readonly note?: string } & (
  | {
      /** `publish`: a descriptor takes the reference over; `use`: somebody looks into it. */
      readonly do:
        | 'get'
        | 'ref'
        | 'put'
        | 'attach'
        | 'detach'
        | 'map'
        | 'unmap'
        | 'pin'
        | 'unpin'
        | 'publish'
        | 'use'
      readonly n: number
      readonly api?: string
      readonly dir?: string
      /** It wants the reservation lock held, and does not take it. */
      readonly locked?: boolean
    }
  /** `by`: the caller's, as asserted. */
  | { readonly do: 'lock' | 'unlock' | 'asserted' }
  | { readonly do: 'later' }
)

/** The steps of a path that have to do with the dma-buf that `thing` belongs to. */
export function planOf(s: State, thing: number, dynamic: (n: number) => PlanThing['dynamic']): Plan {
  const buf = s.bufOf(thing)
  const mine = s.things.map((_, i) => s.bufOf(i) === buf)
  const touched = new Set<number>()
  const steps: Step[] = []
  for (const e of s.events) {
    if ('thing' in e) {
      if (!mine[e.thing]!) continue
      touched.add(e.thing)
    }
    const step = stepOf(e)
    if (step !== undefined) steps.push(step)
  }
  touched.add(buf)
  for (const i of touched) for (let t = s.things[i]!.of; t !== undefined; t = s.things[t]!.of) touched.add(t)
  // Numbered anew, so that equal paths make equal tests.
  const rank = { buf: 0, attach: 1, sgt: 2, pin: 2, reg: 3, file: 3 } as const
  const order = [...touched].sort((a, b) => rank[s.things[a]!.kind] - rank[s.things[b]!.kind] || a - b)
  const renamed = new Map(order.map((old, i) => [old, i]))
  const rename = (x: Step): Step => ('n' in x ? { ...x, n: renamed.get(x.n)! } : x)
  const later = s.events.some((e) => e.do === 'later')
  return {
    ids: order,
    steps: steps.map(rename),
    things: order.map((i): PlanThing => {
      const t = s.things[i]!
      const given = !s.events.some(
        (e) => (e.do === 'get' || e.do === 'attach' || e.do === 'map' || e.do === 'pin') && e.thing === i,
      )
      const told = t.kind === 'attach' ? dynamic(i) : undefined
      return {
        kind: t.kind as PlanThing['kind'], // a notifier belongs to no dma-buf
        ...(t.of !== undefined && { of: renamed.get(t.of)! }),
        given,
        ...(given &&
          t.kind === 'buf' &&
          (later || t.lent === true) &&
          t.refs < 0 && { handedOver: true as const }),
        ...(told !== undefined && { dynamic: told }),
      }
    }),
  }
}

function stepOf(e: Event): Step | undefined {
  const { at } = e
  const note = e.text
  const with_ = { at, ...(note !== undefined && { note }) }
  switch (e.do) {
    case 'decide':
    case 'register':
    case 'unregister':
    case 'free':
    case 'hold':
    case 'drop':
      return undefined
    case 'publish':
    case 'use':
      return { ...with_, do: e.do, n: e.thing }
    case 'lock':
    case 'unlock':
    case 'later':
      return { ...with_, do: e.do }
    case 'assert':
      return { ...with_, do: 'asserted' }
    default:
      return {
        ...with_,
        do: e.do,
        n: e.thing,
        api: e.api,
        ...(e.dir !== undefined && { dir: e.dir }),
        ...(e.locked !== undefined && { locked: e.locked }),
      }
  }
}

/** What is wrong with a plan, by its steps; the checker has the last word. */
export type Issue = {
  readonly cls: string
  readonly n: number
  readonly at?: Place
  /** Which step does it; none: the end. */
  readonly step?: number
}

/** Counts along the steps, as a reader would. `needsLock`: the kernel's rule for calls that do not take the lock themselves. */
export function issuesOf(plan: Plan, needsLock: (n: number) => boolean): Issue[] {
  const found: Issue[] = []
  const { things } = plan
  const refs = things.map((t): number => (t.given && t.kind === 'buf' ? 1 : 0))
  const live = things.map((t) => t.given)
  const dir = new Map<number, string>()
  const published = new Set<number>()
  let held = 0
  const say = (cls: string, n: number, i?: number): void => {
    const at = i === undefined ? undefined : plan.steps[i]!.at
    found.push({ cls, n, ...(at !== undefined && { at }), ...(i !== undefined && { step: i }) })
  }
  for (const [i, s] of plan.steps.entries()) {
    if (s.do === 'lock' || s.do === 'asserted') held++
    if (s.do === 'unlock') held = Math.max(0, held - 1)
    // Another function: what was asserted there is asserted there.
    if (s.do === 'later') held = 0
    if (!('n' in s)) continue
    const { n } = s
    if (s.locked === true && held === 0 && needsLock(n)) say('missing-resv-lock', n, i)
    switch (s.do) {
      case 'get':
      case 'ref':
        refs[n]!++
        live[n] = true
        break
      case 'attach':
        live[n] = true
        break
      case 'map':
        live[n] = true
        dir.set(n, s.dir ?? '?')
        break
      case 'publish':
        if (refs[n]! <= 0) say('double-put', n, i)
        else refs[n]!--
        published.add(n)
        break
      case 'use':
        if (refs[n]! <= 0) say('fd-published-early', n, i)
        break
      case 'put': {
        if (refs[n]! <= 0) {
          say(published.has(n) ? 'fd-published-early' : 'double-put', n, i)
          break
        }
        refs[n]!--
        const hanging = things.findIndex((t, a) => t.kind === 'attach' && t.of === n && live[a])
        if (refs[n] === 0 && hanging >= 0) {
          const late = ends(plan, i, 'detach', hanging)
          say(late ? 'attach-map-order' : 'error-path-leak', hanging, i)
          if (late) say('attach-map-order', n, i)
        }
        break
      }
      case 'detach': {
        if (!live[n]) {
          say('double-detach', n, i)
          break
        }
        live[n] = false
        const mapped = things.findIndex((t, a) => t.kind === 'sgt' && t.of === n && live[a])
        if (mapped >= 0)
          say(ends(plan, i, 'unmap', mapped) ? 'attach-map-order' : 'error-path-leak', mapped, i)
        const pinned = things.findIndex((t, a) => t.kind === 'pin' && t.of === n && live[a])
        if (pinned >= 0)
          say(ends(plan, i, 'unpin', pinned) ? 'attach-map-order' : 'error-path-leak', pinned, i)
        break
      }
      case 'unmap':
        if (!live[n] || !live[things[n]!.of!]) say('double-detach', live[n] ? n : n, i)
        else if (dir.has(n) && dir.get(n) !== s.dir) say('dma-direction-mismatch', n, i)
        live[n] = false
        break
      case 'pin':
        live[n] = true
        break
      case 'unpin':
        if (!live[n] || !live[things[n]!.of!]) say('double-detach', n, i)
        live[n] = false
        break
    }
  }
  for (const [n, t] of things.entries()) {
    if (t.kind === 'buf' && !t.given && refs[n]! > 0) say('error-path-leak', n)
    if (t.kind === 'buf' && t.given && refs[n]! > 1) say('error-path-leak', n)
    if (t.kind === 'buf' && t.given && refs[n]! < 1 && t.handedOver !== true && !published.has(n))
      say('double-put', n)
    if (t.kind !== 'buf' && !t.given && live[n] && live[t.of!] !== false) say('error-path-leak', n)
  }
  return found
}

/** Whether a later step ends it. */
const ends = (plan: Plan, after: number, how: string, n: number): boolean =>
  plan.steps.some((s, i) => i > after && s.do === how && 'n' in s && s.n === n)

/** In which function a step is: 0 for the one that acquires, then those that give back. */
export const partOf = (plan: Plan, step: number): number =>
  plan.steps.slice(0, step).filter((s) => s.do === 'later').length

/** The same, with the reservation lock held by whoever calls one of the functions. */
export function assertedIn(plan: Plan, part: number): Plan {
  let at = 0
  for (let n = 0; n < part; n++) at = plan.steps.findIndex((s, i) => i >= at && s.do === 'later') + 1
  return { ...plan, steps: [...plan.steps.slice(0, at), { do: 'asserted' }, ...plan.steps.slice(at)] }
}

/**
 * An importer that can be told of moves, and maps elsewhere in its module: what it maps is there from the end of the function that
 * attaches until it detaches.
 */
export function withMapping(plan: Plan): Plan {
  const attach = plan.things.findIndex((t) => t.kind === 'attach' && t.dynamic !== undefined)
  const later = plan.steps.findIndex((s) => s.do === 'later')
  const detach = plan.steps.findIndex((s) => s.do === 'detach' && s.n === attach)
  if (
    attach < 0 ||
    later < 0 ||
    detach < later ||
    plan.things.some((t) => t.kind !== 'buf' && t.of === attach)
  )
    return plan
  const n = plan.things.length
  const dir = 'DMA_BIDIRECTIONAL'
  const held = (s: Step): Step[] => [{ do: 'lock' }, s, { do: 'unlock' }]
  return {
    ...plan,
    things: [...plan.things, { kind: 'sgt', of: attach, given: false }],
    steps: [
      ...plan.steps.slice(0, later),
      ...held({ do: 'map', n, dir, locked: true }),
      ...plan.steps.slice(later, detach),
      ...held({ do: 'unmap', n, dir, locked: true }),
      ...plan.steps.slice(detach),
    ],
  }
}
