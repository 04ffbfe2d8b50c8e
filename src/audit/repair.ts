import type { Judged } from './judge.ts'
import type { Plan, Step } from './lift/plan.ts'
import { tidy } from './lift/plan.ts'

/** A known repair, as a rewriting of what the code does. Undefined: it does not apply. */
export type Candidate = {
  readonly name: string
  readonly text: string
  readonly apply: (plan: Plan, kernel: { readonly section: string }) => Plan | undefined
}

/** From the smallest change to the largest. */
export const candidates: readonly Candidate[] = [
  {
    name: 'ask-under-the-lock',
    text: 'Call mmu_interval_read_retry() under the lock that the notifier callback takes, and start again if it says so; install before that lock is dropped.',
    apply(plan) {
      if (plan.callback === undefined) return undefined
      return askUnderLock(plan)
    },
  },
  {
    name: 'drop-in-the-callback',
    text: 'Drop what was installed in the notifier callback, under the lock, before it returns.',
    apply(plan) {
      if (plan.callback === undefined) return undefined
      return { ...plan, callback: fullCallback }
    },
  },
  {
    name: 'ask-and-drop',
    text: 'Ask the notifier under its lock before installing, and drop what was installed in its callback.',
    apply(plan) {
      if (plan.callback === undefined) return undefined
      return askUnderLock({ ...plan, callback: fullCallback })
    },
  },
  {
    name: 'look-the-vma-up-again',
    text: 'When the fault says that it dropped mmap_lock, go back and look the VMA up again before it is used.',
    apply(plan) {
      const at = plan.steps.findIndex((s) => s.do === 'fault' && s.dropped !== undefined)
      if (at < 0 || !plan.steps.some((s) => s.do === 'use-vma')) return undefined
      const steps = [...plan.steps]
      steps.splice(at + 1, 0, { do: 'find-vma' })
      return { ...plan, steps }
    },
  },
  {
    name: 'hold-the-page-table-lock',
    text: 'Use the value between the look-up and its end: keep the page-table lock (and mmap_lock) until the last use.',
    apply(plan, { section }) {
      if (plan.memory !== 'pfnmap') return undefined
      return holdOver(plan, section)
    },
  },
  {
    name: 'look-up-again-and-compare',
    text: 'Before the use, look up again and compare; use it only while the second look-up is held, and start again if it differs.',
    apply(plan, { section }) {
      if (plan.memory !== 'pfnmap') return undefined
      return lookAgain(plan, section)
    },
  },
  {
    name: 'pin-long-term',
    text: 'Pin the pages with pin_user_pages(FOLL_LONGTERM) for as long as they are used, and refuse memory that cannot be pinned.',
    apply(plan) {
      const steps = plan.steps.flatMap((s): Step[] => {
        if (s.do === 'lookup') return [{ do: 'pin', reg: s.reg, ...(s.at && { at: s.at }) }]
        return s.do === 'end' || s.do === 'put' ? [] : [s]
      })
      return { memory: plan.memory, steps }
    },
  },
  {
    name: 'notifier-with-retry',
    text: 'Register an MMU interval notifier: read its sequence before the look-up, ask mmu_interval_read_retry() under the lock that the callback takes before the value is given away, and drop it in the callback.',
    apply(plan) {
      if (plan.callback !== undefined) return undefined
      return withNotifier(plan)
    },
  },
]

const fullCallback = [{ do: 'lock' }, { do: 'set-seq' }, { do: 'drop' }, { do: 'unlock' }] as const

function askUnderLock(plan: Plan): Plan | undefined {
  const given = plan.steps.findIndex((s) => s.do === 'install' || s.do === 'give' || s.do === 'cpu')
  if (given < 0) return undefined
  const without = plan.steps.filter(
    (s) => s.do !== 'retry' && !((s.do === 'lock' || s.do === 'unlock') && s.lock === 'driver'),
  )
  return withQuestion({ ...plan, steps: without })
}

/** Everything that is done with the value, under the lock and behind the question. */
function withQuestion(plan: Plan): Plan {
  const steps: Step[] = plan.steps.some((s) => s.do === 'seq') ? [] : [{ do: 'seq' }]
  const uses = (s: Step): boolean => s.do === 'install' || s.do === 'give' || s.do === 'cpu'
  const first = plan.steps.findIndex(uses)
  const last = plan.steps.findLastIndex(uses)
  const held = (i: number): boolean =>
    plan.steps.slice(0, i).filter((s) => s.do === 'lock' && s.lock === 'mmap').length >
    plan.steps.slice(0, i).filter((s) => s.do === 'unlock' && s.lock === 'mmap').length
  // A use under mmap_lock moves behind it: the callback may run under mmap_lock and takes the driver's lock.
  const moved: Step[] = []
  const body: Step[] = []
  for (const [i, s] of plan.steps.entries()) {
    if (i >= first && i <= last && uses(s))
      moved.push(s.do === 'give' ? { do: 'install', reg: s.reg, ...(s.at && { at: s.at }) } : s)
    else body.push(s)
  }
  const end = held(first)
    ? body.length
    : Math.max(...body.map((s, i) => (s.do === 'unlock' || s.do === 'end' || s.do === 'lookup' ? i + 1 : 0)))
  const before = body.slice(0, end).filter((s) => s.do !== 'revoke')
  return {
    ...plan,
    steps: [
      ...steps,
      ...before,
      { do: 'lock', lock: 'driver', write: true },
      { do: 'retry' },
      ...moved,
      { do: 'unlock', lock: 'driver', write: true },
      ...body.slice(end).filter((s) => s.do === 'revoke'),
    ],
  }
}

function withNotifier(plan: Plan): Plan {
  return withQuestion({ ...plan, callback: fullCallback })
}

function holdOver(plan: Plan, section: string): Plan | undefined {
  const uses = plan.steps.findLastIndex((s) => s.do === 'cpu' || s.do === 'give')
  if (uses < 0) return undefined
  const out: Step[] = []
  const late: Step[] = []
  const open = new Map<number, string>()
  for (const [i, s] of plan.steps.entries()) {
    if (s.do === 'lookup') {
      const api = s.api === 'follow_pte' || s.api === 'follow_pfnmap_start' ? s.api : section
      // One look-up is enough when it is held.
      if (open.size > 0) continue
      out.push({ ...s, api, reg: 0 })
      open.set(0, api)
    } else if (i < uses && (s.do === 'end' || s.do === 'unlock')) late.push(s)
    else if (s.do === 'compare' || (s.do === 'lock' && out.some((o) => o.do === 'lock' && o.lock === s.lock)))
      continue
    else if (s.do === 'end') late.push(s)
    else out.push('reg' in s ? { ...s, reg: 0 } : s)
    if (i === uses) {
      for (const [reg, api] of open) out.push({ do: 'end', api, reg })
      out.push(...late.filter((l) => l.do === 'unlock'))
      late.length = 0
    }
  }
  return { ...plan, steps: tidy(out, false) }
}

function lookAgain(plan: Plan, section: string): Plan | undefined {
  const first = plan.steps.findIndex((s) => s.do === 'cpu' || s.do === 'give')
  if (first < 0) return undefined
  const last = plan.steps.findLastIndex((s) => s.do === 'cpu' || s.do === 'give')
  const use = plan.steps[first]!
  if (!('reg' in use)) return undefined
  const locked =
    plan.steps.slice(0, first).filter((s) => s.do === 'lock' && s.lock === 'mmap').length >
    plan.steps.slice(0, first).filter((s) => s.do === 'unlock' && s.lock === 'mmap').length
  const again = Math.max(0, ...plan.steps.map((s) => ('reg' in s ? s.reg : 0))) + 1
  const open =
    plan.steps.slice(0, first).some((s) => s.do === 'lookup' && s.api === section) &&
    !plan.steps.slice(0, first).some((s) => s.do === 'end')
  if (open) return undefined
  return {
    ...plan,
    steps: [
      ...plan.steps.slice(0, first),
      ...(locked ? [] : [{ do: 'lock', lock: 'mmap', write: false } as const]),
      { do: 'lookup', api: section, reg: again },
      { do: 'compare', reg: use.reg, other: again },
      ...plan.steps.slice(first, last + 1),
      { do: 'end', api: section, reg: again },
      ...(locked ? [] : [{ do: 'unlock', lock: 'mmap', write: false } as const]),
      ...plan.steps.slice(last + 1),
    ],
  }
}

export type Tried = { readonly candidate: Candidate; readonly judged: Judged; readonly plan: Plan }
