import type { Policy } from './policy.ts'

/** find_vma_intersection(), dma_buf_get_from_vma(), dma_buf_p2p_dma_map(), DMA, dma_buf_unmap(), dma_buf_put(). */
export const dma_buf_from_vma = {
  name: 'dma_buf_from_vma',
  says: 'whether the dma-buf behind a mapping can be had from its VMA',
  values: {
    absent: 'it cannot',
    any: 'it can, if the object that is mapped is exported, through whichever file it was mapped',
    'own-file': 'it can, if it is the file of the dma-buf that is mapped',
  },
  default: 'absent',
} as const satisfies Policy
