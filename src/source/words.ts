/** What kernel C's words mean to a parser that does not expand macros: types, attributes, storage, macros with bodies. */

const typeWords = new Set(
  `struct union enum void char short int long float double signed unsigned const volatile bool _Bool
   __signed__ __const __volatile__ __int128 __auto_type _Complex`.split(/\s+/),
)
/** A keyword that can only begin a type. */
export const isTypeWord = (word: string): boolean => typeWords.has(word)

/** A word that names a type by custom, where no declaration is at hand. */
export const isTypeName = (word: string): boolean =>
  /^(__)?[us](8|16|32|64|128)$|^__?(le|be)(16|32|64)$|_t$|^(uint|ulong|ushort|u_int|u_long|u_short|u_char|uchar|unchar|uintptr|loff|pgoff|gfp|size|ssize)$|^uint\d+$|^u_int\d+$/.test(
    word,
  )

const storageWords: Record<string, 'static' | 'extern' | 'inline' | 'typedef' | 'other'> = {
  static: 'static',
  extern: 'extern',
  typedef: 'typedef',
  inline: 'inline',
  __inline: 'inline',
  __inline__: 'inline',
  __always_inline: 'inline',
  register: 'other',
  auto: 'other',
  _Noreturn: 'other',
  __extension__: 'other',
  _Thread_local: 'other',
}
const storage = new Map(Object.entries(storageWords))
export const isStorage = (word: string): 'static' | 'extern' | 'inline' | 'typedef' | 'other' | undefined =>
  storage.get(word)

const attributeWords = new Set(
  `__attribute__ __attribute __aligned __packed __section __user __iomem __percpu __rcu __force __nocast __kernel
   __private __bitwise __safe __maybe_unused __always_unused __unused __used __must_check __must_hold __must_hold_shared __acquires
   __releases __acquire __release __acquires_shared __releases_shared __cond_acquires __cond_lock __cond_releases __init __exit __initdata __exitdata
   __initconst __exitconst __ref __refdata __refconst __meminit __memexit __meminitdata __devinit __devexit
   __cpuinit __net_init __net_exit __net_initdata __read_mostly __ro_after_init __cacheline_aligned
   __cacheline_aligned_in_smp ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
   __visible __weak __pure __cold __hot __noreturn __noclone __noinline __naked __printf __scanf __malloc
   __alloc_size __assume_aligned __counted_by __counted_by_le __counted_by_be __counted_by_ptr __guarded_by __pt_guarded_by __nonstring
   __no_sanitize_address __no_kcsan __no_kasan_or_inline __no_sanitize_or_inline __sanitizer_or_inline __noscs __nocfi __noendbr
   __no_sanitize_memory __no_kmsan_checks __no_stack_protector __no_caller_saved_registers __no_profile __nostackprotector __no_randomize_layout
   __randomize_layout __designated_init __restrict __restrict__ restrict __latent_entropy __flatten __compat_section __bpf_kfunc
   __free __cleanup __kprobes __sched __lockfunc __cpuidle __entry_text __irq_entry __softirq_entry __exception_irq_entry
   __head __inittext __earlyonly_bootmem __hyp_text __efi_runtime __kcov_off __no_context_analysis __context_unsafe
   noinline noinline_for_stack noinline_for_kasan noinline_for_tracing noinstr asmlinkage notrace fastcall inline_for_stack
   randomized_struct_fields_start _Alignas alignas __overloadable __always_inline __diagnose_as __mod_timer
   __no_fsanitize __data_racy __lsm_ro_after_init __efi_init __noretpoline __always_emit __signed __uninitialized ____ptrauth
   __init_or_module __initdata_or_module __init_memblock __initdata_memblock __init_or_acpilib __initconst_or_module __init_refok
   __xen_init __hv_init __syscall_ret __attribute_const__ __attribute_const __deprecated __gnu_inline __page_aligned_data
   __page_aligned_bss __bss_decrypted __percpu_qual ____asm_flag nokprobe_inline __noreserve __refused __iomem_aliased __must_be`.split(
    /\s+/,
  ),
)
/** An attribute macro: it stands among the words of a declaration and is neither its type nor its name. */
export const isAttribute = (word: string): boolean => attributeWords.has(word)

/**
 * What a macro with a body does with it. By its name, as a reader takes it: something with `each` or `for` or `while`
 * repeats; `scoped_guard` and `with_…` run the body once inside something; anything else may or may not run it.
 */
export function macroBlockKind(name: string): 'loop' | 'scoped' | 'block' {
  if (/^scoped_guard$|^scoped_(?!cond)|^with_(?!.*_if)/.test(name)) return 'scoped'
  if (/each|(^|_)for_|(^|_)while|_loop$|^loop_|iterate|until|foreach/i.test(name)) return 'loop'
  return 'block'
}
