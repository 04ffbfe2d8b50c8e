import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasErrors, Source } from '../src/base/index.ts'
import {
  asked,
  bind,
  type Bound,
  type Judgement,
  judge,
  type LitmusTest,
  parse,
} from '../src/litmus/index.ts'

export type CorpusFile = { readonly file: string; readonly source: Source; readonly test: LitmusTest }
export type CorpusRun = { readonly key: string; readonly bound: Bound; readonly judgement: Judgement }

/** Every test of the corpus, in order. */
export function corpus(): CorpusFile[] {
  return readdirSync('litmus', { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.litmus'))
    .sort()
    .map((f) => {
      const source = new Source(join('litmus', f), readFileSync(join('litmus', f), 'utf8'))
      const { value, diagnostics } = parse(source)
      if (value === undefined || hasErrors(diagnostics)) throw new Error(`${f}: ${diagnostics[0]?.message}`)
      return { file: f, source, test: value }
    })
}

/** Every run that a test asks for, by `6.1` or `5.9 follow_pfn=strict`. */
export function runsOf({ file, test }: CorpusFile): CorpusRun[] {
  return asked(test).map((a) => {
    const policies = Object.entries(a.policies).map(([k, v]) => `${k}=${v}`)
    const key = [a.kernel, ...policies].join(' ')
    const { value: bound, diagnostics } = bind(test, a.kernel, a.policies)
    const { value: judgement } = judge(test, { ...a, expect: a.expect! })
    if (bound === undefined || judgement === undefined)
      throw new Error(`${file} on ${key}: ${diagnostics.map((d) => d.message).join('; ')}`)
    return { key, bound, judgement }
  })
}

export type Counts = Record<string, Record<string, { states: number; edges: number; depth: number }>>

/** States, edges and depth of every run: what `npm run promote` pins. */
export function corpusCounts(): Counts {
  return Object.fromEntries(
    corpus().map((f) => [
      f.file,
      Object.fromEntries(runsOf(f).map((r) => [r.key, r.judgement.result.counts])),
    ]),
  )
}
