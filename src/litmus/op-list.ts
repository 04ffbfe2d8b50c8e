import { baseKind, isOptional, isOut, type Op, ops } from '../kernel/index.ts'

/** Which operations belong together, for the reference. One that is in no list stands under the last heading. */
const families: readonly (readonly [heading: string, names: RegExp])[] = [
  [
    'What a process does',
    /^(load|store|mmap|munmap|exit|exit_mm|fork|mremap|mprotect|madvise|mlock|munlock|vmsplice|process_vm_readv|process_vm_writev|dump_user_range|ptrace_\w+|read|write)$/,
  ],
  [
    'Proposals: without their policy they are -ENOSYS',
    /^(dma_buf_get_from_vma|dma_buf_p2p_dma_map|dma_buf_unmap|follow_pfn_longterm)$/,
  ],
  [
    'What a driver maps out',
    /^(remap_pfn_range|vm_insert_pages|vmf_insert_pfn|finish_fault|vma_test|is_cow_mapping|vm_flags_\w+|bo_get|bo_put)$/,
  ],
  [
    'Look-ups',
    /^(vma_lookup|find_vma|follow_|pte_|fixup_user_fault|get_vaddr|put_vaddr|frame_vector|generic_access)|_fault$/,
  ],
  ['Dma-bufs and their descriptors', /dma_buf|^dma_resv_add_fence$|^dma_fence_|fd(_|$)|^close$/],
  ['Files', /^(ftruncate|punch_hole|pread|pwrite|writeback|reclaim)$/],
  ['Pages and pins', /page|^pfn_|(^|un)pin_|^exit_to_user_mode$/],
  ['Locks', /(_lock|_unlock)(_read|_write)?$|^(down|up)_/],
  ['MMU notifiers and secondary MMUs', /^(_*mmu_|secondary_)/],
  ['A driver and its buffers', /^(bo_|ttm_|unmap_mapping|zap_)/],
  ['Devices, and the kernel as a reader and writer', /^(dma_|iommu_|kernel_|ioread|iowrite)/],
  ['Objects of the kernel', /^(kref_|kfree$|kmalloc$|read_field$)/],
  ['Shared variables', /_ONCE$/],
]

/** The operations by family, as docs/litmus.md has them: a test keeps the page and the index equal. */
export function opList(): string {
  const rest = new Map([...ops].filter(([, op]) => !op.internal))
  const out: string[] = []
  const section = (heading: string, members: readonly Op[]): void => {
    if (members.length === 0) return
    out.push(`### ${heading}`, '', '| call | gives | kernels | what it does |', '| --- | --- | --- | --- |')
    for (const op of members) out.push(row(op))
    out.push('')
  }
  for (const [heading, names] of families) {
    const members = [...rest.values()].filter((op) => names.test(op.name))
    for (const op of members) rest.delete(op.name)
    section(heading, members)
  }
  section('More', [...rest.values()])
  return out.join('\n')
}

function row(op: Op): string {
  const args = op.args.map((a) => {
    const name = `${isOut(a.kind) ? '&' : ''}${a.name}`
    const kind = baseKind(a.kind) === a.name ? '' : `: ${baseKind(a.kind)}`
    return isOptional(a.kind) ? `[${name}${kind}]` : `${name}${kind}`
  })
  const kernels =
    op.since !== undefined && op.until !== undefined
      ? `${op.since} to before ${op.until}`
      : op.since !== undefined
        ? `since ${op.since}`
        : op.until !== undefined
          ? `before ${op.until}`
          : 'all'
  return `| \`${op.name}(${args.join(', ')})\` | ${op.returns ?? ''} | ${kernels} | ${op.doc.replaceAll('|', '\\|')} |`
}
