import { print } from '../litmus/index.ts'
import type { Call, CFile, Func } from '../source/index.ts'
import type { Judged, Rules } from './judge.ts'
import type { Repair, Site } from './result.ts'

/** Where a site stands, as its record says it. */
type Where = Pick<Site, 'file' | 'line' | 'column' | 'function'>

export function whereOf({ func, call }: { readonly func: Func; readonly call: Call }): Where {
  const file: CFile = func.file
  return { file: file.path, ...file.source.position(call.start), function: func.name }
}

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
export const repairedTest = (j: Judged, rules: Rules): Pick<Repair, 'states' | 'litmus'> => ({
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
