import type { MapRow, MapSurvey } from '../audit/index.ts'

const place = (r: MapRow): string => `${r.file}:${r.line} ${r.function}()`

/** The survey as text: the policy's question, then the odd ones, then all by combination. */
export function renderMapSurvey(s: MapSurvey): string {
  const out: string[] = [
    `${s.handlers} mmap handlers of ${s.tree.path}${s.tree.kernel === '' ? '' : `, kernel ${s.tree.kernel}`}`,
  ]
  if (s.notPfnmap !== undefined) {
    const { no, unknown, yes } = s.notPfnmap
    out.push(
      '',
      `dma-bufs that are not mapped VM_PFNMAP: ${no.length}; not known: ${unknown.length}; VM_PFNMAP: ${yes}`,
    )
    for (const r of no)
      out.push(`  ${place(r)}`, `      ${r.flags.join(' ') || 'no flags'}; by ${r.by.join(', ')}`)
    for (const r of unknown) out.push(`  ${place(r)}`, `      not known: ${r.unknown ?? r.contract ?? ''}`)
  }
  const odd = s.rows.filter((r) => r.odd.length > 0)
  out.push('', `Odd: ${odd.length}`)
  for (const r of odd) {
    out.push(`  ${place(r)}`, `      ${r.flags.join(' ') || 'no flags'}`)
    for (const o of r.odd) out.push(`      ${o}`)
  }
  const groups = new Map<string, MapRow[]>()
  for (const r of s.rows) {
    const key =
      r.unknown !== undefined
        ? 'not known'
        : r.flags.join(' ') || (r.contract === undefined ? 'no flags' : 'those of whom it hands on to')
    groups.set(key, [...(groups.get(key) ?? []), r])
  }
  for (const [flags, rows] of [...groups].sort(
    (a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1),
  )) {
    out.push('', `${flags}: ${rows.length}`)
    for (const r of rows) {
      out.push(`  ${place(r)}`)
      const ops =
        r.vmOps === '' ? 'no vm_ops' : `${r.vmOps}${r.has.length === 0 ? '' : ` (${r.has.join(', ')})`}`
      out.push(
        r.unknown !== undefined
          ? `      ${r.unknown}`
          : `      by ${r.by.join(', ') || 'nothing itself'}; size: ${r.checked}; private: ${r.private}; ${ops}; counted: ${r.counts};${r.lives === '' ? '' : ` lives: ${r.lives};`} revoked: ${r.revokedBy.join(', ') || 'no call seen'}`,
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
