import type { Diagnostic, Label } from '../base/index.ts'
import { columns, plain, type Style, wrap } from './style.ts'

/**
 * A diagnostic in rustc's manner: what is wrong, the line with carets under the place, why it matters, what to do.
 * No line is longer than an e-mail's; a long source line is shown around the place.
 */
export function renderDiagnostic(d: Diagnostic, style: Style = plain): string {
  const head = `${d.severity}[${d.code}]`
  const paint = d.severity === 'error' ? style.bad : d.severity === 'warning' ? style.warn : style.frame
  const [first = '', ...more] = wrap(`${head}: ${d.message}`, columns)
  const out = [paint(head) + style.bold(first.slice(head.length)), ...more.map((l) => style.bold(`  ${l}`))]
  const labels = [...(d.primary ? [d.primary] : []), ...(d.secondary ?? [])]
  const gutter = Math.max(1, ...labels.map((l) => String(lineOf(l)).length))
  const bar = style.frame(`${' '.repeat(gutter)} |`)
  if (d.primary) {
    const { source, start } = d.primary.span
    const at = source.position(start)
    out.push(`${' '.repeat(gutter)}${style.frame('-->')} ${source.name}:${at.line}:${at.column}`, bar)
    for (const [i, label] of labels.entries()) {
      const other = label.span.source !== source
      if (other) {
        const p = label.span.source.position(label.span.start)
        out.push(
          `${' '.repeat(gutter)}${style.frame(':::')} ${label.span.source.name}:${p.line}:${p.column}`,
          bar,
        )
      }
      const { code, carets } = excerpt(label, columns - gutter - 3, i === 0 ? '^' : '-')
      const number = style.frame(`${String(lineOf(label)).padStart(gutter)} |`)
      const text = label.text === '' ? [] : wrap(label.text, columns - gutter - 3)
      const fits = text.length === 1 && carets.length + 1 + text[0]!.length <= columns - gutter - 3
      const mark = i === 0 ? paint : style.frame
      out.push(`${number} ${code}`.trimEnd(), `${bar} ${mark(fits ? `${carets} ${text[0]}` : carets)}`)
      if (!fits) out.push(...text.map((l) => `${bar} ${mark(l)}`))
    }
    if ((d.notes?.length ?? 0) + (d.hints?.length ?? 0) > 0) out.push(bar)
  }
  const said = (word: string, text: string): void => {
    const lines = wrap(text, columns - gutter - 5 - word.length)
    for (const [i, l] of lines.entries())
      out.push(
        i === 0
          ? `${' '.repeat(gutter)} ${style.frame('=')} ${style.bold(`${word}:`)} ${l}`
          : `${' '.repeat(gutter + 5 + word.length)}${l}`,
      )
  }
  for (const n of d.notes ?? []) said('note', n)
  for (const h of d.hints ?? []) said('help', h.text)
  return `${out.join('\n')}\n`
}

const lineOf = (l: Label): number => l.span.source.position(l.span.start).line

/** The line, tabs as four spaces, cut around the place to `width`, and the carets under it. */
function excerpt({ span }: Label, width: number, mark: string): { code: string; carets: string } {
  const { line, column } = span.source.position(span.start)
  const raw = span.source.line(line)
  const wide = (text: string): string => text.replaceAll('\t', '    ').replaceAll(/\p{Cc}/gu, ' ')
  const before = wide(raw.slice(0, column - 1))
  const marked = wide(raw.slice(column - 1, column - 1 + Math.max(1, span.end - span.start)))
  let code = wide(raw)
  let from = before.length
  if (code.length > width) {
    const cut = Math.max(0, Math.min(from - Math.floor(width / 3), code.length - width))
    code = `${cut > 0 ? '…' : ''}${code.slice(cut > 0 ? cut + 1 : 0, cut + width - 1)}…`
    from -= cut
  }
  const length = Math.max(1, Math.min(marked.trimEnd().length, width - from))
  return { code, carets: ' '.repeat(from) + mark.repeat(length) }
}
