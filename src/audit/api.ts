/**
 * What functions of the kernel's core do, as far as the auditor needs it: locks, look-ups, what reads or writes memory, what gives it
 * to a device. Names of core, DMA, IOMMU and notifier functions only; no driver is known here by name.
 */
import type { Form } from './trace/state.ts'

export type Meaning =
  | {
      readonly does: 'lock' | 'unlock'
      readonly lock: LockKind
      readonly arg: number
      readonly write: boolean
    }
  /** Takes the lock if it returns nonzero (`trylock`), or zero (`killable`). */
  | {
      readonly does: 'try-lock'
      readonly lock: LockKind
      readonly arg: number
      readonly write: boolean
      readonly taken: 'nonzero' | 'zero'
    }
  | { readonly does: 'find-vma' }
  /** The CPU reads or writes memory at these arguments. */
  | { readonly does: 'access'; readonly reads?: readonly number[]; readonly writes?: readonly number[] }
  /** A device may use the memory from here on. What the result says: the address for the device, or whether it worked. */
  | {
      readonly does: 'give'
      readonly to: 'device' | 'guest'
      readonly args: readonly number[]
      readonly result: 'address' | 'zero' | 'pos' | 'unknown'
    }
  /** Whether giving it worked: if not, the device has nothing. */
  | { readonly does: 'given-failed'; readonly arg: number }
  | { readonly does: 'free'; readonly arg: number }
  | { readonly does: 'revoke'; readonly arg?: number }
  /** The result names the same memory. */
  | { readonly does: 'derive'; readonly form: Form; readonly arg: number }
  /** The argument's object takes up what the others name. */
  | { readonly does: 'collect'; readonly into: number; readonly from: readonly number[] }
  | { readonly does: 'seq-begin' | 'seq-retry' | 'seq-set' }
  /** Whether its two arguments are equal. */
  | { readonly does: 'same' }
  | { readonly does: 'ref'; readonly arg: number; readonly fails: boolean }
  | { readonly does: 'unref'; readonly arg: number }
  /** Copies `arg 1` to what `arg 0` points to. */
  | { readonly does: 'assign' }
  /** It looks at the value, or writes it to a log, and touches nothing. */
  | { readonly does: 'nothing' }
  | { readonly does: 'never-returns' }

export type LockKind = 'mmap' | 'lock'

const table = new Map<string, Meaning>()
const patterns: [RegExp, Meaning][] = []
const say = (names: string, meaning: Meaning): void => {
  for (const name of names.split(/\s+/)) if (name !== '') table.set(name, meaning)
}
const family = (pattern: RegExp, meaning: Meaning): void => void patterns.push([pattern, meaning])

// ── mmap_lock, whose spellings changed in 5.8, and locks in general ──────────────────────────────────────────────────

say('mmap_read_lock', { does: 'lock', lock: 'mmap', arg: 0, write: false })
say('mmap_write_lock mmap_write_lock_nested', { does: 'lock', lock: 'mmap', arg: 0, write: true })
say('mmap_read_unlock mmap_read_unlock_non_owner', { does: 'unlock', lock: 'mmap', arg: 0, write: false })
say('mmap_write_unlock', { does: 'unlock', lock: 'mmap', arg: 0, write: true })
say('mmap_read_trylock', { does: 'try-lock', lock: 'mmap', arg: 0, write: false, taken: 'nonzero' })
say('mmap_write_trylock', { does: 'try-lock', lock: 'mmap', arg: 0, write: true, taken: 'nonzero' })
say('mmap_read_lock_killable', { does: 'try-lock', lock: 'mmap', arg: 0, write: false, taken: 'zero' })
say('mmap_write_lock_killable', { does: 'try-lock', lock: 'mmap', arg: 0, write: true, taken: 'zero' })

say(
  'mutex_lock mutex_lock_nested spin_lock spin_lock_irq spin_lock_irqsave spin_lock_bh raw_spin_lock down_write write_lock',
  {
    does: 'lock',
    lock: 'lock',
    arg: 0,
    write: true,
  },
)
say('down_read read_lock read_lock_irq read_lock_irqsave down_read_nested', {
  does: 'lock',
  lock: 'lock',
  arg: 0,
  write: false,
})
say(
  'mutex_unlock spin_unlock spin_unlock_irq spin_unlock_irqrestore spin_unlock_bh raw_spin_unlock up_write write_unlock',
  {
    does: 'unlock',
    lock: 'lock',
    arg: 0,
    write: true,
  },
)
say('up_read read_unlock read_unlock_irq read_unlock_irqrestore', {
  does: 'unlock',
  lock: 'lock',
  arg: 0,
  write: false,
})
say('mutex_trylock spin_trylock down_write_trylock write_trylock', {
  does: 'try-lock',
  lock: 'lock',
  arg: 0,
  write: true,
  taken: 'nonzero',
})
say('down_read_trylock read_trylock', {
  does: 'try-lock',
  lock: 'lock',
  arg: 0,
  write: false,
  taken: 'nonzero',
})
say('mutex_lock_interruptible mutex_lock_killable down_write_killable', {
  does: 'try-lock',
  lock: 'lock',
  arg: 0,
  write: true,
  taken: 'zero',
})
say('down_read_interruptible down_read_killable', {
  does: 'try-lock',
  lock: 'lock',
  arg: 0,
  write: false,
  taken: 'zero',
})

say(
  'find_vma vma_lookup find_vma_intersection find_extend_vma find_exact_vma lock_vma_under_rcu expand_stack',
  {
    does: 'find-vma',
  },
)

// ── Memory that the CPU touches ──────────────────────────────────────────────────────────────────────────────────────

say('memcpy_toio memset_io', { does: 'access', writes: [0] })
say('memcpy_fromio', { does: 'access', reads: [1] })
say('memcpy memmove __memcpy copy_page copy_highpage strscpy', { does: 'access', writes: [0], reads: [1] })
say('memset clear_page clear_highpage clear_user_highpage memzero_page', { does: 'access', writes: [0] })
say('memcmp', { does: 'access', reads: [0, 1] })
say('copy_to_user __copy_to_user', { does: 'access', reads: [1] })
say('copy_from_user __copy_from_user', { does: 'access', writes: [0] })
family(/^(__raw_)?(read[bwlq]|ioread(8|16|32|64)(be|_rep)?|__ioread\d+_copy)(_relaxed)?$/, {
  does: 'access',
  reads: [0],
})
family(/^(__raw_)?(write[bwlq]|iowrite(8|16|32|64)(be)?)(_relaxed)?$/, { does: 'access', writes: [1] })
family(/^(reads[bwlq]|insb?|__iowrite\d+_copy|writes[bwlq]|iowrite(8|16|32)_rep)$/, {
  does: 'access',
  writes: [0],
})

// ── Other names for the same memory ──────────────────────────────────────────────────────────────────────────────────

say('pte_pfn pmd_pfn pud_pfn page_to_pfn folio_pfn PHYS_PFN __phys_to_pfn pfn_t_to_pfn hmm_pfn_to_pfn', {
  does: 'derive',
  form: 'pfn',
  arg: 0,
})
say('PFN_PHYS __pfn_to_phys page_to_phys pfn_t_to_phys hmm_pfn_to_phys __pa virt_to_phys', {
  does: 'derive',
  form: 'pfn',
  arg: 0,
})
say('pte_same pmd_same pud_same', { does: 'same' })
say('pte_val pmd_val pud_val', { does: 'derive', form: 'pte', arg: 0 })
say('ptep_get ptep_get_lockless READ_ONCE pmdp_get', { does: 'derive', form: 'pte', arg: 0 })
say('xa_tag_pointer xa_untag_pointer', { does: 'derive', form: 'page', arg: 0 })
say('pfn_to_page phys_to_page hmm_pfn_to_page page_folio compound_head virt_to_page nth_page folio_page', {
  does: 'derive',
  form: 'page',
  arg: 0,
})
family(
  /^(ioremap(_\w+)?|memremap|kmap(_atomic|_local_page|_local_folio|_local_pfn|_atomic_pfn)?|vmap|vm_map_ram)$/,
  {
    does: 'derive',
    form: 'address',
    arg: 0,
  },
)
say('__va phys_to_virt pfn_to_kaddr pfn_to_virt page_address page_to_virt', {
  does: 'derive',
  form: 'address',
  arg: 0,
})
family(/^devm_(ioremap(_\w+)?|memremap)$/, { does: 'derive', form: 'address', arg: 1 })
say('frame_vector_pages', { does: 'derive', form: 'page', arg: 0 })
say('frame_vector_pfns', { does: 'derive', form: 'pfn', arg: 0 })

// ── Memory that somebody else touches ────────────────────────────────────────────────────────────────────────────────

say('iommu_map iommu_map_atomic', { does: 'give', to: 'device', args: [2], result: 'zero' })
say('iommu_map_sg iommu_map_sgtable iommu_map_sg_atomic', {
  does: 'give',
  to: 'device',
  args: [2],
  result: 'pos',
})
family(/^(\w+_)?dma_map_(page|single|resource|phys)(_attrs)?$/, {
  does: 'give',
  to: 'device',
  args: [1],
  result: 'address',
})
family(/^(\w+_)?dma_map_sg(_attrs)?$/, { does: 'give', to: 'device', args: [1], result: 'pos' })
family(/^(\w+_)?dma_map_sgtable(_attrs)?$/, { does: 'give', to: 'device', args: [1], result: 'zero' })
family(/^pci_map_(page|single)$/, { does: 'give', to: 'device', args: [1], result: 'address' })
say('dma_iova_link', { does: 'give', to: 'device', args: [2], result: 'zero' })
say('vmf_insert_pfn vmf_insert_pfn_prot vmf_insert_mixed vmf_insert_page_mkwrite', {
  does: 'give',
  to: 'guest',
  args: [2],
  result: 'unknown',
})
say('vm_insert_page remap_pfn_range io_remap_pfn_range', {
  does: 'give',
  to: 'guest',
  args: [2],
  result: 'zero',
})
family(/^(\w+_)?dma_unmap_(page|single|resource|phys|sg|sgtable)(_attrs)?$/, { does: 'revoke', arg: 1 })
family(/^iommu_unmap(_fast)?$/, { does: 'revoke' })
say('sg_alloc_table_from_pages __sg_alloc_table_from_pages sg_alloc_table_from_pages_segment', {
  does: 'collect',
  into: 0,
  from: [1],
})
say('xa_store __xa_store xa_insert radix_tree_insert', { does: 'collect', into: 0, from: [2] })
say('dma_mapping_error ib_dma_mapping_error pci_dma_mapping_error', { does: 'given-failed', arg: 1 })
say('sg_set_page sg_set_buf sg_init_one sg_set_folio', { does: 'collect', into: 0, from: [1] })

// ── MMU notifiers and references ─────────────────────────────────────────────────────────────────────────────────────

say('mmu_interval_read_begin', { does: 'seq-begin' })
say('mmu_interval_read_retry mmu_interval_check_retry', { does: 'seq-retry' })
say('mmu_interval_set_seq', { does: 'seq-set' })
say('get_page page_ref_inc folio_get', { does: 'ref', arg: 0, fails: false })
say('get_page_unless_zero try_get_page folio_try_get try_get_folio', { does: 'ref', arg: 0, fails: true })
say('put_page folio_put', { does: 'unref', arg: 0 })

// ── Looks, logs, arithmetic ──────────────────────────────────────────────────────────────────────────────────────────

family(
  /^(trace_\w+|(dev|pr|netdev|netif|drm|ibdev|pci|xe|gt|vm|DRM)_(\w+_)?(dbg|debug|info|notice|warn|warning|err|error|crit|emerg|alert|WARN|WARN_ON)(_once|_ratelimited)?|v?printk(_once|_ratelimited)?|DRM_(DEV_)?(DEBUG|INFO|WARN|ERROR)\w*|dprintk)$/,
  {
    does: 'nothing',
  },
)
family(/^(VM_)?(WARN|BUG)(_ON)?(_ONCE|_PAGE|_FOLIO|_ON_PAGE|_ON_FOLIO)?(_MM|_VMA)?(_ONCE)?$/, {
  does: 'nothing',
})
family(/^(Page|SetPage|ClearPage|TestSetPage|TestClearPage|folio_test_|folio_set_|folio_clear_)\w+$/, {
  does: 'nothing',
})
family(/^lockdep_\w+|^mmap_assert_\w+|^might_\w+|^vma_assert_\w+$/, { does: 'nothing' })
say(
  `pfn_valid page_is_ram is_zero_pfn page_count page_ref_count page_zone page_zonenum page_to_nid compound_order
   is_device_private_page is_device_coherent_page is_zone_device_page page_mapcount page_size thp_nr_pages
   page_order hmm_pfn_to_map_order pte_write pte_present pte_special pte_young pte_dirty pte_pgprot pte_none
   vm_normal_page ilog2 fls __fls ffs __ffs fls64 order_base_2 hweight32 hweight64 print_bad_pte pgprot_val pfn_t_has_page
   IS_ERR IS_ERR_OR_NULL PTR_ERR ERR_PTR IS_ERR_VALUE iounmap memunmap kunmap kunmap_atomic kunmap_local
   vunmap vm_unmap_ram set_page_dirty set_page_dirty_lock folio_mark_dirty mark_page_accessed sg_free_table frame_vector_count
   frame_vector_to_pages frame_vector_to_pfns frame_vector_destroy
   unpin_user_page unpin_user_pages unpin_user_pages_dirty_lock
   lock_page unlock_page folio_lock folio_unlock page_pgmap page_rmapping
   page_is_mergeable mmget_not_zero mmput mmput_async put_task_struct time_after cond_resched
   interval_tree_iter_first interval_tree_iter_next interval_tree_insert interval_tree_remove
   seq_printf seq_puts seq_write sprintf snprintf scnprintf vsnprintf vscnprintf
   walk_system_ram_range region_intersects arch_io_reserve_memtype_wc
   ioremap_change_attr prefetch flush_dcache_page upper_32_bits`,
  { does: 'nothing' },
)
family(/^_?set_memory_\w+$|^set_pages_\w+$/, { does: 'nothing' })
say('kfree kvfree vfree kfree_sensitive', { does: 'free', arg: 0 })
say('BUG panic do_exit', { does: 'never-returns' })
say('WRITE_ONCE smp_store_release rcu_assign_pointer', { does: 'assign' })
family(
  /^(min|max)(3|_t)?$|^clamp(_t|_val)?$|^(lower|upper)_32_bits$|^(round|ALIGN)_?\w*$|^(cpu_to|le|be)\w+$/,
  {
    does: 'derive',
    form: 'pfn',
    arg: 0,
  },
)

const familyCache = new Map<string, Meaning | undefined>()

/** What a function of the core does, or undefined: then its body is read, where there is one. */
export function meaningOf(name: string): Meaning | undefined {
  const exact = table.get(name)
  if (exact !== undefined) return exact
  if (familyCache.has(name)) return familyCache.get(name)
  const found = patterns.find(([p]) => p.test(name))?.[1]
  familyCache.set(name, found)
  return found
}

/** `down_read(&mm->mmap_sem)` is mmap_read_lock: the lock is the field that it is, whatever the call. */
export const mmapLockFields: ReadonlySet<string> = new Set(['mmap_lock', 'mmap_sem'])

/** Instructions that leave for a hypervisor. An address in one is the guest's or the hypervisor's from then on. */
export const hypercall = /\b(vmcall|vmmcall|hvc|smc|hvcall|hypercall|sc\s+1|ecall|diag)\b/
