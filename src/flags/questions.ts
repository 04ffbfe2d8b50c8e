/** What can be asked of a mapping. Each question is a few lines of a litmus test, and a way to read the answer from its registers. */
export type Question = {
  readonly name: string
  /** In a sentence, for the legend. */
  readonly says: string
  /** Statements of P0; `p` is the address, `r0` the answer. */
  readonly body: (kernel: Rules) => readonly string[]
  /** The mapping has been used before: its page is in the page table. */
  readonly touched?: true
  /** Mapped for reading only. */
  readonly readOnly?: true
  /** The register that the answer is in; `r0` when left out. */
  readonly answer?: string
  /** What 0 means, when it is not that it went well. */
  readonly zero?: string
  /** Declarations beside the mapping. */
  readonly also?: string
}

/** Which kernel it is, and how it is mapped: MAP_SHARED or MAP_PRIVATE. */
type Rules = { readonly before: (version: string) => boolean; readonly map: string }

const locked = (...body: string[]): string[] => ['mmap_read_lock();', ...body, 'mmap_read_unlock();']
const unpin = ['if (r0 == 1)', '\tunpin_user_page(page);']

export const questions: readonly Question[] = [
  { name: 'load', says: 'a process reads, and nothing was there yet', body: () => ['r0 = load(p);'] },
  { name: 'store', says: 'a process writes, and nothing was there yet', body: () => ['r0 = store(p, 1);'] },
  {
    name: 'fork',
    says: 'the child reads what its parent had used',
    touched: true,
    also: 'mm C = unborn();',
    body: () => ['r0 = fork(C);'],
  },
  {
    name: 'GUP',
    says: 'pin_user_pages() to write, under the mmap_lock',
    touched: true,
    body: () => [...locked('r0 = pin_user_pages(p, 1, FOLL_WRITE, &page);'), ...unpin],
  },
  {
    name: 'fast',
    says: 'pin_user_pages_fast() to write, of a page that was used',
    touched: true,
    body: () => ['r0 = pin_user_pages_fast(p, 1, FOLL_WRITE, &page);', ...unpin],
  },
  {
    name: 'longterm',
    says: 'pin_user_pages_fast() to write, with FOLL_LONGTERM',
    touched: true,
    body: () => ['r0 = pin_user_pages_fast(p, 1, FOLL_WRITE | FOLL_LONGTERM, &page);', ...unpin],
  },
  {
    name: 'look-up',
    says: 'follow_pfn(), since 6.12 follow_pfnmap_start()',
    touched: true,
    body: ({ before }) =>
      before('6.10')
        ? locked('r0 = follow_pfn(p, &pfn);')
        : locked('r0 = follow_pfnmap_start(p, &args.pfn);', 'if (r0 == 0)', '\tfollow_pfnmap_end();'),
  },
  {
    name: 'mremap',
    says: 'growing to two pages, which may move it',
    touched: true,
    body: () => ['q = mremap(p, 1, 2, MREMAP_MAYMOVE);'],
    answer: 'q',
  },
  {
    name: 'DONTNEED',
    says: 'madvise(MADV_DONTNEED) of a page that was used',
    touched: true,
    body: () => ['r0 = madvise(p, 1, MADV_DONTNEED);'],
  },
  {
    name: 'mprotect',
    says: 'a mapping for reading made writable',
    readOnly: true,
    touched: true,
    body: () => ['r0 = mprotect(p, 1, PROT_READ | PROT_WRITE);'],
  },
  { name: 'mlock', says: 'mlock() of a page that was not used', body: () => ['r0 = mlock(p, 1);'] },
  {
    name: 'ptrace',
    says: 'a debugger reads it',
    touched: true,
    body: () => ['r0 = ptrace_peek(A, p);'],
  },
  {
    name: 'vm_read',
    says: 'process_vm_readv()',
    touched: true,
    body: () => ['r0 = process_vm_readv(A, p);'],
  },
  {
    name: 'dump',
    says: 'a core dump has the page, with coredump_filter of all ones',
    touched: true,
    zero: 'no',
    body: () => ['r0 = dump_user_range(p);'],
  },
  {
    name: 'merge',
    says: 'the next page, mapped beside it, becomes one VMA with it',
    zero: 'no',
    body: ({ map }) => [
      `q = mmap(B, 1, PROT_READ | PROT_WRITE, ${map}, 1);`,
      'r0 = q;',
      'if (q < 0)',
      '\treturn;',
      ...locked('vma = vma_lookup(p);', 'next = vma_lookup(q);', 'r0 = vma == next;'),
    ],
  },
]
