import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Source } from '../src/base/index.ts'
import { invariants } from '../src/kernel/index.ts'
import { parse } from '../src/litmus/index.ts'

/** What the kernel does, who takes part, or what went wrong once: by which operations it is modelled, by which tests shown, or what it costs that it is not. */
type Row = {
  readonly what: string
  readonly ops?: readonly string[]
  readonly tests?: readonly string[]
  /** What is left out, and which way a verdict may err. */
  readonly missing?: string
}

const operations: readonly Row[] = [
  { what: 'mmap of anonymous, file, driver memory', ops: ['mmap', 'dma_buf_mmap'] },
  {
    what: "a driver's mmap, fault, open, close",
    ops: ['remap_pfn_range', 'vm_insert_pages', 'vmf_insert_pfn', 'finish_fault', 'vm_flags_set'],
    missing:
      'may_split, mremap, pfn_mkwrite, mmap_prepare: a driver that refuses to be split is not told from one that does not (misses); one frame behind an object',
  },
  {
    what: 'munmap, partial and splitting',
    ops: ['munmap', 'do_munmap'],
    missing: 'the lock is not downgraded: faults beside the freeing of pages are not seen (misses)',
  },
  { what: 'mremap: shrink, grow, move, FIXED, DONTUNMAP', ops: ['mremap'] },
  { what: 'mprotect', ops: ['mprotect'] },
  { what: 'madvise', ops: ['madvise'] },
  { what: 'mlock, populate', ops: ['mlock', 'munlock'] },
  { what: 'fork, exit', ops: ['fork', 'exit_mm'] },
  { what: 'loads and stores', ops: ['load', 'store'] },
  {
    what: 'brk, stacks that grow',
    missing: 'anonymous memory by another call: no verdict is known to change',
  },
  {
    what: 'per-VMA locks',
    missing: 'a fault takes the mmap_lock: what only a fault beside a writer of another VMA shows is missed',
  },
  {
    what: 'process_vm_readv, writev, ptrace',
    ops: ['process_vm_readv', 'process_vm_writev', 'ptrace_peek', 'ptrace_poke'],
  },
  {
    what: 'O_DIRECT, vmsplice, tee',
    ops: ['get_user_pages_fast', 'pin_user_pages_fast'],
    tests: ['cow/vmsplice-leak'],
    missing: 'no operations of their own: a test writes their references and pins out',
  },
  {
    what: 'GUP, slow and fast',
    ops: [
      'get_user_pages',
      'get_user_pages_fast',
      'pin_user_pages',
      'pin_user_pages_fast',
      'pin_user_pages_remote',
    ],
  },
  {
    what: 'unpin, put, dirtying',
    ops: ['unpin_user_page', 'unpin_user_pages_dirty_lock', 'put_page', 'set_page_dirty_lock'],
    missing: 'put_page() on a pin is reported; that 1023 are left over is not shown',
  },
  {
    what: 'follow_*',
    ops: ['follow_pfn', 'follow_pte', 'follow_phys', 'follow_pfnmap_start', 'follow_pfnmap_end'],
  },
  {
    what: 'reclaim, writeback',
    ops: ['reclaim', 'writeback'],
    missing: 'swap: an anonymous page does not leave memory',
  },
  {
    what: 'migration, compaction, CMA',
    ops: ['migrate_pages'],
    tests: ['pin/pin-longterm+cma', 'proposals/longterm-required+cma'],
    missing: 'alloc_contig_range(): of a range of several pages one is tried at a time',
  },
  { what: 'truncation, hole punching', ops: ['ftruncate', 'punch_hole'] },
  {
    what: 'interval notifiers',
    ops: [
      'mmu_interval_notifier_insert',
      'mmu_interval_read_begin',
      'mmu_interval_read_retry',
      'mmu_interval_notifier_remove',
    ],
  },
  {
    what: 'MMU notifiers',
    ops: ['mmu_notifier_register', 'mmu_notifier_unregister', 'mmu_notifier_put', 'mmu_notifier_synchronize'],
    missing: 'one callback, for the start of an invalidation; none for its end',
  },
  { what: 'zapping', ops: ['unmap_mapping_range', 'zap_vma_ptes'] },
  {
    what: 'dma-buf: export, get, put, mmap',
    ops: ['dma_buf_export', 'dma_buf_fd', 'dma_buf_get', 'dma_buf_put', 'dma_buf_mmap'],
  },
  {
    what: 'dma-buf: attach, pin, map',
    ops: [
      'dma_buf_attach',
      'dma_buf_dynamic_attach',
      'dma_buf_pin',
      'dma_buf_map_attachment',
      'dma_buf_detach',
    ],
  },
  {
    what: 'dma-buf: moves, revocation, lock',
    ops: ['dma_buf_move_notify', 'dma_buf_invalidate_mappings', 'vfio_pci_dma_buf_move', 'dma_resv_lock'],
  },
  {
    what: 'dma-buf: vmap',
    missing: "the kernel's own mappings of a dma-buf are not seen to outlive a move (misses)",
  },
]

const parties: readonly Row[] = [
  {
    what: 'videobuf2 dma-contig, MMAP',
    tests: ['v4l2/mmap-contig+reqbufs0', 'v4l2/mmap+reqbufs0+free', 'v4l2/mmap+reqbufs0+expbuf'],
  },
  { what: 'videobuf2 dma-sg, MMAP', tests: ['v4l2/mmap-sg+reqbufs0'] },
  { what: 'videobuf2 vmalloc, MMAP', tests: ['v4l2/mmap-vmalloc+reqbufs0'] },
  {
    what: 'videobuf2 dma-contig, USERPTR',
    tests: ['v4l2/userptr+gpu-buffer', 'v4l2/userptr+munmap', 'v4l2/userptr+fork+write'],
  },
  {
    what: 'videobuf2 dma-sg, USERPTR',
    tests: ['v4l2/userptr-sg+gpu-buffer', 'v4l2/userptr-sg+gpu-buffer+system'],
  },
  {
    what: 'videobuf2 vmalloc, USERPTR',
    tests: ['v4l2/userptr-vmalloc+gpu-buffer', 'v4l2/userptr-vmalloc+munmap'],
  },
  { what: 'videobuf2 dma-contig, DMABUF', tests: ['v4l2/dmabuf+gpu-buffer', 'v4l2/dmabuf+streamoff-early'] },
  {
    what: 'videobuf2 dma-sg, DMABUF',
    missing: 'the calls of dma-contig; a scatter list is its first page, so that nothing would differ',
  },
  { what: 'videobuf2 vmalloc, DMABUF', missing: 'needs vmap' },
  {
    what: 'videobuf1 dma-contig',
    tests: ['pfn-lookup/videobuf-dma-contig+bo_move', 'proposals/longterm-fail+videobuf'],
  },
  {
    what: 'frame vector',
    tests: [
      'pfn-lookup/get_vaddr_frames+bo_move',
      'pin/get_vaddr_frames+longterm',
      'pin/several+frame-vector',
    ],
  },
  {
    what: 'exynos g2d',
    tests: ['v4l2/userptr-sg+gpu-buffer+system', 'v4l2/g2d-userptr+write', 'v4l2/g2d-userptr+write+get'],
  },
  {
    what: 'habanalabs',
    tests: ['v4l2/userptr-sg+gpu-buffer+system', 'v4l2/g2d-userptr+write'],
    missing:
      'no test of its own: up to 5.10 it takes a frame vector as g2d does, later it pins as g2d does, until 6.12 with FOLL_FORCE',
  },
  {
    what: 'VFIO type1',
    tests: ['vfio/type1+bar+reset', 'vfio/type1+bar+reset+pfnmap', 'vfio/type1+anonymous+munmap'],
  },
  {
    what: 'KVM',
    tests: [
      'kvm/followed-pfn+get_page',
      'kvm/followed-pfn+no-reference',
      'kvm/vcpu_map+no-notifier',
      'kvm/vcpu_map+pin',
    ],
  },
  { what: 's390 PCI MMIO', tests: ['vfio/s390-pci-mmio+unlocked', 'vfio/s390-pci-mmio+held'] },
  { what: 'ACRN', tests: ['vfio/acrn+bo_move'] },
  { what: 'fbdev', tests: ['vma/fbdev+unbind'] },
  {
    what: 'DRM drivers that move buffers',
    tests: ['vma/lock+unmap+ttm_bo_move', 'vma/unmap+ttm_bo_move', 'vma/bo_move+twice'],
  },
  { what: 'm68k', tests: ['vma/m68k-vm-io', 'vma/m68k-vm-io+remap'] },
]

const bugs: readonly Row[] = [
  { what: 'Dirty COW', tests: ['cow/dirty-cow'] },
  { what: 'the leak by vmsplice of 2020', tests: ['cow/vmsplice-leak'] },
  {
    what: "KVM's references to PFNMAP pages",
    tests: ['kvm/followed-pfn+get_page', 'kvm/followed-pfn+get_page_unless_zero'],
  },
  { what: "frame_vector's fall-back", tests: ['v4l2/userptr+gpu-buffer'] },
  {
    what: 'a notifier without retry',
    tests: ['notifier/notifier+no-retry+bo_move', 'notifier/notifier+retry+bo_move'],
  },
  { what: 'a long-term pin in CMA', tests: ['pin/pin-longterm+cma'] },
  { what: 'a pinned page split by fork', tests: ['fork/pin_fast+fork+race', 'fork/pin+fork+race'] },
  {
    what: 'mappings left after free',
    tests: ['map-out/freed-while-mapped', 'map-out/freed-while-mapped+right'],
  },
  { what: 'VM_MAYWRITE not cleared', tests: ['map-out/mprotect-upgrade', 'map-out/mprotect-upgrade+right'] },
  { what: 'a descriptor published early', tests: ['fd/publish-first', 'fd/publish-last'] },
  {
    what: 'a static importer, a moving exporter',
    tests: ['dma-buf/static+bo_move', 'dma-buf/static+exporter-ignores-pin'],
  },
]

/** For each operation, the tests of the corpus that call it; for each invariant, those that break it and those that do not. */
function corpus() {
  const calls = new Map<string, number>()
  const breaks = new Map<string, number>()
  const files = readdirSync('litmus', { recursive: true, encoding: 'utf8' }).filter((f) =>
    f.endsWith('.litmus'),
  )
  for (const file of files) {
    const text = readFileSync(`litmus/${file}`, 'utf8')
    const body = text.replace(/\(\*[\s\S]*?\*\)/g, '')
    const { value: test } = parse(new Source(file, text))
    const named = new Set([...body.matchAll(/\b(\w+)\(/g)].map((m) => m[1]!))
    for (const name of named) calls.set(name, (calls.get(name) ?? 0) + 1)
    const codes = new Set((test?.expect ?? []).flatMap((e) => e.broken))
    for (const code of codes) breaks.set(code, (breaks.get(code) ?? 0) + 1)
  }
  return { calls, breaks, tests: files.length }
}

/** The tables of docs/coverage.md. An operation or a test that is not there is an error. */
export function coverageParts(): Record<string, string> {
  const { calls, breaks, tests } = corpus()
  const link = (name: string): string => {
    if (!existsSync(`src/kernel/ops/${name}.ts`)) throw new Error(`there is no operation ${name}`)
    return `[${name}](../src/kernel/ops/${name}.md) (${calls.get(name) ?? 0})`
  }
  const shown = (name: string): string => {
    if (!existsSync(`litmus/${name}.litmus`)) throw new Error(`there is no test ${name}`)
    return `[${name}](../litmus/${name}.litmus)`
  }
  const table = (rows: readonly Row[]): string =>
    [
      '| what | operations, tests | left out, and what that costs |',
      '| --- | --- | --- |',
      ...rows.map(
        (r) =>
          `| ${r.what} | ${[...(r.ops ?? []).map(link), ...(r.tests ?? []).map(shown)].join(', ') || 'not modelled'} | ${r.missing ?? ''} |`,
      ),
    ].join('\n')
  const kept = invariants.map(
    ({ code }) =>
      `| [${code}](../src/kernel/invariants/${code.replaceAll('-', '_')}.md) | ${breaks.get(code) ?? 0} |`,
  )
  return {
    operations: table(operations),
    parties: table(parties),
    bugs: table(bugs),
    invariants: ['| invariant | tests that break it |', '| --- | --- |', ...kept].join('\n'),
    count: `The corpus has ${tests} tests.`,
  }
}
