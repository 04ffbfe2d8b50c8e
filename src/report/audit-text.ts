import type { AuditResult, Site, Witness } from '../audit/result.ts'
import type { Timeline } from '../litmus/index.ts'
import { columns, hang, plain, type Style, wrap } from './style.ts'
import { renderTimeline } from './timeline.ts'

/** A line of the audited tree, for the frame under a finding's head; undefined when it is not there any more. */
export type LineOf = (file: string, line: number) => string | undefined

/**
 * An audit for a terminal or an e-mail: each broken site with its witness and its repair, each that is not decided with the reason, those
 * that hold in one line each, and the sums. Nothing is decided here.
 */
export function renderAudit(result: AuditResult, lineOf: LineOf, style: Style = plain): string {
  const out: string[] = []
  const sites = (verdict: Site['verdict']): Site[] =>
    result.sites.filter((s) => s.verdict === verdict && s.known !== true)
  for (const [s, ...same] of grouped(sites('broken')))
    out.push(...renderBrokenSite(s!, lineOf, style, same), '')
  for (const s of sites('unknown')) out.push(...renderUnknownSite(s, lineOf, style), '')
  const holds = sites('holds')
  if (holds.length > 0) {
    out.push(style.bold('These hold:'))
    for (const s of holds) {
      out.push(...hang('  ', `${style.good('holds')} ${s.file}:${s.line} ${s.function}(): ${s.api}()`))
      out.push(...hang('        ', s.summary))
    }
    out.push('')
  }
  return [...out, ...renderSummary(result, style)].join('\n')
}

/** Sites of one function that break the same way, by the same run: they are told once. */
function grouped(sites: readonly Site[]): Site[][] {
  const groups = new Map<string, Site[]>()
  for (const s of sites) {
    const run = s.witness?.steps.map((w) => [w.actor, w.step, w.statement, w.changes])
    const key = JSON.stringify([
      s.file,
      s.function,
      s.api,
      s.classes,
      s.guard,
      run,
      s.escapes.slice(1),
      s.repair?.name,
    ])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [s])
    else group.push(s)
  }
  return [...groups.values()]
}

/** `same`: other sites of the function of which all this is true, too. */
export function renderBrokenSite(
  s: Site,
  lineOf: LineOf,
  style: Style = plain,
  same: readonly Site[] = [],
): string[] {
  const [cls = 'broken', ...more] = s.classes
  const out = [
    ...head('error', cls, s.summary, style.bad, style),
    ...frame(s, lineOf, style, style.bad),
    ...note('note', guard(s), style),
  ]
  if (more.length > 0) out.push(...note('note', `also: ${more.join(', ')}`, style))
  if (same.length > 0)
    out.push(...note('note', `the same at line ${same.map((o) => o.line).join(', ')}`, style))
  if (s.escapes.length > 0) {
    out.push(...note('note', 'where the value goes:', style))
    for (const h of s.escapes) out.push(...hang('        ', `${h.file}:${h.line}: ${h.text}`))
  }
  if (s.witness !== undefined) out.push('', ...renderWitness(s.witness, style))
  out.push('', ...renderRepair(s, style))
  if (s.witness !== undefined) out.push(...note('replay', s.witness.replay, style))
  out.push(...note('help', `tenure explain ${cls}`, style))
  return out
}

function renderUnknownSite(s: Site, lineOf: LineOf, style: Style): string[] {
  return [
    ...head('warning', 'unknown', s.summary, style.warn, style),
    ...frame(s, lineOf, style, style.warn),
    ...note('note', guard(s), style),
    ...s.escapes.flatMap((h) => hang('        ', `${h.file}:${h.line}: ${h.text}`)),
  ]
}

/** The shortest run: the promise, who takes part, the lanes. */
export function renderWitness(w: Witness, style: Style = plain): string[] {
  const timeline: Timeline = { actors: w.actors, pages: w.pages, steps: w.steps }
  return [
    ...wrap(`Promise (${w.invariant}): ${w.promise}`, columns),
    '',
    ...renderTimeline(timeline, style, `${w.invariant}: ${w.detail}`),
  ]
}

function renderRepair(s: Site, style: Style): string[] {
  const { repair } = s
  const tried = repair?.tried ?? s.tried ?? []
  const lines: string[] = []
  if (repair === undefined) {
    if (s.tried !== undefined)
      lines.push(...note('repair', 'none of those that are known makes it hold; tried:', style))
  } else {
    lines.push(...note('repair', repair.text, style))
    lines.push(
      ...hang('        ', `checked: every invariant holds, ${repair.states} states explored to the end`),
    )
    if (tried.length > 0) lines.push(...hang('        ', 'tried before it, and not enough:'))
  }
  for (const t of tried) lines.push(...hang('          ', `${t.name}: ${t.breaks}`))
  return lines
}

const guard = (s: Site): string => `guard: ${s.guard}; hold: ${s.hold}`

function head(
  word: string,
  code: string,
  text: string,
  paint: (t: string) => string,
  style: Style,
): string[] {
  const start = `${word}[${code}]`
  return wrap(`${start}: ${text}`, columns).map((l, i) =>
    i === 0 ? paint(start) + style.bold(l.slice(start.length)) : style.bold(l),
  )
}

function frame(s: Site, lineOf: LineOf, style: Style, paint: (t: string) => string): string[] {
  const gutter = String(s.line).length
  const bar = style.frame(`${' '.repeat(gutter)} |`)
  const out = hang(`${' '.repeat(gutter)}--> `, `${s.file}:${s.line}:${s.column} in ${s.function}()`)
  const raw = lineOf(s.file, s.line)
  if (raw === undefined) return out
  const wide = (text: string): string => text.replaceAll('\t', '    ').replaceAll(/\p{Cc}/gu, ' ')
  const room = columns - gutter - 3
  const code = wide(raw)
  const indent = code.length - code.trimStart().length
  const cut = Math.min(indent, Math.max(0, wide(raw.slice(0, s.column - 1)).length + s.api.length + 2 - room))
  const shown = code.slice(cut, cut + room)
  const from = wide(raw.slice(0, s.column - 1)).length - cut
  out.push(bar, `${style.frame(`${s.line} |`)} ${shown}`.trimEnd())
  if (from >= 0 && from < room)
    out.push(`${bar} ${' '.repeat(from)}${paint('^'.repeat(Math.min(s.api.length, room - from)))}`)
  out.push(bar)
  return out
}

export function note(word: string, text: string, style: Style): string[] {
  const first = `  = ${word}: `
  return hang(first, text).map((l, i) =>
    i === 0 ? `  = ${style.bold(`${word}:`)} ${l.slice(first.length)}` : l,
  )
}

export function renderSummary(r: AuditResult, style: Style = plain): string[] {
  const { summary: n } = r
  const from = { Makefile: "from the tree's Makefile", option: 'as asked', default: 'the newest modelled' }
  const out = [
    ...hang('Tree      ', `${r.tree.path}, kernel ${r.tree.kernel} (${from[r.tree.kernelFrom]})`),
    ...hang('Protocols ', r.protocols.join(', ')),
    ...hang(
      'Read      ',
      `${n.filesSeen} files seen, ${n.filesParsed} parsed, ${n.functions} functions in them`,
    ),
    // Of a few functions a share says nothing.
    ...(n.functionsRead >= 100
      ? hang(
          'Gone into ',
          `${n.functionsRead} functions, ${((100 * n.functionsUnderstood) / n.functionsRead).toFixed(2)} % of them understood to the end`,
        )
      : []),
    ...hang('Sites     ', `${n.sites}: ${n.broken} broken, ${n.unknown} unknown, ${n.holds} hold`),
  ]
  const known = r.sites.filter((s) => s.known === true).length
  if (known > 0) out.push(...hang('Known     ', `${known} of the broken ones were known before`))
  for (const [why, count] of Object.entries(n.unknownReasons))
    out.push(...hang('          ', `${count} × ${why}`))
  for (const [why, count] of Object.entries(n.skipped))
    out.push(...hang('Skipped   ', `${count} functions with a part not understood: ${why}`))
  for (const p of r.problems)
    out.push(
      ...hang('Problem   ', `${p.file}${p.line === undefined ? '' : `:${p.line}`}: ${p.message}`).map(
        style.warn,
      ),
    )
  return out
}
