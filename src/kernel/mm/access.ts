import type { Id } from '../../state/index.ts'
import { check_private_dma } from '../invariants/fork_isolation.ts'
import { wrote } from './files.ts'
import type { Ghosted, Kernel } from '../kernel.ts'
import type { Row } from '../schema.ts'

/**
 * A frame is reached through a name for it. When the name is stale the frame was freed meanwhile: whoever reaches it reaches a stranger.
 * `what` is said of the thread: `P0 writes by DMA to`.
 */
export function reach(k: Kernel, pfn: Id<'pfn'>, stale: boolean, what: string): void {
  if (!stale) return
  const { was, owner } = k.page(pfn)
  const now =
    owner === undefined
      ? 'is free now'
      : owner === was
        ? 'was freed and given to it again'
        : `belongs to ${k.owners[owner]} now`
  const before = was === undefined ? 'which' : `which belonged to ${k.owners[was]} when it was looked up and`
  k.violate('use-after-free', `${what} ${k.pfnName(pfn)}, ${before} ${now}`)
}

/** Dma handles are numbered behind the frames, so that a `target` tells which of the two it is: where there are any there are no more frames. */
export const firstDma = 64

/** The mapping with a direction behind a target, if it is one. */
export function directedMapping(k: Kernel, cell: Ghosted): Row<'mapping'> | undefined {
  const id = Math.abs(cell.value) - 1 - firstDma
  return k.config.directed && id >= 0 && k.dma(id as Id<'dma'>).active
    ? k.mapping(id as Id<'mapping'>)
    : undefined
}

type Target = { readonly pfn: Id<'pfn'>; readonly stale: boolean; readonly readonly: boolean }

/** The frame behind a `frame` or `target`, and what is known about the name for it. Undefined: a mapping that is gone. */
export function targetFrame(k: Kernel, cell: Ghosted): Target | undefined {
  const { stale, readonly } = cell
  const target = Math.abs(cell.value) - 1
  if (target < k.zone.length) return { pfn: target as Id<'pfn'>, stale, readonly }
  const dma = k.dma((target - firstDma) as Id<'dma'>)
  return dma.active ? { pfn: dma.pfn!, stale: dma.stale, readonly: dma.readonly } : undefined
}

/** Somebody writes through a name for a frame. `who` is said as `P0 lets the device write to`. */
export function write(k: Kernel, { pfn, stale, readonly }: Target, value: number, who: string): void {
  reach(k, pfn, stale, who)
  if (readonly)
    k.violate(
      'read-only-write',
      `${who} ${k.pfnName(pfn)}, of ${k.ownerName(pfn)}, which it was given for reading only`,
    )
  check_private_dma(k, who, pfn)
  k.page(pfn).data = value
  wrote(k, pfn)
}
