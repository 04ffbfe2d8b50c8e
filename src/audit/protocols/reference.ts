/**
 * A call that takes references to pages of a process, in every generation of the call: which argument is what, and what it
 * returns. The headers and mm/gup.c, mm/memfd.c and lib/iov_iter.c of Linux 5.10, 6.1, 6.12 and 7.2 were read for it.
 */
export type ReferenceApi = {
  readonly name: string
  /** `FOLL_PIN` or `FOLL_GET`: what it takes, and so how it has to be given back. */
  readonly takes: 'pin' | 'get'
  /** First release with it, and first one without it. */
  readonly since?: string
  readonly until?: string
  /** How many pages are asked for: an argument, or one. */
  readonly nr: number | 'one'
  readonly flags?: number
  /** The array that is filled in, or the value that is returned. */
  readonly out: number | 'returned'
  /** `mm`: the process is an argument. */
  readonly mm?: number
  /** It wants mmap_lock held. */
  readonly lock: boolean
  readonly result: /** The number of pages, or an errno. */
    | 'count'
    /** The number of pages, which may be 0. */
    | 'count-or-zero'
    /** Either all of them or an errno. */
    | 'all'
    | 'bool'
    /** As many bytes as came, or an errno. */
    | 'bytes'
    | 'pointer'
  /** What `out` points to is filled itself, and not what it points to in turn: a table, an array that is not made by the call. */
  readonly array?: true
  /** It moves what it pins out of movable memory by itself. */
  readonly longterm?: true
  /** Why nothing is decided about it. */
  readonly undecided?: string
}

export const mismatch = { pin: 'put-instead-of-unpin', get: 'unpin-instead-of-put' } as const
