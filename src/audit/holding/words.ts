/** Calls of the core that matter for pages that are held, or are known not to. By what they do with their arguments. */

/** Drops one page's, `nr` of an array's (`count`: which argument says how many). */
export const releases: ReadonlyMap<
  string,
  {
    readonly as: 'pin' | 'get'
    readonly arg: number
    readonly count?: number
    readonly dirties?: number | true
  }
> = new Map([
  ['unpin_user_page', { as: 'pin', arg: 0 }],
  ['unpin_folio', { as: 'pin', arg: 0 }],
  ['unpin_user_folio', { as: 'pin', arg: 0 }],
  ['unpin_user_pages', { as: 'pin', arg: 0, count: 1 }],
  ['unpin_folios', { as: 'pin', arg: 0, count: 1 }],
  ['unpin_user_pages_dirty_lock', { as: 'pin', arg: 0, count: 1, dirties: 2 }],
  ['unpin_user_page_range_dirty_lock', { as: 'pin', arg: 0, count: 1, dirties: 2 }],
  ['put_page', { as: 'get', arg: 0 }],
  ['folio_put', { as: 'get', arg: 0 }],
  ['__free_page', { as: 'get', arg: 0 }],
  ['put_user_page', { as: 'get', arg: 0 }],
  ['free_page_and_swap_cache', { as: 'get', arg: 0 }],
  ['kvm_release_page_clean', { as: 'get', arg: 0 }],
  ['kvm_release_page_dirty', { as: 'get', arg: 0, dirties: true }],
  ['kvm_release_page_unused', { as: 'get', arg: 0 }],
  ['release_pages', { as: 'get', arg: 0, count: 1 }],
])

/** Gives the memory, or another name, of the page in its first argument. */
export const alias =
  /^(folio_pfn|pfn_folio|page_address|kmap(_\w+)?|PFN_PHYS|PFN_UP|page_to_(pfn|phys|virt|dma|bus|netmem)|__sme_(page_)?pa|virt_to_bus|netmem_to_page|pfn_to_page|phys_to_page|virt_to_(page|head_page|phys|pfn)|phys_to_virt|__pa|__va|page_to_xen_pfn|xen_page_to_gfn|page_folio|compound_head|folio_page|folio_page_idx|folio_address|nth_page|sg_(page|virt)|vmap|pfn_to_kaddr|lowmem_page_address)$/
export const toMemory =
  /^(page_address|kmap(_\w+)?|page_to_virt|sg_virt|vmap|folio_address|pfn_to_kaddr|lowmem_page_address)$/
export const toNumber =
  /^(folio_pfn|PFN_PHYS|PFN_UP|page_to_(pfn|phys|dma|bus)|virt_to_(phys|pfn|bus)|__sme_(page_)?pa|__pa|page_to_xen_pfn|xen_page_to_gfn)$/
export const dirties = /^(set_page_dirty(_lock)?|SetPageDirty|folio_mark_dirty(_lock)?)$/
/** Writes to the memory of its first argument. */
export const writes =
  /^(memcpy|memset\w*|memmove|copy_from_user\w*|__copy_from_user\w*|_?copy_from_iter\w*|copy_highpage|copy_page|copy_user_highpage|copy_mc_\w+|memcpy_fromio|copy_from_kernel_nofault|get_random_bytes|s[cn]+printf|sprintf|clear_page|clear_highpage|clear_user_highpage|zero_user|copy_page_from_iter\w*|mte_copy_tags_from_user|memcpy_to_page|memzero_page|copy_to_kernel_nofault|strscpy|strncpy|strcpy|WRITE_ONCE)$/
export type Mapping = {
  readonly arg: number
  readonly direction: number
  /** What says that it failed: no entry at all, or an error. Left out, dma_mapping_error() does. */
  readonly fails?: 'zero' | 'error'
}
/** Gives pages to a device, in the direction that an argument says. */
export const maps: ReadonlyMap<string, Mapping> = new Map<string, Mapping>([
  ['dma_map_page', { arg: 1, direction: 4 }],
  ['dma_map_page_attrs', { arg: 1, direction: 4 }],
  ['dma_map_single', { arg: 1, direction: 3 }],
  ['dma_map_sg', { arg: 1, direction: 3, fails: 'zero' }],
  ['dma_map_sg_attrs', { arg: 1, direction: 3, fails: 'zero' }],
  ['dma_map_sgtable', { arg: 1, direction: 2, fails: 'error' }],
  ['pci_map_sg', { arg: 1, direction: 3, fails: 'zero' }],
])
/** Queues buffers for a virtio device: `args[1]`, of which it fills `in` many (left out, all). */
export const queues: ReadonlyMap<string, { readonly in?: number }> = new Map<
  string,
  { readonly in?: number }
>([
  ['virtqueue_add_sgs', { in: 3 }],
  ['virtqueue_add_inbuf', {}],
  ['virtqueue_add_inbuf_ctx', {}],
  ['virtqueue_add_inbuf_cache_clean', {}],
])
/** Puts pages from one argument into another. */
export const moves: ReadonlyMap<string, { readonly from: number; readonly to: number }> = new Map([
  ['sg_set_page', { from: 1, to: 0 }],
  ['sg_assign_page', { from: 1, to: 0 }],
  ['bvec_set_page', { from: 1, to: 0 }],
  ['bvec_set_folio', { from: 1, to: 0 }],
  ['sg_set_folio', { from: 1, to: 0 }],
  ['sg_alloc_append_table_from_pages', { from: 1, to: 0 }],
  ['sg_alloc_table_from_pages', { from: 1, to: 0 }],
  ['sg_alloc_table_from_pages_segment', { from: 1, to: 0 }],
])
/** Those that put one page there. */
export const movesOne = /^(sg|bvec)_(set|assign)_(page|folio)$/
export const frees =
  /^(k|kv|v)free(_sensitive|_rcu)?$|^sg_free_(append_)?table$|^kmem_cache_free$|^free_pages?$|^dma_free_(coherent|attrs|wc)$|^dma_pool_free$|^mempool_free$/
/** Of those the ones that are told first where it came from: which argument is freed. */
export const freesAt: ReadonlyMap<string, number> = new Map([
  ['kmem_cache_free', 1],
  ['dma_pool_free', 1],
  ['dma_free_coherent', 2],
  ['dma_free_attrs', 2],
  ['dma_free_wc', 2],
])
/** Gives no memory where there is no room for it. */
export const mayFail = /^vmap$/
export const allocates =
  /^(devm_)?(k|kv|v)[mzc]?alloc(_\w+)?$|^(k|kv)(malloc|zalloc|calloc)_\w+$|^(vmalloc|vzalloc|vmalloc_array|__vmalloc|__get_free_pages?|get_zeroed_page|kmem_cache_z?alloc|kmemdup|memdup_user|vcalloc|dma_alloc_\w+|dma_pool_z?alloc|mempool_alloc)$/
/** Neither keeps nor gives back what it is handed. */
export const harmless =
  /^(memcpy\w*|memcmp|memchr\w*|copy_(to|from)_\w+|__copy_\w+|kunmap\w*|vunmap|flush_\w+|(un)?lock_page|folio_(un)?lock(_killable)?|folio_flags|folio_maybe_dma_pinned|pfn_(to_nid|valid)|get_phys_to_machine|clflush_cache_range|invalidate_kernel_vmap_range|copy_page_to_iter\w*|copy_folio_to_iter|uprobe_copy_from_page|mte_copy_tags_to_user|dma_unmap_\w+|dma_sync_\w+|dma_mapping_error|Page[A-Z]\w*|folio_test_\w+|folio_(nr_pages|size|order)|page_(count|mapcount|ref_count|size|zone\w*|to_nid|maybe_dma_pinned|offset|mapping)|compound_(order|nr)|is_zero_pfn|is_\w*page\w*|IS_\w+|PTR_\w+|ERR_\w+|(dev|pr|netdev|drm|vdbg|ibdev)_\w*|printk\w*|trace_\w+|WARN\w*|BUG\w*|sizeof|ARRAY_SIZE|min\w*|max\w*|mutex_\w+|spin_\w+|raw_spin_\w+|down_\w+|up_\w+|rcu_\w+|init_\w+|INIT_\w+|kref_init|sg_init_\w+|sg_next|sg_dma_\w+|mark_page_accessed|folio_mark_accessed|cond_resched|access_ok|mmap_\w+|might_\w+|unlikely|likely|prefetch\w*|offset_in_\w+|crc\w+|hex_dump\w*|print_hex\w*|bug_on|lockdep_\w+|set_page_private|SetPage\w+|ClearPage\w+|update_mmu_cache|uncached_\w+|get_order|sg_(un)?mark_end|for_each_sg\w*|__sme_set|IDENTITY_FRAME|sendpage_ok|skb_\w+_pages_add|refcount_add|strcmp|strlen|READ_ONCE|test_bit|check_\w+_overflow|dump_page|sk_msg_page_add|VM_BUG_ON\w*|VM_WARN\w*|\w+_(dbg|debug|err|warn|info|trace|printk)(_ratelimited|_once)?|DMA_BUF_TRACE|kasan_\w+|kmsan_\w+|instrument_\w+)$/
/** Looks at a page or a number and says something of it. */
export const asks =
  /^(page_(mapping|pgoff|count|shift|size|to_nid|zone\w*|ref_count|offset|index|is_\w+)|folio_(shift|order|size|nr_pages|pfn|nid|mapping|test_\w+|is_\w+|flags)|pfn_\w+|PageHuge|thp_\w+|is_\w+|virt_addr_valid|put_unaligned\w*|get_unaligned\w*)$/
/** Asks whether a number is that of a frame with a struct page. */
export const hasPage = /^(pfn_valid|virt_addr_valid|pfn_is_map_memory)$/
/** Writes to the memory of its second argument. */
export const writesSecond = /^_*(test_and_)?(set|clear|change)_bit(_le)?$/
/** Says what its argument says. */
export const transparent =
  /^(unlikely|likely|WARN_ON(_ONCE)?|WARN|WARN_ONCE|IS_ENABLED|READ_ONCE|BUG_ON|__builtin_expect|untagged_addr|ACCESS_ONCE)$/
export const containerOf = /^container_of(_const|_safe)?$/
/** Gives a number near to its argument: what was a page number may still be one. */
export const keepsValue = /^([A-Z][A-Z0-9_]+|min\w*|max\w*|roundup|rounddown|round_\w+|clamp\w*)$/
/** Gives the same for the same arguments. */
export const pure =
  /^(cpu_to_\w+|\w+_to_cpu\w*|(lower|upper)_32_bits|hton\w+|ntoh\w+|[A-Z][A-Z0-9_]+|min\w*|max\w*|PTR_ERR\w*|IS_ERR\w*|ERR_PTR|roundup|rounddown|round_\w+|DIV_\w+|offset_in_page|clamp\w*|ilog2|is_\w+|array3?_size|flex_array_size|struct_size\w*|size_\w+)$/
/** Keeps the page in its argument, and drops the reference when it is done. */
export const takesOver: ReadonlyMap<string, number> = new Map([
  ['memory_failure', 0],
  ['soft_offline_page', 0],
  ['skb_fill_page_desc', 2],
  ['skb_fill_page_desc_noacc', 2],
  ['__skb_fill_page_desc', 2],
  ['__skb_fill_page_desc_noacc', 2],
  ['skb_frag_fill_page_desc', 1],
  ['skb_add_rx_frag', 2],
  // As many references of one page as it is known to be there for.
  ['page_ref_sub', 0],
])
/** One more reference, beside the one that the call took; `try_` says whether it was got. */
export const addsReference =
  /^(try_)?(get_page|folio_get|folio_try_get|get_page_unless_zero|page_ref_inc|folio_ref_inc)$/
/** Firmware or a hypervisor, which does with the memory what it is told. */
export const hypervisor =
  /^(hv_do_\w+|plpar_hcall\w*|HYPERVISOR_\w+|arm_smccc_\w+|fh_partition_memcpy|kvm_hypercall\d)$/
/** Iterators over memory of the kernel, of which nothing is pinned, and of a process. */
export const overKernel = /^iov_iter_(kvec|bvec|xarray|folio_queue|discard)$/
export const overUser = /^(iov_iter_(init|ubuf)|import_(iovec|ubuf|single_range))$/
/** Puts an object where others find it. */
export const publishes =
  /^(list_\w+|hlist_\w+|xa_\w+|idr_\w+|radix_\w+|rb_\w+|rcu_assign_pointer|smp_store_release|refcount_set|hash_add\w*|ida_\w+|interval_tree_\w+|platform_set_drvdata|dev_set_drvdata|kref_get|queue_work|schedule_work|mtree_\w+|dma_buf_export|kthread_(run|create)|wake_up_\w+)$/
/** From here nobody may sleep, and until here. */
export const atomicTaken =
  /^((raw_)?spin_lock(_bh|_irq|_irqsave|_nested|_irqsave_nested)?|(read|write)_lock(_bh|_irq|_irqsave)?|rcu_read_lock(_bh|_sched)?|preempt_disable|local_irq_(save|disable)|local_bh_disable)$/
export const atomicDropped =
  /^((raw_)?spin_unlock(_bh|_irq|_irqrestore)?|(read|write)_unlock(_bh|_irq|_irqrestore)?|rcu_read_unlock(_bh|_sched)?|preempt_enable|local_irq_(restore|enable)|local_bh_enable)$/
/** Takes the lock of the page, and so may sleep. */
export const dirtiesLocked = /^(set_page_dirty_lock|folio_mark_dirty_lock)$/
export const lockTaken =
  /^(mmap_(read|write)_(try)?lock(_killable)?|down_(read|write)(_killable|_trylock|_nested)?)$/
export const lockDropped = /^(mmap_(read|write)_unlock(_non_owner)?|up_(read|write))$/
export const asserted = /^(mmap_assert_(write_)?locked|lockdep_assert_held\w*|rwsem_assert_held\w*)$/
