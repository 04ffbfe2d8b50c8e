import type { Event, Place } from '../trace/event.ts'

/**
 * What one way through the code does, reduced to what the lifetime of one look-up depends on, in the order of the code. This is what
 * repairs rewrite and what is turned into a litmus test.
 */
export type Step = { readonly at?: Place; readonly note?: string } & (
  | { readonly do: 'lock' | 'unlock'; readonly lock: 'mmap' | 'driver'; readonly write: boolean }
  /** `reg` numbers the look-ups of the plan. `check` false: the caller goes on without asking whether it worked. */
  | { readonly do: 'lookup'; readonly api: string; readonly reg: number; readonly flags?: readonly string[] }
  | { readonly do: 'end'; readonly api: string; readonly reg: number }
  | { readonly do: 'put'; readonly reg: number }
  | { readonly do: 'cpu'; readonly reg: number; readonly write: boolean }
  /** A device, an IOMMU or a guest may use it from here on, until `revoke`. */
  | { readonly do: 'give' | 'revoke'; readonly reg: number; readonly to: 'device' | 'guest' }
  /** It is put where only the notifier's callback takes it out again. */
  | { readonly do: 'install'; readonly reg: number }
  | { readonly do: 'compare'; readonly reg: number; readonly other: number }
  | { readonly do: 'seq' | 'retry' }
  | { readonly do: 'find-vma' }
  /** `dropped`: the way on which mmap_lock was dropped, or not; undefined when it cannot be. */
  | { readonly do: 'fault'; readonly write: boolean; readonly dropped?: boolean }
  | { readonly do: 'use-vma' }
  | { readonly do: 'pin'; readonly reg: number }
)

export type Plan = {
  readonly steps: readonly Step[]
  readonly memory: 'pfnmap' | 'anonymous'
  /** The callback of the module's notifier, in the order of its code. */
  readonly callback?: readonly CallbackStep[]
}

export type CallbackStep = {
  readonly do: 'lock' | 'unlock' | 'set-seq' | 'drop'
  readonly at?: Place
  readonly note?: string
}

/** What of a path is about these look-ups, under these conditions. */
export type Cut = {
  /** Look-ups of the site, by number in the path. */
  readonly values: ReadonlySet<number>
  readonly api: (value: number) => string
  /** Of the site's call. */
  readonly flags: readonly string[]
  /** The look-up wants mmap_lock: where no lock is seen the caller holds it. */
  readonly callerHolds: boolean
  /** The lock that the notifier's callback takes, if there is a notifier. */
  readonly driverLock: string | undefined
  readonly notifier: boolean
}

/** Reduces a path to the plan of one site. Failed look-ups, other look-ups and locks around nothing are left out. */
export function planSteps(events: readonly Event[], cut: Cut): Step[] {
  const wanted = new Set(cut.values)
  for (const e of events)
    if (e.kind === 'same' && (wanted.has(e.value) || wanted.has(e.other))) {
      wanted.add(e.value)
      wanted.add(e.other)
    }
  const regs = new Map<number, number>()
  const reg = (value: number): number => {
    const known = regs.get(value)
    if (known !== undefined) return known
    regs.set(value, regs.size)
    return regs.size - 1
  }
  const steps: Step[] = []
  // Two names for one frame once they were compared: a use of either is a use of what was looked up.
  let asked = false
  for (const e of events) {
    const { at } = e
    switch (e.kind) {
      case 'lock':
      case 'unlock':
        if (e.lock.mmap) steps.push({ do: e.kind, lock: 'mmap', write: e.lock.write, at })
        else if (e.lock.name === cut.driverLock)
          steps.push({ do: e.kind, lock: 'driver', write: e.lock.write, at, note: e.lock.name })
        break
      case 'lookup':
        if (wanted.has(e.value))
          steps.push({
            do: 'lookup',
            api: e.api,
            reg: reg(e.value),
            at,
            ...(cut.flags.length > 0 && { flags: cut.flags }),
          })
        break
      case 'end':
        if (wanted.has(e.value)) steps.push({ do: 'end', api: cut.api(e.value), reg: reg(e.value), at })
        break
      case 'put':
        if (wanted.has(e.value)) steps.push({ do: 'put', reg: reg(e.value), at })
        break
      case 'cpu':
        if (wanted.has(e.value))
          steps.push({ do: 'cpu', reg: reg(e.value), write: e.write, at, note: e.text })
        break
      case 'device':
      case 'guest':
        if (wanted.has(e.value))
          steps.push(
            cut.notifier && asked
              ? { do: 'install', reg: reg(e.value), at, note: e.text }
              : { do: 'give', reg: reg(e.value), to: e.kind, at, note: e.text },
          )
        break
      case 'lost':
        // Behind the notifier's question, whatever is done with it is what the callback has to undo.
        if (wanted.has(e.value) && cut.notifier && asked)
          steps.push({ do: 'install', reg: reg(e.value), at, note: e.text })
        break
      case 'revoke':
        if (wanted.has(e.value))
          steps.push({ do: 'revoke', reg: reg(e.value), to: 'device', at, note: e.text })
        break
      case 'same':
        if (wanted.has(e.value)) steps.push({ do: 'compare', reg: reg(e.value), other: reg(e.other), at })
        break
      case 'seq':
        asked = false
        if (cut.notifier) steps.push({ do: 'seq', at })
        break
      case 'retry':
        asked = true
        if (cut.notifier) steps.push({ do: 'retry', at })
        break
      case 'hop':
        // Kept beyond the section, behind the question.
        if (wanted.has(e.value) && cut.notifier && asked)
          steps.push({ do: 'install', reg: reg(e.value), at, note: e.text })
        break
      case 'fault':
      case 'vma':
      case 'stale-vma':
      case 'ref':
      case 'unref':
      case 'later':
        break
    }
  }
  return tidy(needed(steps), cut.callerHolds)
}

/** Look-ups whose value nobody uses do not belong here, unless nothing else is there. */
function needed(steps: readonly Step[]): Step[] {
  const used = new Set<number>()
  for (const s of steps) {
    if (s.do === 'cpu' || s.do === 'give' || s.do === 'install') used.add(s.reg)
    if (s.do === 'compare') used.add(s.reg).add(s.other)
  }
  if (used.size === 0) {
    const first = steps.find((s) => s.do === 'lookup')
    if (first?.do === 'lookup') used.add(first.reg)
  }
  const regs = new Map([...used].sort((a, b) => a - b).map((r, i) => [r, i]))
  return steps.flatMap((s): Step[] => {
    if (!('reg' in s)) return [s]
    const reg = regs.get(s.reg)
    if (reg === undefined) return []
    return s.do === 'compare' ? [{ ...s, reg, other: regs.get(s.other)! }] : [{ ...s, reg }]
  })
}

/** Leaves out what is around nothing, and adds the lock that the caller holds. */
export function tidy(steps: readonly Step[], callerHolds: boolean): Step[] {
  let list = [...steps]
  for (let changed = true; changed; ) {
    changed = false
    // A lock and its unlock with nothing of ours between them; an unlock of what was never locked at the very end is the caller's.
    for (let i = 0; i < list.length; i++) {
      const s = list[i]!
      const next = list[i + 1]
      if (s.do === 'lock' && next?.do === 'unlock' && next.lock === s.lock) {
        list.splice(i, 2)
        changed = true
        break
      }
      if (s.do === 'seq' && next?.do === 'seq') {
        list.splice(i, 1)
        changed = true
        break
      }
      if (s.do === 'give' && next?.do === 'give' && next.reg === s.reg) {
        list.splice(i + 1, 1)
        changed = true
        break
      }
      if (
        (s.do === 'install' && next?.do === 'install' && next.reg === s.reg) ||
        (s.do === 'cpu' && next?.do === 'cpu' && next.reg === s.reg && next.write === s.write)
      ) {
        list.splice(i + 1, 1)
        changed = true
        break
      }
    }
  }
  const first = list.findIndex((s) => s.do !== 'seq' && (s.do !== 'lock' || s.lock === 'mmap'))
  const firstMmap = list.findIndex((s) => (s.do === 'lock' || s.do === 'unlock') && s.lock === 'mmap')
  const lookup = list.findIndex((s) => s.do === 'lookup' || s.do === 'fault')
  const held = firstMmap < 0 || list[firstMmap]!.do === 'unlock' || (lookup >= 0 && lookup < firstMmap)
  if (callerHolds && held && lookup >= 0) {
    const from = firstMmap >= 0 && list[firstMmap]!.do === 'unlock' ? 0 : Math.max(0, Math.min(first, lookup))
    list = [
      ...list.slice(0, from),
      { do: 'lock', lock: 'mmap', write: false, note: 'held by the caller' },
      ...list.slice(from),
    ]
  }
  return balance(list)
}

/** Locks that are still held at the end are dropped there, and ones that nobody took are not dropped. */
function balance(steps: readonly Step[]): Step[] {
  const out: Step[] = []
  const held: ('mmap' | 'driver')[] = []
  const write = new Map<string, boolean>()
  const open = new Set<number>()
  for (const s of steps) {
    if (s.do === 'lock') {
      if (held.includes(s.lock)) continue
      held.push(s.lock)
      write.set(s.lock, s.write)
    } else if (s.do === 'unlock') {
      if (!held.includes(s.lock)) continue
      held.splice(held.indexOf(s.lock), 1)
      out.push({ ...s, write: write.get(s.lock)! })
      continue
    } else if (s.do === 'lookup') open.add(s.reg)
    else if (s.do === 'end' && !open.delete(s.reg)) continue
    out.push(s)
  }
  for (const lock of held.reverse())
    out.push({ do: 'unlock', lock, write: write.get(lock)!, note: 'by the caller' })
  return out
}
