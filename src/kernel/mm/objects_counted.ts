import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'

/** Whether an object that kernel code counts is still there; if not, that is said. */
export function object_alive(k: Kernel, id: Id<'object'>, who: string): boolean {
  if (!k.object(id).freed) return true
  k.violate('use-after-free', `${who} ${k.config.objects[id]!.name}, which was freed`)
  return false
}
