import type { LitmusTest, Stmt } from '../../litmus/index.ts'
import type { Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { exportKind } from '../dmabuf/analyse.ts'
import type { Event, ThingSite } from '../things/event.ts'
import { type About, type Out, ThingWalk } from '../things/walk.ts'
import { TooManyWays } from '../ways/ways.ts'
import type { Judge, Judged, Rules } from '../judge.ts'
import { binary, call, id, inEnd, num, run, set, testOf, thread } from '../lift/build.ts'
import type { Hop, Repair, Site } from '../result.ts'
import type { Place } from '../trace/event.ts'
import { apis as fileApis, preparedIn } from './api.ts'
import { holdsLock, type Release, releaseOf } from './release.ts'
import { brokenSite, firstRepair, hopsOf, liftedTest, testName, unknownSite, whereOf } from '../lifted.ts'

export type PublishSite = ThingSite

/** What a path does with the object, or with the file, around the descriptor. */
type Step = { readonly do: 'publish' | 'use' | 'free' | 'put'; readonly at: Place }
type Plan = {
  readonly steps: readonly Step[]
  /** References to the object: the file's, and those of the function. */
  readonly refs: number
  /** The file is made and published in one call. */
  readonly once: boolean
  /** The release takes a lock that the function holds. */
  readonly locked: boolean
}

/** Judges the calls by which a function puts files behind descriptors. */
export class Publishes {
  readonly #code: Code
  readonly #judge: Judge
  readonly #rules: (site: PublishSite) => Rules
  readonly #path: string
  readonly #apis: About['apis']

  constructor(
    code: Code,
    judge: Judge,
    rules: (site: PublishSite) => Rules,
    path: string,
    apis: About['apis'] = fileApis,
  ) {
    this.#apis = apis
    this.#code = code
    this.#judge = judge
    this.#rules = rules
    this.#path = path
  }

  func(func: Func, sites: readonly PublishSite[]): Site[] {
    const outs = this.#walk(func)
    return sites.map((s) =>
      outs === undefined
        ? this.#unknown(s, `there are too many ways through ${func.name}()`)
        : this.#site(s, outs.outs, outs.coarse),
    )
  }

  #walk(func: Func): { readonly outs: readonly Out[]; readonly coarse: boolean } | undefined {
    for (const coarse of [false, true])
      try {
        const about: About = {
          apis: this.#apis,
          looks: true,
          locals: preparedIn,
          ...(coarse && { coarse: true as const }),
        }
        return { outs: new ThingWalk(this.#code, about).run(func), coarse }
      } catch (e) {
        if (!(e instanceof TooManyWays)) throw e
      }
    return undefined
  }

  #site(site: PublishSite, outs: readonly Out[], coarse: boolean): Site {
    const rules = this.#rules(site)
    let shown: { plan: Plan; j: Judged; hops: Hop[]; release: Release } | undefined
    let doubt: { why: string; hops: Hop[] } | undefined
    for (const { s } of outs)
      for (const [n, t] of s.things.entries()) {
        if (t.published?.call !== site.call) continue
        const steps = stepsOf(s.events, n)
        const hops = hopsOf(about(s.events, n))
        const release = releaseOf(this.#code, site.func.file, t.fops)
        const late = steps.slice(steps.findIndex((x) => x.do === 'publish') + 1)
        const kept = release.does === 'keeps' && !late.some((x) => x.do === 'put')
        if (late.length > 0 && release.does === 'unknown') {
          doubt ??= { why: release.why, hops }
          continue
        }
        // How many references there are is known where they are counted here.
        const own = t.place === undefined ? undefined : countOf(s.counts, t.place)
        if (late.length > 0 && release.does === 'puts' && own === undefined) {
          doubt ??= {
            why: `whether it has a reference of its own, which ${release.by}() does not drop, is not seen`,
            hops,
          }
          continue
        }
        const plan: Plan = {
          steps: kept ? steps.filter((x) => x.do === 'publish') : steps,
          refs: Math.max(1, own ?? 1),
          once: site.api.role.does === 'make-file',
          locked:
            'lock' in release && release.lock !== undefined && holdsLock(this.#code, site.func, release.lock),
        }
        const j = this.#judge.judge(lift(testName(site), plan), rules)
        if (j.verdict === 'broken' && !coarse) return this.#broken(site, plan, j, hops, release, rules)
        if (j.verdict !== 'holds')
          doubt ??= {
            why: coarse
              ? `there are too many ways through ${site.func.name}()`
              : (j.reason ?? `in the model it is ${j.verdict}, which is not understood`),
            hops,
          }
        else if (shown === undefined || plan.steps.length > shown.plan.steps.length)
          shown = { plan, j, hops, release }
      }
    if (doubt !== undefined) return this.#unknown(site, doubt.why, doubt.hops)
    if (shown === undefined)
      return this.#unknown(site, 'no way through the function on which it is published was found')
    const text =
      shown.release.does === 'keeps'
        ? 'what is behind the descriptor is not freed with it'
        : shown.plan.locked
          ? 'its release waits for the lock that is held here'
          : "nothing looks at it when the descriptor is user space's"
    return {
      ...this.#base(site),
      guard: 'the descriptor is the last thing',
      hold: 'synchronous',
      escapes: shown.hops,
      verdict: 'holds',
      classes: [],
      summary: `${site.api.name}(): ${text}`,
      litmus: liftedTest(shown.j, rules, whereOf(site), text),
    }
  }

  #base(site: PublishSite): Pick<Site, 'file' | 'line' | 'column' | 'function' | 'api' | 'kind' | 'flags'> {
    return {
      ...whereOf(site),
      api: site.api.name,
      kind: exportKind,
      flags: [],
    }
  }

  #unknown(site: PublishSite, reason: string, escapes: readonly Hop[] = []): Site {
    return unknownSite({ ...this.#base(site), guard: 'unknown', hold: 'synchronous', escapes }, reason)
  }

  #broken(site: PublishSite, plan: Plan, j: Judged, hops: Hop[], release: Release, rules: Rules): Site {
    const base = this.#base(site)
    const by = 'by' in release ? release.by : 'its release'
    const late = plan.steps.slice(plan.steps.findIndex((x) => x.do === 'publish') + 1)
    const [first] = late
    const what = first?.do === 'free' ? 'freed' : first?.do === 'put' ? 'put' : 'used'
    const text = `what is behind the descriptor is ${what} when another thread may have closed it, and ${by}${by.includes(' ') ? '' : '()'} has freed it`
    return brokenSite(
      { ...base, guard: 'nothing', hold: 'synchronous', escapes: hops },
      j,
      rules,
      this.#path,
      { classes: ['fd-published-early'], summary: text, repair: this.#repair(site, plan, rules) },
    )
  }

  /** What looks at it comes first; what gives it up because something failed comes instead of publishing. */
  #repair(site: PublishSite, plan: Plan, rules: Rules): Repair | undefined {
    const uses = plan.steps.filter((s) => s.do === 'use')
    const ends = plan.steps.filter((s) => s.do === 'free' || s.do === 'put').slice(0, 1)
    const published = plan.steps.filter((s) => s.do === 'publish')
    const next: Plan = { ...plan, steps: [...uses, ...(ends.length > 0 ? ends : published)] }
    return firstRepair(
      [publishLast],
      ({ name }) => this.#judge.judge(lift(`${testName(site)}-${name}`, next), rules),
      rules,
    )
  }
}

const publishLast = {
  name: 'publish-last',
  text: 'publish last: get_unused_fd_flags() first, then all that can fail, and fd_install() as the last thing',
}

/** The object behind the descriptor, in the order of the code, and a thread that guesses the number and closes it. */
function lift(name: string, plan: Plan): LitmusTest {
  const body: Stmt[] = []
  if (plan.locked) body.push(run(call('mutex_lock', id('lock'))))
  if (!plan.once) body.push(set('fd', call('get_unused_fd_flags')))
  for (const { do: what, at } of plan.steps)
    switch (what) {
      case 'publish':
        body.push(
          plan.once
            ? set('fd', call('anon_inode_getfd', id('o')), at)
            : run(call('fd_install', id('fd'), id('o')), at),
        )
        break
      case 'use':
        body.push(run(call('read_field', id('o')), at))
        break
      case 'free':
        body.push(run(call('kfree', id('o')), at))
        break
      case 'put':
        body.push(run(call('kref_put', id('o')), at))
        break
    }
  const published = plan.steps.some((s) => s.do === 'publish')
  if (!published && !plan.once) body.push(run(call('put_unused_fd', id('fd'))))
  if (plan.locked) body.push(run(call('mutex_unlock', id('lock'))))
  const closes = set('r0', call('close', num(3)))
  return testOf(
    name,
    [
      ...(plan.locked ? [{ kind: 'mutex', name: 'lock' } as const] : []),
      { kind: 'object', name: 'o', call: call('kref', num(plan.refs)) },
      { kind: 'mm', name: 'A' },
    ],
    [
      thread('P0', 'A', body, 'who makes the file'),
      thread(
        'P1',
        'A',
        plan.locked
          ? [run(call('mutex_lock', id('lock'))), closes, run(call('mutex_unlock', id('lock')))]
          : [closes],
        'another thread, which guesses the descriptor',
      ),
    ],
    binary('==', inEnd('P1', 'r0'), published ? num(0) : { kind: 'unary', op: '-', of: id('EBADF') }),
  )
}

const stepsOf = (events: readonly Event[], thing: number): Step[] => {
  const steps: Step[] = []
  for (const e of events)
    if ('thing' in e && e.thing === thing && /^(publish|use|free|put)$/.test(e.do)) {
      const published = steps.some((s) => s.do === 'publish')
      // Before it is published it is nobody else's.
      if (e.do === 'publish' || published) steps.push({ do: e.do as Step['do'], at: e.at })
    }
  // One look is as good as several.
  return steps.filter((s, i) => s.do !== 'use' || steps[i - 1]?.do !== 'use')
}

const about = (events: readonly Event[], thing: number): Event[] =>
  events.filter((e) => 'thing' in e && e.thing === thing)

/** The count of references in an object, where its first ones are made here. */
function countOf(counts: Iterable<[string, number]>, place: string): number | undefined {
  for (const [ref, n] of counts) if (ref.startsWith(`${place}.`)) return n
  return undefined
}
