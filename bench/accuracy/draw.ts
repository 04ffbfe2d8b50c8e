/**
 * Sites drawn for a person to open: which ones is decided by the seed and the sites alone, so that anybody can draw the same again. Of each
 * kind as many as are asked for, or all there are; a place that several sites share is drawn once.
 */
import type { Audited } from './score.ts'

export type Asked = { readonly kind: string; readonly count: number }

export function draw<S extends Audited>(sites: readonly S[], asked: readonly Asked[], seed: number): S[] {
  return asked.flatMap(({ kind, count }) => {
    const places = new Map<string, S>()
    for (const s of sites) if (s.kind === kind) places.set(`${s.file}\0${s.function}`, s)
    const inOrder = [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, s]) => s)
    return shuffle(inOrder, random(seed)).slice(0, count)
  })
}

/** Fisher and Yates. */
function shuffle<T>(of: readonly T[], next: () => number): T[] {
  const out = [...of]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}

/** mulberry32: numbers from 0 to below 1. */
function random(seed: number): () => number {
  let a = seed | 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
