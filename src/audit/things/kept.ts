import type { State } from './state.ts'
import { isForeign, isLocal, rootOf } from '../ways/symbols.ts'
import type { Val } from './value.ts'
import type { Out } from './walk.ts'

/** Where something is reached from when the function has returned: nowhere is a leak. */
export type Kept = { readonly where: 'nowhere' | 'returned' | 'object' }

export function keptOf(id: number, { s, v }: Out): Kept {
  // A pin goes with its attachment.
  const n = s.things[id]!.kind === 'pin' ? s.things[id]!.of! : id
  if (names(v, n, s)) return { where: 'returned' }
  // It was in an object before.
  if (s.things[n]!.site === undefined) return { where: 'object' }
  // Objects that are reached, from what is returned, foreign, or found by others.
  const reached = new Set<string>()
  const queue: string[] = []
  const reach = (root: string): void => {
    if (reached.has(root)) return
    reached.add(root)
    queue.push(root)
  }
  if (v.ref !== undefined) reach(rootOf(v.ref))
  for (const p of s.published) reach(p)
  for (const k of s.env.keys()) if (isForeign(rootOf(k))) reach(rootOf(k))
  // What is given to a function that is not in sight is reached from there.
  for (const [i, t] of s.things.entries()) if (t.escaped !== undefined) reach(`t#${i}`)
  for (let root = queue.pop(); root !== undefined; root = queue.pop())
    for (const [k, w] of s.env) {
      if (rootOf(k) !== root) continue
      if (names(w, n, s)) return { where: 'object' }
      if (w.ref !== undefined && !isLocal(rootOf(w.ref))) reach(rootOf(w.ref))
    }
  // In an object that was made here and neither freed nor handed on: somebody has it, in a way that was not seen.
  for (const [k, w] of s.env) if (k.startsWith('new@') && names(w, n, s)) return { where: 'object' }
  return { where: 'nowhere' }
}

/** Whether a value is a thing, or leads to it: an attachment leads to its dma-buf. */
function names(v: Val, n: number, s: State): boolean {
  for (let t = v.thing; t !== undefined; t = s.things[t]!.of) {
    if (t === n) return true
    // A table does not know its attachment.
    if (s.things[t]!.kind === 'sgt') return false
  }
  return false
}

/** The fields that keep them: `foo.attach`. */
export function keepersOf(s: State, left: readonly number[]): string[] {
  const wanted = left.map((n) => (s.things[n]!.kind === 'pin' ? s.things[n]!.of! : n))
  return [...s.fields].flatMap(([key, v]) => (wanted.some((n) => names(v, n, s)) ? [key] : []))
}
