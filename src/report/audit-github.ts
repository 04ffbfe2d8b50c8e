import type { AuditResult, Site } from '../audit/result.ts'
import { messageOf } from './audit-sarif.ts'

/**
 * An audit as the lines that GitHub's actions turn into remarks at a change: an error for what is broken, a notice for what is not
 * decided, and nothing for what was known. `prefix` is put before every path.
 */
export function renderGithub(result: AuditResult, prefix: string): string {
  const remark = (word: string, s: Site, title: string, text: string): string =>
    `::${word} file=${property(prefix + s.file)},line=${s.line},col=${s.column},endColumn=${s.column + s.api.length},title=${property(title)}::${data(text)}\n`
  const of = (v: Site['verdict']): Site[] => result.sites.filter((s) => s.verdict === v && s.known !== true)
  return [
    ...of('broken').map((s) =>
      remark('error', s, `${s.classes[0] ?? 'broken'} in ${s.function}()`, messageOf(s)),
    ),
    ...of('unknown').map((s) => remark('notice', s, `${s.api}() is not decided`, messageOf(s))),
  ].join('')
}

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
