import type { Policy } from './policy.ts'

/** "dma-buf: Require VM_PFNMAP vma for mmap", posted nine times from 2021 to 2022, and not merged. */
export const dma_buf_mmap = {
  name: 'dma_buf_mmap',
  says: 'which mappings of a dma-buf exporters may make',
  values: {
    any: 'any',
    pfnmap: 'VM_PFNMAP ones only, so that nobody pins their pages; mmap() of the others fails',
  },
  default: 'any',
} as const satisfies Policy
