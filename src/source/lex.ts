/**
 * C to tokens in typed arrays, one pass, no allocation per token. Comments and directives vanish, but for #if … #endif,
 * which stay as marker tokens for arms.ts, and #define and #include, which are listed.
 */
export const T = {
  eof: 0,
  ident: 1,
  number: 2,
  string: 3,
  char: 4,
  punct: 5,
  /** #if, #ifdef, #ifndef; `code` indexes `conditions`. */
  if: 6,
  /** #elif, #else; `code` indexes `conditions`. */
  else: 7,
  endif: 8,
} as const

export type Tokens = {
  readonly text: string
  readonly count: number
  readonly kind: Uint8Array
  readonly start: Int32Array
  readonly end: Int32Array
  /** A hash of an identifier's text; the characters of a punctuator, lowest byte first; the index of a condition. */
  readonly code: Int32Array
  /** Conditions as written, `''` for #else. `!X` for #ifndef X. */
  readonly conditions: readonly string[]
  readonly defines: readonly Define[]
  readonly includes: readonly string[]
}

export type Define = {
  readonly name: string
  readonly params: readonly string[] | undefined
  readonly start: number
  /** The body's range; `\` at line ends still in it. */
  readonly bodyStart: number
  readonly end: number
}

/** The hash that `code` has for an identifier. */
export function identHash(name: string): number {
  let h = 0
  for (let i = 0; i < name.length; i++) h = (Math.imul(h, 31) + name.charCodeAt(i)) | 0
  return h
}

/** The code of a punctuator. */
export function op(text: string): number {
  let code = 0
  for (let i = text.length - 1; i >= 0; i--) code = (code << 8) | text.charCodeAt(i)
  return code
}

const SPACE = 1
const WORD = 2
const DIGIT = 4
const charClass = new Uint8Array(65536)
for (const c of ' \t\r\n\f\v\\') charClass[c.charCodeAt(0)] = SPACE
for (let c = 48; c <= 57; c++) charClass[c] = WORD | DIGIT
for (let c = 65; c <= 90; c++) charClass[c] = charClass[c + 32] = WORD
charClass[95] = charClass[36] = WORD
// Letters beyond ASCII are parts of words, so that a file in a foreign encoding still has words.
charClass.fill(WORD, 128)

const three = new Set(['<<=', '>>=', '...'].map(op))
const two = new Set(
  [
    ['->', '++', '--', '<<', '>>', '<=', '>=', '==', '!=', '&&', '||'],
    ['+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '##'],
  ]
    .flat()
    .map(op),
)
const startsLong = new Uint8Array(128)
for (const code of [...three, ...two]) startsLong[code & 127] = 1

const HASH = 35
const NEWLINE = 10

/** Tokens of `text` between two offsets. `inMacro`: a macro's body, where `#` is an operator. */
export function lex(text: string, from = 0, to = text.length, inMacro = false): Tokens {
  let capacity = Math.max(64, ((to - from) >> 2) + 16)
  let kind = new Uint8Array(capacity)
  let start = new Int32Array(capacity)
  let end = new Int32Array(capacity)
  let code = new Int32Array(capacity)
  const conditions: string[] = []
  const defines: Define[] = []
  const includes: string[] = []
  let n = 0
  let i = from
  let lineStart = !inMacro

  const push = (k: number, s: number, e: number, c: number): void => {
    if (n === capacity) {
      capacity *= 2
      const grow = <A extends Uint8Array | Int32Array>(a: A, b: A): A => (b.set(a), b)
      kind = grow(kind, new Uint8Array(capacity))
      start = grow(start, new Int32Array(capacity))
      end = grow(end, new Int32Array(capacity))
      code = grow(code, new Int32Array(capacity))
    }
    kind[n] = k
    start[n] = s
    end[n] = e
    code[n] = c
    n++
  }

  /** The end of the logical line that holds `at`: before its newline, past continuations and comments. */
  const lineEnd = (at: number): number => {
    let j = at
    while (j < to) {
      const c = text.charCodeAt(j)
      if (c === NEWLINE) {
        let k = j - 1
        if (k >= at && text.charCodeAt(k) === 13) k--
        if (k < at || text.charCodeAt(k) !== 92) return j
        j++
      } else if (c === 47 && text.charCodeAt(j + 1) === 42) {
        const close = text.indexOf('*/', j + 2)
        if (close < 0 || close >= to) return to
        j = close + 2
      } else j++
    }
    return to
  }

  const directive = (at: number): number => {
    let j = at + 1
    while (j < to && (text.charCodeAt(j) === 32 || text.charCodeAt(j) === 9)) j++
    const wordStart = j
    while (j < to && charClass[text.charCodeAt(j)]! & WORD) j++
    const word = text.slice(wordStart, j)
    const stop = lineEnd(j)
    const rest = (): string =>
      text
        .slice(j, stop)
        .replace(/\/\*[^]*?\*\/|\/\/.*$|\\\r?\n/g, ' ')
        .trim()
        .replace(/\s+/g, ' ')
    switch (word) {
      case 'if':
      case 'ifdef':
      case 'ifndef':
        conditions.push((word === 'ifndef' ? '!' : '') + rest())
        push(T.if, at, stop, conditions.length - 1)
        break
      case 'elif':
      case 'else':
        conditions.push(word === 'elif' ? rest() : '')
        push(T.else, at, stop, conditions.length - 1)
        break
      case 'endif':
        push(T.endif, at, stop, 0)
        break
      case 'include': {
        const m = /^["<]([^">]+)[">]/.exec(text.slice(j, stop).trimStart())
        if (m) includes.push(m[1]!)
        break
      }
      case 'define': {
        while (j < stop && charClass[text.charCodeAt(j)]! & SPACE) j++
        const nameStart = j
        while (j < stop && charClass[text.charCodeAt(j)]! & WORD) j++
        const name = text.slice(nameStart, j)
        let params: string[] | undefined
        if (text.charCodeAt(j) === 40) {
          const close = text.indexOf(')', j)
          if (close >= 0 && close < stop) {
            params = text
              .slice(j + 1, close)
              .split(',')
              .map((p) => p.replace(/[\s\\]+/g, ''))
              .filter((p) => p !== '')
            j = close + 1
          }
        }
        if (name !== '') defines.push({ name, params, start: nameStart, bodyStart: j, end: stop })
        break
      }
      default: // #undef, #error, #pragma, #line: nothing that we read
    }
    return stop
  }

  while (i < to) {
    const c = text.charCodeAt(i)
    const cls = charClass[c]!
    if (cls === SPACE) {
      if (c === NEWLINE) lineStart = !inMacro
      i++
    } else if (cls === WORD) {
      const s = i
      // L"wide", u8"…"
      let h = c | 0
      i++
      let d: number
      while (i < to && charClass[(d = text.charCodeAt(i))]! & WORD) {
        h = (Math.imul(h, 31) + d) | 0
        i++
      }
      push(T.ident, s, i, h)
      lineStart = false
    } else if (c === 47 && text.charCodeAt(i + 1) === 42) {
      const close = text.indexOf('*/', i + 2)
      i = close < 0 || close >= to ? to : close + 2
    } else if (c === 47 && text.charCodeAt(i + 1) === 47) {
      i = lineEnd(i + 2)
    } else if (cls & DIGIT || (c === 46 && charClass[text.charCodeAt(i + 1)]! & DIGIT)) {
      const s = i
      i++
      while (i < to) {
        const d = text.charCodeAt(i)
        if (charClass[d]! & WORD || (d === 46 && text.charCodeAt(i + 1) !== 46)) i++
        else if ((d === 43 || d === 45) && isExponent(text, s, i)) i++
        else break
      }
      push(T.number, s, i, 0)
      lineStart = false
    } else if (c === 34 || c === 39) {
      const s = i
      i++
      while (i < to) {
        const d = text.charCodeAt(i)
        if (d === c) break
        if (d === NEWLINE) break // unterminated: C ends it here, too
        i += d === 92 ? 2 : 1
      }
      i = Math.min(to, text.charCodeAt(i) === c ? i + 1 : i)
      push(c === 34 ? T.string : T.char, s, i, 0)
      lineStart = false
    } else if (c === HASH && lineStart) {
      i = directive(i)
    } else {
      let length = 1
      let p = c
      if (c < 128 && startsLong[c]) {
        const d = text.charCodeAt(i + 1)
        const pair = c | (d << 8)
        if (d < 128 && i + 1 < to) {
          const triple = pair | (text.charCodeAt(i + 2) << 16)
          if (i + 2 < to && three.has(triple)) {
            length = 3
            p = triple
          } else if (two.has(pair)) {
            length = 2
            p = pair
          }
        }
      }
      push(T.punct, i, i + length, p)
      i += length
      lineStart = false
    }
  }
  return { text, count: n, kind, start, end, code, conditions, defines, includes }
}

/** `1e+5`, `0x1p-3`: a sign that belongs to the number. Not `0x1e+5`, which is a sum. */
function isExponent(text: string, start: number, at: number): boolean {
  const before = text.charCodeAt(at - 1) | 32
  const hex = text.charCodeAt(start) === 48 && (text.charCodeAt(start + 1) | 32) === 120
  return hex ? before === 112 : before === 101
}
