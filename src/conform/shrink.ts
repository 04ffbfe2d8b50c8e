/**
 * A shortest part of a list that still fails, as far as taking things out goes: halves, then quarters, …, then single ones, until
 * nothing more can go (Zeller's ddmin, without the complements, which taking out chunk by chunk makes needless).
 */
export async function shrink<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  budget = 400,
): Promise<T[]> {
  let best = [...list]
  let left = budget
  for (let chunk = Math.ceil(best.length / 2); chunk >= 1 && left > 0; ) {
    let took = false
    for (let at = best.length - chunk; at > -chunk && left > 0; at -= chunk) {
      const part = [...best.slice(0, Math.max(0, at)), ...best.slice(at + chunk)]
      if (part.length === best.length) continue
      left--
      if (await fails(part)) {
        best = part
        took = true
      }
    }
    if (chunk === 1 && !took) break
    chunk = chunk === 1 ? 1 : Math.ceil(chunk / 2)
  }
  return best
}
