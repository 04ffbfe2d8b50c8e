import type { Func } from '../../source/index.ts'
import type { Place } from '../trace/event.ts'
import type { Entry } from './entries.ts'
import type { StructField } from './event.ts'

/**
 * What becomes of pages that an object keeps: where in the module they are given back, marked and written, whatever the order, and who
 * decides when. Fields stand for all objects of their struct, which is how drivers are written.
 */
export type Story = {
  readonly fields: readonly StructField[]
  readonly releases: readonly StoryRelease[]
  /** They are marked dirty somewhere. */
  readonly dirtied: boolean
  readonly writes: readonly { readonly by: 'cpu' | 'device'; readonly at: Place; readonly text: string }[]
  /** All that is seen of a device only lets it read. */
  readonly onlyRead: boolean
  /** What gives them back is reached from here. */
  readonly ends: readonly Entry[]
  /** The call that takes them also leads to what gives them back, later on its way; `put`: if its reference is the last. */
  readonly sameCall: SameCall
  /** An MMU notifier is registered in the module. */
  readonly notifier: boolean
  /** Pages come into the same fields by other calls, or what goes with them was not followed to the end. */
  readonly mixed: boolean
  /** No field is seen that keeps them; but nothing else in the module is pinned, and this is what is unpinned there. */
  readonly alone: boolean
  /** Where it is marked dirty, or given back and marked, by a call that sleeps, although something forbids that. */
  readonly sleeps: { readonly at: Place; readonly text: string; readonly atomic: string } | undefined
}

/** `put`: if its reference is the last. */
export type SameCall = 'no' | 'put' | 'yes'

export type StoryRelease = {
  readonly api: string
  readonly as: 'pin' | 'get'
  readonly dirties: boolean
  readonly at: Place
  readonly func: Func
  /** What forbids to sleep there, where that is seen. */
  readonly atomic?: string
}
