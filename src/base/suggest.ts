/** The candidates that a misspelt word may have meant, nearest first, at most three edits away and fewer for short words. */
export function suggest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  return [...candidates]
    .map((c) => ({ c, d: distance(word, c, limit) }))
    .filter(({ d }) => d <= limit)
    .sort((a, b) => a.d - b.d || (a.c < b.c ? -1 : 1))
    .slice(0, most)
    .map(({ c }) => c)
}

/** Optimal-string-alignment distance (a swap of neighbours counts one), or `limit + 1` when it is larger. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return Math.min(previous[b.length]!, limit + 1)
}
