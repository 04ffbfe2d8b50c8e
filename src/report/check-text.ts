import type { Judgement, LitmusResult } from '../litmus/index.ts'
import { hang, plain, type Style } from './style.ts'
import { renderBroken } from './timeline.ts'

export type Run = { readonly result: LitmusResult; readonly judgement?: Judgement }

/**
 * Runs that gave the same, in herd's habit; then the invariants that broke, each with its witness; then what was expected. Kernels
 * and policies are what they differ in.
 */
export function renderCheck(runs: readonly Run[], style: Style = plain): string {
  const [first] = runs
  if (first === undefined) return ''
  const { result } = first
  const { name, quantifier } = result
  const out = [
    style.bold(`Test ${name}${quantifier === undefined ? '' : ` ${asks[quantifier]}`}`),
    ...hang('Kernel ', settings(runs)),
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
  else out.push(result.complete ? style.good('Broken nothing') : style.warn('Broken nothing so far'))
  const { states: n, edges, depth } = result.counts
  out.push(`Explored ${plural(n, 'state')}, ${plural(edges, 'step')}, at most ${depth} in a run`)
  if (!result.complete)
    out.push(...hang('Unknown ', `${result.why}; what was not found may be there`).map((l) => style.warn(l)))
  out.push(...expectations(runs, style))
  return `${out.join('\n')}\n`
}

/** Runs of one test that gave the same but for the kernel, the policies and the time, together. */
export function alike(runs: readonly Run[]): Run[][] {
  const groups = new Map<string, Run[]>()
  for (const run of runs) {
    const { kernel: _k, policies: _p, seconds: _s, ...rest } = run.result
    const key = JSON.stringify(rest)
    const group = groups.get(key)
    if (group) group.push(run)
    else groups.set(key, [run])
  }
  return [...groups.values()]
}

/** `5.9, 5.10; 5.9 with follow_pfn=taint` */
function settings(runs: readonly Run[]): string {
  const by = new Map<string, string[]>()
  for (const { result } of runs) {
    const policies = policiesOf(result)
    by.set(policies, [...(by.get(policies) ?? []), result.kernel])
  }
  return [...by].map(([policies, kernels]) => `${kernels.join(', ')}${policies}`).join('; ')
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
  return `${r.kernel}${policiesOf(r)}`
}

function policiesOf(r: Pick<LitmusResult, 'policies'>): string {
  const policies = Object.entries(r.policies).map(([k, v]) => `${k}=${v}`)
  return policies.length > 0 ? ` with ${policies.join(', ')}` : ''
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

/** What was expected, and whether it is so; kernels of which the same is expected stand together. */
function expectations(runs: readonly Run[], style: Style): string[] {
  const by = new Map<string, { kernels: string[]; judgement: Judgement; rest: string }>()
  for (const { judgement } of runs) {
    if (judgement === undefined) continue
    const { kernel } = judgement.result
    const rest = judgement.expected.slice(kernel.length)
    const key = JSON.stringify([rest, judgement.verdict, judgement.why])
    const known = by.get(key)
    if (known) known.kernels.push(kernel)
    else by.set(key, { kernels: [kernel], judgement, rest })
  }
  const words = { match: 'as found', mismatch: 'NOT AS FOUND', unknown: 'NOT DECIDED' } as const
  const paints = { match: style.good, mismatch: style.bad, unknown: style.warn } as const
  return [...by.values()].flatMap(({ kernels, judgement: { verdict, why }, rest }) => [
    ...hang('Expected ', `${kernels.join(', ')}${rest}: ${words[verdict]}`).map((l) => paints[verdict](l)),
    ...(verdict === 'match' ? [] : why.flatMap((w) => hang('  ', w))),
  ])
}

const plural = (n: number, word: string): string => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`
