/** What mends each class: in words for the driver, and in the test that has to hold then. */

import type { ReferenceApi } from '../protocols/reference.ts'
import type { HoldingPlan } from './lift.ts'

type Fix = {
  readonly name: string
  readonly text: (api: ReferenceApi) => string
  readonly apply: (plan: HoldingPlan) => HoldingPlan
}

const releaseAll = (api: ReferenceApi): string => (api.takes === 'pin' ? 'unpin_user_pages()' : 'put_page()')

const addRelease: Fix = {
  name: 'release',
  text: (api) => `give the pages back with ${releaseAll(api)} before leaving, those that were got`,
  apply: (p) => ({ ...p, steps: [...p.steps, { do: 'release', as: p.api.takes, many: 'got' }] }),
}

const onlyGot = (p: HoldingPlan): HoldingPlan => ({
  ...p,
  steps: p.steps.map((s) => (s.do === 'release' ? { ...s, many: 'got' } : s)),
})

const match: Fix = {
  name: 'match',
  text: (api) => `give them back with ${releaseAll(api)}, which undoes ${api.name}()`,
  apply: (p) => ({
    ...p,
    steps: p.steps.map((s) => (s.do === 'release' ? { ...s, as: p.api.takes } : s)),
  }),
}

/** By class. */
export const repairs: Readonly<Record<string, Fix>> = {
  'error-path-leak': addRelease,
  'partial-pin': {
    name: 'count',
    text: (api) =>
      `compare with the number asked for, and on fewer give back with ${releaseAll(api)} as many as the call returned`,
    apply: (p) => (p.steps.some((s) => s.do === 'release') ? onlyGot(p) : addRelease.apply(p)),
  },
  'put-instead-of-unpin': match,
  'unpin-instead-of-put': match,
  'over-unpin': {
    name: 'count',
    text: () => 'give back as many as the call returned',
    apply: onlyGot,
  },
  'double-put': {
    name: 'once',
    text: () => 'give them back once',
    apply: (p) => {
      const first = p.steps.findIndex((s) => s.do === 'release')
      return { ...p, steps: p.steps.filter((s, i) => s.do !== 'release' || i === first) }
    },
  },
  'sleeping-release': {
    name: 'later',
    text: () => 'mark and give them back where sleeping is allowed: behind the lock, or in a work item',
    apply: (p) => ({
      ...p,
      steps: p.steps.map((s) => {
        if (s.do !== 'release' && s.do !== 'dirty') return s
        const { atomic: _, ...rest } = s
        return rest
      }),
    }),
  },
  'gup-without-mmap-lock': {
    name: 'lock',
    text: () => 'take mmap_lock for the call, or call the _fast() or _unlocked() form, which does',
    apply: (p) => ({ ...p, callerLocks: true }),
  },
  'get-instead-of-pin': {
    name: 'pin',
    text: () => 'pin the pages with pin_user_pages*() and give them back with unpin_user_pages_dirty_lock()',
    apply: (p) => ({
      ...p,
      api: { ...p.api, takes: 'pin' },
      steps: p.steps.map((s) => (s.do === 'release' ? { ...s, as: 'pin' } : s)),
    }),
  },
  'missing-longterm': {
    name: 'longterm',
    text: (api) =>
      api.flags === undefined
        ? 'pin with a call that takes FOLL_LONGTERM: the pages are moved out of movable memory first'
        : 'add FOLL_LONGTERM: the pages are moved out of movable memory first',
    apply: (p) => ({ ...p, longterm: true }),
  },
  'missing-dirty': {
    name: 'dirty',
    text: (api) =>
      api.takes === 'pin'
        ? 'give them back with unpin_user_pages_dirty_lock(), which marks what was written'
        : 'call set_page_dirty_lock() on each page that was written before put_page()',
    apply: (p) => ({
      ...p,
      steps: p.steps.map((s) => (s.do === 'release' ? { ...s, dirties: true } : s)),
    }),
  },
  'wrong-foll-flag': {
    name: 'foll-write',
    text: () => 'add FOLL_WRITE: what is mapped read-only is refused, what is shared is copied first',
    apply: (p) => ({ ...p, write: true }),
  },
}
