import type { Resolved } from './arms.ts'
import type {
  Arm,
  Body,
  Call,
  CType,
  Expr,
  InitItem,
  Local,
  MacroBlock,
  MacroBody,
  Param,
  Stmt,
  Struct,
} from './ir.ts'
import { op, T, wordAt } from './lex.ts'
import { isAttribute, isStorage, isTypeName, isTypeWord, macroBlockKind } from './words.ts'

/**
 * A recursive-descent parser of kernel C, as it stands before the preprocessor: macros that stand for statements, loops,
 * types and attributes are read by their shape. It always ends and never throws: every loop advances, nesting is bounded,
 * and what it cannot read becomes `unknown`, up to the next comma, semicolon or bracket.
 */
export class Syntax {
  readonly #r: Resolved
  readonly #text: string
  readonly #kind: Uint8Array
  readonly #start: Int32Array
  readonly #end: Int32Array
  readonly #code: Int32Array
  readonly #at: Int32Array
  readonly #match: Int32Array
  readonly #typedefs: ReadonlyMap<string, CType>
  /** Where the next token is, and where to stop: indices into `Resolved.at`. */
  p = 0
  limit: number
  problems: { start: number; reason: string }[] = []
  locals: Local[] = []
  structs: Struct[] = []
  #names = new Set<string>()
  #depth = 0
  /** How deep the tree of the expression just read is, and the deepest so far: what is read must be safe to walk. */
  #height = 0
  #tallest = 0

  constructor(resolved: Resolved, typedefs: ReadonlyMap<string, CType> = new Map()) {
    this.#r = resolved
    const { text, kind, start, end, code } = resolved.tokens
    this.#text = text
    this.#kind = kind
    this.#start = start
    this.#end = end
    this.#code = code
    this.#at = resolved.at
    this.#match = resolved.match
    this.#typedefs = typedefs
    this.limit = resolved.count
  }

  // ── Tokens ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  kind(i: number): number {
    return i < this.limit ? this.#kind[this.#at[i]!]! : T.eof
  }
  isIdent(i: number): boolean {
    return i < this.limit && this.#kind[this.#at[i]!] === T.ident
  }
  isMarker(i: number): boolean {
    return i < this.limit && this.#kind[this.#at[i]!]! >= T.if
  }
  /** The code of a punctuator, 0 for anything else. */
  punct(i: number): number {
    if (i >= this.limit) return 0
    const t = this.#at[i]!
    return this.#kind[t] === T.punct ? this.#code[t]! : 0
  }
  word(i: number): string {
    if (i >= this.limit) return ''
    const t = this.#at[i]!
    return this.#kind[t] === T.ident ? wordAt(this.#text, this.#start[t]!, this.#end[t]!, this.#code[t]!) : ''
  }
  isWord(i: number, word: string): boolean {
    if (i >= this.limit) return false
    const t = this.#at[i]!
    return (
      this.#kind[t] === T.ident &&
      word.length === this.#end[t]! - this.#start[t]! &&
      this.#text.startsWith(word, this.#start[t]!)
    )
  }
  startOf(i: number): number {
    if (i < this.#at.length) return this.#start[this.#at[i]!]!
    return this.#at.length > 0 ? this.#end[this.#at[this.#at.length - 1]!]! : 0
  }
  endOf(i: number): number {
    return i >= 0 && i < this.#at.length ? this.#end[this.#at[i]!]! : 0
  }
  /** The partner of a bracket, if it is before the limit. */
  partner(i: number): number {
    const m = this.#match[i]!
    return m > i && m < this.limit ? m : -1
  }
  /** The source between two tokens, in one line. */
  textOf(from: number, to: number): string {
    if (to <= from) return ''
    const raw = this.#text.slice(this.startOf(from), this.endOf(to - 1))
    return /[\n\t\\]|\/\*| {2}/.test(raw) ? tidy(raw) : raw
  }
  condition(i: number): string {
    return this.#r.tokens.conditions[this.#code[this.#at[i]!]!] ?? ''
  }
  nextMarker(i: number): number {
    return this.#r.next[i]!
  }

  #problem(reason: string, i = this.p): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ start: this.startOf(i), reason })
  }

  /** To the next `stop` at this level, over brackets. Ends at a closing bracket, too. */
  skipTo(...stops: number[]): void {
    while (this.p < this.limit) {
      const c = this.punct(this.p)
      if (stops.includes(c) || c === UNPAREN || c === UNBRACKET || c === CLOSE) return
      const m = c === PAREN || c === BRACKET || c === OPEN ? this.partner(this.p) : -1
      this.p = m >= 0 ? m + 1 : this.p + 1
    }
  }

  #within<R>(limit: number, parse: () => R): R {
    const outer = this.limit
    this.limit = Math.min(limit, outer)
    const result = parse()
    this.limit = outer
    return result
  }

  // ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

  expr(): Expr {
    const first = this.assign()
    if (this.punct(this.p) !== COMMA) return first
    const items = [first]
    let height = this.#height
    while (this.punct(this.p) === COMMA) {
      this.p++
      const before = this.p
      items.push(this.assign())
      height = Math.max(height, this.#height)
      if (this.p === before) break
    }
    this.#rise(height)
    return { kind: 'comma', items, start: first.start, end: items[items.length - 1]!.end }
  }

  /** The expression just read stands on parts of that height; `false` when it has become too high. */
  #rise(height: number): boolean {
    this.#height = height + 1
    if (this.#height > this.#tallest) this.#tallest = this.#height
    return this.#height <= MAX_HEIGHT
  }

  assign(): Expr {
    const left = this.#ternary()
    const operator = assignOps.get(this.punct(this.p))
    if (operator === undefined) return left
    const height = this.#height
    this.p++
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--
      return this.#tooDeep(left.start)
    }
    const value = this.punct(this.p) === OPEN ? this.init() : this.assign()
    this.#depth--
    if (!this.#rise(Math.max(height, this.#height))) return this.#tooDeep(left.start)
    return { kind: 'assign', op: operator, target: left, value, start: left.start, end: value.end }
  }

  #ternary(): Expr {
    const cond = this.#binary(1)
    if (this.punct(this.p) !== QUESTION) return cond
    this.p++
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--
      return this.#tooDeep(cond.start)
    }
    let height = this.#height
    const then = this.punct(this.p) === COLON ? undefined : this.expr()
    height = Math.max(height, this.#height)
    let otherwise: Expr
    if (this.punct(this.p) === COLON) {
      this.p++
      otherwise = this.#ternaryOrAssign()
    } else {
      this.#problem('`:` of a conditional expression is missing')
      otherwise = this.#unknown(this.p, this.p)
    }
    this.#depth--
    if (!this.#rise(Math.max(height, this.#height))) return this.#tooDeep(cond.start)
    return {
      kind: 'ternary',
      cond,
      ...(then ? { then } : {}),
      otherwise,
      start: cond.start,
      end: otherwise.end,
    }
  }
  #ternaryOrAssign(): Expr {
    return this.#ternary()
  }

  #binary(least: number): Expr {
    let left = this.#unary()
    for (;;) {
      const c = this.punct(this.p)
      const level = binaryLevels.get(c)
      if (level === undefined || level < least) return left
      this.p++
      const height = this.#height
      const right = this.#binary(level + 1)
      if (!this.#rise(Math.max(height, this.#height))) return this.#tooDeep(left.start)
      left = { kind: 'binary', op: punctText(c), left, right, start: left.start, end: right.end }
    }
  }

  #tooDeep(start: number): Expr {
    this.#height = 1
    this.#problem('an expression is nested too deep or too long')
    const from = this.p
    this.skipTo(COMMA, SEMI)
    return {
      kind: 'unknown',
      text: this.textOf(from, this.p).slice(0, 200),
      start,
      end: this.endOf(this.p - 1),
    }
  }

  #unary(): Expr {
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--
      return this.#tooDeep(this.startOf(this.p))
    }
    const result = this.#unaryInner()
    this.#depth--
    return result
  }

  #unaryInner(): Expr {
    const i = this.p
    const start = this.startOf(i)
    const c = this.punct(i)
    switch (c) {
      case AMP:
      case STAR:
      case MINUS:
      case PLUS:
      case BANG:
      case TILDE:
      case INCREMENT:
      case DECREMENT: {
        this.p++
        const of = this.#unary()
        this.#rise(this.#height)
        return {
          kind: 'unary',
          op: punctText(c) as '&',
          postfix: false,
          of,
          start,
          end: of.end,
        }
      }
      case ANDAND:
        if (this.isIdent(i + 1)) {
          this.p += 2
          return { kind: 'labelAddress', label: this.word(i + 1), start, end: this.endOf(i + 1) }
        }
        break
      case PAREN:
        if (this.#typeInParens(i)) return this.#cast()
        break
      default:
    }
    return this.#postfix(this.#primary())
  }

  #cast(): Expr {
    const open = this.p
    const close = this.partner(open)
    const start = this.startOf(open)
    this.p = open + 1
    const type = this.#within(close, () => this.type())
    this.p = close + 1
    if (this.punct(this.p) === OPEN) {
      const list = this.init()
      return this.#postfix({ ...list, type, start } as Expr)
    }
    const c = this.punct(this.p)
    if (this.p >= this.limit || c === COMMA || c === UNPAREN || c === SEMI || c === UNBRACKET || c === CLOSE)
      return { kind: 'type', type, start, end: this.endOf(close) } // `MACRO((struct x *))`
    const of = this.#unary()
    this.#rise(this.#height)
    return { kind: 'cast', type, of, start, end: of.end }
  }

  /** Whether the parenthesis at `i` holds a type: of a cast, a compound literal or sizeof. */
  #typeInParens(i: number, inSizeof = false): boolean {
    const close = this.partner(i)
    if (close < 0) return false
    let j = i + 1
    const first = this.word(j)
    if (first === '') return false
    if (isTypeWord(first)) return true
    if (first === 'typeof' || first === '__typeof__')
      return (
        this.punct(j + 1) === PAREN && (this.partner(j + 1) === close - 1 || this.punct(close - 1) === STAR)
      )
    if (first === 'sizeof') return false
    let words = 0
    while (j < close && this.isIdent(j)) {
      if (words > 0 && isTypeWord(this.word(j))) return true
      words++
      j++
    }
    let stars = 0
    while (j < close && (this.punct(j) === STAR || (stars > 0 && this.isIdent(j)))) {
      if (this.isIdent(j) && !isAttribute(this.word(j)) && !isTypeWord(this.word(j))) return false
      stars++
      j++
    }
    if (j < close) {
      // `u8 (*)[4]`, `foo_t [2]`
      if (this.punct(j) === PAREN && this.punct(j + 1) === STAR && this.punct(j + 2) === UNPAREN) return true
      return inSizeof && this.punct(j) === BRACKET && isTypeName(first) && !this.#names.has(first)
    }
    if (stars > 0 || words > 1) return true
    const known = !this.#names.has(first) && (isTypeName(first) || this.#typedefs.has(first))
    if (inSizeof) return known
    const next = this.kind(close + 1)
    if (next === T.ident)
      return !/^(if|else|for|while|return|goto|case|do|switch)$/.test(this.word(close + 1))
    if (next === T.number || next === T.string || next === T.char) return true
    switch (this.punct(close + 1)) {
      case OPEN:
      case TILDE:
      case BANG:
        return true
      case PAREN:
      case MINUS:
      case PLUS:
      case AMP:
      case STAR:
      case INCREMENT:
      case DECREMENT:
        return known
      default:
        return known && this.punct(close + 1) === ANDAND && false
    }
  }

  #primary(): Expr {
    const i = this.p
    this.#height = 1
    const start = this.startOf(i)
    switch (this.kind(i)) {
      case T.ident:
        return this.#word()
      case T.number: {
        this.p++
        const text = this.textOf(i, i + 1)
        return { kind: 'number', text, value: numberValue(text), start, end: this.endOf(i) }
      }
      case T.char: {
        this.p++
        const text = this.textOf(i, i + 1)
        return { kind: 'number', text, value: charValue(text), start, end: this.endOf(i) }
      }
      case T.string:
        return this.#string()
      case T.punct:
        if (this.punct(i) === PAREN) return this.#parens()
        if (this.punct(i) === OPEN) return this.init()
        if (this.punct(i) === HASH && this.isIdent(i + 1)) {
          this.p += 2
          return { kind: 'string', text: this.textOf(i, i + 2), start, end: this.endOf(i + 1) }
        }
        return this.#unknown(i, i)
      default:
        return this.#unknown(i, i)
    }
  }

  #unknown(from: number, to: number): Expr {
    return {
      kind: 'unknown',
      text: this.textOf(from, to),
      start: this.startOf(from),
      end: to > from ? this.endOf(to - 1) : this.startOf(from),
    }
  }

  #string(): Expr {
    const i = this.p
    while (this.kind(this.p) === T.string || (this.p > i && this.isIdent(this.p))) {
      // `"a" PRIx64 "b"`, and `"a" MACRO(x) "b"`
      const isWord = this.isIdent(this.p)
      this.p++
      const close = isWord && this.punct(this.p) === PAREN ? this.partner(this.p) : -1
      if (close >= 0) this.p = close + 1
    }
    return {
      kind: 'string',
      text: this.textOf(i, this.p),
      start: this.startOf(i),
      end: this.endOf(this.p - 1),
    }
  }

  #parens(): Expr {
    const open = this.p
    const close = this.partner(open)
    if (close < 0) {
      this.#problem('`(` is not closed')
      this.p = this.limit
      return this.#unknown(open, this.limit)
    }
    this.p = open + 1
    const start = this.startOf(open)
    const end = this.endOf(close)
    if (this.punct(this.p) === OPEN) {
      const brace = this.partner(this.p)
      if (brace >= 0 && brace < close) {
        this.p++
        const outer = this.#tallest
        this.#tallest = 0
        const body = this.#within(brace, () => this.stmts())
        this.p = close + 1
        const height = this.#tallest
        this.#tallest = outer
        if (!this.#rise(height + MAX_DEPTH)) return this.#tooDeep(start)
        return { kind: 'statements', body, start, end }
      }
    }
    const inner = this.#within(close, () => {
      const e = this.expr()
      if (this.p < close) {
        this.#problem('an expression in parentheses is not understood')
        return this.#unknown(open + 1, close)
      }
      return e
    })
    this.p = close + 1
    return Object.assign(inner, { start, end })
  }

  #word(): Expr {
    const i = this.p
    const start = this.startOf(i)
    const word = this.word(i)
    switch (word) {
      case 'sizeof':
      case '_Alignof':
      case '__alignof__':
      case 'typeof':
      case '__typeof__':
      case 'typeof_unqual': {
        this.p++
        if (this.punct(this.p) === PAREN && this.#typeInParens(this.p, true)) {
          const open = this.p
          const close = this.partner(open)
          this.p++
          const type = this.#within(close, () => this.type())
          this.p = close + 1
          const of: Expr = { kind: 'type', type, start: this.startOf(open + 1), end: this.endOf(close - 1) }
          return { kind: 'sizeof', op: word, of, start, end: this.endOf(close) }
        }
        const of = this.#unary()
        return { kind: 'sizeof', op: word, of, start, end: of.end }
      }
      case '__extension__':
        this.p++
        return this.#unary()
      case 'asm':
      case '__asm__':
        return this.#asm()
      default:
    }
    if (isTypeWord(word)) return this.#typeArgument()
    this.p++
    if (this.kind(this.p) === T.string) return { ...this.#string(), start }
    if (this.punct(this.p) === PASTE) {
      while (this.punct(this.p) === PASTE) this.p += 2
      this.p = Math.min(this.p, this.limit)
      return {
        kind: 'name',
        name: this.textOf(i, this.p).replace(/\s+/g, ''),
        start,
        end: this.endOf(this.p - 1),
      }
    }
    return { kind: 'name', name: word, start, end: this.endOf(i) }
  }

  /** A type where an expression is expected: `container_of(p, struct foo, member)`; a declared name after it is kept in its text. */
  #typeArgument(): Expr {
    const i = this.p
    const type = this.type()
    if (this.isIdent(this.p)) this.skipTo(COMMA, SEMI)
    if (this.p === i) this.p++
    return { kind: 'type', type, start: this.startOf(i), end: this.endOf(this.p - 1) }
  }

  #asm(): Expr {
    const i = this.p
    const start = this.startOf(i)
    this.p++
    while (this.isIdent(this.p)) this.p++ // volatile, goto, inline
    const open = this.p
    const close = this.punct(open) === PAREN ? this.partner(open) : -1
    if (close < 0)
      return { kind: 'asm', text: this.textOf(i, this.p), operands: [], start, end: this.endOf(this.p - 1) }
    const operands: Expr[] = []
    this.#within(close, () => {
      // operands stand in parentheses after their constraints
      let sections = 0
      for (this.p = open + 1; this.p < close; ) {
        if (this.punct(this.p) === COLON) sections++
        if (sections > 0 && this.punct(this.p) === PAREN) {
          const end = this.partner(this.p)
          if (end < 0) break
          operands.push(this.#parens())
        } else this.p++
      }
    })
    this.p = close + 1
    return {
      kind: 'asm',
      text: this.textOf(open + 1, close).slice(0, 400),
      operands,
      start,
      end: this.endOf(close),
    }
  }

  #postfix(base: Expr): Expr {
    let e = base
    for (;;) {
      const i = this.p
      const height = this.#height
      if (height > MAX_HEIGHT) return this.#tooDeep(e.start)
      switch (this.punct(i)) {
        case PAREN: {
          const args = this.args()
          this.#rise(Math.max(height, this.#height))
          e = { kind: 'call', callee: e, args, start: e.start, end: this.endOf(this.p - 1) }
          break
        }
        case BRACKET: {
          const close = this.partner(i)
          if (close < 0) return e
          this.p++
          const index = this.#within(close, () => this.expr())
          this.p = close + 1
          this.#rise(Math.max(height, this.#height))
          e = { kind: 'index', base: e, index, start: e.start, end: this.endOf(close) }
          break
        }
        case DOT:
        case ARROW:
          if (!this.isIdent(i + 1)) return e
          this.p += 2
          this.#rise(height)
          while (this.punct(this.p) === PASTE) this.p += 2
          e = {
            kind: 'member',
            base: e,
            field: this.p > i + 2 ? this.textOf(i + 1, this.p).replace(/\s+/g, '') : this.word(i + 1),
            arrow: this.punct(i) === ARROW,
            start: e.start,
            end: this.endOf(this.p - 1),
          }
          break
        case INCREMENT:
        case DECREMENT:
          this.p++
          this.#rise(height)
          e = {
            kind: 'unary',
            op: this.punct(i) === INCREMENT ? '++' : '--',
            postfix: true,
            of: e,
            start: e.start,
            end: this.endOf(i),
          }
          break
        default:
          return e
      }
    }
  }

  /** The arguments of a call; `p` is at its `(` and comes after its `)`. An argument that is no expression is `unknown`. */
  args(): Expr[] {
    const open = this.p
    const close = this.partner(open)
    if (close < 0) {
      this.#problem('`(` of a call is not closed')
      this.p = this.limit
      return []
    }
    const args: Expr[] = []
    let height = 1
    this.p = open + 1
    this.#within(close, () => {
      while (this.p < close) {
        args.push(this.#argument())
        height = Math.max(height, this.#height)
        if (this.punct(this.p) === COMMA) {
          this.p++
          if (this.p === close) args.push(this.#unknown(close, close))
        } else if (this.p < close) this.p++ // a stray bracket
      }
    })
    this.p = close + 1
    this.#height = height
    return args
  }

  #argument(): Expr {
    const from = this.p
    const word = this.word(from)
    let arg: Expr
    if (word !== '' && this.#starEndsArgument(from)) arg = this.#typeArgument()
    else if (this.punct(from) === COMMA) arg = this.#unknown(from, from)
    else if (word !== '' && statementWords.has(word)) {
      // a statement as an argument: `wait_event_cmd(…, if (x) y(), …)`
      this.skipTo(COMMA)
      return this.#unknown(from, this.p)
    } else arg = this.assign()
    if (this.p < this.limit && this.punct(this.p) !== COMMA) {
      this.skipTo(COMMA)
      return this.#unknown(from, this.p)
    }
    return arg
  }

  /** `u32 *` before a comma or the end. */
  #starEndsArgument(i: number): boolean {
    let j = i
    while (this.isIdent(j)) j++
    if (this.punct(j) !== STAR) return j > i + 1 && (j >= this.limit || this.punct(j) === COMMA)
    while (this.punct(j) === STAR) j++
    return j >= this.limit || this.punct(j) === COMMA
  }

  /** A braced initialiser; `p` is at `{`. */
  init(): Expr {
    const open = this.p
    const close = this.partner(open)
    const start = this.startOf(open)
    if (close < 0) {
      this.#problem('`{` of an initialiser is not closed')
      this.p = this.limit
      return { kind: 'init', items: [], start, end: this.endOf(this.limit - 1) }
    }
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--
      this.#problem('an initialiser is nested too deep')
      this.p = close + 1
      return { kind: 'init', items: [], start, end: this.endOf(close) }
    }
    const items: InitItem[] = []
    let height = 1
    this.p = open + 1
    this.#within(close, () => {
      while (this.p < close) {
        if (this.isMarker(this.p) || this.punct(this.p) === COMMA) {
          this.p++
          continue
        }
        const from = this.p
        items.push(this.#initItem())
        height = Math.max(height, this.#height)
        if (this.p < close && this.punct(this.p) !== COMMA && !this.isMarker(this.p)) {
          // two items without a comma, by macros: not a fault as long as something was read
          if (this.p === from) this.p++
        }
      }
    })
    this.#depth--
    this.p = close + 1
    this.#rise(height)
    return { kind: 'init', items, start, end: this.endOf(close) }
  }

  #initItem(): InitItem {
    const from = this.p
    const path: string[] = []
    if (this.isIdent(from) && this.punct(from + 1) === COLON) {
      path.push('.' + this.word(from))
      this.p += 2
    } else {
      for (;;) {
        if (this.punct(this.p) === DOT && this.isIdent(this.p + 1)) {
          path.push('.' + this.word(this.p + 1))
          this.p += 2
        } else if (this.punct(this.p) === BRACKET && this.partner(this.p) >= 0) {
          const close = this.partner(this.p)
          path.push(this.textOf(this.p, close + 1))
          this.p = close + 1
        } else break
      }
      if (path.length > 0 && this.punct(this.p) === EQUALS) this.p++
    }
    const value = this.assign()
    return { path, value, start: this.startOf(from), end: value.end }
  }

  // ── Types and declarations ─────────────────────────────────────────────────────────────────────────────────────────

  /** A type name, abstract: of a cast, sizeof, an argument. */
  type(): CType {
    const from = this.p
    const spec = this.specifiers()
    const d = this.declarator(true)
    return makeType(spec, d, this.textOf(from, this.p))
  }

  /** Attributes from here up to the end of a declarator, and nothing else. */
  #onlyAttributes(i: number): boolean {
    let k = i
    while (this.isIdent(k) && isAttribute(this.word(k))) {
      k++
      if (this.punct(k) === PAREN) {
        const close = this.partner(k)
        if (close < 0) return false
        k = close + 1
      }
    }
    const c = this.punct(k)
    return k > i && (c === op('=') || c === op(';') || c === op(','))
  }

  specifiers(): Specifiers {
    const from = this.p
    const s: Specifiers = {
      base: '',
      static: false,
      extern: false,
      inline: false,
      typedef: false,
      attributes: [],
      start: from,
      end: from,
    }
    let fromIdent = false
    while (this.p < this.limit) {
      const i = this.p
      const word = this.word(i)
      if (word === '') {
        if (this.isMarker(i)) {
          this.p++
          continue
        }
        break
      }
      const storage = isStorage(word)
      if (storage !== undefined) {
        this.p++
        if (storage === 'static' || storage === 'extern' || storage === 'inline' || storage === 'typedef')
          s[storage] = true
      } else if (word === 'struct' || word === 'union' || word === 'enum') {
        if (fromIdent) s.attributes.push(s.base)
        s.base = this.#tagged(word)
        fromIdent = false
      } else if (
        word === 'typeof' ||
        word === '__typeof__' ||
        word === 'typeof_unqual' ||
        word === '_Atomic'
      ) {
        this.p++
        const close = this.punct(this.p) === PAREN ? this.partner(this.p) : -1
        if (close >= 0) this.p = close + 1
        s.base = this.textOf(i, this.p)
      } else if (isTypeWord(word)) {
        this.p++
        if (word !== 'const' && word !== 'volatile') {
          if (fromIdent) {
            s.attributes.push(s.base)
            s.base = ''
            fromIdent = false
          }
          s.base = s.base === '' ? word : `${s.base} ${word}`
        }
      } else if (isAttribute(word) && (s.base !== '' || !this.#endsDeclarator(i + 1))) {
        this.#attribute(s.attributes)
      } else {
        const followed = this.isIdent(i + 1) && !this.isWord(i + 1, '__free')
        const pointer = this.punct(i + 1) === STAR
        const functionPointer =
          this.punct(i + 1) === PAREN && this.punct(i + 2) === STAR && !this.#names.has(word)
        if (s.base === '') {
          const abstract =
            i + 1 >= this.limit ||
            this.punct(i + 1) === COMMA ||
            this.punct(i + 1) === UNPAREN ||
            this.punct(i + 1) === BRACKET ||
            this.punct(i + 1) === COLON
          if (!followed && !pointer && !functionPointer && !abstract) break
          s.base = word
          fromIdent = true
          this.p++
        } else if (followed && this.#onlyAttributes(i + 1)) {
          // `struct foo_ops foo __ro_after_init = {`: the word is the name
          break
        } else if (followed || pointer) {
          if (fromIdent && isAttributeLike(s.base) && !isAttributeLike(word)) {
            s.attributes.push(s.base)
            s.base = word
          } else if (
            fromIdent &&
            followed &&
            !word.startsWith('__') &&
            !isTypeName(s.base) &&
            !this.isIdent(i + 2)
          ) {
            // `asmlinkage foo_t name`, `static noinline_x foo_t name`: the last word before the name is the type
            if (isAttribute(this.word(i + 1))) s.attributes.push(word)
            else {
              s.attributes.push(s.base)
              s.base = word
            }
          } else s.attributes.push(word)
          this.p++
        } else break
      }
    }
    s.end = this.p
    return s
  }

  #endsDeclarator(i: number): boolean {
    if (i >= this.limit) return true
    const c = this.punct(i)
    return c === EQUALS || c === COMMA || c === SEMI || c === BRACKET || c === UNPAREN || c === COLON
  }

  #attribute(into: string[]): string | undefined {
    const i = this.p
    const word = this.word(i)
    this.p++
    const close = this.punct(this.p) === PAREN ? this.partner(this.p) : -1
    if (close >= 0 && takesArguments(word)) this.p = close + 1
    into.push(this.textOf(i, this.p))
    return word === '__free' && close >= 0 ? this.textOf(i + 2, close) : undefined
  }

  /** `struct foo`, with its body when it has one. */
  #tagged(word: string): string {
    const from = this.p
    this.p++
    const ignored: string[] = []
    while (isAttribute(this.word(this.p))) this.#attribute(ignored)
    let tag = ''
    if (this.isIdent(this.p)) {
      tag = this.word(this.p)
      this.p++
    }
    while (isAttribute(this.word(this.p)) && this.punct(this.p + 1) !== SEMI) this.#attribute(ignored)
    if (this.punct(this.p) === OPEN) {
      const close = this.partner(this.p)
      if (close < 0) {
        this.p = this.limit
        return `${word} ${tag}`.trim()
      }
      if (word !== 'enum' && this.#depth < MAX_DEPTH) {
        this.#depth++
        const fields = this.#fields(this.p + 1, close)
        this.#depth--
        if (this.structs.length < 20_000)
          this.structs.push({
            name: tag,
            union: word === 'union',
            line: 0,
            fields,
            start: this.startOf(from),
            end: this.endOf(close),
          })
        if (tag === '') tag = `{${this.startOf(from)}}`
      }
      this.p = close + 1
    }
    return `${word} ${tag}`.trim()
  }

  #fields(from: number, close: number): Param[] {
    const fields: Param[] = []
    this.p = from
    this.#within(close, () => {
      while (this.p < close) {
        const at = this.p
        if (this.isMarker(at) || this.punct(at) === SEMI) {
          this.p++
          continue
        }
        if (
          this.isIdent(at) &&
          this.punct(at + 1) === PAREN &&
          !isAttribute(this.word(at)) &&
          this.punct(at + 2) !== STAR
        ) {
          // struct_group(name, …), DECLARE_BITMAP(name, n), __DECLARE_FLEX_ARRAY(type, name)
          this.#macroField(fields)
          continue
        }
        const structsBefore = this.structs.length
        const spec = this.specifiers()
        let any = false
        while (this.p < close && this.punct(this.p) !== SEMI) {
          const before = this.p
          const dFrom = this.p
          const d = this.declarator(false)
          if (d.name !== '') {
            any = true
            fields.push({
              name: d.name,
              type: makeType(spec, d, `${this.textOf(spec.start, spec.end)} ${this.textOf(dFrom, this.p)}`),
            })
          }
          if (this.punct(this.p) === COMMA) this.p++
          else if (this.p === before) break
          else if (this.punct(this.p) !== SEMI) break
        }
        if (!any && this.structs.length > structsBefore)
          fields.push(...this.structs[this.structs.length - 1]!.fields)
        if (this.p < close && this.punct(this.p) !== SEMI && !this.isMarker(this.p)) this.skipTo(SEMI)
        if (this.p === at) this.p++
      }
    })
    return fields
  }

  #macroField(fields: Param[]): void {
    const name = this.word(this.p)
    const open = this.p + 1
    const close = this.partner(open)
    if (close < 0) {
      this.p = this.limit
      return
    }
    if (/struct_group/.test(name)) {
      // struct_group(NAME, MEMBERS…), struct_group_tagged(TAG, NAME, MEMBERS…), struct_group_attr(NAME, ATTRS, MEMBERS…)
      let j = open + 1
      for (let skip = /tagged|attr/.test(name) ? 2 : 1; skip > 0; skip--) {
        while (j < close && this.punct(j) !== COMMA) j = Math.max(j + 1, this.partner(j) + 1)
        j++
      }
      fields.push(...this.#fields(Math.min(j, close), close))
    } else {
      const array = /BITMAP|FLEX_ARRAY/.test(name)
      const at = /FLEX_ARRAY/.test(name) ? close - 1 : open + 1
      if (this.isIdent(at))
        fields.push({
          name: this.word(at),
          type: {
            text: this.textOf(this.p, close + 1),
            base: /BITMAP/.test(name) ? 'unsigned long' : name,
            pointer: 0,
            array,
            function: false,
          },
        })
    }
    this.p = close + 1
  }

  declarator(abstract: boolean): Declarator {
    const d: Declarator = {
      name: '',
      nameAt: -1,
      pointer: 0,
      array: false,
      function: false,
      params: undefined,
      variadic: false,
      cleanup: undefined,
      attributes: [],
    }
    this.#declaratorInto(d, abstract, 0)
    return d
  }

  #declaratorInto(d: Declarator, abstract: boolean, depth: number): void {
    for (;;) {
      const word = this.word(this.p)
      if (this.punct(this.p) === STAR) {
        d.pointer++
        this.p++
      } else if (word === 'const' || word === 'volatile' || word === 'restrict') this.p++
      else if (
        word !== '' &&
        (isAttribute(word) ||
          (this.isIdent(this.p + 1) && !isAttribute(this.word(this.p + 1)) && !abstract)) &&
        !this.#endsDeclaratorName(this.p + 1)
      ) {
        this.#attribute(d.attributes)
      } else break
    }
    if (this.punct(this.p) === PAREN && depth < 20) {
      const close = this.partner(this.p)
      let j = this.p + 1
      while (this.isIdent(j) && isAttribute(this.word(j))) j++
      if (close >= 0 && this.punct(j) === STAR) {
        const open = this.p
        this.p = j
        const inner: Declarator = { ...d, pointer: 0, array: false, function: false }
        this.#within(close, () => this.#declaratorInto(inner, abstract, depth + 1))
        d.name = inner.name
        d.nameAt = inner.nameAt
        d.params = inner.params
        d.variadic = inner.variadic
        if (inner.array) d.array = true
        this.p = Math.max(close, open) + 1
        if (this.punct(this.p) === PAREN) {
          d.function = true
          const end = this.partner(this.p)
          if (end < 0) {
            this.p = this.limit
            return
          }
          this.p = end + 1
        } else d.pointer += inner.pointer
        while (this.punct(this.p) === BRACKET && this.partner(this.p) >= 0) {
          d.array = true
          this.p = this.partner(this.p) + 1
        }
        this.#trailing(d)
        return
      }
    }
    if (this.isIdent(this.p) && !(abstract && this.punct(this.p + 1) === PAREN)) {
      d.name = this.word(this.p)
      d.nameAt = this.p
      this.p++
    }
    for (;;) {
      if (this.punct(this.p) === BRACKET && this.partner(this.p) >= 0) {
        d.array = true
        this.p = this.partner(this.p) + 1
      } else if (
        this.punct(this.p) === PAREN &&
        this.partner(this.p) >= 0 &&
        d.params === undefined &&
        !abstract
      ) {
        d.function = true
        this.params(d)
      } else break
    }
    this.#trailing(d)
  }

  #endsDeclaratorName(i: number): boolean {
    const c = this.punct(i)
    if (
      i >= this.limit ||
      c === EQUALS ||
      c === COMMA ||
      c === SEMI ||
      c === BRACKET ||
      c === COLON ||
      c === UNPAREN
    )
      return !isAttribute(this.word(i - 1)) || this.#endsKnown(i - 1)
    return false
  }
  /** `struct foo *__user` in a list of types ends with an attribute, not a name. */
  #endsKnown(i: number): boolean {
    return !/^__(user|iomem|percpu|rcu|force|kernel|maybe_unused|always_unused|unused|restrict)$/.test(
      this.word(i),
    )
  }

  /** Attributes after the name, `asm("reg")`, a bit-field's width. */
  #trailing(d: Declarator): void {
    for (;;) {
      if (this.isIdent(this.p)) {
        const cleanup = this.#attribute(d.attributes)
        if (cleanup !== undefined) d.cleanup = cleanup
      } else if (this.punct(this.p) === PAREN && d.attributes.length > 0 && this.partner(this.p) >= 0) {
        this.p = this.partner(this.p) + 1
      } else if (this.punct(this.p) === COLON && d.attributes.length === 0) {
        this.p++
        this.#ternary()
      } else return
    }
  }

  /** A parameter list; `p` is at its `(`. */
  params(d: { params: Param[] | undefined; variadic: boolean }): void {
    const close = this.partner(this.p)
    const params: Param[] = []
    this.p++
    this.#within(close, () => {
      while (this.p < close) {
        const from = this.p
        if (this.isMarker(from)) {
          this.p++
          continue
        }
        if (this.punct(from) === ELLIPSIS) {
          d.variadic = true
          this.p++
        } else {
          const spec = this.specifiers()
          const pd = this.declarator(false)
          const text = this.textOf(from, this.p)
          const name = pd.name
          if (!(text === 'void' && params.length === 0)) params.push({ name, type: makeType(spec, pd, text) })
        }
        if (this.p < close && this.punct(this.p) !== COMMA) this.skipTo(COMMA)
        if (this.punct(this.p) === COMMA || this.p === from) this.p++
      }
    })
    d.params = params
    this.p = close + 1
  }

  // ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The body of a function: its `{` at `open`. */
  body(open: number, params: readonly Param[]): Body {
    const close = this.partner(open)
    this.problems = []
    this.locals = []
    this.#names = new Set(params.map((p) => p.name))
    this.p = open + 1
    const stmts = this.#within(close < 0 ? this.limit : close, () => this.stmts())
    if (close < 0) this.#problem('`{` of the function is not closed', open)
    return { stmts, locals: this.locals, problems: this.problems }
  }

  macroBody(): MacroBody {
    if (this.limit === 0) return { kind: 'other' }
    const done = (): boolean => this.p >= this.limit && this.problems.length === 0
    const e = this.expr()
    if (done() && !hasUnknown(e)) return { kind: 'expr', expr: e }
    this.p = 0
    this.problems = []
    const stmts = this.stmts()
    if (done() && stmts.length > 0 && stmts.every((s) => s.kind !== 'unknown'))
      return { kind: 'stmts', stmts }
    return { kind: 'other' }
  }

  stmts(): Stmt[] {
    const out: Stmt[] = []
    while (this.p < this.limit) {
      const from = this.p
      const c = this.punct(from)
      if (c === CLOSE || c === UNPAREN || c === UNBRACKET) {
        this.#problem('a bracket closes what was not opened')
        this.p++
        continue
      }
      this.#stmtInto(out)
      if (this.p === from) this.p++
    }
    return out
  }

  stmt(): Stmt {
    const from = this.p
    const out: Stmt[] = []
    if (this.p < this.limit) this.#stmtInto(out)
    if (out.length === 1) return out[0]!
    return {
      kind: 'block',
      body: out,
      start: this.startOf(from),
      end: Math.max(this.startOf(from), this.endOf(this.p - 1)),
    }
  }

  #stmtInto(out: Stmt[]): void {
    if (++this.#depth > MAX_DEPTH) {
      this.#depth--
      const from = this.p
      this.#problem('statements are nested too deep')
      const m = this.punct(from) === OPEN ? this.partner(from) : -1
      if (m >= 0) this.p = m + 1
      else {
        this.skipTo(SEMI)
        if (this.punct(this.p) === SEMI) this.p++
      }
      if (this.p === from) this.p++
      out.push({ kind: 'unknown', text: '', start: this.startOf(from), end: this.endOf(this.p - 1) })
      return
    }
    this.#stmtInner(out)
    this.#depth--
  }

  #stmtInner(out: Stmt[]): void {
    const i = this.p
    const start = this.startOf(i)
    const push = (s: Record<string, unknown>): void => {
      s['start'] = start
      s['end'] = this.endOf(this.p - 1)
      out.push(s as unknown as Stmt)
    }
    const kind = this.kind(i)
    if (kind >= T.if) {
      if (kind === T.if && this.nextMarker(i) > 0) this.#arms(out)
      else this.p++
      return
    }
    if (kind === T.punct) {
      const c = this.punct(i)
      if (c === OPEN) {
        const close = this.partner(i)
        this.p++
        if (close < 0) {
          this.#problem('`{` is not closed', i)
          push({ kind: 'block', body: this.stmts() })
          return
        }
        const body = this.#within(close, () => this.stmts())
        this.p = close + 1
        push({ kind: 'block', body })
        return
      }
      if (c === SEMI) {
        this.p++
        push({ kind: 'empty' })
        return
      }
    }
    if (kind === T.ident) {
      const word = this.word(i)
      switch (word) {
        case 'if':
          this.#if(out)
          return
        case 'while': {
          this.p++
          const cond = this.#condition()
          push({ kind: 'while', cond, body: this.stmt() })
          return
        }
        case 'do': {
          this.p++
          const body = this.stmt()
          if (this.isWord(this.p, 'while')) {
            this.p++
            const cond = this.#condition()
            this.#semicolon()
            push({ kind: 'do', cond, body })
          } else {
            // `do_for_each… { } while_for_each…()` and other halves of macros
            push({ kind: 'block', body: [body] })
          }
          return
        }
        case 'for':
          this.#for(push)
          return
        case 'switch': {
          this.p++
          const on = this.#condition()
          push({ kind: 'switch', on, body: this.stmt() })
          return
        }
        case 'case': {
          this.p++
          const low = this.#ternaryOrAssign()
          let high: Expr | undefined
          if (this.punct(this.p) === ELLIPSIS) {
            this.p++
            high = this.#ternaryOrAssign()
          }
          this.#colon()
          push({ kind: 'case', low, ...(high ? { high } : {}) })
          return
        }
        case 'default':
          if (this.punct(i + 1) === COLON) {
            this.p += 2
            push({ kind: 'case' })
            return
          }
          break
        case 'goto': {
          this.p++
          const label = this.isIdent(this.p) ? this.word(this.p) : undefined
          this.skipTo(SEMI)
          this.#semicolon()
          push({ kind: 'goto', ...(label === undefined ? {} : { label }) })
          return
        }
        case 'break':
        case 'continue':
          if (this.punct(i + 1) === SEMI || this.punct(i + 1) === CLOSE || this.limit === i + 1) {
            this.p++
            this.#semicolon()
            push({ kind: word })
            return
          }
          break
        case 'return': {
          this.p++
          let value: Expr | undefined
          if (this.p < this.limit && this.punct(this.p) !== SEMI) {
            value = this.expr()
            if (this.p < this.limit && this.punct(this.p) !== SEMI) {
              this.#problem('a return value is not understood')
              const from = i + 1
              this.skipTo(SEMI)
              value = this.#unknown(from, this.p)
            }
          }
          this.#semicolon()
          push({ kind: 'return', ...(value ? { value } : {}) })
          return
        }
        case 'else':
          this.#problem('`else` without its `if`')
          this.p++
          this.#stmtInto(out)
          return
        case 'fallthrough':
        case '__attribute__':
          if (word === 'fallthrough' ? this.punct(i + 1) === SEMI : this.punct(i + 1) === PAREN) {
            this.skipTo(SEMI)
            this.#semicolon()
            push({ kind: 'empty' })
            return
          }
          break
        case '__label__':
          this.skipTo(SEMI)
          this.#semicolon()
          push({ kind: 'empty' })
          return
        case 'asm':
        case '__asm__':
        case 'asm_inline': {
          const expr = this.#asm()
          this.#semicolon()
          push({ kind: 'expr', expr })
          return
        }
        default:
      }
      if (this.punct(i + 1) === COLON && this.punct(i + 2) !== COLON) {
        this.p += 2
        while (isAttribute(this.word(this.p)) && this.punct(this.p + 1) !== PAREN) this.p++
        push({ kind: 'label', name: word })
        return
      }
      if (this.#startsDeclaration(i, word)) {
        this.#declaration(out)
        return
      }
    }
    this.#expression(out)
  }

  #semicolon(): void {
    if (this.punct(this.p) === SEMI) this.p++
    else if (this.p < this.limit && !this.isMarker(this.p)) this.#problem('`;` is missing')
  }
  #colon(): void {
    if (this.punct(this.p) === COLON) this.p++
    else {
      this.#problem('`:` of a case is missing')
      this.skipTo(COLON, SEMI)
      if (this.punct(this.p) === COLON) this.p++
    }
  }

  /** `( expr )`. */
  #condition(): Expr {
    const open = this.p
    const close = this.punct(open) === PAREN ? this.partner(open) : -1
    if (close < 0) {
      // `if time_after(a, b)`: the macro brings the parentheses
      if (this.isIdent(open) && this.punct(open + 1) === PAREN) return this.#unary()
      this.#problem('a condition in parentheses is missing')
      return this.#unknown(open, open)
    }
    this.p = open + 1
    const cond = this.#within(close, () => {
      const e = this.expr()
      if (this.p >= close) return e
      this.#problem('a condition is not understood')
      return this.#unknown(open + 1, close)
    })
    this.p = close + 1
    return cond
  }

  /** A chain of else-ifs is read in a loop: generated code has thousands. */
  #if(out: Stmt[]): void {
    const links: { cond: Expr; then: Stmt; start: number }[] = []
    let otherwise: Stmt | undefined
    let tooLong = false
    while (this.isWord(this.p, 'if')) {
      const start = this.startOf(this.p)
      this.p++
      const cond = this.#condition()
      const then = this.stmt()
      if (links.length < MAX_CHAIN) links.push({ cond, then, start })
      else if (!tooLong) {
        tooLong = true
        this.#problem('a chain of else-ifs is too long: its end is not read')
      }
      if (!this.isWord(this.p, 'else')) break
      this.p++
      if (this.isWord(this.p, 'if')) continue
      otherwise = this.stmt()
      break
    }
    const end = this.endOf(this.p - 1)
    for (let k = links.length - 1; k >= 0; k--) {
      const { cond, then, start } = links[k]!
      otherwise = { kind: 'if', cond, then, ...(otherwise ? { otherwise } : {}), start, end }
    }
    if (otherwise) out.push(otherwise)
  }

  #for(push: (s: Record<string, unknown>) => void): void {
    this.p++
    const open = this.p
    const close = this.punct(open) === PAREN ? this.partner(open) : -1
    if (close < 0) {
      this.#problem('a `for` without its parentheses')
      return push({ kind: 'unknown', text: 'for' })
    }
    const init: Stmt[] = []
    let cond: Expr | undefined
    let step: Expr | undefined
    this.p = open + 1
    this.#within(close, () => {
      this.#stmtInto(init)
      if (this.p < close && this.punct(this.p) !== SEMI) {
        cond = this.expr()
        if (this.punct(this.p) !== SEMI) this.skipTo(SEMI)
      }
      this.p++
      if (this.p < close) {
        step = this.expr()
        if (this.p < close) {
          this.#problem('the step of a `for` is not understood')
          this.p = close
        }
      }
    })
    this.p = close + 1
    push({
      kind: 'for',
      init: init.filter((s) => s.kind !== 'empty'),
      ...(cond ? { cond } : {}),
      ...(step ? { step } : {}),
      body: this.stmt(),
    })
  }

  #arms(out: Stmt[]): void {
    const start = this.startOf(this.p)
    const arms: Arm[] = []
    const conditions: string[] = []
    let marker = this.p
    let hasElse = false
    for (;;) {
      const end = this.nextMarker(marker)
      const own = this.condition(marker)
      if (own === '') hasElse = true
      const condition = own === '' ? conditions.map(negate).join(' && ') : own
      conditions.push(own)
      this.p = marker + 1
      if (end < 0 || end >= this.limit) {
        // cut off: read the rest as it is
        return
      }
      const body = this.#within(end, () => this.stmts())
      arms.push({ condition, body })
      marker = end
      if (this.kind(marker) !== T.else) break
    }
    this.p = marker + 1
    out.push({ kind: 'arms', arms, maybe: !hasElse, start, end: this.endOf(marker) })
  }

  #startsDeclaration(i: number, word: string): boolean {
    if (isTypeWord(word) || isStorage(word) !== undefined) return true
    if (word === '__auto_type' || word === 'typeof' || word === '__typeof__') return true
    if (isAttribute(word) && this.isIdent(i + 1)) return true
    if (statementWords.has(word)) return false
    if (this.isIdent(i + 1)) {
      if (this.#names.has(word)) return false
      const next = this.word(i + 1)
      return !statementWords.has(next)
    }
    if (this.punct(i + 1) === STAR && !this.#names.has(word)) {
      let j = i + 1
      while (this.punct(j) === STAR || isAttribute(this.word(j)) || this.isWord(j, 'const')) j++
      if (!this.isIdent(j)) return false
      const after = this.punct(j + 1)
      return (
        after === EQUALS ||
        after === SEMI ||
        after === COMMA ||
        after === BRACKET ||
        isAttribute(this.word(j + 1))
      )
    }
    // `foo_t (*fn)(int) = …;`
    if (this.punct(i + 1) === PAREN && this.punct(i + 2) === STAR && isTypeName(word)) {
      const close = this.partner(i + 1)
      return close === i + 4 && this.punct(close + 1) === PAREN
    }
    return false
  }

  #declaration(out: Stmt[]): void {
    const from = this.p
    const spec = this.specifiers()
    if (this.p === from) this.p++
    while (this.p < this.limit) {
      const before = this.p
      const at = this.p
      const d = this.declarator(false)
      const typeText = `${this.textOf(spec.start, spec.end)} ${this.textOf(at, this.p)}`
      let init: Expr | undefined
      if (this.punct(this.p) === EQUALS) {
        this.p++
        init = this.punct(this.p) === OPEN ? this.init() : this.assign()
      }
      if (d.name !== '') {
        const local: Local = {
          kind: 'local',
          name: d.name,
          type: makeType(spec, d, typeText),
          ...(init ? { init } : {}),
          static: spec.static,
          ...(d.cleanup === undefined ? {} : { cleanup: d.cleanup }),
          start: this.startOf(out.length > 0 && at !== spec.end ? at : from),
          end: this.endOf(this.p - 1),
        }
        this.#names.add(d.name)
        this.locals.push(local)
        out.push(local)
      } else if (init) out.push({ kind: 'expr', expr: init, start: init.start, end: init.end })
      if (this.punct(this.p) === COMMA) {
        this.p++
        continue
      }
      if (this.punct(this.p) === SEMI || this.isMarker(this.p)) break
      if (this.p === before || this.p < this.limit) {
        if (this.punct(this.p) === CLOSE || this.p >= this.limit) break
        this.#problem('a declaration is not understood')
        const bad = this.p
        this.skipTo(SEMI)
        out.push({
          kind: 'unknown',
          text: this.textOf(bad, this.p),
          start: this.startOf(bad),
          end: this.endOf(this.p - 1),
        })
        break
      }
    }
    if (this.punct(this.p) === SEMI) this.p++
  }

  /** `for_each_x(…) ++i;`, `for_each_x(…) *p = 0;`: where the call ends, so that the body is not taken for operators. */
  #loopHead(i: number): number {
    if (!this.isIdent(i) || this.punct(i + 1) !== PAREN || macroBlockKind(this.word(i)) === 'block') return -1
    const close = this.partner(i + 1)
    const next = close < 0 ? 0 : this.punct(close + 1)
    return next === INCREMENT || next === DECREMENT || next === STAR || next === PAREN || next === AMP
      ? close + 1
      : -1
  }

  #expression(out: Stmt[]): void {
    const from = this.p
    const head = this.#loopHead(from)
    const expr = head < 0 ? this.expr() : this.#within(head, () => this.expr())
    const push = (s: Record<string, unknown>): void => {
      s['start'] = this.startOf(from)
      s['end'] = this.endOf(this.p - 1)
      out.push(s as unknown as Stmt)
    }
    if (this.punct(this.p) === SEMI) {
      this.p++
      push({ kind: 'expr', expr })
      return
    }
    if (expr.kind === 'call' && expr.callee.kind === 'name' && this.p < this.limit) {
      const as = macroBlockKind(expr.callee.name)
      if (this.punct(this.p) === OPEN || ((as === 'loop' || as === 'scoped') && !this.isMarker(this.p))) {
        const block: Omit<MacroBlock, 'start' | 'end'> = {
          kind: 'macro',
          call: expr satisfies Call,
          as,
          body: this.stmt(),
        }
        // `if_x(…) { } else { }` of a macro that is an if
        if (this.isWord(this.p, 'else')) {
          this.p++
          push({ kind: 'if', cond: expr, then: block.body, otherwise: this.stmt() })
          return
        }
        push(block)
        return
      }
    }
    if (this.p >= this.limit || this.isMarker(this.p)) {
      push({ kind: 'expr', expr })
      return
    }
    // A macro that stands without a semicolon: `MACRO(x)` on a line of its own, or a bare word.
    const bare = expr.kind === 'call' || (expr.kind === 'name' && /^[A-Z_0-9]+$/.test(expr.name))
    if (bare && (this.isIdent(this.p) || this.punct(this.p) === OPEN || this.punct(this.p) === STAR)) {
      push({ kind: 'expr', expr })
      return
    }
    this.#problem('a statement is not understood')
    this.skipTo(SEMI)
    const to = this.p
    if (this.punct(this.p) === SEMI) this.p++
    out.push({
      kind: 'unknown',
      text: this.textOf(from, to).slice(0, 400),
      start: this.startOf(from),
      end: this.endOf(this.p - 1),
    })
  }
}

export type Specifiers = {
  base: string
  static: boolean
  extern: boolean
  inline: boolean
  typedef: boolean
  attributes: string[]
  start: number
  end: number
}
export type Declarator = {
  name: string
  nameAt: number
  pointer: number
  array: boolean
  function: boolean
  params: Param[] | undefined
  variadic: boolean
  cleanup: string | undefined
  attributes: string[]
}

export const makeType = (s: Specifiers, d: Declarator, text: string): CType => ({
  text: text.trim(),
  base: s.base === '' ? 'int' : s.base,
  pointer: d.pointer,
  array: d.array,
  function: d.function,
})

const MAX_DEPTH = 160
const MAX_CHAIN = 600
const MAX_HEIGHT = 1000
const MAX_PROBLEMS = 50

const OPEN = op('{')
const CLOSE = op('}')
const PAREN = op('(')
const UNPAREN = op(')')
const BRACKET = op('[')
const UNBRACKET = op(']')
const SEMI = op(';')
const COLON = op(':')
const COMMA = op(',')
const STAR = op('*')
const AMP = op('&')
const MINUS = op('-')
const PLUS = op('+')
const BANG = op('!')
const TILDE = op('~')
const DOT = op('.')
const ARROW = op('->')
const EQUALS = op('=')
const QUESTION = op('?')
const INCREMENT = op('++')
const DECREMENT = op('--')
const ANDAND = op('&&')
const ELLIPSIS = op('...')
const HASH = op('#')
const PASTE = op('##')

const assignOps = new Map<number, string>([
  [EQUALS, '='],
  ...['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>'].map((o): [number, string] => [op(`${o}=`), o]),
])

const levels = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
]
const binaryLevels = new Map<number, number>(
  levels.flatMap((ops, level) => ops.map((o): [number, number] => [op(o), level + 1])),
)

const statementWords = new Set(
  'if else for while do switch case default goto break continue return'.split(' '),
)

const texts = new Map<number, string>()
function punctText(code: number): string {
  let text = texts.get(code)
  if (text === undefined) {
    text = ''
    for (let c = code; c !== 0; c >>>= 8) text += String.fromCharCode(c & 255)
    texts.set(code, text)
  }
  return text
}

function isAttributeLike(word: string): boolean {
  return isAttribute(word) || (word.startsWith('__') && !isTypeName(word))
}

function takesArguments(word: string): boolean {
  return !/^__(user|iomem|percpu|rcu|force|init|exit|maybe_unused|always_unused|unused|restrict|read_mostly|initdata|packed|must_check|always_inline|cold|hot|noreturn)$/.test(
    word,
  )
}

const negate = (c: string): string =>
  c.startsWith('!') && /^![\w]+$/.test(c)
    ? c.slice(1)
    : /^[\w]+$|^defined\([\w]+\)$/.test(c)
      ? `!${c}`
      : `!(${c})`

const tidy = (text: string): string =>
  text
    .replace(/\/\*[^]*?\*\/|\/\/[^\n]*|\\\r?\n/g, ' ')
    .trim()
    .replace(/\s+/g, ' ')

function hasUnknown(e: Expr): boolean {
  return e.kind === 'unknown' || e.kind === 'type'
}

export function numberValue(text: string): number {
  const digits = text.replace(/[uUlLzZ]+$/, '')
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8)
  return Number(digits)
}

const escapes: Record<string, number> = {
  n: 10,
  t: 9,
  r: 13,
  '0': 0,
  '\\': 92,
  "'": 39,
  '"': 34,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
}
function charValue(text: string): number {
  const inner = text.slice(1, -1)
  if (!inner.startsWith('\\')) return inner.charCodeAt(0)
  if (inner[1] === 'x') return Number.parseInt(inner.slice(2), 16)
  if (/^\\[0-7]/.test(inner)) return Number.parseInt(inner.slice(1), 8)
  return escapes[inner[1] ?? ''] ?? Number.NaN
}
