import type { MapRow, MapSurvey } from '../audit/index.ts'
import { hang } from './style.ts'

const place = (r: MapRow): string => `${r.file}:${r.line} ${r.function}()`

/** The survey as text: the policy's question, then the odd ones, then all by combination. */
export function renderMapSurvey(s: MapSurvey): string {
  const out = hang(
    '',
    `${s.handlers} mmap handlers of ${s.tree.path}${s.tree.kernel === '' ? '' : `, kernel ${s.tree.kernel}`}`,
  )
  const say = (text: string): void => void out.push(...hang('      ', text))
  const name = (r: MapRow): void => void out.push(`  ${place(r)}`)
  const flagsOf = (r: MapRow): string => r.flags.join(' ') || 'no flags'
  if (s.notPfnmap !== undefined) {
    const { no, unknown, objects, yes } = s.notPfnmap
    out.push('', `dma-bufs that are not mapped VM_PFNMAP: ${no.length}`)
    for (const r of no) {
      name(r)
      say(`${flagsOf(r)}; by ${r.by.join(', ') || 'its fault handler'}`)
    }
    out.push('', `not known: ${unknown.length}`)
    for (const r of unknown) {
      name(r)
      say(r.unknown ?? r.contract ?? '')
    }
    out.push('', `left to the object, which is counted itself: ${objects.length}`)
    for (const r of objects) name(r)
    out.push('', `VM_PFNMAP: ${yes}`)
  }
  const odd = s.rows.filter((r) => r.odd.length > 0)
  out.push('', `Odd: ${odd.length}`)
  for (const r of odd) {
    name(r)
    say(flagsOf(r))
    for (const o of r.odd) say(o)
  }
  const groups = new Map<string, MapRow[]>()
  for (const r of s.rows) {
    const key =
      r.unknown !== undefined
        ? 'not known'
        : r.flags.length === 0 && r.contract !== undefined
          ? 'those of whom it hands on to'
          : flagsOf(r)
    groups.set(key, [...(groups.get(key) ?? []), r])
  }
  for (const [flags, rows] of [...groups].sort(
    (a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1),
  )) {
    out.push('', ...hang('', `${flags}: ${rows.length}`))
    for (const r of rows) {
      name(r)
      const ops =
        r.vmOps === '' ? 'no vm_ops' : `${r.vmOps}${r.has.length === 0 ? '' : ` (${r.has.join(', ')})`}`
      say(
        r.unknown ??
          `by ${r.by.join(', ') || 'nothing itself'}; size: ${r.checked}; private: ${r.private}; ${ops}; counted: ${r.counts};${r.lives === '' ? '' : ` lives: ${r.lives};`} revoked: ${r.revokedBy.join(', ') || 'no call seen'}`,
      )
    }
  }
  return out.join('\n')
}

/** One line for each handler and combination. */
export function mapSurveyCsv(s: MapSurvey): string {
  const cell = (x: string | number): string =>
    /[",\n]/.test(`${x}`) ? `"${`${x}`.replaceAll('"', '""')}"` : `${x}`
  const head = [
    'file',
    'line',
    'function',
    'table',
    'flags',
    'by',
    'size',
    'private',
    'vm_ops',
    'has',
    'counted',
    'lives',
    'revoked',
    'odd',
    'contract',
    'unknown',
  ]
  const rows = s.rows.map((r) => [
    r.file,
    r.line,
    r.function,
    r.table,
    r.flags.join(' '),
    r.by.join(' '),
    r.checked,
    r.private,
    r.vmOps,
    r.has.join(' '),
    r.counts,
    r.lives,
    r.revokedBy.join(' '),
    r.odd.join('; '),
    r.contract ?? '',
    r.unknown ?? '',
  ])
  return [head, ...rows].map((r) => r.map(cell).join(',')).join('\n')
}
