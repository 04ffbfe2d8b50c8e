import type { Judgement, LitmusResult } from '../litmus/index.ts'
import { columns, hang, plain, type Style, wrap } from './style.ts'
import { renderBroken } from './timeline.ts'

/** One run of a test, in herd's habit; then the invariants that broke, each with its witness; then what was expected. */
export function renderCheck(result: LitmusResult, judgement?: Judgement, style: Style = plain): string {
  const { name, quantifier } = result
  const out = [
    style.bold(`Test ${name}${quantifier === undefined ? '' : ` ${asks[quantifier]}`}`),
    `Kernel ${setting(result)}`,
    ...states(result),
  ]
  if (result.condition !== undefined)
    out.push(
      satisfaction(result, style),
      'Witnesses',
      `Positive: ${result.positive} Negative: ${result.negative}`,
      ...hang('Condition ', result.condition),
      `Observation ${name} ${result.outcome} ${result.positive} ${result.negative}`,
    )
  for (const b of result.broken) out.push('', style.bad(`Broken ${b.code}`), renderBroken(b, style))
  if (result.broken.length > 0) out.push('')
  else out.push(style.good(result.complete ? 'Broken nothing' : 'Broken nothing so far'))
  const { states: n, edges, depth } = result.counts
  const figures = `${plural(n, 'state')}, ${plural(edges, 'step')}, at most ${depth} in a run`
  out.push(`Explored ${figures}`)
  if (!result.complete)
    out.push(...hang(style.warn('Unknown '), `${result.why}; what was not found may be there`, columns + 0))
  if (judgement) out.push(...expectation(judgement, style))
  return `${out.join('\n')}\n`
}

/** One run on one line: `ok  follow_pfn+move 5.9 Sometimes use-after-free`. */
export function renderBrief(result: LitmusResult, judgement?: Judgement, style: Style = plain): string {
  const word =
    judgement === undefined ? '--' : { match: 'ok', mismatch: 'NO', unknown: '??' }[judgement.verdict]
  const paint =
    judgement === undefined
      ? style.dim
      : { match: style.good, mismatch: style.bad, unknown: style.warn }[judgement.verdict]
  const line = [paint(word), result.name, setting(result), found(result)].join(' ')
  const why = judgement?.verdict === 'match' ? [] : (judgement?.why ?? [])
  return [line, ...why.flatMap((w) => hang('     ', w))].join('\n').concat('\n')
}

export type Totals = {
  readonly files: number
  readonly runs: number
  readonly match: number
  readonly mismatch: number
  readonly unknown: number
}

/** What all runs come to. */
export function renderTotals(t: Totals, style: Style = plain): string {
  const free = t.runs - t.match - t.mismatch - t.unknown
  const parts = [
    `${t.match} as expected`,
    ...(t.mismatch > 0 ? [style.bad(`${t.mismatch} not as expected`)] : []),
    ...(t.unknown > 0 ? [style.warn(`${t.unknown} not decided`)] : []),
    ...(free > 0 ? [`${free} without an expectation`] : []),
  ]
  return `${plural(t.files, 'test')}, ${plural(t.runs, 'run')}: ${parts.join(', ')}\n`
}

const asks = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' } as const

export function setting(r: Pick<LitmusResult, 'kernel' | 'policies'>): string {
  const policies = Object.entries(r.policies).map(([k, v]) => `${k}=${v}`)
  return policies.length > 0 ? `${r.kernel} with ${policies.join(', ')}` : r.kernel
}

function found(r: LitmusResult): string {
  const codes = r.broken.map((b) => b.code).join(', ')
  return [
    r.outcome ?? '',
    codes,
    ...(r.outcome === undefined && codes === '' ? [r.complete ? 'holds' : 'unknown'] : []),
  ]
    .filter((w) => w !== '')
    .join(' ')
}

/** The final states, with how often; `*>` satisfies the condition, `:>` does not. */
function states(r: LitmusResult): string[] {
  const width = Math.max(0, ...r.states.map((s) => String(s.count).length))
  return [
    `States ${r.states.length}`,
    ...r.states
      .filter((s) => s.text !== '' || r.condition !== undefined)
      .flatMap((s) => hang(`${String(s.count).padStart(width)} ${s.satisfies ? '*>' : ':>'} `, s.text)),
  ]
}

function satisfaction(r: LitmusResult, style: Style): string {
  if (r.satisfied === undefined) return style.warn('Unknown')
  return r.satisfied ? 'Ok' : 'No'
}

function expectation(j: Judgement, style: Style): string[] {
  const { verdict } = j
  const head = `Expected ${j.expected}`
  if (verdict === 'match') return wrap(`${head}: ${style.good('as found')}`, columns + 10)
  const word = verdict === 'mismatch' ? style.bad('NOT AS FOUND') : style.warn('NOT DECIDED')
  return [`${head}: ${word}`, ...j.why.flatMap((w) => hang('  ', w))]
}

const plural = (n: number, word: string): string => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`
