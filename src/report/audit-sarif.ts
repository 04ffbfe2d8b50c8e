import type { AuditResult, Site, Witness } from '../audit/result.ts'
import { type LineOf } from './audit-text.ts'
import { stepText } from './timeline.ts'

/** What a SARIF log needs besides the result. */
export type SarifOptions = {
  /** The page of a finding class, in Markdown. */
  readonly page: (code: string) => string | undefined
  readonly lineOf: LineOf
  /** Put before every path, so that paths begin where the reader stands: '' or `drivers/`. */
  readonly prefix: string
  /** There is something to compare with: results say whether they are new. */
  readonly compared: boolean
}

/**
 * An audit as SARIF 2.1.0. What is broken is a `fail` with a code flow, one thread for each actor, in the order in which they run; what is not
 * decided is a `review`. What holds is counted, not listed. The same audit gives the same text.
 */
export function renderSarif(result: AuditResult, options: SarifOptions): string {
  const told = result.sites.filter((s) => s.verdict !== 'holds')
  const codes = [...new Set(told.map(ruleOf))].sort()
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: result.tool.name,
            version: result.tool.version,
            rules: codes.map((c) => rule(c, options.page(c))),
          },
        },
        automationDetails: { id: `tenure/${result.protocols.join('+')}/` },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: {
          [base]: { description: { text: 'the directory that the audit was started in, or the tree' } },
        },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: result.problems.map((p) => ({
              level: 'warning',
              message: { text: p.message },
              locations: [{ physicalLocation: physical(options, p.file, p.line) }],
            })),
          },
        ],
        results: told.map((s) => resultOf(s, codes, options)),
        properties: { kernel: result.tree.kernel, summary: result.summary },
      },
    ],
  }
  return `${JSON.stringify(log, null, 1)}\n`
}

const base = 'SRCROOT'
const ruleOf = (s: Site): string => (s.verdict === 'unknown' ? 'unknown' : (s.classes[0] ?? 'broken'))

function rule(code: string, page: string | undefined): object {
  if (code === 'unknown')
    return {
      id: code,
      shortDescription: { text: 'Not decided' },
      fullDescription: {
        text: 'The auditor cannot see enough of the code to decide; each result says what it does not see.',
      },
      defaultConfiguration: { level: 'none' },
    }
  const says = page === undefined ? '' : sectionOf(page, 'What it says')
  const first = oneLine(/^[\s\S]*?\.(?=\s|$)/.exec(says)?.[0] ?? says)
  return {
    id: code,
    name: code.replace(/(^|-)(\w)/g, (_, __, c: string) => c.toUpperCase()),
    shortDescription: { text: first === '' ? code : first.replaceAll('`', '') },
    ...(says !== '' && { fullDescription: { text: oneLine(says).replaceAll('`', '') } }),
    ...(page !== undefined && { help: { text: page, markdown: page } }),
    defaultConfiguration: { level: 'error' },
  }
}

function sectionOf(page: string, heading: string): string {
  const at = page.indexOf(`\n## ${heading}\n`)
  if (at < 0) return ''
  const body = page.slice(at + heading.length + 5)
  const next = body.indexOf('\n## ')
  return (next < 0 ? body : body.slice(0, next)).trim()
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

function resultOf(s: Site, codes: readonly string[], options: SarifOptions): object {
  const code = ruleOf(s)
  const broken = s.verdict === 'broken'
  const { witness, repair } = s
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    kind: broken ? 'fail' : 'review',
    level: broken ? 'error' : 'none',
    ...(options.compared && broken && { baselineState: s.known === true ? 'unchanged' : 'new' }),
    message: { text: messageOf(s) },
    locations: [
      {
        physicalLocation: physical(options, s.file, s.line, s.column, s.column + s.api.length),
        logicalLocations: [{ name: s.function, kind: 'function' }],
      },
    ],
    ...(s.escapes.length > 0 && {
      relatedLocations: s.escapes.map((h, i) => ({
        id: i + 1,
        physicalLocation: physical(options, h.file, h.line),
        message: { text: h.text },
      })),
    }),
    ...(s.id !== undefined && { partialFingerprints: { 'tenureSite/v1': `${s.id} ${code}` } }),
    ...(witness !== undefined && { codeFlows: [codeFlow(witness, options)] }),
    ...(repair?.edits !== undefined && {
      fixes: [
        {
          description: { text: repair.text },
          artifactChanges: repair.edits.map((e) => ({
            artifactLocation: artifact(options, e.file),
            replacements: [
              {
                deletedRegion: {
                  startLine: e.line,
                  startColumn: e.column,
                  endLine: e.line,
                  endColumn: e.endColumn,
                },
                insertedContent: { text: e.text },
              },
            ],
          })),
        },
      ],
    }),
    properties: {
      kind: s.kind,
      api: s.api,
      flags: s.flags,
      guard: s.guard,
      hold: s.hold,
      ...(s.classes.length > 1 && { also: s.classes.slice(1) }),
      ...(s.reason !== undefined && { reason: s.reason }),
      ...(repair !== undefined && { repair: repair.text }),
      ...(s.litmus !== undefined && { litmus: s.litmus.text, states: s.litmus.states }),
    },
  }
}

export function messageOf(s: Site): string {
  const parts = [sentence(s.summary)]
  if (s.witness !== undefined) parts.push(sentence(`${s.witness.invariant}: ${s.witness.detail}`))
  if (s.repair !== undefined) parts.push(`Repair: ${sentence(s.repair.text)}`)
  return parts.join(' ')
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

/** One thread for each actor that takes a step; `executionOrder` says how they interleave. */
function codeFlow(w: Witness, options: SarifOptions): object {
  const threads = w.actors.map((a, actor) => ({
    id: a.name,
    message: { text: [a.role, a.context].filter((t) => t !== '').join('; ') || a.name },
    locations: w.steps.flatMap((step, n) =>
      step.actor === actor
        ? [
            {
              executionOrder: n + 1,
              location: {
                ...placeOf(step.place, options),
                message: { text: [stepText(w, n).trim(), ...step.changes].join('; ') },
              },
              ...(n === w.steps.length - 1 && { importance: 'essential' }),
            },
          ]
        : [],
    ),
  }))
  return {
    message: { text: `${w.invariant}: ${w.promise}` },
    threadFlows: threads.filter((t) => t.locations.length > 0),
  }
}

function placeOf(place: string | undefined, options: SarifOptions): object {
  const m = /^(.*):(\d+)$/.exec(place ?? '')
  return m === null ? {} : { physicalLocation: physical(options, m[1]!, Number(m[2])) }
}

const artifact = ({ prefix }: SarifOptions, file: string): object => ({
  uri: `${prefix}${file}`.split('/').map(encodeURIComponent).join('/'),
  uriBaseId: base,
})

function physical(
  options: SarifOptions,
  file: string,
  line?: number,
  column?: number,
  endColumn?: number,
): object {
  if (line === undefined) return { artifactLocation: artifact(options, file) }
  const text = options.lineOf(file, line)
  return {
    artifactLocation: artifact(options, file),
    region: {
      startLine: line,
      ...(column !== undefined && { startColumn: column }),
      ...(endColumn !== undefined && { endColumn }),
      ...(text !== undefined && text.trim() !== '' && column === undefined && { snippet: { text } }),
    },
  }
}
