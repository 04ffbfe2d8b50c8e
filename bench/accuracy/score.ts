/**
 * How the sites of an audit agree with sites that people judged. A judged site is met by every audited one in its file within two lines of it,
 * else by those of its function with its call; of several the worst verdict counts.
 */
export type Truth = {
  readonly tree: string
  readonly file: string
  readonly function: string
  readonly line: number
  readonly api: string
  readonly kind: string
  readonly verdict: 'safe' | 'ok-by-contract' | 'unsafe' | 'suspicious'
  readonly bug?: string | null
  readonly bugs?: readonly string[] | null
  readonly why?: string
}

export type Audited = {
  readonly file: string
  readonly line: number
  readonly function: string
  readonly api: string
  readonly kind: string
  readonly verdict: 'holds' | 'broken' | 'unknown'
  readonly classes: readonly string[]
  readonly reason?: string
}

/** One judged site beside what the audit says of it; `got` is absent where the audit has no such site. */
export type Pair = {
  readonly truth: Truth
  /** Absent where the judge did not decide either. */
  readonly want: 'holds' | 'broken' | undefined
  readonly got: Audited['verdict'] | undefined
  readonly classes: readonly string[]
  readonly reasons: readonly string[]
}

export type Counts = {
  /** Judged sites, and those that the audit has. */
  sites: number
  found: number
  /** Found, and decided by the judge. */
  judged: number
  agree: number
  unknown: number
  /** Of the judged ones that are found: broken for both, for the audit alone, for the judge alone. */
  right: number
  wrong: number
  missed: number
}

const wants = { safe: 'holds', 'ok-by-contract': 'holds', unsafe: 'broken', suspicious: undefined } as const

export const bugsOf = (t: Truth): readonly string[] =>
  t.bugs != null && t.bugs.length > 0 ? t.bugs : t.bug != null ? [t.bug] : []

export function pair(truths: readonly Truth[], sites: readonly Audited[]): Pair[] {
  const byFile = new Map<string, Audited[]>()
  for (const s of sites) byFile.set(s.file, [...(byFile.get(s.file) ?? []), s])
  return truths.map((truth) => {
    const met = meeting(truth, byFile.get(truth.file) ?? [])
    const verdicts = new Set(met.map((s) => s.verdict))
    const got = (['broken', 'unknown', 'holds'] as const).find((v) => verdicts.has(v))
    return {
      truth,
      want: wants[truth.verdict],
      got,
      classes: [...new Set(met.flatMap((s) => s.classes))].sort(),
      reasons: [...new Set(met.flatMap((s) => s.reason ?? []))],
    }
  })
}

function meeting(t: Truth, sites: readonly Audited[]): readonly Audited[] {
  const near = sites.filter((s) => Math.abs(s.line - t.line) <= 2)
  if (near.length > 0) return near
  const api = t.api.replace(/\*+$/, '')
  return sites.filter(
    (s) => plainName(s.function) === plainName(t.function) && (t.kind === 'map-out' || s.api.includes(api)),
  )
}

const plainName = (name: string): string => name.replace(/^(sys_|__do_sys_|__se_sys_)/, '')

export function count(pairs: readonly Pair[]): Counts {
  const n: Counts = { sites: 0, found: 0, judged: 0, agree: 0, unknown: 0, right: 0, wrong: 0, missed: 0 }
  for (const { want, got } of pairs) {
    n.sites++
    if (got === undefined) continue
    n.found++
    if (want === undefined) continue
    n.judged++
    if (got === want) n.agree++
    if (got === 'unknown') n.unknown++
    if (got === 'broken') n[want === 'broken' ? 'right' : 'wrong']++
    else if (want === 'broken') n.missed++
  }
  return n
}

/** Of one class: named by both, by the audit alone, by the judge alone. Sites that the judge did not decide are left out. */
export function countClass(
  pairs: readonly Pair[],
  cls: string,
): { right: number; wrong: number; missed: number } {
  const n = { right: 0, wrong: 0, missed: 0 }
  for (const p of pairs) {
    if (p.want === undefined) continue
    const want = bugsOf(p.truth).includes(cls)
    const got = p.classes.includes(cls)
    if (want && got) n.right++
    else if (got) n.wrong++
    else if (want) n.missed++
  }
  return n
}

export const classesOf = (pairs: readonly Pair[]): string[] =>
  [...new Set(pairs.flatMap((p) => [...p.classes, ...bugsOf(p.truth)]))].sort()

/** One site of the judge for each line of JSON. */
export function parseTruth(text: string): Truth[] {
  return text
    .split('\n')
    .map((l, i) => [l.trim(), i + 1] as const)
    .filter(([l]) => l !== '')
    .map(([l, line]) => {
      let row: Partial<Truth>
      try {
        row = JSON.parse(l) as Partial<Truth>
      } catch {
        throw new Error(`line ${line} is not JSON`)
      }
      for (const key of ['tree', 'file', 'function', 'line', 'api', 'kind', 'verdict'] as const)
        if (row[key] === undefined) throw new Error(`line ${line} has no "${key}"`)
      if (!((row.verdict as string) in wants))
        throw new Error(`line ${line}: a verdict is one of ${Object.keys(wants).join(', ')}`)
      return row as Truth
    })
}
