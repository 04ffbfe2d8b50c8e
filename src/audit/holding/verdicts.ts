import type { Judge, Judged, Rules } from '../judge.ts'
import { liftedTest, repairedTest, whereOf } from '../lifted.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Repair, Site } from '../result.ts'
import { witnessOf } from '../witness.ts'
import type { Ending, HoldingSite } from './event.ts'
import { type HoldingPlan, liftHolding } from './lift.ts'
import { repairs } from './repairs.ts'
import { guardOf, hopsOf, sentence } from './sentences.ts'

/** What the model decides of a site, as a result: broken with a witness and a repair that was tried, or unknown and why. */
export class Verdicts {
  readonly #judge: Judge
  readonly #rules: (api: ReferenceApi) => Rules
  readonly #path: string

  constructor(judge: Judge, rules: (api: ReferenceApi) => Rules, path: string) {
    this.#judge = judge
    this.#rules = rules
    this.#path = path
  }

  /** What a plan comes to in the model. */
  ask(site: HoldingSite, plan: HoldingPlan, name = ''): Judged {
    return this.#judge.judge(liftHolding(nameOf(site) + name, plan), this.#rules(site.api))
  }

  /** What every result says of its site. */
  base(site: HoldingSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    const { file } = site.func
    const arg = site.api.flags === undefined ? undefined : site.call.args[site.api.flags]
    const text = arg === undefined ? '' : file.source.text.slice(arg.start, arg.end)
    return {
      ...whereOf(site),
      api: site.api.name,
      kind: site.api.takes === 'pin' ? 'page-pin' : 'page-get',
      flags: [...new Set(text.match(/\bFOLL_\w+/g) ?? [])],
    }
  }

  unknown(site: HoldingSite, reason: string, e?: Ending): Site {
    return {
      ...this.base(site),
      guard: e === undefined ? 'unknown' : guardOf(e),
      hold: 'transient',
      escapes: e === undefined ? [] : hopsOf(e),
      verdict: 'unknown',
      classes: [],
      reason,
      summary: `${site.api.name}(): not decided: ${reason}`,
    }
  }

  broken(site: HoldingSite, e: Ending, plan: HoldingPlan, judged: Judged, cls: string): Site {
    const base = this.base(site)
    const rules = this.#rules(site.api)
    const witness = witnessOf(judged, base, this.#path)
    const text = sentence(e, cls)
    const repair = this.#repair(site, plan, cls, rules)
    return {
      ...base,
      guard: guardOf(e),
      hold: e.holding.left === 'all' ? 'longterm' : 'synchronous',
      escapes: hopsOf(e),
      verdict: 'broken',
      classes: [cls],
      summary: text,
      litmus: liftedTest(judged, rules, whereOf(site), text),
      ...(witness !== undefined && { witness }),
      ...(repair !== undefined && { repair }),
    }
  }

  #repair(site: HoldingSite, plan: HoldingPlan, cls: string, rules: Rules): Repair | undefined {
    const found = repairs[cls]
    if (found === undefined) return undefined
    const { name, text, apply } = found
    const next = apply(plan)
    const judged = this.ask(site, next, `-${name}`)
    if (judged.verdict !== 'holds') return undefined
    return {
      name,
      text: text(plan.api),
      ...repairedTest(judged, rules),
      tried: [],
    }
  }
}

const nameOf = (s: HoldingSite): string =>
  `${s.func.name}-${s.func.file.source.position(s.call.start).line}`.replaceAll('_', '-')
