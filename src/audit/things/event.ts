import type { CallOf } from '../calls.ts'
import type { Place } from '../trace/event.ts'
import type { Api } from './api.ts'

/** One call by which a thing is taken, made, registered or published. */
export type ThingSite = CallOf<Api>

/** A dma-buf, an attachment of one, a table mapped through one; a notifier that is registered (or was, or was tried to be). */
export type Thing = {
  readonly kind: 'buf' | 'attach' | 'sgt' | 'pin' | 'reg' | 'file'
  /** Where a notifier stands, and the name of the field that it is: `foo.mn`. */
  readonly place?: string
  readonly key?: string
  /** What a file was made with: its `file_operations`; `place` is then its private data. */
  readonly fops?: string
  /** The dma-buf of an attachment, the attachment of a table or a pin. */
  readonly of?: number
  /** Where it was acquired, when that was on this path. Otherwise it was there already. */
  readonly site?: ThingSite
  /** References that this path has taken to a dma-buf, and not given back. */
  readonly refs: number
  /** An attachment, a table or a pin that is there. */
  readonly live: boolean
  /** How it was mapped. */
  readonly dir?: string
  /** The call that put it behind a descriptor. */
  readonly published?: ThingSite
  /** A function returned it, perhaps with a reference. */
  readonly lent?: true
  /** It was handed to a function that is not in sight. */
  readonly escaped?: string
  /** The path cannot be judged for it, and why. */
  readonly unclear?: string
}

/** What a path does with things, in the order of the code. */
export type Event = { readonly at: Place; readonly text?: string } & (
  | {
      readonly do: 'get' | 'ref' | 'put' | 'attach' | 'detach' | 'map' | 'unmap' | 'pin' | 'unpin'
      readonly thing: number
      readonly api: string
      readonly dir?: string
      /** It goes by the lock that the caller holds. */
      readonly locked?: boolean
    }
  | { readonly do: 'publish' | 'use'; readonly thing: number }
  | { readonly do: 'lock' | 'unlock' | 'assert' }
  /** A notifier; `fails`: it was not registered. `free`: the object that it is part of goes. */
  | {
      readonly do: 'register' | 'unregister' | 'free'
      readonly thing: number
      readonly api: string
      readonly fails?: true
    }
  /** A lock that is asked about by its name. */
  | { readonly do: 'hold' | 'drop'; readonly lock: string; readonly write: boolean }
  /** The function that acquired has returned; what follows is another one, that gives back. */
  | { readonly do: 'later' }
  /** A condition of which nothing is known turned out in one way, or a call failed: `text` says how. */
  | { readonly do: 'decide' }
)
