/**
 * What changed between kernels, as data. An operation asks `k.has('gup-unshare')`; what that means is said here once.
 *
 * A version stands for the newest stable release of its line that was read, because that is what people run: `5.10` is 5.10.262,
 * `6.1` is 6.1.192, `6.12` is 6.12.118, `7.2` is 7.2.13. A mainline change that was backported to a line is listed there (`backports`).
 * `5.9` is the kernel that the discussion of October 2020 was about. Versions between are decided by the mainline release of each change.
 */
export type KernelVersion = string

/** The kernels that were read, or that can be run; others between 5.9 and 7.2 are understood, too. */
export const kernels = ['5.9', '5.10', '6.1', '6.12', '7.2'] as const

export const stableReleases: Readonly<Record<string, string>> = {
  '5.10': '5.10.262',
  '6.1': '6.1.192',
  '6.12': '6.12.118',
  '7.2': '7.2.13',
}

type Change = {
  readonly name: string
  /** First mainline release that has it. */
  readonly since?: string
  /** First mainline release that has it no longer. */
  readonly until?: string
  /** Stable lines that have it although they are older than `since`, or have lost it although older than `until`. */
  readonly backports?: readonly string[]
  readonly commit?: string
  readonly says: string
}

const table = [
  {
    name: 'frame-vector-follow-pfn',
    until: '6.2',
    backports: ['5.10', '6.1'],
    commit: '6647e76ab623',
    says: 'get_vaddr_frames() falls back to follow_pfn() for VM_IO and VM_PFNMAP, and keeps bare PFNs',
  },
  {
    name: 'frame-vector-locked',
    until: '5.11',
    says: 'get_vaddr_frames() looks at the VMA first, under mmap_lock; since, it pins first and looks only when that fails',
  },
  {
    name: 'vb2-longterm',
    since: '5.11',
    says: 'get_vaddr_frames() pins with FOLL_LONGTERM',
  },
  {
    name: 'vb2-no-force',
    since: '6.2',
    says: 'get_vaddr_frames() takes FOLL_WRITE only if the device writes, and no FOLL_FORCE; before always both',
  },
  {
    name: 'follow-pte-vma',
    since: '6.10',
    says: 'follow_pte() takes the VMA and refuses one that is neither VM_IO nor VM_PFNMAP',
  },
  {
    name: 'anon-exclusive',
    since: '5.19',
    says: 'anonymous pages have PageAnonExclusive: reuse on write goes by it, not by the reference count',
  },
  {
    name: 'gup-unshare',
    since: '5.19',
    says: 'a read-only FOLL_PIN of an anonymous page that is not exclusive unshares it first',
  },
  {
    name: 'gup-unshare-file',
    since: '6.2',
    says: 'a read-only FOLL_LONGTERM pin of a file or zero page in a private mapping unshares it first',
  },
  {
    name: 'gup-longterm-files',
    since: '6.5',
    commit: '8ac268436e6d',
    says: 'FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE of a shared mapping of a file whose file system tracks dirty pages is refused',
  },
  {
    name: 'gup-errno',
    since: '5.17',
    says: 'what check_vma_flags() returns reaches the caller of GUP; before it was always -EFAULT',
  },
  {
    name: 'gup-eexist',
    since: '5.18',
    says: 'GUP stops with -EEXIST at a special PTE; before, FOLL_GET gave -EFAULT and FOLL_PIN skipped the entry, unwritten',
  },
  {
    name: 'gup-fast-needs-mapping',
    since: '6.10',
    says: "GUP-fast refuses a page without a mapping, such as a driver's (CONFIG_SECRETMEM=y)",
  },
  {
    name: 'longterm-movable',
    since: '5.13',
    says: 'FOLL_LONGTERM migrates pages out of ZONE_MOVABLE, too; before only out of CMA',
  },
  {
    name: 'populate-range',
    since: '6.9',
    commit: '631426ba1d45',
    says: 'MADV_POPULATE_READ and _WRITE stop at what is not mapped; before, they go on behind it',
  },
  {
    name: 'zap-special',
    since: '7.2',
    says: 'zap_vma_ptes() is called zap_special_vma_range(), and takes VM_MIXEDMAP as well as VM_PFNMAP',
  },
  { name: 'longterm-needs-pin', since: '6.1', says: 'FOLL_LONGTERM without FOLL_PIN is refused' },
  {
    name: 'zero-page-not-pinned',
    since: '5.18',
    says: 'pinning and unpinning the zero page does nothing',
  },
  {
    name: 'ttm-pfnmap',
    since: '5.14',
    commit: 'f91142c62161',
    says: 'TTM maps buffer objects VM_IO | VM_PFNMAP and refuses private mappings; before VM_IO | VM_MIXEDMAP',
  },
  {
    name: 'insert-mixed-sigbus',
    since: '6.11',
    says: 'vmf_insert_mixed() on a mapping without VM_MIXEDMAP is VM_FAULT_SIGBUS; before it was a BUG',
  },
  {
    name: 'wp-shared-mayshare',
    since: '6.2',
    says: 'do_wp_page() takes a mapping for shared that has VM_MAYSHARE; before, one that has VM_SHARED and VM_WRITE',
  },
  {
    name: 'unmap-skips-anon-only',
    since: '5.18',
    says: 'unmap_mapping_range() without even_cows spares only anonymous pages; before, every page without that mapping',
  },
  {
    name: 'pat-in-vma',
    until: '6.16',
    says: 'x86 finds the memory type of a remap_pfn_range() mapping through its first entry (VM_PAT): fork fails when that is gone or a copy',
  },
  {
    name: 'dma-buf-cached-at-attach',
    until: '7.0',
    says: 'dma_buf_attach() of an importer that cannot be told of moves pins and maps at once; later, dma_buf_map_attachment() pins',
  },
  {
    name: 'dma-buf-map-locked',
    since: '6.2',
    says: 'dma_buf_map_attachment() and its kin need the reservation lock always; before, when importer or exporter is dynamic',
  },
  {
    name: 'dma-buf-optional-callback',
    since: '7.0',
    says: 'a dynamic importer may have no callback for moves; before, dma_buf_dynamic_attach() refused it with -EINVAL',
  },
  {
    name: 'm68k-faults-vm-io',
    since: '6.1',
    says: 'm68k handles faults on VM_IO mappings as any; before, they were SIGSEGV (read in 5.10 and 6.1)',
  },
  {
    name: 'fork-write-protect-seq',
    since: '5.11',
    backports: ['5.10'],
    commit: '57efa1fe5957',
    says: 'fork bumps write_protect_seq around the copying of private memory, and GUP-fast with FOLL_PIN takes back what it took meanwhile',
  },
  {
    name: 'mprotect-exclusive',
    since: '6.0',
    commit: '64fe24a3e05e',
    says: 'mprotect() makes exclusive anonymous pages writable at once (until 6.2 only dirty ones)',
  },
  {
    name: 'mprotect-exclusive-clean',
    since: '6.2',
    commit: '7ea7e333842e',
    says: 'mprotect() makes clean exclusive anonymous pages writable, too',
  },
  {
    name: 'mprotect-notifies-pud',
    since: '6.11',
    says: 'mprotect() notifies when there is any page table in the same gigabyte; before, in the same 2 megabytes',
  },
  {
    name: 'mremap-looks-first',
    since: '5.16',
    commit: '550a7d60bd35',
    says: 'mremap() fails without a VMA before it unmaps the destination of MREMAP_FIXED',
  },
  {
    name: 'mremap-checks-first',
    since: '6.17',
    says: 'mremap() makes all its checks before it unmaps the destination of MREMAP_FIXED',
  },
  {
    name: 'mremap-moves-many',
    since: '6.17',
    says: 'mremap() with MREMAP_FIXED and one length moves several VMAs together',
  },
  {
    name: 'mremap-dontunmap-files',
    since: '5.13',
    commit: 'a4609387859f',
    says: 'MREMAP_DONTUNMAP works on all but VM_DONTEXPAND and VM_PFNMAP; before, on private anonymous memory only',
  },
  {
    name: 'mremap-unlinks-anon-vma',
    since: '5.12',
    says: 'what MREMAP_DONTUNMAP leaves behind counts as never written to (in some release between 5.10 and 6.1)',
  },
  {
    name: 'mremap-accounts-behind',
    until: '5.12',
    says: 'MREMAP_DONTUNMAP of the middle of a mapping sets VM_ACCOUNT in whatever lies behind that mapping (until some release between 5.10 and 6.1)',
  },
  {
    name: 'mremap-splits-locked',
    since: '5.18',
    says: 'MREMAP_DONTUNMAP of a part of locked memory splits it; before, all of it is locked no longer (in some release between 5.10 and 6.1)',
  },
  {
    name: 'mremap-grows-by-merging',
    since: '6.7',
    says: 'a special mapping does not grow where it is, even without VM_DONTEXPAND: -ENOMEM; it grows as it moves (in some release between 6.1 and 6.12)',
  },
  {
    name: 'mremap-merges-where-it-grows',
    since: '6.0',
    says: 'what mremap() makes longer becomes one with what lies behind it, if nothing has a ->close (in some release between 5.10 and 6.1)',
  },
  {
    name: 'mremap-stays-apart',
    since: '6.19',
    backports: ['6.1', '6.12'],
    says: 'what MREMAP_DONTUNMAP leaves behind does not become one with its copy',
  },
  {
    name: 'mremap-stays-alone',
    since: '6.1',
    until: '6.2',
    says: 'then the copy becomes one with nothing at all (as it was backported to 6.1)',
  },
  {
    name: 'mprotect-unaccounts',
    since: '6.6',
    says: 'private anonymous memory that is made read-only and was never written to does not count as committed any more',
  },
  {
    name: 'vma-merge-beside-close',
    since: '6.4',
    says: 'mappings with a ->close merge when none of them has to go (in some release between 6.1 and 6.12)',
  },
  {
    name: 'vma-merge-hands-anon-vma-on',
    since: '6.16',
    says: 'memory that was written to merges into a VMA that was not; before, the other way round only (in some release between 6.12 and 7.2)',
  },
  {
    name: 'mmap-merges-behind-first',
    since: '6.1',
    until: '6.12',
    says: 'mmap() looks first whether it can become one with what lies behind',
  },
  {
    name: 'mmap-merges-again',
    until: '7.0',
    says: "where the driver's ->mmap has changed the flags, merging is tried once more (until some release between 6.12 and 7.2)",
  },
  {
    name: 'mremap-may-split',
    since: '5.17',
    says: 'a partial mremap() asks ->may_split first',
  },
  {
    name: 'munmap-splits-below',
    since: '6.6',
    says: 'munmap() leaves what lies before it to a new VMA, whose ->open is called, and what lies behind it',
  },
  {
    name: 'madv-populate',
    since: '5.14',
    commit: '4ca9b3859dac',
    says: 'MADV_POPULATE_READ and MADV_POPULATE_WRITE exist',
  },
  {
    name: 'madv-dontneed-locked',
    since: '5.18',
    commit: '9457056ac426',
    says: 'MADV_DONTNEED_LOCKED exists',
  },
  {
    name: 'madv-dofork-special',
    since: '7.0',
    says: 'MADV_DOFORK refuses VM_SPECIAL mappings; before, VM_IO only (in some release between 6.12 and 7.2)',
  },
  {
    name: 'cow-pfn-local',
    since: '7.3', // after every kernel that is understood here
    backports: ['6.12'],
    says: 'a write fault on a raw PFN of a private mapping that another process takes (GUP, process_vm_writev) is SIGBUS; before, it copied what its own address space has there (6.12.118 has it, 7.2.13 and 6.1.192 have not)',
  },
  {
    name: 'fork-opens-first',
    since: '5.11',
    says: "fork calls a child mapping's ->open before it copies its page table; before, after (in some release between 5.10 and 6.1)",
  },
] as const satisfies readonly Change[]

export type ChangeName = (typeof table)[number]['name']

export const changes: readonly Change[] = table

/** 6.12 is after 6.2: compares the numbers, not the text. */
export function compareVersions(a: string, b: string): number {
  const [a0 = 0, a1 = 0] = a.split('.').map(Number)
  const [b0 = 0, b1 = 0] = b.split('.').map(Number)
  return a0 - b0 || a1 - b1
}

/** A version that the table can speak of: `X.Y` from 5.9 to 7.2. */
/** Every release that is understood: the last of 5.x was 5.19, of 6.x 6.19. */
export const releases: readonly string[] = ([5, 6, 7] as const).flatMap((major) =>
  Array.from({ length: 20 }, (_, minor) => `${major}.${minor}`).filter(isVersion),
)

export function isVersion(text: string): boolean {
  return /^\d+\.\d+$/.test(text) && compareVersions(text, '5.9') >= 0 && compareVersions(text, '7.2') <= 0
}

/** Whether a kernel has a change: the answer to `k.has(name)`. */
export function hasChange(version: string, name: ChangeName): boolean {
  const c = changes.find((x) => x.name === name)!
  const backported = c.backports?.includes(version) ?? false
  const began =
    c.since === undefined || compareVersions(version, c.since) >= 0 || (backported && c.until === undefined)
  const ended = c.until !== undefined && (compareVersions(version, c.until) >= 0 || backported)
  return began && !ended
}

/**
 * How many bits of vm_flags no architecture and no option uses, in 32 and in 64 bits: counted in include/linux/mm.h. On 32 bits all were taken
 * until VM_DENYWRITE left its bit in 5.15; in 7.2 VM_MAYBE_GUARD has it. A release between two that were read has what
 * the older of them has.
 */
const freeBits: readonly (readonly [since: string, free: { readonly 32: number; readonly 64: number }])[] = [
  ['5.9', { 32: 0, 64: 27 }],
  ['6.1', { 32: 1, 64: 27 }],
  ['6.12', { 32: 1, 64: 23 }],
  ['7.2', { 32: 0, 64: 21 }],
]

export const freeVmFlagBits = (version: string): { readonly 32: number; readonly 64: number } =>
  freeBits.findLast(([since]) => compareVersions(version, since) >= 0)![1]
