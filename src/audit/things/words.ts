/** Calls of the kernel's core, by what they do to objects that keep things. */

export const frees = /^(k|kv|v)free(_sensitive|_rcu)?$|^kfree_rcu$|^kmem_cache_free$/
export const allocates =
  /^(devm_)?(k|kv|v)[mzc]?alloc(_\w+)?$|^(k|kv)(malloc|zalloc|calloc)_\w+$|^(vmalloc|vzalloc|kmem_cache_z?alloc|kmemdup|memdup_user|vcalloc)$/
/** Puts an object where others find it. */
export const publishes =
  /^(list_\w+|hlist_\w+|xa_(store|insert|alloc)\w*|idr_alloc\w*|radix_tree_insert|rb_\w+|rcu_assign_pointer|hash_add\w*|queue_work|schedule_work)$/
/** Neither keeps nor gives back what it is handed. */
export const harmless =
  /^(sg_\w+|for_each_\w+|sgt_\w+|dma_sync_\w+|dma_map_\w+|dma_unmap_\w+|dma_resv_(wait_timeout|test_signaled|reserve_fences|add_fence|get_singleton)\w*|dma_fence_\w+|iommu_map\w*|iommu_unmap\w*|dma_buf_(begin|end)_cpu_access\w*|dma_buf_v(un)?map\w*|iosys_map_\w+|(dev|pr|netdev|drm|DRM|xe|ibdev)_(\w+_)?(dbg|debug|info|notice|warn|err|error|crit|printk|DEBUG|ERROR|INFO|WARN)\w*|NL_SET_\w+|printk\w*|trace_\w+|WARN\w*|BUG\w*|sizeof|ARRAY_SIZE|min\w*|max\w*|mutex_\w+|spin_\w+|down_\w+|up_\w+|rcu_\w+|init_\w+|INIT_\w+|copy_(to|from)_user|might_\w+|lockdep_\w+|prefetch\w*|put_device|get_device|atomic_\w+|refcount_\w+|debugfs_\w+|snprintf|scnprintf|strscpy|mem(cpy|set|cmp)|bitmap_\w+|(set|clear|test)_bit|page_pool_\w+|percpu_ref_\w+|wake_up\w*|complete\w*|cond_resched|order_base_2|ilog2|is_dma_buf_file|file_inode|i_size_\w+)$/
/** Says what its argument says. */
export const transparent =
  /^(unlikely|likely|WARN_ON(_ONCE)?|(drm|dev)_WARN_ON(_ONCE)?|READ_ONCE|BUG_ON|__builtin_expect)$/
/** Gives the same for the same arguments. */
export const pure = /^([A-Z][A-Z0-9_]+|min\w*|max\w*|\w*(^|_)is_\w+|sg_dma_(address|len)|to_\w+|\w+_to_\w+)$/
/** Taking the lock of a dma-buf in a helper. */
export const locks: readonly string[] = [
  'dma_resv_lock',
  'dma_resv_lock_interruptible',
  'dma_resv_trylock',
  'dma_resv_unlock',
]
/** Take a pointer for what it is, and do not look behind it. */
export const renames =
  /^(retain_and_null_ptr|no_free_ptr|return_ptr|take_fd|IS_ERR\w*|PTR_ERR\w*|ERR_\w+|container_of|xchg|cmpxchg|swap)$/
/** Objects that go with their file. include/linux/sync_file.h, include/linux/dma-buf.h */
export const withFile: ReadonlySet<string> = new Set(['struct sync_file', 'struct dma_buf'])
/** The reservation lock of a dma-buf, taken and dropped. */
export const resvTaken = /^(dma_resv_lock|dma_resv_lock_slow|ww_mutex_lock|drm_gem_lock_reservations)$/
export const resvTried =
  /^(dma_resv_lock_interruptible|dma_resv_lock_slow_interruptible|ww_mutex_lock_interruptible|ttm_bo_reserve)$/
export const resvTryLock = /^(dma_resv_trylock|ww_mutex_trylock)$/
export const resvDropped = /^(dma_resv_unlock|ww_mutex_unlock|ttm_bo_unreserve|drm_gem_unlock_reservations)$/
export const resvAsserted = /^(dma_resv_assert_held|dma_resv_held|lockdep_assert_held)$/
