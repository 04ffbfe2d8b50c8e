/**
 * Looking up the frame behind a user address without owning it. Every generation of the call hands out a number that is good while
 * something is held; what that is, and where the number comes out, is here. The pages of mm/memory.c, mm/gup.c and mm/hmm.c in
 * Linux 5.10, 6.1, 6.12 and 7.2 were read for it.
 */
export type LookupApi = {
  readonly name: string
  /** First release without it, and with it: a tree is judged by a kernel that has the call. */
  readonly since?: string
  readonly until?: string
  readonly doc: string
  /** Where the value comes out on success. */
  readonly out:
    | { readonly kind: 'pointer'; readonly arg: number; readonly form: 'pfn' | 'ptep' }
    | { readonly kind: 'field'; readonly arg: number; readonly field: string; readonly form: 'pfn' }
    /** Through a pointer in a struct: `range->hmm_pfns`. */
    | { readonly kind: 'array'; readonly arg: number; readonly field: string; readonly form: 'pfn' }
    /** Inside the object, which other calls know how to read. */
    | { readonly kind: 'object'; readonly arg: number; readonly form: 'page' }
    | { readonly kind: 'none' }
  /** What success returns. */
  readonly success: 'zero' | 'pos'
  /** Errors that callers tell from others. */
  readonly errors?: readonly `-E${string}`[]
  /** Calls that end what the look-up holds, and which of their arguments says which. */
  readonly endedBy?: { readonly name: string; readonly arg: number }
  /** A reference that it takes, and the call that gives it back. */
  readonly putBy?: { readonly name: string; readonly arg: number }
  /** It wants mmap_lock held by the caller. */
  readonly mmapLock: boolean
  /** The VMA argument, or the field of the argument struct with it. */
  readonly vma?: { readonly arg: number; readonly field?: string }
  readonly flags?: number
  /** `bool *unlocked`: NULL, or where it says that mmap_lock was dropped. */
  readonly unlocked?: number
  /** `pfnmap`: driver memory without reference counts. `anonymous`: pages of the process. */
  readonly memory: 'pfnmap' | 'anonymous'
}

export const lookups: readonly LookupApi[] = [
  {
    name: 'follow_pfn',
    until: '6.10',
    doc: 'gives a bare PFN and holds nothing',
    out: { kind: 'pointer', arg: 2, form: 'pfn' },
    success: 'zero',
    mmapLock: true,
    vma: { arg: 0 },
    memory: 'pfnmap',
  },
  {
    name: 'follow_pte',
    until: '6.12',
    doc: 'gives the PTE with the page-table lock held until pte_unmap_unlock()',
    out: { kind: 'pointer', arg: 2, form: 'ptep' },
    success: 'zero',
    endedBy: { name: 'pte_unmap_unlock', arg: 0 },
    mmapLock: true,
    memory: 'pfnmap',
  },
  {
    name: 'follow_phys',
    until: '6.10',
    doc: 'gives a physical address and holds nothing',
    out: { kind: 'pointer', arg: 4, form: 'pfn' },
    success: 'zero',
    mmapLock: true,
    vma: { arg: 0 },
    memory: 'pfnmap',
  },
  {
    name: 'follow_pfnmap_start',
    since: '6.12',
    doc: 'gives the PFN with the page-table lock held until follow_pfnmap_end()',
    out: { kind: 'field', arg: 0, field: 'pfn', form: 'pfn' },
    success: 'zero',
    endedBy: { name: 'follow_pfnmap_end', arg: 0 },
    mmapLock: true,
    vma: { arg: 0, field: 'vma' },
    memory: 'pfnmap',
  },
  {
    name: 'get_vaddr_frames',
    doc: 'pins the pages; until 6.2 bare PFNs where it could not',
    out: { kind: 'object', arg: -1, form: 'page' },
    success: 'pos',
    putBy: { name: 'put_vaddr_frames', arg: 0 },
    mmapLock: false,
    flags: 2,
    memory: 'anonymous',
  },
  {
    name: 'fixup_user_fault',
    doc: 'faults the page in and gives nothing back',
    out: { kind: 'none' },
    success: 'zero',
    mmapLock: true,
    flags: 2,
    unlocked: 3,
    memory: 'pfnmap',
  },
  {
    name: 'hmm_range_fault',
    doc: 'gives PFNs that are good until the interval notifier says otherwise',
    out: { kind: 'array', arg: 0, field: 'hmm_pfns', form: 'pfn' },
    success: 'zero',
    errors: ['-EBUSY'],
    mmapLock: true,
    memory: 'anonymous',
  },
]

export const kind = 'pfn-lookup'

export const lookupNamed: ReadonlyMap<string, LookupApi> = new Map(lookups.map((l) => [l.name, l]))
