import { hasErrors } from '../base/index.ts'
import { type LitmusResult, type LitmusTest, print, runLitmus } from '../litmus/index.ts'

/** What the checker says of a lifted test. */
export type Judged = {
  readonly test: LitmusTest
  readonly result?: LitmusResult
  /** `vacuous`: in no run did the look-up work, so nothing was shown. */
  readonly verdict: 'holds' | 'broken' | 'unknown' | 'vacuous'
  readonly reason?: string
}

export type Rules = { readonly kernel: string; readonly policies: Readonly<Record<string, string>> }

/** Decides each test once: two that differ only in names and places are the same test. */
export class Judge {
  readonly #known = new Map<string, Judged>()
  readonly maxStates: number
  /** Tests that were asked about, and that were new. */
  asked = 0
  decided = 0

  constructor(maxStates = 400_000) {
    this.maxStates = maxStates
  }

  judge(test: LitmusTest, rules: Rules): Judged {
    this.asked++
    const key = `${rules.kernel} ${JSON.stringify(rules.policies)} ${shape(test)}`
    const known = this.#known.get(key)
    if (known !== undefined) {
      if (known.verdict !== 'broken') return { ...known, test }
      return toldBy(known, test)
    }
    const first = this.#run(test, rules)
    this.#known.set(key, first)
    return first
  }

  #run(test: LitmusTest, { kernel, policies }: Rules): Judged {
    this.decided++
    const { value, diagnostics } = runLitmus(test, { kernel, policies, maxStates: this.maxStates })
    if (value === undefined || hasErrors(diagnostics)) {
      const why = diagnostics.find((d) => d.severity === 'error')?.message ?? 'it cannot be run'
      return { test, verdict: 'unknown', reason: `the lifted test cannot be run: ${why}` }
    }
    if (value.broken.length > 0) return { test, result: value, verdict: 'broken' }
    if (!value.complete) return { test, result: value, verdict: 'unknown', reason: `${value.why}` }
    if (value.outcome === 'Never') return { test, result: value, verdict: 'vacuous' }
    return { test, result: value, verdict: 'holds' }
  }
}

/** The same run, told with the lines of this test; only few are ever told. */
function toldBy(known: Judged, test: LitmusTest): Judged {
  let result: LitmusResult | undefined
  return {
    ...known,
    test,
    get result() {
      result ??= relocated(known, test)
      return result
    },
  }
}

/** A test without its name, places and comments. */
export function shape(test: LitmusTest): string {
  return print({
    ...test,
    name: 't',
    comment: '',
    expect: [],
    procs: test.procs.map((p) => {
      const { comment: _, ...rest } = p
      return { ...rest, body: withoutPlaces(p.body) }
    }),
  })
}

function withoutPlaces<T>(x: T): T {
  if (Array.isArray(x)) return x.map(withoutPlaces) as T
  if (typeof x !== 'object' || x === null) return x
  return Object.fromEntries(
    Object.entries(x)
      .filter(([k]) => k !== 'place')
      .map(([k, v]) => [k, withoutPlaces(v)]),
  ) as T
}

/** Every place, in the order of the text. */
function placesIn(x: unknown): (string | undefined)[] {
  if (Array.isArray(x)) return x.flatMap(placesIn)
  if (typeof x !== 'object' || x === null) return []
  const own = 'kind' in x && statementKinds.has(String(x.kind)) ? [(x as { place?: string }).place] : []
  return [...own, ...Object.entries(x).flatMap(([k, v]) => (k === 'place' ? [] : placesIn(v)))]
}
const statementKinds = new Set(['expr', 'assign', 'if', 'while', 'goto', 'return'])

/** The result of an equal test, with this one's places in its timelines. */
function relocated({ test: from, result }: Judged, to: LitmusTest): LitmusResult {
  const map = new Map<string, string | undefined>()
  const a = placesIn(from)
  const b = placesIn(to)
  // A place stands for the same statement in both; where one line holds several statements the first decides.
  for (const [i, p] of a.entries()) if (p !== undefined && !map.has(p)) map.set(p, b[i])
  return {
    ...result!,
    name: to.name,
    broken: result!.broken.map((x) => ({
      ...x,
      witness: {
        ...x.witness,
        steps: x.witness.steps.map((s) => {
          const { place, ...rest } = s
          const moved = place === undefined ? undefined : map.get(place)
          return moved === undefined ? rest : { ...rest, place: moved }
        }),
        actors: x.witness.actors.map((actor, i) => ({ ...actor, role: to.procs[i]?.comment ?? actor.role })),
      },
    })),
  }
}
