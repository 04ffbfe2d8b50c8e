import { type Diagnostic, type Outcome, type Source, type Span, span, suggest } from '../base/index.ts'
import type { Call, Declaration, Expect, Expr, LitmusTest, Proc, Stmt } from './ast.ts'
import { parseExpect } from './expect.ts'
import { lex, type Token } from './lexer.ts'

/**
 * Reads a litmus test; docs/litmus.md has the grammar. Tolerant: after a mistake it goes on at the next statement, so that
 * one run shows them all. It never throws and always ends: every loop takes a token or leaves.
 */
export function parse(source: Source): Outcome<LitmusTest> {
  const diagnostics: Diagnostic[] = []
  const binary = source.text.indexOf('\0')
  if (binary >= 0)
    diagnostics.push({
      code: 'litmus/not-text',
      severity: 'error',
      message: 'this is not a text file',
      primary: { span: span(source, binary, binary + 1), text: 'a NUL byte' },
    })
  if (binary >= 0) return { diagnostics }
  const value = new Parser(source, (d) => diagnostics.push(d)).test()
  return { value, diagnostics }
}

/** Expressions and statements may nest this deep; deeper is a mistake, or somebody trying us. */
const maxDepth = 100

/** From the weakest to the strongest; all are left-associative, as in C. `=` is `==` in a condition. */
const levels: readonly (readonly string[])[] = [
  ['\\/'],
  ['/\\'],
  ['||'],
  ['&&'],
  ['|'],
  ['==', '!=', '='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
]

type BinaryOp = Extract<Expr, { kind: 'binary' }>['op']

/** Where a comment ends with `file:line`, it is the place that a statement was lifted from. */
const placeComment = /^\S+:\d+$/

class Parser {
  readonly #source: Source
  readonly #report: (d: Diagnostic) => void
  #tokens: Token[] = []
  #at = 0
  #depth = 0
  #inCondition = false
  /** Set by a mistake, cleared where we go on: one mistake is reported once. */
  #lost = false

  constructor(source: Source, report: (d: Diagnostic) => void) {
    this.#source = source
    this.#report = report
  }

  test(): LitmusTest {
    const { name, comment, expect, offset } = this.#head()
    this.#tokens = lex(this.#source, offset, this.#report)
    const init = this.#init()
    const procs: Proc[] = []
    let condition: LitmusTest['condition']
    while (this.#peek().kind !== 'end') {
      const t = this.#peek()
      if (t.text === '~' || t.text === 'exists' || t.text === 'forall') {
        const found = this.#condition()
        if (condition && found)
          this.#mistake(
            'litmus/second-condition',
            'a test has one condition',
            found.span!,
            'join both with /\\',
          )
        else condition = found ?? condition
      } else if (t.kind === 'name') {
        const proc = this.#proc()
        if (proc) procs.push(proc)
      } else {
        this.#wrong('a process, `P0(mm A) { … }`, or the condition, `exists (…)`, is expected here')
        this.#next()
        this.#skipTo((u) => u.kind === 'name' || u.text === '~')
      }
      this.#lost = false
    }
    return { name, comment, expect, init, procs, ...(condition ? { condition } : {}) }
  }

  /** `C name` and the comments behind it. */
  #head(): { name: string; comment: string; expect: Expect[]; offset: number } {
    const { text } = this.#source
    const head = /^(?:\s|\/\/[^\n]*\n)*C[ \t]+(\S+)[ \t\r]*(?:\n|$)/.exec(text)
    let name = ''
    let offset = 0
    if (head) {
      name = head[1]!
      offset = head[0].length
    } else {
      const end = text.indexOf('\n')
      this.#mistake(
        'litmus/no-head',
        'a litmus test begins with `C` and its name',
        span(this.#source, 0, Math.max(0, end < 0 ? Math.min(text.length, 40) : Math.min(end, 40))),
        'write `C what-it-shows` on the first line; the name has no spaces',
      )
      // Up to what comes behind a head, so that this is the only mistake that is told of.
      offset = /^\s*C\b[^\n]*\n?|^[^({]*?(?=\(\*|\{)/.exec(text)?.[0].length ?? 0
    }
    const comments: string[] = []
    const expect: Expect[] = []
    for (;;) {
      const blank = /(?:\s|\/\/[^\n]*(?:\n|$))*/y
      blank.lastIndex = offset
      offset += blank.exec(text)![0].length
      if (!text.startsWith('(*', offset)) break
      const close = text.indexOf('*)', offset + 2)
      if (close < 0)
        this.#mistake(
          'litmus/open-comment',
          'this comment is not closed',
          span(this.#source, offset, offset + 2),
          'close it with *)',
        )
      const end = close < 0 ? text.length : close
      comments.push(this.#comment(offset + 2, end, expect))
      offset = close < 0 ? end : end + 2
    }
    return { name, comment: comments.filter((c) => c !== '').join('\n\n'), expect, offset }
  }

  /** The lines of a comment without their stars; `Result:` lines go to `expect`. A line that ends in `;` is continued. */
  #comment(start: number, end: number, expect: Expect[]): string {
    const lines: string[] = []
    let at = start
    let open = false
    for (const raw of this.#source.text.slice(start, end).split('\n')) {
      const star = /^[ \t]*\*?[ \t]?/.exec(raw)!
      const line = raw.slice(star[0].length).trimEnd()
      const result = /^\s*Result:/.exec(line)
      if (result || open) {
        const from = at + star[0].length + (result ? result[0].length : 0)
        expect.push(...parseExpect(this.#source, from, at + raw.length, this.#report))
        open = line.endsWith(';')
      } else lines.push(line)
      at += raw.length + 1
    }
    while (lines[0] === '') lines.shift()
    while (lines.at(-1) === '') lines.pop()
    return lines.join('\n')
  }

  #init(): Declaration[] {
    const out: Declaration[] = []
    if (!this.#take('{')) {
      this.#wrong('the initial state, `{ … }`, is expected here', 'it may be empty: { }')
      this.#lost = false
      if (this.#peek().kind !== 'name') this.#skipTo((t) => t.kind === 'name')
      return out
    }
    while (this.#peek().kind !== 'end' && this.#peek().text !== '}') {
      const before = this.#at
      this.#declaration(out)
      if (this.#lost) this.#skipTo((t) => t.text === ';' || t.text === '}', ';')
      this.#lost = false
      if (this.#at === before) this.#next()
    }
    this.#expect('}')
    this.#lost = false
    return out
  }

  /** `mm A, B;`  `bo B = gpu(1 page, vram);`  `A:p = mmap(…);` */
  #declaration(out: Declaration[]): void {
    const first = this.#peek()
    if (first.kind !== 'name') return this.#wrong('a declaration is expected here', 'for example `mm A;`')
    this.#next()
    if (this.#take(':')) {
      const name = this.#name('the name of an address')
      if (name === undefined || !this.#expect('=')) return
      const call = this.#callOnly()
      if (call) this.#declared(out, { kind: 'address', name: name.text, scope: first.text, call }, first)
      return
    }
    do {
      const name = this.#name(`the name of the ${first.text}`)
      if (name === undefined) return
      let call: Call | undefined
      if (this.#take('=')) {
        call = this.#callOnly()
        if (!call) return
      }
      const more = this.#peek().text === ','
      const d = { kind: first.text, name: name.text, ...(call ? { call } : {}) }
      if (!more) return this.#declared(out, d, first)
      out.push({ ...d, span: span(this.#source, first.start, this.#previous().end) })
    } while (this.#take(','))
  }

  #declared(out: Declaration[], d: Declaration, first: Token): void {
    const end = this.#peek()
    const whole = this.#from(first)
    if (!this.#expect(';')) {
      out.push({ ...d, span: whole })
      return
    }
    out.push({ ...d, ...place(end), span: whole })
  }

  #callOnly(): Call | undefined {
    const at = this.#peek()
    const e = this.#primary()
    if (this.#lost) return undefined
    if (e.kind === 'call') return e
    this.#mistake(
      'litmus/init',
      'a declaration is made by a call',
      this.#from(at),
      'for example `= gpu(1 page, vram)`',
    )
    this.#lost = true
    return undefined
  }

  /** `P0(mm A) daemon { … }` */
  #proc(): Proc | undefined {
    const first = this.#next()
    const context = { kind: '', name: '' }
    let comment: string | undefined
    const near = suggest(first.text, ['exists', 'forall'])[0]
    const hint = near === undefined ? 'a process is `P0(mm A) { … }`' : `did you mean \`${near}\`?`
    if (this.#take('(')) {
      if (this.#peek().kind === 'name') {
        context.kind = this.#next().text
        if (this.#peek().kind === 'name') context.name = this.#next().text
      }
      comment = this.#peek().after
      if (!this.#take(')')) this.#wrong('`)` is expected here: a process runs in one context', hint)
    } else this.#wrong(`\`${first.text}\` begins neither a process nor the condition`, hint)
    if (this.#lost) this.#skipTo((t) => t.text === '{' || t.text === 'exists' || t.text === 'forall')
    this.#lost = false
    const daemon = this.#peek().text === 'daemon'
    if (daemon) comment = this.#next().after ?? comment
    const open = this.#peek()
    if (open.text !== '{') {
      if (open.kind !== 'end' || context.kind !== '')
        this.#wrong('the body of the process, `{ … }`, is expected here')
      return undefined
    }
    comment = open.after ?? comment
    const head = this.#from(first)
    const body = this.#block()
    return { name: first.text, context, daemon, body, ...(comment ? { comment } : {}), span: head }
  }

  /** `{ … }` */
  #block(): Stmt[] {
    const open = this.#next()
    const out: Stmt[] = []
    while (this.#peek().kind !== 'end' && this.#peek().text !== '}') {
      if (this.#atNextProc()) break
      const before = this.#at
      const s = this.#statement()
      if (s && !this.#lost) out.push(s)
      if (this.#lost) this.#skipTo((t) => t.text === ';' || t.text === '}' || t.text === '{', ';')
      this.#lost = false
      if (this.#at === before) this.#next()
    }
    if (!this.#take('}'))
      this.#mistake('litmus/open-block', 'this block is not closed', this.#spanOf(open), 'close it with `}`')
    return out
  }

  /** A `}` was forgotten: `P1(mm B)` and then `{` or `daemon` begins a process, never a statement. */
  #atNextProc(): boolean {
    const t = (n: number): string => this.#tokens[this.#at + n]?.text ?? ''
    if (t(0) === 'exists' || t(0) === 'forall') return t(1) === '('
    if (!/^P\d+$/.test(t(0)) || t(1) !== '(') return false
    const close = [2, 3, 4].find((n) => t(n) === ')')
    return close !== undefined && (t(close + 1) === '{' || t(close + 1) === 'daemon')
  }

  #statement(): Stmt | undefined {
    const first = this.#peek()
    if (first.text === ';') {
      this.#next()
      return undefined
    }
    if (this.#depth >= maxDepth) {
      this.#wrong(`statements nest deeper than ${maxDepth}`)
      return undefined
    }
    this.#depth++
    const s = this.#statementAt(first)
    this.#depth--
    return s
  }

  #statementAt(first: Token): Stmt | undefined {
    switch (first.text) {
      case 'if':
        return this.#if()
      case 'while':
        return this.#while()
      case 'do':
        return this.#do()
      case 'goto': {
        this.#next()
        const label = this.#name('a label')
        return label && { kind: 'goto', label: label.text, ...this.#semicolon(), span: this.#from(first) }
      }
      case 'return': {
        this.#next()
        const value = this.#peek().text === ';' ? undefined : this.#expr()
        return { kind: 'return', ...(value && { value }), ...this.#semicolon(), span: this.#from(first) }
      }
      case 'else':
        this.#wrong('this `else` belongs to no `if`')
        return undefined
      case '{':
        this.#wrong('a block stands behind `if`, `else`, `while` or `do` only')
        return undefined
      default:
    }
    if (first.kind === 'name' && this.#tokens[this.#at + 1]?.text === ':') {
      this.#next()
      this.#next()
      return { kind: 'label', label: first.text, span: this.#spanOf(first) }
    }
    const target = this.#expr()
    if (!this.#lost && this.#take('=')) {
      if (target.kind !== 'name' && target.kind !== 'deref')
        this.#mistake(
          'litmus/target',
          'this cannot be assigned to',
          target.span!,
          'assign to a register, `r0 = …`, or to user memory, `*p = …`',
        )
      const value = this.#expr()
      return { kind: 'assign', target, value, ...this.#semicolon(), span: this.#from(first) }
    }
    return { kind: 'expr', expr: target, ...this.#semicolon(), span: this.#from(first) }
  }

  #if(): Stmt | undefined {
    const first = this.#next()
    const cond = this.#parenthesised()
    if (this.#lost) return undefined
    const head = this.#headEnd()
    const whole = this.#from(first)
    const then = this.#body()
    let otherwise: Stmt[] = []
    if (!this.#lost && this.#take('else')) otherwise = this.#body()
    return { kind: 'if', cond, then, else: otherwise, ...place(head), span: whole }
  }

  #while(): Stmt | undefined {
    const first = this.#next()
    const cond = this.#parenthesised()
    if (this.#lost) return undefined
    const head = this.#headEnd()
    const whole = this.#from(first)
    return { kind: 'while', cond, body: this.#body(), doFirst: false, ...place(head), span: whole }
  }

  #do(): Stmt | undefined {
    const first = this.#next()
    const body = this.#body()
    if (this.#lost) return undefined
    const at = this.#peek()
    if (!this.#expect('while', '`do { … } while (…);`')) return undefined
    const cond = this.#parenthesised()
    return { kind: 'while', cond, body, doFirst: true, ...this.#semicolon(), span: this.#from(at ?? first) }
  }

  /** The token whose comment is the place of an `if` or `while`: its `)`, or the `{` behind it on the same line. */
  #headEnd(): Token {
    const close = this.#previous()
    const open = this.#peek()
    return close.after === undefined && open.text === '{' ? open : close
  }

  /** `{ … }`, or one statement. */
  #body(): Stmt[] {
    if (this.#peek().text === '{') return this.#block()
    const s = this.#statement()
    return s ? [s] : []
  }

  #parenthesised(): Expr {
    if (!this.#expect('(')) return nothing
    const e = this.#expr()
    if (!this.#lost) this.#expect(')')
    return e
  }

  #semicolon(): { place?: string } {
    const at = this.#peek()
    if (this.#lost || !this.#expect(';')) return {}
    return place(at)
  }

  /** `exists (…)`, `~exists (…)`, `forall (…)` */
  #condition(): LitmusTest['condition'] {
    const first = this.#next()
    const negated = first.text === '~'
    if (negated && this.#peek().text !== 'exists') {
      this.#wrong('`exists` is expected behind `~`')
      return undefined
    }
    if (negated) this.#next()
    this.#inCondition = true
    const expr = this.#expr()
    this.#inCondition = false
    if (this.#lost) {
      this.#skipTo((t) => t.kind === 'end' || /^P\d+$/.test(t.text))
      return undefined
    }
    this.#take(';')
    const quantifier = negated ? '~exists' : first.text === 'forall' ? 'forall' : 'exists'
    return { quantifier, expr, span: this.#from(first) }
  }

  #expr(level = 0): Expr {
    const ops = levels[level]
    if (ops === undefined) return this.#unary()
    const first = this.#peek()
    let left = this.#expr(level + 1)
    while (
      !this.#lost &&
      ops.includes(this.#peek().text) &&
      (this.#inCondition || this.#peek().text !== '=')
    ) {
      const text = this.#next().text
      const right = this.#expr(level + 1)
      const op = (text === '=' ? '==' : text) as BinaryOp
      left = { kind: 'binary', op, left, right, span: this.#from(first) }
    }
    return left
  }

  #unary(): Expr {
    const first = this.#peek()
    if (!['!', '~', '-', '*', '&'].includes(first.text)) return this.#primary()
    if (this.#depth >= maxDepth) {
      this.#wrong(`expressions nest deeper than ${maxDepth}`)
      return nothing
    }
    this.#next()
    if (first.text === '&') {
      const name = this.#name('the name of what `&` is the address of')
      return name ? { kind: 'address', name: name.text, span: this.#from(first) } : nothing
    }
    const digit = this.#peek().kind === 'number'
    this.#depth++
    const of = this.#unary()
    this.#depth--
    const where = { span: this.#from(first) }
    if (first.text === '*') return { kind: 'deref', of, ...where }
    if (first.text === '-' && digit && of.kind === 'number')
      return { kind: 'number', value: -of.value, ...where }
    return { kind: 'unary', op: first.text === '-' ? '-' : '!', of, ...where }
  }

  #primary(): Expr {
    const first = this.#peek()
    if (first.kind === 'number') return this.#number()
    if (first.text === '(') {
      if (this.#depth >= maxDepth) {
        this.#wrong(`expressions nest deeper than ${maxDepth}`)
        return nothing
      }
      this.#depth++
      this.#next()
      const e = this.#expr()
      if (!this.#lost) this.#expect(')')
      this.#depth--
      return e
    }
    if (first.kind !== 'name') {
      this.#wrong('an expression is expected here')
      return nothing
    }
    this.#next()
    if (this.#peek().text === ':') return this.#scoped(first)
    if (this.#peek().text !== '(') return { kind: 'name', name: first.text, span: this.#spanOf(first) }
    return this.#call(first)
  }

  /** `0:r0`, `A:p`, `A:*p` */
  #scoped(first: Token): Expr {
    this.#next()
    const proc = first.kind === 'number' ? `P${first.text}` : first.text
    const star = this.#take('*')
    const name = this.#name(`what of \`${first.text}\` is meant`)
    if (!name) return nothing
    const where = { span: this.#from(first) }
    const e: Expr = { kind: 'name', name: name.text, proc, ...where }
    return star ? { kind: 'deref', of: e, ...where } : e
  }

  #call(first: Token): Expr {
    const args: Expr[] = []
    if (this.#depth >= maxDepth) {
      this.#wrong(`expressions nest deeper than ${maxDepth}`)
      return nothing
    }
    this.#depth++
    this.#next()
    const inCondition = this.#inCondition
    this.#inCondition = false
    if (this.#peek().text !== ')')
      do args.push(this.#expr())
      while (!this.#lost && this.#take(','))
    this.#inCondition = inCondition
    if (!this.#lost) this.#expect(')')
    this.#depth--
    return { kind: 'call', name: first.text, args, span: this.#from(first) }
  }

  /** A number; `page` or `pages` behind it is for the reader. */
  #number(): Expr {
    const t = this.#next()
    if (this.#peek().text === ':') return this.#scoped(t)
    const value = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(t.text) ? Number(t.text) : NaN
    if (!Number.isSafeInteger(value))
      this.#mistake(
        'litmus/number',
        `\`${t.text}\` is not a number`,
        this.#spanOf(t),
        'write it in decimal or as 0x…',
      )
    if (this.#peek().text === 'page' || this.#peek().text === 'pages') this.#next()
    return { kind: 'number', value: Number.isSafeInteger(value) ? value : 0, span: this.#spanOf(t) }
  }

  #name(what: string): Token | undefined {
    if (this.#peek().kind === 'name') return this.#next()
    this.#wrong(`${what} is expected here`)
    return undefined
  }

  #peek(): Token {
    return this.#tokens[this.#at]!
  }

  /** The token that is next, and one step on; the end stays. */
  #next(): Token {
    const t = this.#peek()
    if (t.kind !== 'end') this.#at++
    return t
  }

  #previous(): Token {
    return this.#tokens[Math.max(0, this.#at - 1)]!
  }

  #take(text: string): boolean {
    if (this.#peek().text !== text || this.#peek().kind === 'end') return false
    this.#next()
    return true
  }

  #expect(text: string, hint?: string): boolean {
    if (this.#take(text)) return true
    this.#wrong(`\`${text}\` is expected here`, hint)
    return false
  }

  #skipTo(stop: (t: Token) => boolean, take?: string): void {
    while (this.#peek().kind !== 'end' && !stop(this.#peek())) this.#next()
    if (take !== undefined) this.#take(take)
  }

  /** What is next is not what can stand here. A missing token is shown behind the one before it, where it would go. */
  #wrong(message: string, hint?: string): void {
    if (this.#lost) return
    const t = this.#peek()
    const missing = this.#at > 0 && /^`[;)}]` is/.test(message)
    const { end } = this.#previous()
    const where = missing ? span(this.#source, end, end) : this.#spanOf(t)
    this.#mistake(
      'litmus/syntax',
      t.kind === 'end' && !missing ? `the file ends here: ${message}` : message,
      where,
      hint,
    )
    this.#lost = true
  }

  #mistake(code: string, message: string, where: Span, hint?: string): void {
    this.#report({
      code,
      severity: 'error',
      message,
      primary: { span: where, text: '' },
      ...(hint === undefined ? {} : { hints: [{ text: hint }] }),
    })
  }

  #spanOf(t: Token): Span {
    return span(this.#source, t.start, t.end)
  }

  #from(first: Token): Span {
    return span(this.#source, first.start, Math.max(first.end, this.#previous().end))
  }
}

/** Stands where an expression could not be read; the test has an error then and is not run. */
const nothing: Expr = { kind: 'number', value: 0 }

const place = (t: Token): { place?: string } =>
  t.after !== undefined && placeComment.test(t.after) ? { place: t.after } : {}
