import { type Plan, type Step, tidy } from './plan.ts'

/** A known repair, as a rewriting of what the code does. */
export type Fix = { readonly name: string; readonly text: string; readonly apply: (plan: Plan) => Plan }

const undo = (plan: Plan): string =>
  plan.kind === 'interval' ? 'mmu_interval_notifier_remove' : 'mmu_notifier_unregister'

/** Unregistered before it is freed, once, and waited for. */
function first(plan: Plan): Plan {
  const order = (steps: readonly Step[]): Step[] => {
    const frees = steps.findIndex((s) => s.do === 'free')
    if (frees < 0) return steps.map((s) => s)
    const rest = steps.filter((s) => s.do !== 'unregister')
    const at = rest.findIndex((s) => s.do === 'free')
    return tidy([...rest.slice(0, at), { do: 'unregister', api: undo(plan) }, ...rest.slice(at)])
  }
  return { ...plan, then: order(plan.then), later: order(plan.later) }
}

const outside = (steps: readonly Step[]): Step[] =>
  steps.filter((s) => (s.do !== 'lock' && s.do !== 'unlock') || s.lock === 'mmap_lock')

/** What a registration that fails leaves behind is freed, and the rest comes only if it worked. */
function asked(plan: Plan): Plan {
  const { kind, api, at, before, then, later, freedByCore, callback } = plan
  const undone: Step[] = [{ do: 'unregister', api: undo(plan) }, { do: 'free' }]
  return {
    kind,
    api,
    at,
    before,
    failed: [{ do: 'free' }],
    then,
    later: later.length > 0 ? later : undone,
    // Who installs needs a lock that the callback takes.
    installs: plan.installs && kind === 'interval' && callback?.some((s) => s.do === 'lock') === true,
    freedByCore,
    callback,
  }
}

export const fixes: Readonly<Record<string, readonly Fix[]>> = {
  'notifier-freed-early': [
    {
      name: 'unregister-first',
      text: 'unregister it before the object is freed, also where something fails, and wait: mmu_interval_notifier_remove() or mmu_notifier_unregister(), or mmu_notifier_put() and free it in ->free_notifier()',
      apply: first,
    },
  ],
  'notifier-not-registered': [
    {
      name: 'ask',
      text: 'ask whether it worked, and undo what was done if not',
      apply: asked,
    },
  ],
  'notifier-deadlock': [
    {
      name: 'outside-the-lock',
      text: 'unregister it without the lock that its callback takes, register it without the mmap_lock',
      apply: (plan) => ({ ...plan, before: [], then: outside(plan.then), later: outside(plan.later) }),
    },
  ],
  'notifier-without-retry': [
    {
      name: 'set-the-sequence-and-drop',
      text: 'in the callback, under the lock of whoever installs: mmu_interval_set_seq(), then drop the translation',
      apply: (plan) => ({
        ...plan,
        callback: [
          { do: 'lock', note: plan.callback?.find((s) => s.do === 'lock')?.note ?? 'lock' },
          { do: 'set-seq' },
          { do: 'drop' },
          { do: 'unlock', note: plan.callback?.find((s) => s.do === 'lock')?.note ?? 'lock' },
        ],
      }),
    },
  ],
}
