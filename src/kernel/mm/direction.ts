import type { Id } from '../../state/index.ts'
import { DMA_BIDIRECTIONAL } from '../constants.ts'
import type { Ghosted, Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'
import { directedMapping } from './access.ts'
import { directionName } from './dma_buf.ts'

/** A device goes through a mapping: the one that has a direction, and whether it is made for this one. */
export function checkAccessDirection(
  k: Kernel,
  cell: Ghosted,
  wanted: number,
  who: string,
): Row<'mapping'> | undefined {
  const mapping = directedMapping(k, cell)
  if (mapping !== undefined && mapping.dir !== wanted && mapping.dir !== DMA_BIDIRECTIONAL)
    k.violate('dma-direction-mismatch', `${who} through what is mapped for ${directionName(mapping.dir)}`)
  return mapping
}

/** What is unmapped for another direction than it was mapped for is not synchronised as it must be. */
export function checkUnmapDirection(k: Kernel, id: Id<'dma'>, dir: number, who: string): void {
  const mapped = k.mapping(id as number as Id<'mapping'>).dir
  if (mapped !== dir)
    k.violate(
      'dma-direction-mismatch',
      `${who} unmaps for ${directionName(dir)} what it mapped for ${directionName(mapped)}`,
    )
}
