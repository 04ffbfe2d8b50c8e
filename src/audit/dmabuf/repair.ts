import type { Plan, Step } from './plan.ts'

/** A known repair, as a rewriting of what the code does. */
export type Fix = { readonly name: string; readonly text: string; readonly apply: (plan: Plan) => Plan }

type Act = Step & { readonly n: number }
const isAct = (s: Step): s is Act => 'n' in s

/** What is left at the end is given back there: tables, pins, attachments, references. */
function undo(plan: Plan): Plan {
  const { live, refs } = after(plan)
  const steps: Step[] = [...plan.steps]
  for (const [n, t] of plan.things.entries())
    if (t.kind === 'sgt' && !t.given && live[n] && live[t.of!] !== false) {
      const map = plan.steps.find((s): s is Act => isAct(s) && s.do === 'map' && s.n === n)
      steps.push(...locked(plan, { do: 'unmap', n, ...pick(map) }))
    }
  for (const [n, t] of plan.things.entries())
    if (t.kind === 'pin' && !t.given && live[n] && live[t.of!] !== false)
      steps.push({ do: 'lock' }, { do: 'unpin', n, locked: true }, { do: 'unlock' })
  for (const [n, t] of plan.things.entries())
    if (t.kind === 'attach' && !t.given && live[n]) steps.push({ do: 'detach', n })
  for (const [n, t] of plan.things.entries())
    if (t.kind === 'buf')
      for (let i = t.given && t.handedOver !== true ? 1 : 0; i < refs[n]!; i++) steps.push({ do: 'put', n })
  return { ...plan, steps }
}

const pick = (map: Act | undefined): { dir?: string; locked?: boolean } =>
  map === undefined || !('dir' in map)
    ? {}
    : {
        ...(map.dir !== undefined && { dir: map.dir }),
        ...(map.locked !== undefined && { locked: map.locked }),
      }

function locked(plan: Plan, s: Step): Step[] {
  const locks = plan.steps.some((x) => x.do === 'lock' || x.do === 'asserted')
  return isAct(s) && 'locked' in s && s.locked === true && locks ? [{ do: 'lock' }, s, { do: 'unlock' }] : [s]
}

/** What is there after the steps. */
function after(plan: Plan): { live: boolean[]; refs: number[] } {
  const live = plan.things.map((t) => t.given)
  const refs = plan.things.map((t): number => (t.given && t.kind === 'buf' ? 1 : 0))
  for (const s of plan.steps) {
    if (!isAct(s)) continue
    if (s.do === 'get' || s.do === 'ref') refs[s.n]!++
    if (s.do === 'put') refs[s.n] = Math.max(0, refs[s.n]! - 1)
    if (s.do === 'attach' || s.do === 'map' || s.do === 'pin') live[s.n] = true
    if (s.do === 'detach' || s.do === 'unmap' || s.do === 'unpin') live[s.n] = false
  }
  return { live, refs }
}

/** Every release once, tables before attachments before references. */
function inOrder(given: Plan): Plan {
  const plan = undo(given)
  const released = new Set<number>()
  const left: Act[] = []
  const kept: Step[] = []
  for (const s of plan.steps) {
    if (!isAct(s)) {
      kept.push(s)
      continue
    }
    if (s.do === 'unmap' || s.do === 'detach' || s.do === 'unpin') {
      if (released.has(s.n)) continue
      released.add(s.n)
      left.push(s)
    } else if (s.do === 'put') left.push(s)
    else kept.push(s)
  }
  const rank = { unmap: 0, unpin: 1, detach: 2, put: 3 } as const
  const puts = plan.things.map((t, n): number => {
    const taken = plan.steps.filter((s) => isAct(s) && s.n === n && (s.do === 'get' || s.do === 'ref')).length
    return taken + (t.handedOver === true ? 1 : 0)
  })
  const sorted = left
    .filter((s) => s.do !== 'put' || puts[s.n]!-- > 0)
    .sort((a, b) => rank[a.do as keyof typeof rank] - rank[b.do as keyof typeof rank])
  return { ...plan, steps: [...kept, ...sorted.flatMap((s) => locked(plan, s))] }
}

/** Each call under the lock that it wants. */
function underLock(plan: Plan): Plan {
  let held = 0
  const steps = plan.steps.flatMap((s): Step[] => {
    if (s.do === 'lock' || s.do === 'asserted') held++
    if (s.do === 'unlock') held = Math.max(0, held - 1)
    if (s.do === 'later') held = 0
    if (!isAct(s) || !('locked' in s) || s.locked !== true || held > 0) return [s]
    return [{ do: 'lock' }, s, { do: 'unlock' }]
  })
  return { ...plan, steps }
}

function sameDirection(plan: Plan): Plan {
  const dir = new Map<number, string>()
  const steps = plan.steps.map((s): Step => {
    if (!isAct(s) || !('dir' in s)) return s
    if (s.do === 'map') dir.set(s.n, s.dir ?? '?')
    return s.do === 'unmap' && dir.has(s.n) ? { ...s, dir: dir.get(s.n)! } : s
  })
  return { ...plan, steps }
}

/** What fails does so before there is a descriptor; what works ends with it. */
function publishLast(plan: Plan): Plan {
  const publish = plan.steps.find((s) => s.do === 'publish')
  const at = plan.steps.findIndex((s) => s.do === 'publish')
  if (publish === undefined) return plan
  const given = plan.steps.slice(at + 1).some((s) => s.do === 'put')
  const steps = plan.steps.filter((s) => s.do !== 'publish')
  return { ...plan, steps: given ? steps : [...steps, publish] }
}

const listen = (plan: Plan): Plan => ({
  ...plan,
  things: plan.things.map((t) => (t.dynamic === undefined ? t : { ...t, dynamic: 'drops' })),
})

export const fixes: Readonly<Record<string, Fix>> = {
  'fd-published-early': {
    name: 'publish-last',
    text: 'publish last: get_unused_fd_flags() first, then all that can fail, and fd_install() as the last thing',
    apply: publishLast,
  },
  'error-path-leak': {
    name: 'undo',
    text: 'before leaving, undo what was done: unmap, unpin, detach, then dma_buf_put()',
    apply: (p) => inOrder(p),
  },
  'double-detach': {
    name: 'once',
    text: 'undo each step once: either the labels or the destructor unmap, detach and put, not both',
    apply: inOrder,
  },
  'double-put': {
    name: 'own-reference',
    text: 'put only what was taken: dma_buf_put() once for each dma_buf_get() and get_dma_buf()',
    apply: inOrder,
  },
  'attach-map-order': {
    name: 'put-last',
    text: 'undo in the reverse order: dma_buf_unmap_attachment(), dma_buf_detach(), and dma_buf_put() last',
    apply: inOrder,
  },
  'missing-resv-lock': {
    name: 'hold-the-reservation-lock',
    text: 'hold dma_resv_lock(dmabuf->resv) around the call, or call its _unlocked variant where it has one',
    apply: underLock,
  },
  'dma-direction-mismatch': {
    name: 'same-direction',
    text: 'unmap in the direction that it was mapped in',
    apply: sameDirection,
  },
  'map-after-move': {
    name: 'drop-in-the-callback',
    text: 'give the mapping up in the callback, and look under the reservation lock whether it is there before each use',
    apply: listen,
  },
}
