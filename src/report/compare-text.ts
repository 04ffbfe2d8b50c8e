import type { Blame, Change, Comparison } from '../audit/compare.ts'
import type { Site } from '../audit/result.ts'
import { type LineOf, note, renderBrokenSite } from './audit-text.ts'
import { hang, plain, type Style } from './style.ts'

/**
 * What changed between two audits, for a terminal or an e-mail: what is broken now with its witness, its repair and the change that made it so;
 * the rest in one line each. `lineOf` gives lines of the new tree.
 */
export function renderComparison(c: Comparison, lineOf: LineOf, style: Style = plain): string {
  const out: string[] = []
  const rest = new Map<string, string[]>()
  for (const x of c.changes) {
    const heading = headingOf(x)
    if (heading === undefined) out.push(...renderBroken(x, lineOf, style), '')
    else rest.set(heading, [...(rest.get(heading) ?? []), ...told(x, style)])
  }
  for (const heading of ['Mended', 'Not decided', 'New, and holds', 'Gone', 'Broken before, too']) {
    const lines = rest.get(heading)
    if (lines !== undefined) out.push(style.bold(`${heading}:`), ...lines, '')
  }
  return [...out, ...renderComparisonSummary(c, style)].join('\n')
}

/** Under which heading a change is told; undefined: in full. */
function headingOf({ before, after }: Change): string | undefined {
  if (after?.verdict === 'broken')
    return after.classes.some((x) => before?.classes.includes(x) !== true) ? undefined : 'Broken before, too'
  if (before?.verdict === 'broken') return 'Mended'
  if (after === undefined) return 'Gone'
  return after.verdict === 'unknown' ? 'Not decided' : 'New, and holds'
}

function renderBroken(x: Change, lineOf: LineOf, style: Style): string[] {
  const out = renderBrokenSite(x.after!, lineOf, style)
  if (x.before !== undefined) out.push(...note('before', verdictOf(x.before), style))
  return [...out, ...renderBlame(x.blame, style)]
}

export function renderBlame(blame: Blame | undefined, style: Style = plain): string[] {
  if (blame === undefined) return []
  const says = {
    checked: 'with this change alone undone, the finding is gone',
    together: 'with these changes undone together, the finding is gone; no single one is enough',
    trace: 'the changed lines on the way that is shown',
  }
  return [
    ...note('blame', `${says[blame.by]}:`, style),
    ...blame.places.flatMap((p) =>
      hang('        ', `${p.side === 'new' ? '+' : '-'} ${p.file}:${p.line}: ${p.text}`),
    ),
  ]
}

const verdictOf = (s: Site): string =>
  s.verdict === 'broken'
    ? `broken, ${s.classes.join(', ')}`
    : s.verdict === 'unknown'
      ? `unknown: ${s.reason ?? ''}`
      : 'holds'

function told({ before, after, change }: Change, style: Style): string[] {
  const s = after ?? before!
  const at = `${s.file}:${s.line} ${s.function}(): ${s.api}()`
  const was = change === 'changed' ? `was ${verdictOf(before!)}; now ${verdictOf(after!)}` : verdictOf(s)
  return [...hang('  ', `${style.bold(change)} ${at}`), ...hang('        ', was)]
}

export function renderComparisonSummary(c: Comparison, style: Style = plain): string[] {
  const { appeared, gone, changed, same } = c.summary
  const three = (n: typeof appeared): string =>
    `${n.broken + n.unknown + n.holds} (${n.broken} broken, ${n.unknown} unknown, ${n.holds} hold)`
  const side = (word: string, s: Comparison['before']): string[] =>
    hang(
      word,
      `${s.path}, kernel ${s.kernel}: ${s.summary.sites} sites, ${s.summary.broken} broken, ${s.summary.unknown} unknown, ${s.summary.holds} hold`,
    )
  const turned = Object.entries(changed).map(([way, n]) => `${n} × ${way}`)
  return [
    ...side('Before    ', c.before),
    ...side('After     ', c.after),
    ...hang('Protocols ', c.protocols.join(', ')),
    ...hang('Appeared  ', three(appeared)),
    ...hang('Gone      ', three(gone)),
    ...hang('Changed   ', turned.length === 0 ? '0' : turned.join(', ')),
    ...hang('Same      ', String(same)),
    ...c.after.problems.flatMap((p) => hang('Problem   ', `${p.file}: ${p.message}`).map(style.warn)),
  ]
}
