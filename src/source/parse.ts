import { Source } from '../base/index.ts'
import { type Resolved, plain, resolveArms } from './arms.ts'
import type {
  Body,
  CFile,
  CType,
  Expr,
  Func,
  Global,
  Invocation,
  Macro,
  MacroBody,
  Param,
  Problem,
  Prototype,
  Struct,
} from './ir.ts'
import { type Define, lex, op, Room, T } from './lex.ts'
import { makeType, Syntax } from './syntax.ts'
import { isAttribute, isStorage, isTypeWord } from './words.ts'

/**
 * The facts of one C file. Declarations are read at once; the bodies of functions and macros when they are asked for, so a
 * file that is opened for one function costs little more than its tokens.
 */
export function parseC(path: string, text: string, onBody?: OnBody): CFile {
  return new Outline(path, text, onBody).file
}

/** Told when a function's body is read, and whether all of it was understood. */
export type OnBody = (func: Func, whole: boolean) => void

const OPEN = op('{')
const CLOSE = op('}')
const PAREN = op('(')
const UNPAREN = op(')')
const SEMI = op(';')
const COMMA = op(',')
const EQUALS = op('=')
const BRACKET = op('[')
const STAR = op('*')

type Mutable<X> = { -readonly [K in keyof X]: X[K] }

/** One text is read at a time, and nothing of its tokens stays. */
const room = new Room()

class Outline {
  readonly file: CFile
  readonly #source: Source
  readonly #r: Resolved
  readonly #syntax: Syntax
  readonly #functions: Func[] = []
  readonly #globals: Global[] = []
  readonly #prototypes: Prototype[] = []
  readonly #invocations: Invocation[] = []
  readonly #structs: Struct[] = []
  readonly #typedefs = new Map<string, CType>()
  readonly #exports = new Set<string>()
  readonly #problems: Problem[] = []
  readonly #conditions: { text: string; earlier: string[] }[] = []

  readonly #onBody: OnBody | undefined

  constructor(path: string, text: string, onBody?: OnBody) {
    this.#onBody = onBody
    this.#source = new Source(path, text)
    const tokens = lex(text, 0, text.length, false, room)
    this.#r = resolveArms(tokens, room)
    this.#syntax = new Syntax(this.#r, this.#typedefs)
    const macros: Macro[] = []
    this.file = {
      path,
      source: this.#source,
      functions: this.#functions,
      macros,
      globals: this.#globals,
      structs: this.#structs,
      prototypes: this.#prototypes,
      typedefs: this.#typedefs,
      invocations: this.#invocations,
      exports: this.#exports,
      includes: tokens.includes,
      problems: this.#problems,
    }
    for (const d of tokens.defines) macros.push(new LazyMacro(this.file, d, this.#line(d.start)))
    for (const at of this.#r.dropped)
      this.#problems.push({
        file: path,
        line: this.#line(at),
        message: 'the arms of this #if are pieces of statements: only the first is read',
      })
    this.#items(0, this.#r.count)
  }

  #line(offset: number): number {
    return this.#source.position(offset).line
  }

  #items(from: number, to: number): void {
    const s = this.#syntax
    s.limit = to
    let i = from
    while (i < to) {
      s.limit = to
      const next = this.#item(i)
      i = next > i ? next : i + 1
    }
  }

  /** One declaration, definition or macro at file scope; the index after it. */
  #item(i: number): number {
    const s = this.#syntax
    const kind = s.kind(i)
    if (kind === T.if || kind === T.else || kind === T.endif) {
      this.#marker(i, kind)
      return i + 1
    }
    if (kind === T.punct && s.punct(i) !== PAREN) {
      if (s.punct(i) === OPEN) return Math.max(i, s.partner(i)) + 1
      return i + 1
    }
    // Where does it end, and what is in it?
    const candidates: number[] = []
    let tag = false
    let bodyless = true
    let j = i
    for (; s.kind(j) !== T.eof; ) {
      const c = s.punct(j)
      if (s.isMarker(j)) {
        // an item never spans a group that was kept apart, but for the arms of a struct's or initialiser's body
        break
      }
      if (s.isIdent(j)) {
        const word = s.word(j)
        if (word === 'struct' || word === 'union' || word === 'enum') tag = true
        if (s.punct(j + 1) === PAREN) {
          const close = s.partner(j + 1)
          if (close < 0) return j + 2
          if (
            !isAttribute(word) &&
            word !== 'typeof' &&
            word !== '__typeof__' &&
            word !== '__asm__' &&
            word !== 'asm' &&
            !isTypeWord(word)
          )
            candidates.push(j)
          const first = j === i
          j = close + 1
          if (first && this.#endsInvocation(j)) {
            if (!isAttribute(word)) this.#invocation(i, i + 1, close)
            return s.punct(j) === SEMI ? j + 1 : j
          }
          continue
        }
        j++
        continue
      }
      if (c === OPEN) {
        const close = s.partner(j)
        if (close < 0) {
          this.#problems.push({
            file: this.file.path,
            line: this.#line(s.startOf(j)),
            message: '`{` is not closed',
          })
          if (candidates.length > 0) {
            this.#function(i, j, candidates)
            return s.limit
          }
          return j + 1
        }
        if (tag && candidates.length === 0 && bodyless) {
          bodyless = false
          j = close + 1
          continue
        }
        if (candidates.length > 0) {
          this.#function(i, j, candidates)
          return close + 1
        }
        // `extern "C" {`
        if (s.kind(j - 1) === T.string) return j + 1
        return close + 1
      }
      if (c === EQUALS || c === SEMI) break
      if (c === CLOSE || c === UNPAREN) return j + 1
      const close = c === PAREN || c === BRACKET ? s.partner(j) : -1
      j = close >= 0 ? close + 1 : j + 1
    }
    if (s.kind(j) === T.eof && s.punct(j) === 0 && j >= s.limit && candidates.length === 0 && !tag) return j
    return this.#declaration(i, j, candidates)
  }

  /** Whether the macro at file scope whose `)` is before `j` is a thing of its own. */
  #endsInvocation(j: number): boolean {
    const s = this.#syntax
    const kind = s.kind(j)
    if (kind === T.eof || s.isMarker(j)) return true
    const c = s.punct(j)
    if (c === SEMI || c === CLOSE) return true
    if (kind !== T.ident) return false
    return !isAttribute(s.word(j))
  }

  #marker(i: number, kind: number): void {
    const s = this.#syntax
    const stack = this.#conditions
    if (kind === T.endif) stack.pop()
    else if (kind === T.if) stack.push({ text: s.condition(i), earlier: [s.condition(i)] })
    else {
      const top = stack[stack.length - 1]
      const own = s.condition(i)
      if (!top) return
      top.text =
        own === ''
          ? top.earlier
              .map((c) => (/^!\w+$/.test(c) ? c.slice(1) : /^\w+$/.test(c) ? `!${c}` : `!(${c})`))
              .join(' && ')
          : own
      top.earlier.push(own)
    }
  }

  #invocation(i: number, open: number, close: number): void {
    const s = this.#syntax
    const name = s.word(i)
    s.p = open
    const args = s.args()
    this.#invocations.push({
      name,
      args,
      start: s.startOf(i),
      end: s.endOf(close),
      line: this.#line(s.startOf(i)),
    })
    if (/^_*EXPORT_/.test(name)) {
      const first = args[0]
      if (first?.kind === 'name') this.#exports.add(first.name)
    }
  }

  // ── Functions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #function(i: number, open: number, candidates: readonly number[]): void {
    const s = this.#syntax
    // `ATTRIBUTE("x") size_t name(…)`: what is followed by a type is not the name
    const nameAt =
      candidates.find((c, k) => {
        const next = s.partner(c + 1) + 1
        return (
          k === candidates.length - 1 ||
          !s.isIdent(next) ||
          candidates.includes(next) ||
          isAttribute(s.word(next))
        )
      }) ?? candidates[0]!
    const spelled = s.word(nameAt)
    const paren = nameAt + 1
    const close = s.partner(paren)
    s.p = i
    const head = nameAt > i ? this.#within(nameAt, () => s.specifiers()) : undefined
    let pointer = 0
    for (let k = i; k < nameAt; k++) if (s.punct(k) === STAR) pointer++
    const attributes = [...(head?.attributes ?? [])]
    for (let k = s.p; k < nameAt; k++)
      if (s.isIdent(k) && isStorage(s.word(k)) === undefined) attributes.push(s.word(k))
    // after the parameters: `__must_hold(&x)`
    for (let k = close + 1; k < open; k++) {
      if (!s.isIdent(k)) continue
      const end = s.punct(k + 1) === PAREN ? s.partner(k + 1) : -1
      attributes.push(s.textOf(k, end >= 0 ? end + 1 : k + 1))
      if (end >= 0) k = end
    }
    const made = this.#madeByMacro(spelled, paren, close, nameAt === i)
    const place = { params: undefined as Param[] | undefined, variadic: false }
    if (!made) {
      s.p = paren
      this.#within(open, () => s.params(place))
    }
    const at = made?.nameAt ?? nameAt
    const { line, column } = this.#source.position(s.startOf(at))
    const bodyClose = s.partner(open)
    const end = bodyClose >= 0 ? s.endOf(bodyClose) : s.endOf(s.limit - 1)
    const base = head?.base ?? ''
    const inlineWord = (head?.inline ?? false) || [...(head?.attributes ?? [])].includes('__always_inline')
    this.#functions.push(
      new LazyFunc(
        this.#typedefs,
        {
          file: this.file,
          name: made?.name ?? spelled,
          ...(made ? { macro: spelled } : {}),
          line,
          column,
          endLine: this.#line(end),
          static: head?.static ?? false,
          inline: inlineWord,
          attributes,
          returns: {
            text: s.textOf(i, nameAt),
            base: base === '' ? (made ? 'long' : 'int') : base,
            pointer,
            array: false,
            function: false,
          },
          params: made?.params ?? place.params ?? [],
          variadic: place.variadic,
          conditions: this.#conditions.map((c) => c.text).filter((c) => !/^!\w+_H_*$/.test(c)),
          start: s.startOf(i),
          end,
        },
        s.startOf(open),
        // By itself it reads the same, unless an #if has only a part in it.
        bodyClose >= 0 && this.#wholeGroups(open, bodyClose) ? undefined : open,
        this.#onBody,
      ),
    )
  }

  /** Whether every #if between two tokens has its #endif there, too. */
  #wholeGroups(from: number, to: number): boolean {
    const { tokens, at } = this.#r
    if (tokens.conditions.length === 0) return true
    let depth = 0
    for (let t = at[from]!, end = at[to]!; t < end; t++) {
      const kind = tokens.kind[t]!
      if (kind < T.if) continue
      if (kind === T.if) depth++
      else if (depth === 0) return false
      else if (kind === T.endif) depth--
    }
    return depth === 0
  }

  #within<R>(limit: number, parse: () => R): R {
    const outer = this.#syntax.limit
    this.#syntax.limit = limit
    const r = parse()
    this.#syntax.limit = outer
    return r
  }

  /** SYSCALL_DEFINE3(name, type, arg, …), BPF_CALL_2(name, …), DEFINE_X(name): a function that a macro names. */
  #madeByMacro(
    spelled: string,
    paren: number,
    close: number,
    first: boolean,
  ): { name: string; nameAt: number; params: Param[] } | undefined {
    const s = this.#syntax
    const syscall =
      /^((?:COMPAT_)?SYSCALL(?:32|64|_32|_64)?)(?:_METADATA)?_DEFINE(\d|x)?\w*$|^(\w+?)_SYSCALL_DEFINE(\d)\w*$/.exec(
        spelled,
      )
    const upper = /^[A-Z][A-Z0-9_]*$/.test(spelled)
    if (
      !syscall &&
      !upper &&
      !(first && s.isIdent(paren + 1) && (s.punct(paren + 2) === COMMA || s.punct(paren + 2) === UNPAREN))
    )
      return undefined
    if (!syscall && !first && !upper) return undefined
    if (!s.isIdent(paren + 1)) return undefined
    const after = s.punct(paren + 2)
    if (after !== COMMA && after !== UNPAREN) return undefined
    const own = s.word(paren + 1)
    if (own === 'void') return undefined
    const prefix = syscall ? (spelled.includes('COMPAT') ? 'compat_sys_' : 'sys_') : ''
    const params: Param[] = []
    // type, name pairs after the name
    const parts: [number, number][] = []
    let from = paren + 3
    for (let k = from; k <= close && from <= close; ) {
      const c = s.punct(k)
      if (c === COMMA || k === close) {
        parts.push([from, k])
        from = k + 1
        k++
      } else {
        const m = c === PAREN || c === BRACKET || c === OPEN ? s.partner(k) : -1
        k = m >= 0 ? m + 1 : k + 1
      }
    }
    if (parts.length % 2 === 0)
      for (let k = 0; k + 1 < parts.length; k += 2) {
        const [a, b] = parts[k]!
        const [c, d] = parts[k + 1]!
        s.p = a
        const type = this.#within(b, () => s.type())
        params.push({ name: s.textOf(c, d), type })
      }
    return { name: prefix + own, nameAt: paren + 1, params }
  }

  // ── Variables, types, prototypes ───────────────────────────────────────────────────────────────────────────────────

  /** A declaration from `i`; `stop` is its first `=` or `;` at this level, or where its reading stopped. The index after it. */
  #declaration(i: number, stop: number, candidates: readonly number[]): number {
    const s = this.#syntax
    s.p = i
    const structsBefore = s.structs.length
    const spec = s.specifiers()
    for (const st of s.structs.splice(structsBefore))
      this.#structs.push({ ...st, line: this.#line(st.start) })
    if (s.p === i) {
      // `DEFINE_PER_CPU(int, x) = 3;`: named by its last word
      const macro = candidates[0]
      if (macro === i && s.punct(stop) === EQUALS) {
        const close = s.partner(i + 1)
        s.p = stop + 1
        const value = s.punct(s.p) === OPEN ? s.init() : s.assign()
        let at = close - 1
        for (let k = close - 1; k > i; k--)
          if (s.isIdent(k)) {
            at = k
            break
          }
        this.#globals.push({
          file: this.file,
          name: s.word(at),
          line: this.#line(s.startOf(at)),
          type: { text: s.textOf(i, close + 1), base: s.word(i), pointer: 0, array: false, function: false },
          static: false,
          extern: false,
          value,
          start: s.startOf(i),
          end: s.endOf(s.p - 1),
        })
      } else if (macro === i) this.#invocation(i, i + 1, s.partner(i + 1))
      else s.p = Math.max(stop, i + 1)
      if (s.punct(s.p) === SEMI) s.p++
      return Math.max(s.p, i + 1)
    }
    while (s.kind(s.p) !== T.eof && !s.isMarker(s.p)) {
      const from = s.p
      if (s.punct(from) === SEMI) break
      const d = s.declarator(false)
      const type = makeType(spec, d, `${s.textOf(spec.start, spec.end)} ${s.textOf(from, s.p)}`)
      let value: Expr | undefined
      if (s.punct(s.p) === EQUALS) {
        s.p++
        value = s.punct(s.p) === OPEN ? s.init() : s.assign()
      }
      if (d.name !== '') {
        const at = { start: s.startOf(i), end: s.endOf(s.p - 1) }
        const line = this.#line(s.startOf(d.nameAt))
        if (spec.typedef) this.#typedefs.set(d.name, type)
        else if (
          d.params !== undefined &&
          value === undefined &&
          s.word(d.nameAt) === d.name &&
          s.punct(d.nameAt + 1) === PAREN
        )
          this.#prototypes.push({
            name: d.name,
            line,
            static: spec.static,
            returns: { ...type, function: false },
            params: d.params,
            ...at,
          })
        else
          this.#globals.push({
            file: this.file,
            name: d.name,
            line,
            type,
            static: spec.static,
            extern: spec.extern && value === undefined,
            ...(value ? { value } : {}),
            ...at,
          })
      }
      if (s.punct(s.p) === COMMA) s.p++
      else if (s.punct(s.p) === SEMI) break
      else {
        // Not understood. Never skip over a brace here: a function may follow.
        if (s.p === from) s.p++
        while (s.kind(s.p) !== T.eof && s.punct(s.p) !== SEMI && s.punct(s.p) !== OPEN && !s.isMarker(s.p)) {
          if (s.isIdent(s.p) && isStorage(s.word(s.p)) !== undefined) break
          s.p++
        }
        break
      }
    }
    if (s.punct(s.p) === SEMI) s.p++
    return s.p
  }
}

/** A function whose body is read when it is asked for. */
class LazyFunc implements Func {
  declare readonly file: CFile
  declare readonly name: string
  declare readonly macro?: string
  declare readonly line: number
  declare readonly column: number
  declare readonly endLine: number
  declare readonly static: boolean
  declare readonly inline: boolean
  declare readonly attributes: readonly string[]
  declare readonly returns: CType
  declare readonly params: readonly Param[]
  declare readonly variadic: boolean
  declare readonly conditions: readonly string[]
  declare readonly start: number
  declare readonly end: number
  readonly #typedefs: ReadonlyMap<string, CType>
  readonly #bodyStart: number
  /** Where the body opens among the tokens of the file, if it has to be read with all of it. */
  readonly #open: number | undefined
  readonly #onBody: OnBody | undefined
  #body: Body | undefined

  constructor(
    typedefs: ReadonlyMap<string, CType>,
    head: Omit<Func, 'body' | 'mentions'>,
    bodyStart: number,
    open: number | undefined,
    onBody: OnBody | undefined,
  ) {
    Object.assign(this, head)
    this.#typedefs = typedefs
    this.#bodyStart = bodyStart
    this.#open = open
    this.#onBody = onBody
  }

  get body(): Body {
    if (this.#body === undefined) {
      this.#body = new Syntax(this.#tokens(), this.#typedefs).body(this.#open ?? 0, this.params)
      this.#onBody?.(this, this.#body.problems.length === 0)
    }
    return this.#body
  }

  /** Its tokens, or all of its file's. */
  #tokens(): Resolved {
    const { text } = this.file.source
    const tokens =
      this.#open === undefined
        ? lex(text, this.#bodyStart, this.end, false, room)
        : lex(text, 0, text.length, false, room)
    return resolveArms(tokens, room)
  }

  mentions(name: string): boolean {
    const { text } = this.file.source
    if (!text.slice(this.#bodyStart, this.end).includes(name)) return false
    const { at, count, tokens } = this.#tokens()
    const { kind, start, end } = tokens
    for (let i = this.#open ?? 0; i < count; i++) {
      const t = at[i]!
      if (start[t]! >= this.end) return false
      if (kind[t] === T.ident && name.length === end[t]! - start[t]! && text.startsWith(name, start[t]))
        return true
    }
    return false
  }
}

class LazyMacro implements Macro {
  readonly file: CFile
  readonly name: string
  declare readonly params?: readonly string[]
  readonly line: number
  readonly start: number
  readonly end: number
  readonly #bodyStart: number
  #body: MacroBody | undefined

  constructor(file: CFile, d: Define, line: number) {
    this.file = file
    this.name = d.name
    if (d.params) (this as Mutable<Macro>).params = d.params
    this.line = line
    this.start = d.start
    this.end = d.end
    this.#bodyStart = d.bodyStart
  }

  get text(): string {
    return this.file.source.text.slice(this.#bodyStart, this.end).trim()
  }

  get body(): MacroBody {
    if (this.#body === undefined)
      this.#body = new Syntax(
        plain(lex(this.file.source.text, this.#bodyStart, this.end, true, room), room),
        this.file.typedefs,
      ).macroBody()
    return this.#body
  }
}
