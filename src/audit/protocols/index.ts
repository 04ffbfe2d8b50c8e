import { dmaBufExport } from './dma-buf-export.ts'
import { dmaBufImport } from './dma-buf-import.ts'
import { holdingJobs, holdingKinds } from '../holding/audit.ts'
import { lookupJobs } from '../lookups.ts'
import type { Protocol } from '../protocol.ts'
import { mapOut } from './map-out.ts'
import { notifier } from './notifier.ts'
import { kind as pfnLookup } from './pfn-lookup.ts'
import { vmaLookup } from './vma-lookup.ts'

/** Every protocol. To add one is to add it here. */
export const all: readonly Protocol[] = [
  { kinds: [pfnLookup], standing: true, jobs: lookupJobs },
  { kinds: holdingKinds, standing: true, jobs: holdingJobs },
  mapOut,
  dmaBufImport,
  dmaBufExport,
  notifier,
  vmaLookup,
]

/** Their kinds: what can be asked for, and what is looked for by itself. */
export const protocols: readonly string[] = all.flatMap((p) => p.kinds)
export const standing: readonly string[] = all.filter((p) => p.standing).flatMap((p) => p.kinds)
