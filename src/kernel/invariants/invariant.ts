import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'

/** Reports that an invariant is broken: who, which, where, in words. */
export type Report = (detail: string) => void

/**
 * A promise of the kernel, always on. Some are looked for in each new state (`check`), when a thread ends (`atThreadEnd`) or when all
 * have ended (`atEnd`); others are raised by the step that breaks them (`k.violate(code, …)`) and have no function here.
 */
export type Invariant = {
  readonly code: string
  /** One sentence. */
  readonly promise: string
  readonly check?: (k: Kernel, report: Report) => void
  readonly atThreadEnd?: (k: Kernel, thread: Id<'thread'>, report: Report) => void
  readonly atEnd?: (k: Kernel, report: Report) => void
}
