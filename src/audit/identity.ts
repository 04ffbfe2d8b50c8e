import type { Site } from './result.ts'

/**
 * A name for each site that outlives edits elsewhere: kind, file, function, call, and the how-manieth of such calls in the function.
 * Lines and columns are not in it.
 */
export function identify(sites: readonly Site[]): string[] {
  const seen = new Map<string, number>()
  return sites.map((s) => {
    const key = `${s.kind} ${s.file} ${s.function} ${s.api}`
    const n = (seen.get(key) ?? 0) + 1
    seen.set(key, n)
    return `${key} ${n}`
  })
}
