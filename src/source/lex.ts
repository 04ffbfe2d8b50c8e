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

const inNode = typeof Buffer !== 'undefined' && 'alloc' in Buffer

/** Where tokens are put: what is in it is good until the next text is read into it. */
export class Room {
  units = new Uint16Array(0)
  #bytes: Buffer | undefined
  kind = new Uint8Array(0)
  start = new Int32Array(0)
  end = new Int32Array(0)
  code = new Int32Array(0)
  at = new Int32Array(0)
  match = new Int32Array(0)
  next = new Int32Array(0)

  /** The characters of a part of a text, and a few zeros behind them. */
  read(text: string, from: number, to: number): Uint16Array {
    const n = to - from
    if (this.units.length < n + 4) {
      this.units = new Uint16Array(2 * n + 64)
      // In a page there is none.
      this.#bytes = inNode ? Buffer.from(this.units.buffer) : undefined
    }
    if (this.#bytes === undefined) for (let i = 0; i < n; i++) this.units[i] = text.charCodeAt(from + i)
    else this.#bytes.write(from === 0 && to === text.length ? text : text.slice(from, to), 'utf16le')
    this.units.fill(0, n, n + 4)
    return this.units
  }

  /** For so many tokens; those that are there stay. */
  hold(n: number): void {
    if (n <= this.kind.length) return
    const size = 2 * n + 64
    this.kind = larger(this.kind, new Uint8Array(size))
    this.start = larger(this.start, new Int32Array(size))
    this.end = larger(this.end, new Int32Array(size))
    this.code = larger(this.code, new Int32Array(size))
  }

  /** For what is decided of so many tokens. */
  holdResolved(n: number): void {
    if (n <= this.at.length) return
    const size = 2 * n + 64
    this.at = larger(this.at, new Int32Array(size))
    this.match = new Int32Array(size)
    this.next = new Int32Array(size)
  }
}

const larger = <A extends Uint8Array | Int32Array>(old: A, made: A): A => (made.set(old), made)

export type Define = {
  readonly name: string
  readonly params: readonly string[] | undefined
  readonly start: number
  /** The body's range; `\` at line ends still in it. */
  readonly bodyStart: number
  readonly end: number
}

/** An identifier's text by its hash: a word that stands in many places is one string. */
export function wordAt(text: string, start: number, end: number, hash: number): string {
  const slot = (hash ^ (hash >>> 15)) & (seen.length - 1)
  const known = seen[slot]!
  if (known.length === end - start && text.startsWith(known, start)) return known
  const word = text.slice(start, end)
  // A longer slice would keep the whole text.
  return (seen[slot] = word.length < 13 ? word : ` ${word}`.slice(1))
}
const seen: string[] = Array.from({ length: 1 << 15 }, () => '')

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
export function lex(text: string, from = 0, to = text.length, inMacro = false, room = new Room()): Tokens {
  // What is just behind the end decides how the last token ends.
  const units = room.read(text, from, Math.min(text.length, to + 2))
  const size = to - from
  room.hold((size >> 2) + 16)
  let { kind, start, end, code } = room
  const conditions: string[] = []
  const defines: Define[] = []
  const includes: string[] = []
  let n = 0
  let i = 0
  let lineStart = !inMacro

  while (i < size) {
    const c = units[i]!
    const cls = charClass[c]!
    if (cls === SPACE) {
      if (c === NEWLINE) lineStart = !inMacro
      i++
      continue
    }
    if (n === kind.length) {
      room.hold(n + 1)
      ;({ kind, start, end, code } = room)
    }
    if (cls === WORD) {
      const s = i
      // L"wide", u8"…"
      let h = c | 0
      i++
      let d: number
      while (i < size && charClass[(d = units[i]!)]! & WORD) {
        h = (Math.imul(h, 31) + d) | 0
        i++
      }
      kind[n] = T.ident
      start[n] = from + s
      end[n] = from + i
      code[n++] = h
      lineStart = false
    } else if (c === 47 && units[i + 1] === 42) {
      const close = closing(units, i + 2, size)
      i = close < 0 ? size : close + 2
    } else if (c === 47 && units[i + 1] === 47) {
      i = lineEnd(units, i + 2, size)
    } else if (cls & DIGIT || (c === 46 && charClass[units[i + 1]!]! & DIGIT)) {
      const s = i
      i++
      while (i < size) {
        const d = units[i]!
        if (charClass[d]! & WORD || (d === 46 && units[i + 1] !== 46)) i++
        else if ((d === 43 || d === 45) && isExponent(units, s, i)) i++
        else break
      }
      kind[n] = T.number
      start[n] = from + s
      end[n] = from + i
      code[n++] = 0
      lineStart = false
    } else if (c === 34 || c === 39) {
      const s = i
      i++
      while (i < size) {
        const d = units[i]!
        if (d === c) break
        if (d === NEWLINE) break // unterminated: C ends it here, too
        i += d === 92 ? 2 : 1
      }
      i = Math.min(size, units[i] === c ? i + 1 : i)
      kind[n] = c === 34 ? T.string : T.char
      start[n] = from + s
      end[n] = from + i
      code[n++] = 0
      lineStart = false
    } else if (c === HASH && lineStart) {
      const stop = lineEnd(units, i + 1, size)
      const marker = directive(text, from + i, from + stop, conditions, defines, includes)
      if (marker !== 0) {
        kind[n] = marker
        start[n] = from + i
        end[n] = from + stop
        code[n++] = marker === T.endif ? 0 : conditions.length - 1
      }
      i = stop
    } else {
      let length = 1
      let p = c
      if (c < 128 && startsLong[c]) {
        const d = units[i + 1]!
        const pair = c | (d << 8)
        if (d < 128 && i + 1 < size) {
          const triple = pair | (units[i + 2]! << 16)
          if (i + 2 < size && three.has(triple)) {
            length = 3
            p = triple
          } else if (two.has(pair)) {
            length = 2
            p = pair
          }
        }
      }
      kind[n] = T.punct
      start[n] = from + i
      end[n] = from + i + length
      code[n++] = p
      i += length
      lineStart = false
    }
  }
  return { text, count: n, kind, start, end, code, conditions, defines, includes }
}

/** Where a comment's end is; -1 if there is none. */
function closing(units: Uint16Array, at: number, to: number): number {
  for (let j = at; j < to; j++) if (units[j] === 42 && units[j + 1] === 47) return j
  return -1
}

/** The end of the logical line that holds `at`: before its newline, past continuations and comments. */
function lineEnd(units: Uint16Array, at: number, to: number): number {
  let j = at
  while (j < to) {
    const c = units[j]!
    if (c === NEWLINE) {
      let k = j - 1
      if (k >= at && units[k] === 13) k--
      if (k < at || units[k] !== 92) return j
      j++
    } else if (c === 47 && units[j + 1] === 42) {
      const close = closing(units, j + 2, to)
      if (close < 0) return to
      j = close + 2
    } else j++
  }
  return to
}

/** Notes what a directive from `at` to `stop` says; of an #if and its like, the kind of its marker. */
function directive(
  text: string,
  at: number,
  stop: number,
  conditions: string[],
  defines: Define[],
  includes: string[],
): number {
  let j = at + 1
  while (j < stop && (text.charCodeAt(j) === 32 || text.charCodeAt(j) === 9)) j++
  const wordStart = j
  while (j < stop && charClass[text.charCodeAt(j)]! & WORD) j++
  const word = text.slice(wordStart, j)
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
      return T.if
    case 'elif':
    case 'else':
      conditions.push(word === 'elif' ? rest() : '')
      return T.else
    case 'endif':
      return T.endif
    case 'include': {
      const m = /^["<]([^">]+)[">]/.exec(text.slice(j, stop).trimStart())
      if (m) includes.push(m[1]!)
      return 0
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
      return 0
    }
    default: // #undef, #error, #pragma, #line: nothing that we read
      return 0
  }
}

/** `1e+5`, `0x1p-3`: a sign that belongs to the number. Not `0x1e+5`, which is a sum. */
function isExponent(units: Uint16Array, start: number, at: number): boolean {
  const before = units[at - 1]! | 32
  const hex = units[start] === 48 && (units[start + 1]! | 32) === 120
  return hex ? before === 112 : before === 101
}
