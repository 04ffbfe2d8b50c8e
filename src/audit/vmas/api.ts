/**
 * Calls that look VMAs up, and what is done to mmap_lock. mm/mmap.c, mm/mmap_lock.c, include/linux/mm.h and include/linux/mmap_lock.h of
 * Linux 5.10, 6.1, 6.12 and 7.2 were read for it.
 */
export type LookupApi = {
  readonly name: string
  readonly since?: string
  readonly until?: string
  /** It comes back with mmap_lock where it found one, and without it where it did not. */
  readonly locks?: true
  /** The model's operation. */
  readonly as: 'find_vma' | 'vma_lookup'
}

const table: readonly LookupApi[] = [
  { name: 'find_vma', as: 'find_vma' },
  { name: 'find_vma_prev', as: 'find_vma' },
  { name: 'find_vma_intersection', as: 'find_vma' },
  { name: 'find_exact_vma', as: 'vma_lookup' },
  { name: 'find_extend_vma', as: 'vma_lookup', until: '6.5' },
  { name: 'find_extend_vma_locked', as: 'vma_lookup', since: '6.5' },
  { name: 'vma_lookup', as: 'vma_lookup', since: '5.14' },
  { name: 'lock_mm_and_find_vma', as: 'vma_lookup', since: '6.5', locks: true },
]
export const lookups: ReadonlyMap<string, LookupApi> = new Map(table.map((a) => [a.name, a]))

/** What a call does to mmap_lock, by its name; `when`: only if it returns that. */
export type LockCall = { readonly does: 'lock' | 'unlock' | 'assert'; readonly when?: boolean }

/** `lock`: the lock that the old calls are given, as it is written. */
export function lockCall(name: string, lock: string): LockCall | undefined {
  if (/^mmap_(read|write)_lock(_nested|_maybe_expand)?$/.test(name)) return { does: 'lock' }
  if (/^mmap_(read|write)_lock_killable$/.test(name)) return { does: 'lock', when: false }
  if (/^mmap_(read|write)_trylock(_non_owner)?$/.test(name)) return { does: 'lock', when: true }
  if (/^mmap_(read|write)_unlock(_non_owner)?$/.test(name)) return { does: 'unlock' }
  if (/^mmap_assert_(write_)?locked$/.test(name)) return { does: 'assert' }
  if (!/\bmmap_(sem|lock)\b/.test(lock)) return undefined
  if (/^down_(read|write)(_nested)?$/.test(name)) return { does: 'lock' }
  if (/^down_(read|write)_killable$/.test(name)) return { does: 'lock', when: false }
  if (/^down_(read|write)_trylock$/.test(name)) return { does: 'lock', when: true }
  if (/^up_(read|write)(_non_owner)?$/.test(name)) return { does: 'unlock' }
  if (/^(lockdep_assert_held|rwsem_assert_held)/.test(name)) return { does: 'assert' }
  return undefined
}

/** Calls that may drop mmap_lock and say so in what their argument points to. */
export const dropsInto: ReadonlyMap<
  string,
  { readonly arg: number; readonly retakes: boolean; readonly says: boolean }
> = new Map([
  // `unlocked` is set, and the lock is held again.
  ['fixup_user_fault', { arg: 3, retakes: true, says: true }],
  // `locked` is cleared, and the lock is not.
  ['get_user_pages_remote', { arg: -1, retakes: false, says: false }],
  ['pin_user_pages_remote', { arg: -1, retakes: false, says: false }],
  ['populate_vma_page_range', { arg: -1, retakes: false, says: false }],
])

/** Calls of the core that look into the VMA that they are given. */
export const looksInto =
  /^(vma_(start|end|is_|pages|page|kernel|dup|set|get|test|to_|mmu|has|wants|can|desc_)\w*|is_vm_hugetlb_page|is_cow_mapping|hstate_vma|huge_page_\w+|zap_\w+|follow_\w+|remap_\w+|io_remap_\w+|vm_insert_\w+|vmf_insert_\w+|vm_flags_\w+|vm_get_page_prot|handle_mm_fault|walk_page_\w+|mmu_notifier_range_init|expand_stack|vm_iomap_memory|vm_map_pages\w*|migrate_vma_\w+|madvise_\w+|split_huge_\w+|ksm_madvise|get_user_pages_\w+|untagged_addr|flush_cache_(page|range)|flush_tlb_(page|range)|update_mmu_cache\w*)$/

/** Ops tables whose functions the core calls with the mmap_lock of current. */
export const calledLocked: ReadonlyMap<string, readonly string[]> = new Map([
  ['file_operations', ['mmap', 'get_unmapped_area']],
  // A fault under the lock of its VMA alone is not given to handlers of tables without map_pages (mm/memory.c, vmf_can_call_fault()).
  [
    'vm_operations_struct',
    [
      'open',
      'close',
      'mremap',
      'may_split',
      'split',
      'mprotect',
      'fault',
      'huge_fault',
      'page_mkwrite',
      'access',
    ],
  ],
])

/** Functions of an architecture that the core calls with it. */
export const archLocked = /^(arch|hugetlb|\w+)_get_unmapped_area(_\w+)?$/
