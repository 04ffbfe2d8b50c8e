/** The identifiers of a file: a Bloom filter with two probes; its length is a power of two. */
export type Filter = Int32Array

/** Bytes of identifiers and numbers. */
export const isWord = new Uint8Array(256)
for (let c = 0; c < 256; c++) if (/[\w$]/.test(String.fromCharCode(c))) isWord[c] = 1

export function filterOf(bytes: Uint8Array): Filter {
  // An identifier takes some 25 bytes with what is around it, and one in five is new: four bits for each new one.
  let words = 4
  while (words * 32 * 4 < bytes.length && words < 1 << 15) words *= 2
  const filter = new Int32Array(words)
  const mask = words - 1
  let h = 0
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!
    if (isWord[c] === 1) h = (Math.imul(h, 31) + c) | 0
    else if (h !== 0) {
      add(filter, mask, h)
      h = 0
    }
  }
  if (h !== 0) add(filter, mask, h)
  return filter
}

function add(filter: Filter, mask: number, h: number): void {
  const a = Math.imul(h, 0x9e3779b1)
  const b = Math.imul(h, 0x85ebca6b)
  filter[(a >>> 5) & mask]! |= 1 << (a >>> 27)
  filter[(b >>> 7) & mask]! |= 1 << (b >>> 27)
}

export function mayHold(filter: Filter, h: number): boolean {
  const mask = filter.length - 1
  const a = Math.imul(h, 0x9e3779b1)
  const b = Math.imul(h, 0x85ebca6b)
  return (
    (filter[(a >>> 5) & mask]! & (1 << (a >>> 27))) !== 0 &&
    (filter[(b >>> 7) & mask]! & (1 << (b >>> 27))) !== 0
  )
}

export function filterHash(word: string): number {
  let h = 0
  for (let i = 0; i < word.length; i++) h = (Math.imul(h, 31) + word.charCodeAt(i)) | 0
  return h
}
