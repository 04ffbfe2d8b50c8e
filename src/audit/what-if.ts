import { hasErrors, Source } from '../base/index.ts'
import { parse } from '../litmus/index.ts'
import type { Judge } from './judge.ts'
import type { AuditResult, Site } from './result.ts'

/** What a proposal would do to a tree (`--what-if`; docs/audit-json.md). */
export const whatIfSchemaVersion = 1

/**
 * `breaks`: what it does works today and never works with the proposal. `newly-unsafe`: holds today and not with it. `unsafe`: broken, with it
 * and without. `mended`: broken today, holds with it. `fine`: holds, and works. `open`: not decided, with it or without.
 */
export type Fate = 'breaks' | 'newly-unsafe' | 'unsafe' | 'mended' | 'fine' | 'open'

export const fates: readonly Fate[] = ['breaks', 'newly-unsafe', 'unsafe', 'open', 'mended', 'fine']

export type WhatIf = {
  readonly schema: typeof whatIfSchemaVersion
  readonly tool: AuditResult['tool']
  readonly tree: AuditResult['tree']
  readonly policies: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
  readonly summary: Readonly<Record<Fate, number>>
  readonly sites: readonly { readonly fate: Fate; readonly today: Site; readonly proposed: Site }[]
  readonly problems: AuditResult['problems']
}

/** The protocols that a proposal speaks of, where it does not speak of all: others are asked about it only when they are named. */
export function concernedBy(policies: Readonly<Record<string, string>>): readonly string[] | undefined {
  const lists = Object.keys(policies).map((p) => concerns[p])
  return lists.includes(undefined) ? undefined : [...new Set(lists.flatMap((l) => l ?? []))]
}

const concerns: Readonly<Record<string, readonly string[]>> = {
  dma_buf_mmap: ['map-out'],
  follow_pfn: ['pfn-lookup'],
  follow_pfn_longterm: ['pfn-lookup'],
  vm_dynamic_pfnmap: ['pfn-lookup'],
  longterm: ['pfn-lookup', 'page-pin', 'page-get'],
}

/** From the audits of one tree without and with the policies. */
export function whatIf(
  today: AuditResult,
  proposed: AuditResult,
  policies: Readonly<Record<string, string>>,
  judge: Judge,
): WhatIf {
  const by = new Map(proposed.sites.map((s) => [s.id, s]))
  const sites = today.sites.flatMap((s) => {
    const then = by.get(s.id)
    return then === undefined ? [] : [{ fate: fateOf(s, then, policies, judge), today: s, proposed: then }]
  })
  const count = (f: Fate): number => sites.filter((s) => s.fate === f).length
  return {
    schema: whatIfSchemaVersion,
    tool: today.tool,
    tree: today.tree,
    policies,
    protocols: today.protocols,
    summary: Object.fromEntries(fates.map((f) => [f, count(f)])) as Record<Fate, number>,
    sites,
    problems: today.problems,
  }
}

function fateOf(today: Site, then: Site, policies: Readonly<Record<string, string>>, judge: Judge): Fate {
  if (today.handsOn && 'dma_buf_mmap' in policies) return then.verdict === 'broken' ? 'unsafe' : 'open'
  if (isRefused(today, policies, judge)) return 'breaks'
  if (then.verdict === 'broken') return today.verdict === 'holds' ? 'newly-unsafe' : 'unsafe'
  if (then.verdict === 'unknown' || today.verdict === 'unknown') return 'open'
  return today.verdict === 'broken' ? 'mended' : 'fine'
}

/** Whether what the code does, as it was lifted, can come out today and never with the policies. */
function isRefused(site: Site, policies: Readonly<Record<string, string>>, judge: Judge): boolean {
  if (site.litmus === undefined) return false
  const { value: test, diagnostics } = parse(new Source(site.litmus.name, site.litmus.text))
  const [asked] = test?.expect ?? []
  const kernel = asked?.kernels.find((k) => k !== '*')
  if (test === undefined || hasErrors(diagnostics) || asked === undefined || kernel === undefined)
    return false
  if (asked.outcome === undefined || asked.outcome === 'Never') return false
  const judged = judge.judge(test, { kernel, policies: { ...asked.policies, ...policies } })
  return judged.verdict === 'vacuous'
}
