import { print } from '../litmus/index.ts'
import type { Call, CFile, Func } from '../source/index.ts'
import type { Judged, Rules } from './judge.ts'
import type { Hop, Repair, Site } from './result.ts'
import { witnessOf } from './witness.ts'

/** Where a site stands, as its record says it. */
type Where = Pick<Site, 'file' | 'line' | 'column' | 'function'>

export function whereOf({ func, call }: { readonly func: Func; readonly call: Call }): Where {
  const file: CFile = func.file
  return { file: file.path, ...file.source.position(call.start), function: func.name }
}

/** What a lifted test is called: the function, and the line of the call in it. */
export const testName = (site: { readonly func: Func; readonly call: Call }): string =>
  `${site.func.name}-${whereOf(site).line}`.replaceAll('_', '-')

/** What is known of a site before it is decided. */
type Undecided = Where & Pick<Site, 'api' | 'kind' | 'flags' | 'guard' | 'hold' | 'escapes'>

/** A site of which it is not known whether it holds. */
export const unknownSite = (site: Undecided, reason: string, who = site.api): Site => ({
  ...site,
  verdict: 'unknown',
  classes: [],
  reason,
  summary: `${who}(): not decided: ${reason}`,
})

/** A site whose lifted test breaks; `text` is what the test says of it, where that is not the summary. */
export function brokenSite(
  site: Undecided,
  j: Judged,
  rules: Rules,
  path: string,
  told: {
    readonly classes: readonly string[]
    readonly summary: string
    readonly text?: string
    readonly repair: Repair | undefined
  },
): Site {
  const { classes, summary, text = summary, repair } = told
  const witness = witnessOf(j, site, path)
  return {
    ...site,
    verdict: 'broken',
    classes,
    summary,
    litmus: liftedTest(j, rules, site, text),
    ...(witness !== undefined && { witness }),
    ...(repair !== undefined && { repair }),
  }
}

type Fix = Pick<Repair, 'name' | 'text'>

/** The first of the known repairs with which the test holds, and what became of those before it. One that does not apply is not judged. */
export function firstRepair<F extends Fix>(
  fixes: Iterable<F>,
  judge: (fix: F) => Judged | undefined,
  rules: Rules,
  breaks = (j: Judged): string => j.result?.broken[0]?.code ?? j.verdict,
): Repair | undefined {
  const tried: { name: string; breaks: string }[] = []
  for (const fix of fixes) {
    const j = judge(fix)
    if (j === undefined) continue
    if (j.verdict === 'holds') return { name: fix.name, text: fix.text, ...repairedTest(j, rules), tried }
    tried.push({ name: fix.name, breaks: breaks(j) })
  }
  return undefined
}

/** Events as hops: what is only remembered for later is none. */
export const hopsOf = (
  events: readonly { readonly do: string; readonly at: Omit<Hop, 'text'>; readonly text?: string }[],
): Hop[] =>
  events.flatMap((e): Hop[] =>
    e.do === 'later' ? [] : [{ file: e.at.file, line: e.at.line, text: e.text ?? e.do }],
  )

/** The test as a file: what it is, where it is from, and what the checker says, so that `tenure check` can be asked again. */
export function liftedTest(
  j: Judged,
  rules: Rules,
  at: Omit<Where, 'column'>,
  text: string,
): NonNullable<Site['litmus']> {
  const { complete, counts } = j.result!
  return {
    name: j.test.name,
    text: print({
      ...j.test,
      comment: `Lifted from ${at.file}:${at.line}, ${at.function}().\n${text}`,
      expect: complete ? [expectation(j, rules)] : [],
    }),
    states: counts.states,
    complete,
  }
}

/** The test of a repair that holds. */
const repairedTest = (j: Judged, rules: Rules): Pick<Repair, 'states' | 'litmus'> => ({
  states: j.result!.counts.states,
  litmus: print({ ...j.test, expect: [expectation(j, rules)] }),
})

function expectation(j: Judged, { kernel, policies }: Rules) {
  const { outcome, broken } = j.result!
  return {
    kernels: [kernel],
    policies,
    ...(outcome !== undefined && outcome !== 'Unknown' && { outcome }),
    broken: broken.map((b) => b.code),
  }
}
