import type { LitmusTest, Stmt } from '../../litmus/index.ts'
import { binary, branch, call, id, inEnd, num, or, run, set, testOf, thread } from '../lift/build.ts'
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
  return testOf(
    name,
    [
      { kind: 'mm', name: 'A' },
      {
        kind: 'address',
        scope: 'A',
        name: 'p',
        call: call(
          'mmap',
          id('NULL'),
          num(1),
          or(id('PROT_READ'), id('PROT_WRITE')),
          or(id('MAP_PRIVATE'), id('MAP_ANONYMOUS')),
        ),
      },
    ],
    [
      thread('P0', 'A', body, 'who looks the VMA up'),
      thread('P1', 'A', [run(call('munmap', id('p'), num(1)))], 'another thread of the process: munmap(2)'),
    ],
    binary('==', inEnd('P0', 'r0'), num(1)),
  )
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
