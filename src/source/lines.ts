/** Lines that were taken out and put in at one place; line numbers count from 1. Either side may be empty. */
export type Hunk = {
  readonly oldStart: number
  readonly oldLines: readonly string[]
  readonly newStart: number
  readonly newLines: readonly string[]
}

/** How one text becomes the other, by Myers' algorithm: as few lines as possible, unless they differ in very many. */
export function diffLines(before: string, after: string): Hunk[] {
  const a = linesOf(before)
  const b = linesOf(after)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  if (endA === start && endB === start) return []
  const matches = matching(a.slice(start, endA), b.slice(start, endB))
  const hunks: Hunk[] = []
  let i = 0
  let j = 0
  for (const [x, y] of [...matches, [endA - start, endB - start] as const]) {
    if (x > i || y > j)
      hunks.push({
        oldStart: start + i + 1,
        oldLines: a.slice(start + i, start + x),
        newStart: start + j + 1,
        newLines: b.slice(start + j, start + y),
      })
    i = x + 1
    j = y + 1
  }
  return hunks
}

export const linesOf = (text: string): string[] => {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Pairs of equal lines, in order: a longest common subsequence, or none when the texts are too different to be worth it. */
function matching(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const most = Math.min(a.length + b.length, 4000)
  const trace: Int32Array[] = []
  const reach = new Int32Array(2 * most + 3)
  const at = (k: number): number => k + most + 1
  for (let d = 0; d <= most; d++) {
    trace.push(reach.slice())
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && reach[at(k - 1)]! < reach[at(k + 1)]!)
      let x = down ? reach[at(k + 1)]! : reach[at(k - 1)]! + 1
      let y = x - k
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++
        y++
      }
      reach[at(k)] = x
      if (x >= a.length && y >= b.length) return walkBack(trace, a.length, b.length, at)
    }
    if (d > 400 && trace.length * reach.length > 10_000_000) break
  }
  return []
}

function walkBack(
  trace: readonly Int32Array[],
  endX: number,
  endY: number,
  at: (k: number) => number,
): (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = []
  let x = endX
  let y = endY
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = trace[d]!
    const k = x - y
    const down = k === -d || (k !== d && reach[at(k - 1)]! < reach[at(k + 1)]!)
    const from = d === 0 ? 0 : down ? k + 1 : k - 1
    const beforeX = d === 0 ? 0 : reach[at(from)]!
    const beforeY = d === 0 ? 0 : beforeX - from
    const snake = d === 0 ? 0 : down ? beforeX : beforeX + 1
    while (x > snake) {
      x--
      y--
      pairs.push([x, y])
    }
    x = beforeX
    y = beforeY
  }
  return pairs.reverse()
}
