import type { CallOf } from '../calls.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'

/** Where pages are acquired: one call. */
export type HoldingSite = CallOf<ReferenceApi>

/** What a path does with the pages of its acquisitions, in the order of the code. */
export type HoldingEvent = { readonly at: Place; readonly text?: string } & (
  | {
      readonly do: 'acquire'
      readonly hold: number
      readonly outcome: Outcome
      readonly api: ReferenceApi
      readonly flags: string | undefined
    }
  /** The code looks at how many it got. */
  | { readonly do: 'count'; readonly hold: number }
  | {
      readonly do: 'release'
      readonly hold: number
      readonly api: string
      readonly as: 'pin' | 'get'
      /** Those that are there, or as many as were asked for. */
      readonly many: 'got' | 'asked'
      /** It marks the pages as it gives them back. */
      readonly dirties?: boolean
      /** What forbids it to sleep, which it may want to. */
      readonly atomic?: string
    }
  | { readonly do: 'dirty'; readonly hold: number; readonly atomic?: string }
  /** The system call is over, and the pages are kept; `text` says by what. */
  | { readonly do: 'leave'; readonly hold: number }
  | { readonly do: 'write'; readonly hold: number; readonly by: 'cpu' | 'device' }
  | { readonly do: 'lock' | 'unlock'; readonly write: boolean }
  /** A condition of which nothing is known turned out in one way, or a call failed: `text` says how. */
  | { readonly do: 'decide' }
)

/** `short`: some of the pages asked for, but not all. */
export type Outcome = 'none' | 'short' | 'all'

/** What has become of one acquisition at the end of a path. */
export type Holding = {
  readonly id: number
  readonly site: HoldingSite
  readonly outcome: Outcome
  readonly flags: string | undefined
  readonly left: 'all' | 'nothing'
  /** The path cannot be judged for it, and why. */
  readonly unclear?: string
  /** It was released in a way that is wrong whatever follows. */
  readonly wrong?: string
  readonly written: boolean
  readonly dirtied: boolean
  /** What out of sight was told where it is, or was lent its memory, and may write to it. */
  readonly handed?: string
  /** It was put into an array of an object that others have. */
  readonly stored?: string
  /** Its number was asked for. */
  readonly numbered?: boolean
  /** mmap_lock is held at the call, because it was taken here, or because it is asserted. */
  readonly locked: 'taken' | 'asserted' | 'unseen'
  readonly releasedBy?: string
  /** Fields that keep it. */
  readonly fields?: readonly StructField[]
}

export type StructField = { readonly struct: string; readonly field: string }

/** The end of one path, as far as one acquisition goes. */
export type Ending = {
  readonly holding: Holding
  /** Where it is reached from when the function has returned: nowhere is a leak. */
  readonly kept: 'nowhere' | 'caller' | 'elsewhere'
  /** In which words. */
  readonly place?: string
  readonly events: readonly HoldingEvent[]
  readonly end: Place
  /** The function returns an error. */
  readonly failed?: boolean
}
