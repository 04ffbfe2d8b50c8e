import { Bug } from '../base/index.ts'
import type { Model } from './model.ts'

/** The model's buffer as 32-bit words. */
export function wordsOf({ layout, state }: Model): Int32Array {
  if (state.length !== layout.bytes || state.byteOffset % 4 !== 0)
    throw new Bug(`a model's state is a buffer of its layout (${layout.bytes} bytes, on a word boundary)`)
  return new Int32Array(state.buffer, state.byteOffset, state.length >> 2)
}

/** Below this a loop is faster than `set`. */
const LONG = 48

export function copyWords(from: Int32Array, to: Int32Array): void {
  if (from.length >= LONG) to.set(from)
  else for (let k = 0; k < from.length; k++) to[k] = from[k]!
}

export function equalWords(a: Int32Array, b: Int32Array): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false
  return true
}
