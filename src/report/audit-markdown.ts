import type { AuditResult, Edit, Site } from '../audit/result.ts'
import { type LineOf, renderSummary, renderWitness } from './audit-text.ts'

/** An audit for an issue, a merge request or a wiki: each broken site with its run and its repair, the others in lists. */
export function renderMarkdown(result: AuditResult, lineOf: LineOf): string {
  const of = (v: Site['verdict']): Site[] => result.sites.filter((s) => s.verdict === v)
  const { broken, unknown, holds, sites } = result.summary
  const out = [
    `# tenure audit: ${code(result.tree.path)}, Linux ${result.tree.kernel}`,
    '',
    `${sites} sites: **${broken} broken**, ${unknown} unknown, ${holds} hold.`,
    '',
  ]
  const known = of('broken').filter((s) => s.known === true)
  for (const s of of('broken')) if (s.known !== true) out.push(...brokenSite(s, lineOf))
  if (known.length > 0) {
    out.push('## Known before', '')
    for (const s of known) out.push(`- ${place(s)}: ${text(s.summary)}`)
    out.push('')
  }
  if (unknown > 0) {
    out.push('## Not decided', '')
    for (const s of of('unknown')) out.push(`- ${place(s)}: ${text(s.reason ?? s.summary)}`)
    out.push('')
  }
  if (holds > 0) {
    out.push('<details>', '<summary>These hold</summary>', '')
    for (const s of of('holds')) out.push(`- ${place(s)}: ${text(s.summary)}`)
    out.push('', '</details>', '')
  }
  out.push(...fenced('', renderSummary(result)))
  return out.join('\n')
}

function brokenSite(s: Site, lineOf: LineOf): string[] {
  const line = lineOf(s.file, s.line)
  const [cls = 'broken', ...more] = s.classes
  const out = [
    `## ${cls}: ${code(`${s.file}:${s.line}`)}`,
    '',
    `In ${code(`${s.function}()`)}: ${text(s.summary)}`,
    '',
  ]
  if (line !== undefined && line.trim() !== '') out.push(...fenced('c', [line.trim()]))
  out.push(`Guard: ${text(s.guard)}; hold: ${s.hold}.`, '')
  if (more.length > 0) out.push(`Also: ${more.join(', ')}.`, '')
  if (s.escapes.length > 0)
    out.push(...s.escapes.map((h, i) => `${i + 1}. ${code(`${h.file}:${h.line}`)}: ${text(h.text)}`), '')
  if (s.witness !== undefined) out.push(...fenced('', renderWitness(s.witness)))
  if (s.repair === undefined) out.push('No known repair makes it hold.', '')
  else {
    out.push(
      `**Repair:** ${text(s.repair.text)} Checked: every invariant holds, ${s.repair.states} states explored to the end.`,
      '',
    )
    if (s.repair.edits !== undefined)
      out.push(
        ...fenced(
          'diff',
          s.repair.edits.flatMap((e) => edited(e, lineOf)),
        ),
      )
  }
  return out
}

function edited(e: Edit, lineOf: LineOf): string[] {
  const before = lineOf(e.file, e.line)
  if (before === undefined) return []
  const after = before.slice(0, e.column - 1) + e.text + before.slice(e.endColumn - 1)
  return [`--- a/${e.file}`, `+++ b/${e.file}`, `@@ -${e.line} +${e.line} @@`, `-${before}`, `+${after}`]
}

const place = (s: Site): string => `${code(`${s.file}:${s.line}`)} ${code(`${s.function}()`)}: ${code(s.api)}`

/** A code span whatever is in it. */
function code(raw: string): string {
  const one = raw.replaceAll(/\s+/g, ' ')
  const ticks = '`'.repeat(1 + Math.max(0, ...(one.match(/`+/g) ?? []).map((t) => t.length)))
  const pad = one.startsWith('`') || one.endsWith('`') ? ' ' : ''
  return `${ticks}${pad}${one}${pad}${ticks}`
}

/** Prose in which `code` stays and nothing else is markup. */
const text = (raw: string): string =>
  raw
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith('`') && part.endsWith('`') && part.length > 1
        ? part
        : part.replaceAll(/[\\<>[\]*#|~]|(?<!\w)_|_(?!\w)/g, (c) => `\\${c}`),
    )
    .join('')

function fenced(language: string, lines: readonly string[]): string[] {
  const fence = '`'.repeat(
    Math.max(3, ...lines.flatMap((l) => (l.match(/`+/g) ?? []).map((t) => t.length + 1))),
  )
  return [`${fence}${language}`, ...lines, fence, '']
}
