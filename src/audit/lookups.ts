import { compareVersions } from '../kernel/index.ts'
import { Analyse, apiOf, type Finding, nameOf } from './analyse.ts'
import type { Judge, Rules } from './judge.ts'
import { lift } from './lift/lift.ts'
import type { Plan, Step } from './lift/plan.ts'
import { type Context, filesWith, type Job, rulesFor } from './protocol.ts'
import { kind, lookups } from './protocols/pfn-lookup.ts'
import { candidates } from './repair.ts'
import type { Hop, Repair, Site } from './result.ts'
import type { Func } from '../source/index.ts'
import { type CallSite, flagsOf, sitesIn } from './sites.ts'
import { witnessOf } from './witness.ts'
import { firstRepair, liftedTest } from './lifted.ts'

/** A job for each function that looks a PFN up. */
export function lookupJobs({ program, code, judge, options }: Context): Job[] {
  const analyse = new Analyse(code, judge, (api) => rulesFor(api, options))
  const groups = new Map<Func, CallSite[]>()
  for (const path of filesWith(
    program,
    lookups.map((l) => l.name),
  )) {
    options.signal?.throwIfAborted()
    const file = program.file(path)
    if (file === undefined) continue
    for (const s of sitesIn(file)) groups.set(s.func, [...(groups.get(s.func) ?? []), s])
  }
  const tell = (f: Finding): Site =>
    siteOf(
      f,
      judge,
      rulesFor(f.plan === undefined ? f.site.api : apiOf(f.plan, f.site), options),
      options.path,
    )
  return [...groups].map(([func, calls]) => ({
    func,
    decide: () => analyse.func(func, calls).map(tell),
  }))
}

// ── One site ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function siteOf(f: Finding, judge: Judge, rules: Rules, path: string): Site {
  const { site } = f
  const broken = f.verdict === 'broken'
  const witness =
    broken && f.judged !== undefined
      ? witnessOf(f.judged, { file: site.file.path, line: site.line, column: site.column }, path)
      : undefined
  const repair = broken && f.plan !== undefined ? repairOf(site, f.plan, judge, rules) : undefined
  const result = f.judged?.result
  return {
    file: site.file.path,
    line: site.line,
    column: site.column,
    function: site.func.name,
    api: site.api.name,
    kind,
    flags: flagsOf(site),
    guard: guardOf(f),
    hold: holdOf(f),
    escapes: hopsOf(f),
    verdict: f.verdict,
    classes: f.classes,
    ...(f.contract !== undefined && { contract: f.contract }),
    ...(f.verdict === 'unknown' && { reason: f.reason ?? 'no reason was given' }),
    summary: sentence(f),
    ...(f.judged !== undefined &&
      result !== undefined && {
        litmus: liftedTest(
          f.judged,
          rules,
          { file: site.file.path, line: site.line, function: site.func.name },
          sentence(f),
        ),
      }),
    ...(witness !== undefined && { witness }),
    ...(repair !== undefined && { repair }),
  }
}

function repairOf(site: CallSite, plan: Plan, judge: Judge, rules: Rules): Repair | undefined {
  const section = compareVersions(rules.kernel, '6.12') >= 0 ? 'follow_pfnmap_start' : 'follow_pte'
  return firstRepair(
    candidates,
    (c) => {
      const next = c.apply(plan, { section })
      return next && judge.judge(lift(`${nameOf(site)}-${c.name}`, next, rules.kernel), rules)
    },
    rules,
    (j) =>
      j.verdict === 'broken'
        ? j.result!.broken.map((b) => b.code).join(', ')
        : j.verdict === 'vacuous'
          ? 'it never works: this memory is refused'
          : (j.reason ?? 'not decided'),
  )
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

type Held = { mmap: boolean; section: boolean; driver: boolean }

/** Since 5.11 the call asks for FOLL_LONGTERM itself; before, its caller has to. */
function pinOf(f: Finding): string {
  const flags = flagsOf(f.site)
  return flags.length > 0 && !flags.includes('FOLL_LONGTERM')
    ? 'a pin on the pages, without FOLL_LONGTERM'
    : 'a long-term pin on the pages'
}

/** What is held at each use. */
function uses(steps: readonly Step[]): { step: Step; held: Held; asked: boolean }[] {
  const held: Held = { mmap: false, section: false, driver: false }
  let asked = false
  const found: { step: Step; held: Held; asked: boolean }[] = []
  for (const s of steps) {
    if (s.do === 'lock') held[s.lock] = true
    else if (s.do === 'unlock') {
      held[s.lock] = false
      if (s.lock === 'driver') asked = false
    } else if (s.do === 'lookup') held.section = s.api === 'follow_pte' || s.api === 'follow_pfnmap_start'
    else if (s.do === 'end') held.section = false
    else if (s.do === 'retry') asked = held.driver
    else if (s.do === 'cpu' || s.do === 'give' || s.do === 'install' || s.do === 'use-vma')
      found.push({ step: s, held: { ...held }, asked })
  }
  return found
}

function guardOf(f: Finding): string {
  if (f.plan === undefined) return 'unknown'
  if (f.site.api.putBy !== undefined) return pinOf(f)
  if (f.contract !== undefined && !f.handsOut) return 'MMU notifier, asked by whoever uses it'
  const list = uses(f.plan.steps)
  const words = (h: Held, asked: boolean): string =>
    [
      h.mmap ? 'mmap_lock' : '',
      h.section ? 'page-table lock' : '',
      h.driver && asked ? 'MMU notifier, asked under its lock' : '',
    ]
      .filter((w) => w !== '')
      .join(' + ')
  if (list.length === 0) {
    const at = f.plan.steps.some((s) => s.do === 'lock' && s.lock === 'mmap') ? 'mmap_lock' : ''
    return at === ''
      ? 'none needed: memory is not reached through it'
      : `${at} for the call; memory is not reached through it`
  }
  const compared = f.plan.steps.some((s) => s.do === 'compare')
  const all = [...new Set(list.map((u) => words(u.held, u.asked)))]
  const text = all.map((w) => (w === '' ? 'nothing' : w)).join('; ')
  const bare = list.some((u) => !u.held.section && !(u.held.driver && u.asked))
  if (text === 'nothing' || bare) {
    const locked = f.plan.steps.some((s) => s.do === 'lock' && s.lock === 'mmap')
    return `${locked ? 'mmap_lock for the look-up only' : 'nothing'}${text === 'nothing' ? '' : `; at the use: ${text}`}`
  }
  return compared ? `${text}, after a second look-up that gave the same` : text
}

function holdOf(f: Finding): Site['hold'] {
  const steps = f.plan?.steps ?? []
  if (f.site.api.putBy !== undefined) return 'longterm'
  const given = new Set<number>()
  for (const s of steps) {
    if (s.do === 'give' || s.do === 'install') given.add(s.reg)
    if (s.do === 'revoke') given.delete(s.reg)
  }
  if (given.size > 0) return steps.some((s) => s.do === 'install') ? 'transient' : 'longterm'
  return uses(steps).some((u) => !u.held.section && !u.held.mmap && u.step.do === 'cpu')
    ? 'transient'
    : 'synchronous'
}

/** Where the value goes, place by place, on the path that is shown. */
function hopsOf(f: Finding): Hop[] {
  const hops: Hop[] = []
  for (const e of f.events) {
    const about = 'value' in e && f.values.has(e.value)
    let text: string | undefined
    switch (e.kind) {
      case 'lookup':
        if (about) text = `looked up by ${e.api}()`
        break
      case 'end':
        if (about) text = 'the look-up ends, the page-table lock is dropped'
        break
      case 'put':
        if (about) text = 'given back'
        break
      case 'unlock':
        if (e.lock.mmap && hops.length > 0) text = 'mmap_lock is dropped'
        break
      case 'hop':
        if (about) text = `kept in ${e.text}`
        break
      case 'cpu':
        if (about) text = `${e.write ? 'written' : 'read'} by the CPU: ${e.text}`
        break
      case 'device':
        if (about) text = `given to a device: ${e.text}`
        break
      case 'guest':
        if (about) text = `given to a guest: ${e.text}`
        break
      case 'revoke':
        if (about) text = `taken back: ${e.text}`
        break
      case 'same':
        if (about || f.values.has(e.other)) text = 'compared with a second look-up'
        break
      case 'retry':
        if (hops.length > 0) text = `the notifier is asked: ${e.text}`
        break
      case 'lost':
        if (about) text = `out of sight: ${e.text}`
        break
      case 'stale-vma':
        text = `the VMA from before is used: ${e.text}`
        break
      default:
        break
    }
    if (text !== undefined && hops.at(-1)?.text !== text)
      hops.push({ file: e.at.file, line: e.at.line, text })
  }
  return hops
}

function sentence(f: Finding): string {
  const { api } = f.site
  if (f.verdict === 'unknown') return `Not decided: ${f.reason ?? ''}.`
  if (f.handsOut)
    return `${f.site.func.name}() is a look-up itself: its callers are judged where they call it.`
  if (f.contract !== undefined) return `Holds by contract: ${f.contract}.`
  if (f.verdict === 'holds') {
    if (api.out.kind === 'none')
      return 'It faults the page in and gives nothing back; no VMA from before is used after mmap_lock was dropped.'
    if (api.putBy !== undefined) return `What it may use is kept by ${pinOf(f)}.`
    const list = uses(f.plan?.steps ?? [])
    if (list.length === 0) return 'Nobody reaches memory through the value.'
    return `Every use is guarded: ${guardOf(f)}.`
  }
  const cls = f.classes[0]
  if (cls === 'missing-longterm')
    return `The pages that ${api.name}() pins are kept until user space asks again, and the pin does not say FOLL_LONGTERM.`
  if (cls === 'use-after-unlock')
    return 'The fault may drop mmap_lock, and the VMA from before is used without being looked up again.'
  if (cls === 'notifier-without-retry')
    return f.notifier?.drops === undefined
      ? `The notifier callback ${f.notifier?.callback.name}() does not take away what is installed.`
      : 'What is installed is not asked about under the lock of the notifier callback.'
  const last = f.plan?.steps.findLast((s) => s.do === 'cpu' || s.do === 'give' || s.do === 'install')
  const what =
    last === undefined
      ? 'is kept'
      : last.do === 'cpu'
        ? `is ${last.write ? 'written' : 'read'} through`
        : last.do === 'give' && last.to === 'guest'
          ? 'is put into the tables of a guest'
          : 'is given to a device'
  return `The frame that ${api.name}() found ${what} when nothing keeps it any more.`
}
