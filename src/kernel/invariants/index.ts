import { anon_exclusive } from './anon_exclusive.ts'
import { attachment_leak } from './attachment_leak.ts'
import { dirty_lost } from './dirty_lost.ts'
import { dma_buf_released_under_importer } from './dma_buf_released_under_importer.ts'
import { dma_direction_mismatch } from './dma_direction_mismatch.ts'
import { fork_isolation } from './fork_isolation.ts'
import { freed_while_mapped } from './freed_while_mapped.ts'
import { kernel_bug } from './kernel_bug.ts'
import { lock_context } from './lock_context.ts'
import { longterm_movable } from './longterm_movable.ts'
import { model_bound } from './model_bound.ts'
import { out_of_object } from './out_of_object.ts'
import { pinned_diverges } from './pinned_diverges.ts'
import { read_only_write } from './read_only_write.ts'
import { refcount_balance } from './refcount_balance.ts'
import { secondary_outlives_primary } from './secondary_outlives_primary.ts'
import { uninitialised } from './uninitialised.ts'
import { use_after_free } from './use_after_free.ts'
import { use_after_unlock } from './use_after_unlock.ts'
import type { Invariant } from './invariant.ts'

export type { Invariant } from './invariant.ts'

const all = [
  anon_exclusive,
  attachment_leak,
  dirty_lost,
  dma_buf_released_under_importer,
  dma_direction_mismatch,
  fork_isolation,
  freed_while_mapped,
  kernel_bug,
  lock_context,
  longterm_movable,
  model_bound,
  out_of_object,
  pinned_diverges,
  read_only_write,
  refcount_balance,
  secondary_outlives_primary,
  uninitialised,
  use_after_free,
  use_after_unlock,
] as const

/** Every invariant, alphabetically. To add one, add a file and a line. */
export const invariants: readonly Invariant[] = all

export type InvariantCode = (typeof all)[number]['code']
