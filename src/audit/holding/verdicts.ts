import type { Judge, Judged, Rules } from '../judge.ts'
import { brokenSite, firstRepair, testName, unknownSite, whereOf } from '../lifted.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Site } from '../result.ts'
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
    return this.#judge.judge(liftHolding(testName(site) + name, plan), this.#rules(site.api))
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
    return unknownSite(
      {
        ...this.base(site),
        guard: e === undefined ? 'unknown' : guardOf(e),
        hold: 'transient',
        escapes: e === undefined ? [] : hopsOf(e),
      },
      reason,
    )
  }

  broken(site: HoldingSite, e: Ending, plan: HoldingPlan, judged: Judged, cls: string): Site {
    const rules = this.#rules(site.api)
    const known = repairs[cls]
    return brokenSite(
      {
        ...this.base(site),
        guard: guardOf(e),
        hold: e.holding.left === 'all' ? 'longterm' : 'synchronous',
        escapes: hopsOf(e),
      },
      judged,
      rules,
      this.#path,
      {
        classes: [cls],
        summary: sentence(e, cls),
        repair: firstRepair(
          known === undefined ? [] : [{ ...known, text: known.text(plan.api) }],
          (fix) => this.ask(site, fix.apply(plan), `-${fix.name}`),
          rules,
        ),
      },
    )
  }
}
