import type { Edit, Site } from './result.ts'

/**
 * A repair as edits of the text, where it is one: another flag in the call, another name for the release. Undefined wherever the text is not
 * exactly what is expected: a repair that cannot be written down is still told in words.
 */
export function editsOf(
  site: Site,
  lineOf: (file: string, line: number) => string | undefined,
): readonly Edit[] | undefined {
  if (site.repair === undefined) return undefined
  const flag = flags[site.repair.name]
  if (flag !== undefined) return addFlag(site, flag, lineOf)
  const names = renames[site.classes[0] ?? '']
  if (site.repair.name === 'match' && names !== undefined) return rename(site, names, lineOf)
  return undefined
}

/** By the name of the repair. */
const flags: Readonly<Record<string, string>> = { 'foll-write': 'FOLL_WRITE', longterm: 'FOLL_LONGTERM' }

/** What releases in the wrong way, and its counterpart with the same arguments. */
const renames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'put-instead-of-unpin': { put_page: 'unpin_user_page', folio_put: 'unpin_folio' },
  'unpin-instead-of-put': { unpin_user_page: 'put_page', unpin_folio: 'folio_put' },
}

type LineOf = (file: string, line: number) => string | undefined

/** The call has to stand on one line, and one of its arguments has to be flags or nothing but 0. */
function addFlag(site: Site, flag: string, lineOf: LineOf): readonly Edit[] | undefined {
  const text = lineOf(site.file, site.line)
  if (text === undefined || !text.startsWith(`${site.api}(`, site.column - 1)) return undefined
  const args = argumentsAt(text, site.column - 1 + site.api.length)
  const given = args?.filter((a) => /^(FOLL_\w+)(\s*\|\s*FOLL_\w+)*$/.test(a.text))
  const [only, more] = given ?? []
  if (only === undefined || more !== undefined || only.text.includes(flag)) return undefined
  const at = only.start + only.text.length + 1
  return [{ file: site.file, line: site.line, column: at, endColumn: at, text: ` | ${flag}` }]
}

function rename(
  site: Site,
  names: Readonly<Record<string, string>>,
  lineOf: LineOf,
): readonly Edit[] | undefined {
  const release = site.escapes.findLast((h) => h.text.startsWith('given back by '))
  const name = /^given back by (\w+)\(\)/.exec(release?.text ?? '')?.[1] ?? ''
  const other = names[name]
  const text = release && lineOf(release.file, release.line)
  if (release === undefined || other === undefined || text === undefined) return undefined
  const at = text.search(new RegExp(`\\b${name}\\(`))
  if (at < 0 || text.slice(at + 1).search(new RegExp(`\\b${name}\\(`)) >= 0) return undefined
  return [
    { file: release.file, line: release.line, column: at + 1, endColumn: at + 1 + name.length, text: other },
  ]
}

/** The arguments of a call whose `(` is at `open`, when all of it is on the line and has no strings. */
function argumentsAt(
  text: string,
  open: number,
): readonly { readonly text: string; readonly start: number }[] | undefined {
  const found: { text: string; start: number }[] = []
  let depth = 0
  let from = open + 1
  const end = (at: number): void => {
    const raw = text.slice(from, at)
    found.push({ text: raw.trim(), start: from + (raw.length - raw.trimStart().length) })
    from = at + 1
  }
  for (let i = open; i < text.length; i++) {
    const c = text[i]
    if (c === '"' || c === "'" || (c === '/' && text[i + 1] === '*')) return undefined
    if (c === '(') depth++
    else if (c === ')' && --depth === 0) {
      end(i)
      return found
    } else if (c === ',' && depth === 1) end(i)
  }
  return undefined
}
