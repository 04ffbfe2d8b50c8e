/**
 * npm run bench draw -- --audit FILE.json [--seed N] [--verdict VERDICT] [--kind KIND=COUNT]…
 *
 * Draws sites of an audit for a person to open in the source and judge. The seed decides which, so that a judgement can be looked at again.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { draw } from './accuracy/draw.ts'
import type { Audited } from './accuracy/score.ts'

export default function main(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      audit: { type: 'string' },
      seed: { type: 'string', default: '1' },
      verdict: { type: 'string', default: 'broken' },
      kind: { type: 'string', multiple: true, default: [] },
    },
  })
  if (values.audit === undefined || !/^\d+$/.test(values.seed)) {
    console.error(
      'usage: npm run bench draw -- --audit FILE.json [--seed N] [--verdict broken] [--kind KIND=COUNT]…',
    )
    return 2
  }
  const { sites } = JSON.parse(readFileSync(values.audit, 'utf8')) as { sites: Audited[] }
  const of = sites.filter((s) => s.verdict === values.verdict)
  const kinds =
    values.kind.length > 0 ? values.kind : [...new Set(of.map((s) => s.kind))].map((k) => `${k}=20`)
  const asked = kinds.map((text) => ({ kind: text.split('=')[0]!, count: Number(text.split('=')[1] ?? 20) }))
  for (const s of draw(of, asked, Number(values.seed)))
    console.log(
      [s.kind, `${s.file}:${s.line}`, s.function, s.api, s.classes.join(',') || (s.reason ?? '')].join('\t'),
    )
  return 0
}
