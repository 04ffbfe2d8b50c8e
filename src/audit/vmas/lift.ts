import type { LitmusTest, Stmt } from '../../litmus/index.ts'
import { branch, call, id, num, run, set } from '../lift/build.ts'
import type { Step } from './walk.ts'

/** A VMA from its look-up to its last use, and the lock around it. */
export type Plan = {
  readonly as: 'find_vma' | 'vma_lookup'
  /** Whoever calls the function holds the lock. */
  readonly callers: boolean
  readonly steps: readonly Step[]
}

/** The look-up as the code has it, and another thread, which unmaps. */
export function liftLookup(name: string, plan: Plan): LitmusTest {
  const body: Stmt[] = []
  let held = plan.callers
  if (held) body.push(run(call('mmap_read_lock', id('A'))))
  let seen = false
  for (const s of plan.steps)
    switch (s.do) {
      case 'lock':
        if (!held) body.push(run(call('mmap_read_lock', id('A')), s.at))
        held = true
        break
      case 'unlock':
        if (held) body.push(run(call('mmap_read_unlock', id('A')), s.at))
        held = false
        break
      case 'drop':
        body.push(run(call('mmap_read_unlock', id('A')), s.at), run(call('mmap_read_lock', id('A')), s.at))
        break
      case 'find':
        body.push(set('vma', call(plan.as, id('A'), id('p')), s.at))
        break
      case 'use':
        seen = true
        body.push(branch(id('vma'), [set('r0', call('vma_test', id('vma'), id('VM_WRITE')), s.at)]))
        break
    }
  // That there is one is all that it wants to know.
  if (!seen) body.push(branch(id('vma'), [set('r0', num(1))]))
  if (held) body.push(run(call('mmap_read_unlock', id('A'))))
  return {
    name,
    comment: '',
    expect: [],
    init: [
      { kind: 'mm', name: 'A' },
      {
        kind: 'address',
        scope: 'A',
        name: 'p',
        call: call(
          'mmap',
          id('NULL'),
          num(1),
          { kind: 'binary', op: '|', left: id('PROT_READ'), right: id('PROT_WRITE') },
          { kind: 'binary', op: '|', left: id('MAP_PRIVATE'), right: id('MAP_ANONYMOUS') },
        ),
      },
    ],
    procs: [
      {
        name: 'P0',
        context: { kind: 'mm', name: 'A' },
        daemon: false,
        body,
        comment: 'who looks the VMA up',
      },
      {
        name: 'P1',
        context: { kind: 'mm', name: 'A' },
        daemon: false,
        body: [run(call('munmap', id('p'), num(1)))],
        comment: 'another thread of the process: munmap(2)',
      },
    ],
    condition: {
      quantifier: 'exists',
      expr: { kind: 'binary', op: '==', left: { kind: 'name', name: 'r0', proc: 'P0' }, right: num(1) },
    },
  }
}

export type Fix = { readonly name: string; readonly text: string; apply(plan: Plan): Plan | undefined }

export const fixes: readonly Fix[] = [
  {
    name: 'take-mmap-lock',
    text: 'Take mmap_lock around the look-up and all that is done with what it found.',
    apply(plan) {
      const at = plan.steps.findIndex((s) => s.do === 'find')
      const held = plan.callers
        ? true
        : plan.steps.slice(0, at).findLast((s) => s.do === 'lock' || s.do === 'unlock')?.do === 'lock'
      if (held) return undefined
      const steps = plan.steps.filter((s) => s.do === 'find' || s.do === 'use')
      const place = plan.steps[at]!.at
      return { ...plan, steps: [{ do: 'lock', at: place, text: '' }, ...steps] }
    },
  },
  {
    name: 'use-before-unlock',
    text: 'Read what is wanted of the VMA before mmap_lock is dropped: move the unlock behind the last use, or copy the value.',
    apply(plan) {
      if (plan.steps.some((s) => s.do === 'drop')) return undefined
      const find = plan.steps.findIndex((s) => s.do === 'find')
      const rest = plan.steps.slice(find).filter((s) => s.do === 'find' || s.do === 'use')
      return { ...plan, steps: [...plan.steps.slice(0, find), ...rest] }
    },
  },
  {
    name: 'look-the-vma-up-again',
    text: 'When the lock was dropped, look the VMA up again before it is used.',
    apply(plan) {
      const found = plan.steps.find((s) => s.do === 'find')!
      return {
        ...plan,
        steps: plan.steps.flatMap((s): Step[] => (s.do === 'drop' ? [s, found] : [s])),
      }
    },
  },
]
