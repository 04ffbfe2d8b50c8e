import { type Diagnostic, type Source, span, suggest } from '../base/index.ts'
import type { Expect } from './ast.ts'

const outcomes = ['Always', 'Sometimes', 'Never'] as const
const isOutcome = (w: string): w is (typeof outcomes)[number] => (outcomes as readonly string[]).includes(w)

/**
 * Reads one `Result:` line: clauses separated by `;`, each
 *
 *     5.9, 5.10 with follow_pfn=strict Sometimes use-after-free, refcount-balance
 *
 * Kernels (or `*`, which may be left out when it is all there is to say), policies, the outcome of the condition, and the
 * codes that break; `holds` says that none does where there is no condition to speak of.
 */
export function parseExpect(
  source: Source,
  start: number,
  end: number,
  report: (d: Diagnostic) => void,
): Expect[] {
  const out: Expect[] = []
  const text = source.text.slice(start, end)
  let at = 0
  for (const clause of text.split(';')) {
    const from = start + at
    at += clause.length + 1
    if (clause.trim() === '') continue
    const words: { text: string; start: number }[] = []
    for (const m of clause.matchAll(/[^\s,]+/g)) words.push({ text: m[0], start: from + m.index })
    const expect = parseClause(source, words, report)
    if (expect) {
      const last = words.at(-1)!
      out.push({ ...expect, span: span(source, words[0]!.start, last.start + last.text.length) })
    }
  }
  return out
}

function parseClause(
  source: Source,
  words: readonly { text: string; start: number }[],
  report: (d: Diagnostic) => void,
): Expect | undefined {
  const wrong = (w: { text: string; start: number }, message: string, hint?: string): undefined => {
    report({
      code: 'litmus/result-line',
      severity: 'error',
      message,
      primary: { span: span(source, w.start, w.start + w.text.length), text: '' },
      hints: [
        { text: hint ?? 'write: Result: 5.9 with follow_pfn=allow Sometimes use-after-free; 6.1 Never' },
      ],
    })
    return undefined
  }
  const kernels: string[] = []
  const policies: Record<string, string> = {}
  const broken: string[] = []
  let outcome: Expect['outcome']
  let holds = false
  let i = 0
  for (; i < words.length && /^(\*|\d+\.\d+)$/.test(words[i]!.text); i++) kernels.push(words[i]!.text)
  if (words[i]?.text === 'with') {
    const first = i++
    for (; i < words.length && words[i]!.text.includes('='); i++) {
      const [key, value] = words[i]!.text.split(/=(.*)/s) as [string, string]
      if (!/^\w+$/.test(key) || !/^[\w-]+$/.test(value))
        return wrong(words[i]!, `a policy is name=value, not \`${words[i]!.text}\``)
      policies[key] = value
    }
    if (i === first + 1) return wrong(words[first]!, '`with` names no policy')
  }
  for (; i < words.length; i++) {
    const w = words[i]!
    if (isOutcome(w.text)) {
      if (outcome !== undefined) return wrong(w, `the outcome is already given: ${outcome}`)
      outcome = w.text
    } else if (w.text === 'holds') holds = true
    else if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(w.text)) broken.push(w.text)
    else {
      const near = suggest(w.text, [...outcomes, 'holds', 'with'])
      return wrong(
        w,
        `\`${w.text}\` is neither an outcome nor the code of an invariant`,
        near[0] === undefined ? undefined : `did you mean \`${near[0]}\`?`,
      )
    }
  }
  if (holds && (broken.length > 0 || outcome !== undefined))
    return wrong(words.at(-1)!, '`holds` stands alone: it says that nothing breaks')
  if (!holds && broken.length === 0 && outcome === undefined)
    return wrong(
      words.at(-1)!,
      'this expects nothing',
      'add Always, Sometimes, Never, holds, or the code of an invariant',
    )
  return {
    kernels: kernels.length === 0 ? ['*'] : kernels,
    policies,
    ...(outcome === undefined ? {} : { outcome }),
    broken,
  }
}

/** One clause, as it is read. */
export function printExpect(e: Expect): string {
  const policies = Object.entries(e.policies).map(([k, v]) => `${k}=${v}`)
  return [
    e.kernels.join(', '),
    ...(policies.length > 0 ? [`with ${policies.join(', ')}`] : []),
    ...(e.outcome === undefined ? [] : [e.outcome]),
    ...(e.broken.length > 0 ? [e.broken.join(', ')] : e.outcome === undefined ? ['holds'] : []),
  ].join(' ')
}
