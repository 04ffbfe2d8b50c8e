import type { Id } from '../../state/index.ts'
import type { FullConfig } from '../config.ts'
import type { Kernel } from '../kernel.ts'

/**
 * Every lock of a test is a row of `hold`, by thread. The kernel's own come first: of each mm its mmap_lock and its page-table lock (one
 * per mm: tests fit into one page table), of each object its reservation lock and its i_mmap_rwsem; then those that the test declares.
 */
export type LockInfo = {
  readonly name: string
  readonly kind: 'mutex' | 'spinlock' | 'rwsem'
}

export type LockId = Id<'lock'>
export type ThreadId = Id<'thread'>

export function locksOf(config: Pick<FullConfig, 'mms' | 'bos' | 'locks'>): LockInfo[] {
  return [
    ...config.mms.map((m): LockInfo => ({ name: `${m.name}.mmap_lock`, kind: 'rwsem' })),
    ...config.mms.map((m): LockInfo => ({ name: `${m.name}.ptl`, kind: 'spinlock' })),
    ...config.bos.map((b): LockInfo => ({ name: `${b.name}.resv`, kind: 'mutex' })),
    ...config.bos.map((b): LockInfo => ({ name: `${b.name}.i_mmap_rwsem`, kind: 'rwsem' })),
    ...config.locks,
  ]
}

export const mmap_lock = (_k: Kernel, mm: Id<'mm'>): LockId => mm as number as LockId
export const ptl = (k: Kernel, mm: Id<'mm'>): LockId => (k.config.mms.length + mm) as LockId
export const resv = (k: Kernel, bo: Id<'bo'>): LockId => (2 * k.config.mms.length + bo) as LockId
export const i_mmap_rwsem = (k: Kernel, bo: Id<'bo'>): LockId =>
  (2 * k.config.mms.length + k.config.bos.length + bo) as LockId
/** The id of the first lock that the test declares. */
export const firstDeclaredLock = (config: Pick<FullConfig, 'mms' | 'bos'>): number =>
  2 * config.mms.length + 2 * config.bos.length

const READ = 1
const WRITE = 2

/** Whether a lock could be taken in this mode by this thread, were it to ask: nobody else holds it in a way that excludes it. */
function free(k: Kernel, lock: LockId, thread: ThreadId, mode: number): boolean {
  for (let t = 0; t < k.threads; t++) {
    if (t === thread) continue
    const held = k.hold(lock, t as ThreadId).mode
    if (held === WRITE || (held === READ && mode === WRITE)) return false
  }
  return true
}

/** Takes a lock for writing, or a mutex or spinlock. False: somebody else holds it. Taking what one holds never succeeds. */
export function lock(k: Kernel, id: LockId, thread: ThreadId): boolean {
  const row = k.hold(id, thread)
  if (row.mode !== 0 || !free(k, id, thread, WRITE)) return false
  row.mode = WRITE
  return true
}

export function down_read(k: Kernel, id: LockId, thread: ThreadId): boolean {
  const row = k.hold(id, thread)
  if (row.mode !== 0 || !free(k, id, thread, READ)) return false
  row.mode = READ
  return true
}

/** Lets go of a lock; one that is not held breaks lock-context. */
export function unlock(k: Kernel, id: LockId, thread: ThreadId): void {
  const row = k.hold(id, thread)
  if (row.mode === 0)
    k.violate('lock-context', `${k.threadName(thread)} releases ${k.locks[id]!.name}, which it does not hold`)
  row.mode = 0
}

export const holds = (k: Kernel, id: LockId, thread: ThreadId): boolean => k.hold(id, thread).mode !== 0
export const holdsForWriting = (k: Kernel, id: LockId, thread: ThreadId): boolean =>
  k.hold(id, thread).mode === WRITE

/** Whether a step can take and drop a lock inside: nobody has it, the thread itself neither. */
export const canLock = (k: Kernel, id: LockId, thread: ThreadId): boolean =>
  k.hold(id, thread).mode === 0 && free(k, id, thread, WRITE)
export const canRead = (k: Kernel, id: LockId, thread: ThreadId): boolean =>
  k.hold(id, thread).mode === 0 && free(k, id, thread, READ)

/** Whether a step may look into the page tables now: it takes and drops the page-table lock inside. */
export const ptlFree = (k: Kernel, mm: Id<'mm'>, thread: ThreadId): boolean => canLock(k, ptl(k, mm), thread)

/** A spinlock or page-table lock that the thread holds: it must not sleep. */
export function atomicBy(k: Kernel, thread: ThreadId): string | undefined {
  for (const id of k.spinlocks) if (k.hold(id, thread).mode !== 0) return k.locks[id]!.name
  return undefined
}

/** Drops the mmap_lock. VMA pointers that were looked up under it are worth nothing from here on. */
export function mmap_unlock(k: Kernel, mm: Id<'mm'>, thread: ThreadId): void {
  unlock(k, mmap_lock(k, mm), thread)
  k.forgetVmas(thread)
}

/** Drops the page-table lock that the thread holds, of whichever mm. */
export function dropPtl(k: Kernel, thread: ThreadId): void {
  for (const mm of k.mms)
    if (holds(k, ptl(k, mm), thread)) {
      unlock(k, ptl(k, mm), thread)
      return
    }
  k.violate('lock-context', `${k.threadName(thread)} drops the page-table lock, which it does not hold`)
}
