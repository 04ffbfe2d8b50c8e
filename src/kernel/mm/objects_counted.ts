import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'

/** Whether an object that kernel code counts is still there; if not, that is said. */
export function object_alive(k: Kernel, id: Id<'object'>, who: string): boolean {
  if (!k.object(id).freed) return true
  k.violate('use-after-free', `${who} ${k.config.objects[id]!.name}, which was freed`)
  return false
}

/** Drops a reference to an object; true: it was the last, and the object is freed. */
export function object_put(k: Kernel, id: Id<'object'>, who: string): boolean {
  if (!object_alive(k, id, who)) return false
  const row = k.object(id)
  row.refcount -= 1
  row.freed = row.refcount === 0
  return row.freed
}
