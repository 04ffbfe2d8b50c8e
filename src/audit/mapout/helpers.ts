/**
 * Calls of the core that put memory into a process's page table, or that a handler leaves its whole work to: what they set, what they check, what
 * they take. Read in mm/memory.c, mm/vmalloc.c, kernel/dma/, the drm and vb2 cores of Linux 5.10, 6.1, 6.12 and 7.2.
 */
export type Helper = {
  /** How the entries come to be. `none`: it only checks or sets flags. */
  readonly inserts: 'remap' | 'pfn' | 'mixed' | 'page' | 'either'
  /** The VMA, the fault or the descriptor, by argument. */
  readonly vma: number
  /** How much it maps, and what: without them it takes both from the VMA. */
  readonly size?: number
  readonly what?: number
  /** The argument that names the memory, where that is another one. */
  readonly memory?: number
  /** It compares length and offset with this much (`full`), only the length (`size`), or nothing of the object. */
  readonly checks: 'full' | 'size' | 'none'
  /** One page at an address. */
  readonly single?: true
  readonly sets: readonly VmFlag[]
  readonly clears?: readonly VmFlag[]
  /** The entries hold references to the pages. */
  readonly counts: boolean
  /** It hands the mapping on to somebody who is a site himself: the contract. */
  readonly contract?: string
  /** It sets vm_ops with an open and a close that keep the object. */
  readonly keeps?: true
  /** Private writable mappings are refused. */
  readonly refusesCow?: true
}

export type VmFlag =
  | 'VM_IO'
  | 'VM_PFNMAP'
  | 'VM_MIXEDMAP'
  | 'VM_DONTEXPAND'
  | 'VM_DONTDUMP'
  | 'VM_DONTCOPY'
  | 'VM_MAYWRITE'
  | (string & {})

const remapped = ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND', 'VM_DONTDUMP'] as const
const remap = (size: number, what: number, vma = 0): Helper => ({
  inserts: 'remap',
  vma,
  size,
  what,
  checks: 'none',
  sets: remapped,
  counts: false,
})
const whole = (
  inserts: Helper['inserts'],
  vma: number,
  sets: readonly VmFlag[],
  counts: boolean,
): Helper => ({
  inserts,
  vma,
  checks: 'full',
  sets,
  counts,
})
const faulted = (inserts: Helper['inserts'], counts: boolean, what = 2): Helper => ({
  inserts,
  vma: 0,
  what,
  checks: 'none',
  single: true,
  sets: [],
  counts,
})
const handedOn = (
  vma: number,
  contract: string,
  checks: Helper['checks'] = 'full',
  more: Partial<Helper> = {},
): Helper => ({ inserts: 'either', vma, checks, sets: [], counts: true, contract, ...more })

export const helpers: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['remap_pfn_range', remap(3, 2)],
  ['remap_pfn_range_notrack', remap(3, 2)],
  ['io_remap_pfn_range', remap(3, 2)],
  ['remap_4k_pfn', { ...remap(3, 2), single: true }],
  ['vm_iomap_memory', { ...whole('remap', 0, remapped, false), memory: 1 }],
  ['mmap_action_remap', remap(3, 2)],
  ['mmap_action_ioremap', remap(3, 2)],
  ['mmap_action_remap_full', { ...remap(2, 1), size: 0 }],
  ['mmap_action_ioremap_full', { ...remap(2, 1), size: 0 }],
  ['mmap_action_simple_ioremap', { ...whole('remap', 0, remapped, false), memory: 1 }],
  [
    'mmap_action_map_kernel_pages',
    { inserts: 'page', vma: 0, size: 3, what: 2, checks: 'none', sets: ['VM_MIXEDMAP'], counts: true },
  ],
  [
    'mmap_action_map_kernel_pages_full',
    { inserts: 'page', vma: 0, size: 0, what: 1, checks: 'none', sets: ['VM_MIXEDMAP'], counts: true },
  ],
  [
    'vm_insert_page',
    {
      inserts: 'page',
      vma: 0,
      what: 2,
      checks: 'none',
      single: true,
      sets: ['VM_MIXEDMAP'],
      counts: true,
    },
  ],
  [
    'vm_insert_pages',
    { inserts: 'page', vma: 0, what: 2, size: 3, checks: 'none', sets: ['VM_MIXEDMAP'], counts: true },
  ],
  ['vm_map_pages', whole('page', 0, ['VM_MIXEDMAP'], true)],
  ['vm_map_pages_zero', { ...whole('page', 0, ['VM_MIXEDMAP'], true), checks: 'size' }],
  ['remap_vmalloc_range', whole('page', 0, ['VM_MIXEDMAP', 'VM_DONTEXPAND', 'VM_DONTDUMP'], true)],
  [
    'remap_vmalloc_range_partial',
    {
      ...whole('page', 0, ['VM_MIXEDMAP', 'VM_DONTEXPAND', 'VM_DONTDUMP'], true),
    },
  ],
  ['vmf_insert_pfn', faulted('pfn', false)],
  ['vmf_insert_pfn_prot', faulted('pfn', false)],
  ['vmf_insert_mixed', faulted('mixed', false)],
  ['vmf_insert_mixed_mkwrite', faulted('mixed', false)],
  ['vmf_insert_mixed_prot', faulted('mixed', false)],
  ['vmf_insert_page', faulted('page', true)],
  ['vmf_insert_page_mkwrite', faulted('page', true, 1)],
  ['vmf_insert_pfn_pmd', faulted('pfn', false, 1)],
  ['vmf_insert_pfn_pud', faulted('pfn', false, 1)],
  ['vmf_insert_folio_pmd', faulted('page', true, 1)],
  ['vmf_insert_folio_pud', faulted('page', true, 1)],
  ['vmf_insert_pfn_pmd_prot', faulted('pfn', false, 1)],
  ['vmf_insert_pfn_pud_prot', faulted('pfn', false, 1)],
  ['io_mapping_map_user', { ...remap(4, 3, 1) }],
  ['dma_mmap_attrs', { ...whole('either', 1, remapped, false), memory: 2 }],
  ['dma_mmap_coherent', { ...whole('either', 1, remapped, false), memory: 2 }],
  ['dma_mmap_wc', { ...whole('either', 1, remapped, false), memory: 2 }],
  ['dma_mmap_writecombine', { ...whole('either', 1, remapped, false), memory: 2 }],
  ['dma_mmap_noncontiguous', whole('either', 1, ['VM_MIXEDMAP', 'VM_DONTEXPAND', 'VM_DONTDUMP'], true)],
  ['dma_mmap_pages', { ...whole('remap', 1, remapped, false), memory: 3 }],
  ['dma_mmap_from_dev_coherent', whole('remap', 0, remapped, false)],
  ['dma_common_mmap', { ...whole('remap', 1, remapped, false), memory: 2 }],

  [
    'dma_buf_mmap',
    handedOn(1, 'dma_buf_mmap() checks the length and leaves the rest to the exporter', 'full', {
      keeps: true,
    }),
  ],
  ['dma_buf_mmap_internal', handedOn(1, 'the exporter maps it', 'full', { keeps: true })],
  [
    'drm_gem_mmap',
    handedOn(1, 'drm_gem_mmap() looks the object up, checks its size and leaves the rest to it', 'full', {
      keeps: true,
    }),
  ],
  [
    'drm_gem_mmap_obj',
    handedOn(2, 'drm_gem_mmap_obj() checks the size and leaves the rest to the object', 'full', {
      keeps: true,
    }),
  ],
  [
    'drm_gem_prime_mmap',
    handedOn(1, 'drm_gem_prime_mmap() checks access and leaves the rest to the object', 'full', {
      keeps: true,
    }),
  ],
  [
    'drm_gem_ttm_mmap',
    handedOn(1, 'ttm_bo_mmap_obj() sets the flags; its fault handler checks', 'full', {
      keeps: true,
      sets: ['VM_PFNMAP', 'VM_IO', 'VM_DONTEXPAND', 'VM_DONTDUMP'],
      counts: false,
      refusesCow: true,
    }),
  ],
  [
    'ttm_bo_mmap_obj',
    handedOn(0, 'ttm_bo_mmap_obj() sets the flags; its fault handler checks', 'full', {
      keeps: true,
      sets: ['VM_PFNMAP', 'VM_IO', 'VM_DONTEXPAND', 'VM_DONTDUMP'],
      counts: false,
      refusesCow: true,
    }),
  ],
  [
    'ttm_bo_mmap',
    handedOn(1, 'ttm_bo_mmap() looks the object up and sets the flags; its fault handler checks', 'full', {
      keeps: true,
      counts: false,
      refusesCow: true,
    }),
  ],
  ...['drm_gem_shmem_mmap', 'drm_gem_shmem_object_mmap'].map((name): readonly [string, Helper] => [
    name,
    handedOn(1, 'drm_gem_shmem_mmap() sets the flags; its fault handler checks', 'full', {
      keeps: true,
      sets: ['VM_PFNMAP', 'VM_DONTEXPAND', 'VM_DONTDUMP'],
      counts: false,
      refusesCow: true,
    }),
  ]),
  ...['dma', 'cma']
    .flatMap((m) => [`drm_gem_${m}_mmap`, `drm_gem_${m}_object_mmap`])
    .map((name): readonly [string, Helper] => [
      name,
      handedOn(1, `${name}() maps the DMA memory and checks it against the mapping`, 'full', {
        keeps: true,
        sets: remapped,
        counts: false,
      }),
    ]),
  [
    'vb2_mmap',
    handedOn(1, 'vb2_mmap() looks the buffer up by a cookie, checks its length and wants VM_SHARED', 'full', {
      keeps: true,
      refusesCow: true,
    }),
  ],
  [
    'vb2_fop_mmap',
    handedOn(1, 'vb2_mmap() looks the buffer up by a cookie, checks its length and wants VM_SHARED', 'full', {
      keeps: true,
      refusesCow: true,
    }),
  ],
  [
    'v4l2_m2m_mmap',
    handedOn(2, 'vb2_mmap() looks the buffer up by a cookie, checks its length and wants VM_SHARED', 'full', {
      keeps: true,
      refusesCow: true,
    }),
  ],
  [
    'v4l2_m2m_fop_mmap',
    handedOn(1, 'vb2_mmap() looks the buffer up by a cookie, checks its length and wants VM_SHARED', 'full', {
      keeps: true,
      refusesCow: true,
    }),
  ],
  ['videobuf_mmap_mapper', handedOn(1, 'videobuf_mmap_mapper() looks the buffer up and checks its length')],
  [
    'rdma_user_mmap_io',
    {
      inserts: 'remap',
      vma: 1,
      checks: 'full',
      sets: remapped,
      counts: false,
      contract: 'rdma_user_mmap_io() maps exactly its size, and the uverbs core zaps it when the device goes',
      refusesCow: true,
    },
  ],
  ['uio_mmap', handedOn(1, 'uio_mmap() checks the length')],
  ['snd_pcm_mmap_data', handedOn(2, 'the PCM core checks the length')],
  ['snd_pcm_lib_default_mmap', handedOn(1, 'the PCM core checks the length')],
  ['snd_pcm_lib_mmap_iomem', handedOn(1, 'the PCM core checks the length; vm_iomap_memory() again')],
  ['snd_dma_buffer_mmap', handedOn(1, 'the allocator maps it and checks the length')],
  [
    'fb_deferred_io_mmap',
    handedOn(1, 'its fault handler checks', 'full', { sets: ['VM_DONTEXPAND', 'VM_DONTDUMP'] }),
  ],
  [
    'pci_mmap_resource_range',
    handedOn(2, 'pci_mmap_resource_range() checks the BAR', 'full', { sets: remapped, counts: false }),
  ],
  ['generic_file_mmap', handedOn(1, 'the page cache: filemap_fault() checks against the size of the file')],
  [
    'generic_file_mmap_prepare',
    handedOn(0, 'the page cache: filemap_fault() checks against the size of the file'),
  ],
  [
    'generic_file_readonly_mmap',
    handedOn(1, 'the page cache: filemap_fault() checks against the size of the file'),
  ],
  [
    'generic_file_readonly_mmap_prepare',
    handedOn(0, 'the page cache: filemap_fault() checks against the size of the file'),
  ],
  ...['filemap_fault', 'shmem_fault', 'filemap_map_pages', 'dax_iomap_fault', 'netfs_page_mkwrite'].map(
    (name): readonly [string, Helper] => [
      name,
      handedOn(0, 'the page cache: filemap_fault() checks against the size of the file'),
    ],
  ),
  ...['ttm_bo_vm_fault', 'ttm_bo_vm_fault_reserved'].map((name): readonly [string, Helper] => [
    name,
    handedOn(0, 'ttm_bo_vm_fault_reserved() compares the offset with the object', 'full', {
      inserts: 'pfn',
      counts: false,
    }),
  ]),
  ['shmem_zero_setup', handedOn(0, 'it becomes shared anonymous memory')],
  ['shmem_zero_setup_desc', handedOn(0, 'it becomes shared anonymous memory')],
  ['vma_set_anonymous', handedOn(0, 'it becomes anonymous memory')],
  ['call_mmap', handedOn(1, 'it hands the mapping on to the file behind it')],
  ['vfs_mmap', handedOn(1, 'it hands the mapping on to the file behind it')],
  ['backing_file_mmap', handedOn(1, 'it hands the mapping on to the file behind it')],
  ['compat_vma_mmap', handedOn(1, 'it runs the mmap_prepare handler')],
  ['__compat_vma_mmap', handedOn(1, 'it runs the mmap_prepare handler')],
  ['compat_vma_mmap_prepare', handedOn(1, 'it runs the mmap_prepare handler')],
])

/** Fields of ops tables whose functions map memory out, and the parameter that says what. */
export const handlerFields: readonly string[] = [
  'mmap',
  'mmap_prepare',
  'fb_mmap',
  'gem_prime_mmap',
  'map_mmap',
]
export const faultFields: readonly string[] = ['fault', 'huge_fault']

/** Names of which one stands in every file with a site, beside one of the types below. */
export const insertionNames: readonly string[] = [...helpers]
  .filter(([, h]) => h.contract === undefined || h.inserts !== 'either')
  .map(([n]) => n)

/** Ops tables whose dispatcher has compared length and offset with the object before it hands the mapping on. */
export type Dispatcher = {
  readonly says: string
  readonly refusesCow?: true
  /** It leaves the length to the handler. */
  readonly size?: false
}
export const dispatchers: ReadonlyMap<string, Dispatcher> = new Map<string, Dispatcher>([
  ['vfio_pci_regops', { says: 'vfio_pci_core_mmap() wants VM_SHARED', refusesCow: true, size: false }],
  ['dma_buf_ops', { says: 'dma_buf_mmap() has checked offset and length' }],
  ['drm_driver', { says: 'dma_buf_mmap() has checked offset and length' }],
  ['bpf_map_ops', { says: 'bpf_map_mmap() wants VM_SHARED', refusesCow: true, size: false }],
  ['drm_gem_object_funcs', { says: 'drm_gem_mmap_obj() has checked the length' }],
  ['vb2_mem_ops', { says: 'vb2_mmap() has checked the length and wants VM_SHARED', refusesCow: true }],
  ['snd_pcm_ops', { says: 'snd_pcm_mmap_data() has checked offset and length' }],
  ['snd_soc_component_driver', { says: 'snd_pcm_mmap_data() has checked offset and length' }],
  ['snd_malloc_ops', { says: 'snd_pcm_mmap_data() has checked offset and length' }],
  ['videobuf_qtype_ops', { says: 'videobuf_mmap_mapper() has checked the length' }],
])

/** It hands the mapping on to somebody who is a site himself. */
export const handsOn = (h: Helper): boolean => h.contract !== undefined && h.inserts === 'either'

/** Tables whose `mmap` makes the mappings of a dma-buf: its own, and that of the GEM object behind it (drm_prime.c:drm_gem_prime_mmap). */
export const mapsDmaBuf: ReadonlySet<string> = new Set(['dma_buf_ops', 'drm_driver', 'drm_gem_object_funcs'])

export const mappingTypes = ['vm_area_struct', 'vm_area_desc', 'vm_fault'] as const
