import { lookups } from '../protocols/pfn-lookup.ts'

/** Macros that are their argument, for us. */
export const transparent =
  /^(un)?likely$|^(VM_)?WARN(_ON)?(_ONCE)?$|^(VM_)?BUG_ON$|^unlikely_notrace$|^__(force|user|iomem)$|^u64_to_user_ptr$/
/** Functions that only look or report, by the kernel's habits of naming; asked when there is no body to read. */
export const quiet =
  /for_each|_(dbg|debug|err|warn|info|trace|printk|assert|assert_msg)(_ratelimited|_once)?$/
/** Macros in capitals are arithmetic, unless the file has its own. */
export const arithmetic = /^_*[A-Z][A-Z0-9_]*$/
export const lockName = /(^|_)(un)?lock(_|$)/
/** Locks of the kernel at large that no notifier callback takes. */
export const generalLock =
  /^_*(s?rcu|local|preempt|spin|raw|mutex|ww|bit_spin|seq|(read|write)_seq|rtnl|dma_resv|drm_modeset|inode|file|vma|lock_page|unlock_page|folio|page|lockdep|console|memory|cpus?|console|device|clk|genpd|sched|task|tasklist|i_mmap|anon_vma)_?/
/** Functions that take a record to write it down somewhere. */
export const logs = /(^|_)(debug|dbg|err|error|trace|log|print|printk)(_|$)/
export const keepsForm = /^(min|max|clamp|round|ALIGN)/
export const locks =
  /\b(mutex_(un)?lock\w*|down_(read|write)\w*|up_(read|write)|(raw_)?spin_(un)?lock\w*|(read|write)_(un)?lock\w*)\s*\(/
export const guards: ReadonlyMap<string, { readonly mmap: boolean; readonly write: boolean }> = new Map([
  ['mmap_read_lock', { mmap: true, write: false }],
  ['mmap_write_lock', { mmap: true, write: true }],
  ['mutex', { mmap: false, write: true }],
  ['spinlock', { mmap: false, write: true }],
  ['spinlock_irq', { mmap: false, write: true }],
  ['spinlock_irqsave', { mmap: false, write: true }],
  ['rwsem_read', { mmap: false, write: false }],
  ['rwsem_write', { mmap: false, write: true }],
  ['read_lock', { mmap: false, write: false }],
  ['write_lock', { mmap: false, write: true }],
])

/** Calls that matter for themselves, whatever they are given. */
export const interesting = new RegExp(
  `\\b(${[
    'mmap_(read|write)_\\w*lock\\w*',
    'mmap_(sem|lock)',
    'mmu_interval_(read_begin|read_retry|check_retry|set_seq)',
    ...lookups.flatMap((l) => [l.name, l.endedBy?.name, l.putBy?.name].filter((n) => n !== undefined)),
  ].join('|')})\\s*[(;,)]`,
)
