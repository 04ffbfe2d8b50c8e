import type { AuditResult, Site, Verdict } from './result.ts'

/** The result of comparing two audits, and the shape of its JSON (`--diff`, `--patch`; docs/audit-json.md). */
export const comparisonSchemaVersion = 1

export type Comparison = {
  readonly schema: typeof comparisonSchemaVersion
  readonly tool: AuditResult['tool']
  readonly before: AuditResult['tree'] & Pick<AuditResult, 'summary' | 'problems'>
  readonly after: AuditResult['tree'] & Pick<AuditResult, 'summary' | 'problems'>
  readonly protocols: readonly string[]
  readonly summary: {
    readonly appeared: Readonly<Record<Verdict, number>>
    readonly gone: Readonly<Record<Verdict, number>>
    /** `holds -> broken`: how many. */
    readonly changed: Readonly<Record<string, number>>
    readonly same: number
  }
  /** In order of file and line, in the new tree as far as they are there. */
  readonly changes: readonly Change[]
}

/** A site that is not as it was. What stayed is only counted. */
export type Change = {
  readonly change: 'appeared' | 'gone' | 'changed'
  readonly before?: Site
  readonly after?: Site
  /** Of what is broken now: what made it so. */
  readonly blame?: Blame
}

export type Blame = {
  /**
   * `checked`: with this change undone, and no other, the finding is gone. `together`: only with all of these undone. `trace`: none alone
   * and not all together; these are the changed lines on the way that is shown.
   */
  readonly by: 'checked' | 'together' | 'trace'
  readonly places: readonly BlamedPlace[]
}

export type BlamedPlace = {
  readonly file: string
  /** A line of the new tree, or, of one that was taken out, of the old tree. */
  readonly line: number
  readonly side: 'new' | 'old'
  readonly text: string
}

export type Pair<B = Site, A = Site> = { readonly before?: B; readonly after?: A }

/** What a site is recognised by. */
type Recognised = Pick<Site, 'kind' | 'file' | 'function' | 'api' | 'line'>

export type Sides = {
  /** A line of the old and of the new tree. */
  readonly before: (file: string, line: number) => string | undefined
  readonly after: (file: string, line: number) => string | undefined
  /** Where files went. */
  readonly renamed: ReadonlyMap<string, string>
  /** Whether another call in the same function may be the same site: a get that became a pin. */
  readonly otherCall: boolean
}

/**
 * Which site of one audit is which of the other. Lines do not count: sites are the same by file, function and call; of several such calls in a
 * function first those whose line reads the same, then by order. What is left over is looked for in a function that moved or was
 * renamed, last as another call in the same function.
 */
export function match<B extends Recognised, A extends Recognised>(
  before: readonly B[],
  after: readonly A[],
  sides: Sides,
): Pair<B, A>[] {
  const pairs: Pair<B, A>[] = []
  let olds: { s: B; file: string; text: string }[] = before.map((s) => ({
    s,
    file: sides.renamed.get(s.file) ?? s.file,
    text: (sides.before(s.file, s.line) ?? '').trim(),
  }))
  let news: { s: A; file: string; text: string }[] = after.map((s) => ({
    s,
    file: s.file,
    text: (sides.after(s.file, s.line) ?? '').trim(),
  }))
  type Read = { readonly s: Recognised; readonly file: string; readonly text: string }
  const keys: [(read: Read) => string, 'any number' | 'one'][] = [
    [({ s, file, text }) => `${s.kind} ${file} ${s.function} ${s.api} ${text}`, 'any number'],
    [({ s, file }) => `${s.kind} ${file} ${s.function} ${s.api}`, 'any number'],
    [({ s, text }) => `${s.kind} ${s.function} ${s.api} ${text}`, 'one'],
    [({ s, file, text }) => `${s.kind} ${file} ${s.api} ${text}`, 'any number'],
    ...(sides.otherCall
      ? [
          [({ s, file }: Read) => `${file} ${s.function}`, 'any number'] as [
            (r: Read) => string,
            'any number',
          ],
        ]
      : []),
  ]
  for (const [key, count] of keys) {
    const waiting = new Map<string, typeof olds>()
    for (const o of olds) waiting.set(key(o), [...(waiting.get(key(o)) ?? []), o])
    const here = new Map<string, number>()
    for (const n of news) here.set(key(n), (here.get(key(n)) ?? 0) + 1)
    const met = new Set<unknown>()
    for (const n of news) {
      const list = waiting.get(key(n))
      if (list === undefined || (count === 'one' && (list.length > 1 || here.get(key(n))! > 1))) continue
      const old = list.shift()
      if (old === undefined) continue
      met.add(n).add(old)
      pairs.push({ before: old.s, after: n.s })
    }
    olds = olds.filter((o) => !met.has(o))
    news = news.filter((n) => !met.has(n))
  }
  return [...pairs, ...olds.map(({ s }) => ({ before: s })), ...news.map(({ s }) => ({ after: s }))]
}

/** What a pair comes to; undefined when it is as it was. */
export function changeOf({ before, after }: Pair): Change | undefined {
  if (before === undefined) return after === undefined ? undefined : { change: 'appeared', after }
  if (after === undefined) return { change: 'gone', before }
  const same =
    before.verdict === after.verdict && before.classes.toSorted().join() === after.classes.toSorted().join()
  return same ? undefined : { change: 'changed', before, after }
}

/** Whether it is broken in a way in which it was not. */
export const isNewlyBroken = (c: Change): boolean =>
  c.after?.verdict === 'broken' && c.after.classes.some((x) => c.before?.classes.includes(x) !== true)

export function comparison(
  before: AuditResult,
  after: AuditResult,
  pairs: readonly Pair[],
  changes: readonly Change[],
): Comparison {
  const tally = (sites: readonly Site[]): Record<Verdict, number> => {
    const of = (v: Verdict): number => sites.filter((s) => s.verdict === v).length
    return { broken: of('broken'), unknown: of('unknown'), holds: of('holds') }
  }
  const of = (what: Change['change']): Change[] => changes.filter((c) => c.change === what)
  const changed: Record<string, number> = {}
  for (const c of of('changed')) {
    const key = `${c.before!.verdict} -> ${c.after!.verdict}`
    changed[key] = (changed[key] ?? 0) + 1
  }
  const side = ({ tree, summary, problems }: AuditResult): Comparison['before'] => ({
    ...tree,
    summary,
    problems,
  })
  const at = (c: Change): Site => c.after ?? c.before!
  return {
    schema: comparisonSchemaVersion,
    tool: after.tool,
    before: side(before),
    after: side(after),
    protocols: after.protocols,
    summary: {
      appeared: tally(of('appeared').map((c) => c.after!)),
      gone: tally(of('gone').map((c) => c.before!)),
      changed: Object.fromEntries(Object.entries(changed).sort(([a], [b]) => (a < b ? -1 : 1))),
      same: pairs.length - changes.length,
    },
    changes: changes.toSorted((x, y) => {
      const [a, b] = [at(x), at(y)]
      return a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column
    }),
  }
}
