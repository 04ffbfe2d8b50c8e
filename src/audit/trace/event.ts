/**
 * What the code does that matters for a looked-up value, in the order in which it does it. A path through the code is a list of
 * these; the lifter turns it into a litmus test, one statement per event. `value` numbers the look-ups of the path: 0 is the first.
 */
export type Event = { readonly at: Place } & (
  | { readonly kind: 'lock' | 'unlock'; readonly lock: Lock }
  /** It worked; where it did not there is nothing to follow. */
  | { readonly kind: 'lookup'; readonly api: string; readonly value: number }
  /** The look-up's own section ends: pte_unmap_unlock, follow_pfnmap_end. */
  | { readonly kind: 'end'; readonly value: number }
  /** What was looked up is given back: put_vaddr_frames. */
  | { readonly kind: 'put'; readonly value: number }
  /** `dropped`: mmap_lock was dropped on this path; undefined when the caller does not let it. */
  | {
      readonly kind: 'fault'
      readonly api: string
      readonly ok: boolean
      readonly write: boolean
      readonly dropped?: boolean
    }
  | { readonly kind: 'vma'; readonly api: string }
  /** A VMA that was looked up before mmap_lock was dropped is looked at. */
  | { readonly kind: 'stale-vma'; readonly text: string }
  | { readonly kind: 'cpu'; readonly value: number; readonly write: boolean; readonly text: string }
  | { readonly kind: 'device' | 'guest'; readonly value: number; readonly text: string }
  /** The device or the guest is kept from it from here on: dma_unmap, iommu_unmap. */
  | { readonly kind: 'revoke'; readonly value: number; readonly text: string }
  /** Two look-ups gave the same on this path, because the code went on only if so. */
  | { readonly kind: 'same'; readonly value: number; readonly other: number }
  /** The notifier's sequence is read; `retry`: compared, and nothing has happened since. */
  | { readonly kind: 'seq' | 'retry'; readonly text: string }
  | { readonly kind: 'ref' | 'unref'; readonly value: number; readonly text: string }
  /** It goes where it cannot be followed. */
  | { readonly kind: 'lost'; readonly value: number; readonly reason: string; readonly text: string }
  /** Only for the reader: where the value goes. `field` (of `struct`, where that is known) keeps it. */
  | {
      readonly kind: 'hop'
      readonly value: number
      readonly text: string
      readonly struct?: string
      readonly field?: string
    }
  /** The walk leaves a function with this: everything after happens later, in another context, with no lock held. */
  | { readonly kind: 'later'; readonly text: string }
)

export type Place = { readonly file: string; readonly line: number; readonly func: string }

/** `mmap`, or a lock of the driver's own, known by the field that it is. */
export type Lock = { readonly name: string; readonly mmap: boolean; readonly write: boolean }

/** A list that shares its beginning with others. Equal lists are the same object within one `Events`. */
export type Trail = {
  readonly id: number
  readonly event?: Event
  readonly before?: Trail
  readonly length: number
}

/** Interns trails, so that states compare by number. */
export class Trails {
  readonly empty: Trail = { id: 0, length: 0 }
  readonly #known = new Map<string, Trail>()

  add(trail: Trail, event: Event): Trail {
    const key = `${trail.id} ${eventKey(event)}`
    let next = this.#known.get(key)
    if (next === undefined) {
      next = { id: this.#known.size + 1, event, before: trail, length: trail.length + 1 }
      this.#known.set(key, next)
    }
    return next
  }
}

export function eventsOf(trail: Trail): Event[] {
  const events: Event[] = []
  for (let t: Trail | undefined = trail; t?.event !== undefined; t = t.before) events.push(t.event)
  return events.reverse()
}

/** What makes two events of a loop's rounds the same one again. */
export function sameSpot(a: Event, b: Event): boolean {
  return a.kind === b.kind && a.at.line === b.at.line && a.at.file === b.at.file
}

function eventKey(e: Event): string {
  const { at, ...rest } = e
  return `${at.file}:${at.line} ${JSON.stringify(rest)}`
}
