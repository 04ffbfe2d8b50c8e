import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'

/**
 * A frame is reached through a name for it. When the name is stale the frame was freed meanwhile: whoever reaches it reaches a stranger.
 * `what` is said of the thread: `P0 writes by DMA to`.
 */
export function reach(k: Kernel, pfn: Id<'pfn'>, stale: boolean, what: string): void {
  if (!stale) return
  const was = k.page(pfn).was
  const owner = k.page(pfn).owner
  const now =
    owner === undefined
      ? 'is free now'
      : owner === was
        ? `was freed and given to ${k.owners[owner]} again`
        : `belongs to ${k.owners[owner]} now`
  const before = was === undefined ? '' : `, which was ${k.owners[was]}'s when it was looked up and`
  k.violate('use-after-free', `${what} ${k.pfnName(pfn)}${before === '' ? ', which' : before} ${now}`)
}

/** Dma handles are numbered behind the frames, so that a `target` tells which of the two it is. */
export const firstDma = 64

/** The frame behind a `target`, and whether the name for it is stale. Undefined: a mapping that is gone. */
export function targetFrame(
  k: Kernel,
  target: number,
  stale: boolean,
): { pfn: Id<'pfn'>; stale: boolean } | undefined {
  if (target < 0) return { pfn: (-target - 2) as Id<'pfn'>, stale }
  if (target < firstDma) return { pfn: target as Id<'pfn'>, stale }
  const dma = k.dma((target - firstDma) as Id<'dma'>)
  return dma.active ? { pfn: dma.pfn!, stale: dma.stale } : undefined
}
