import { type Diagnostic, type Source, span } from '../base/index.ts'

/**
 * A token of the part of a litmus test that follows the head comment. `after` is the `//` comment that stands behind the
 * token on the same line: the place of a statement, or what a process is.
 */
export type Token = {
  readonly kind: 'name' | 'number' | 'punct' | 'end'
  readonly text: string
  readonly start: number
  readonly end: number
  after?: string
}

/** Longest first: the first that fits is the token. */
const puncts = [
  '/\\',
  '\\/',
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '(',
  ')',
  '{',
  '}',
  ',',
  ';',
  ':',
  '=',
  '<',
  '>',
  '+',
  '-',
  '*',
  '&',
  '|',
  '!',
  '~',
]

const space = /\s+/y
const lineComment = /\/\/([^\n]*)/y
/** A field path is one name, as the C has it: `buf->paddr`, `args.pfn`, `pages[0]`. */
const name = /[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]\w*|\[\d\])*/y
const number = /0[xX][0-9a-fA-F]+|\d\w*/y

/** Cuts the text from `offset` into tokens; what is no token is reported once per run of such characters and left out. */
export function lex(source: Source, offset: number, report: (d: Diagnostic) => void): Token[] {
  const { text } = source
  const tokens: Token[] = []
  let line = true // no line end since the last token
  const match = (re: RegExp, at: number): RegExpExecArray | null => {
    re.lastIndex = at
    return re.exec(text)
  }
  let i = offset
  while (i < text.length) {
    const blank = match(space, i)
    if (blank) {
      if (blank[0].includes('\n')) line = false
      i += blank[0].length
      continue
    }
    const comment = match(lineComment, i)
    if (comment) {
      const last = tokens.at(-1)
      if (last && line) last.after = comment[1]!.trim()
      i += comment[0].length
      continue
    }
    if (text.startsWith('/*', i)) {
      const close = text.indexOf('*/', i + 2)
      if (close < 0)
        report({
          code: 'litmus/open-comment',
          severity: 'error',
          message: 'this comment is not closed',
          primary: { span: span(source, i, i + 2), text: 'opened here' },
          hints: [{ text: 'close it with */' }],
        })
      i = close < 0 ? text.length : close + 2
      continue
    }
    const word = match(name, i) ?? match(number, i)
    const punct = word ? undefined : puncts.find((p) => text.startsWith(p, i))
    const found = word?.[0] ?? punct
    if (found === undefined) {
      let end = i + 1
      while (end < text.length && isNoToken(text, end)) end++
      report({
        code: 'litmus/no-token',
        severity: 'error',
        message: `${JSON.stringify(text.slice(i, Math.min(end, i + 12)))} means nothing here`,
        primary: { span: span(source, i, end), text: 'left out' },
      })
      i = end
      continue
    }
    const kind = punct !== undefined ? 'punct' : /^\d/.test(found) ? 'number' : 'name'
    tokens.push({ kind, text: found, start: i, end: i + found.length })
    line = true
    i += found.length
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length })
  return tokens
}

/** Whether no token, comment or space starts here. */
function isNoToken(text: string, at: number): boolean {
  const c = text[at]!
  return !/[\s\w/]/.test(c) && !puncts.some((p) => text.startsWith(p, at))
}
