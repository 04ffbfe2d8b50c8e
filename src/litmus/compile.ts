import { Bug, type Span } from '../base/index.ts'
import {
  accepts,
  type ArgKind,
  baseKind,
  constants,
  type Expression,
  type Instruction,
  isOptional,
  isOut,
  isThing,
  type Kind,
  type Op,
  type Operand,
  ops,
  type Program,
  type Register,
  whyAbsent,
} from '../kernel/index.ts'
import { arithmetic } from './arithmetic.ts'
import type { Call, Expr, Proc, Stmt } from './ast.ts'
import type { Declared } from './declare.ts'
import { printExpr, printStmt } from './print.ts'
import { Say } from './say.ts'

/** Distributes over the members of a union, which Omit does not. */
type Bare<T> = T extends unknown ? Omit<T, 'statement' | 'place'> : never

/**
 * A process as a list of instructions. Calls are taken out of expressions, in C's order of evaluation, into temporary registers;
 * `&&` and `||` jump where their right side calls something.
 */
export function compile(
  proc: Proc,
  context: Program['context'],
  declared: Declared,
  kernel: string,
  say: Say,
): Program {
  return new Compiler(proc, context, declared, kernel, say).program()
}

/** `follow_pfn(vma?, addr, &pfn)`, as help prints it. */
export function signature(op: Op): string {
  const args = op.args.map((a) =>
    isOptional(a.kind) ? `[${a.name}]` : isOut(a.kind) ? `&${a.name}` : a.name,
  )
  return `${op.name}(${args.join(', ')})`
}

class Compiler {
  readonly #proc: Proc
  readonly #context: Program['context']
  readonly #declared: Declared
  readonly #kernel: string
  readonly #say: Say
  readonly #mm: number | undefined
  readonly #code: (Instruction | undefined)[] = []
  readonly #registers: Register[] = []
  readonly #byName = new Map<string, number>()
  readonly #kinds: ReadonlyMap<string, Kind>
  /** How many of `pages` there are: registers `pages[0]`, `pages[1]`, … one behind the other. */
  readonly #arrays = new Map<string, number>()
  readonly #result: number | undefined
  /** Registers that come from a call that is wrong itself: nothing more is said of them. */
  readonly #spoilt = new Set<string>()
  readonly #labels = new Map<string, number>()
  readonly #jumps: { at: number; label: string; span: Span | undefined }[] = []
  /** Temporary registers that the running statement has not used yet, by kind. */
  readonly #temps = new Map<Kind, number[]>()
  #busy: { kind: Kind; reg: number }[] = []
  #where: { statement?: string; place?: string } = {}

  constructor(proc: Proc, context: Program['context'], declared: Declared, kernel: string, say: Say) {
    this.#proc = proc
    this.#context = context
    this.#declared = declared
    this.#kernel = kernel
    this.#say = say
    this.#mm =
      context.mm ?? (context.notifier === undefined ? undefined : declared.notifiers[context.notifier]?.mm)
    this.#kinds = this.#inferKinds()
    // What the kernel gives to a driver's function comes first, in the order in which it gives it; then what it returns.
    for (const { name } of driverArgs(context, proc.name)) this.#register(name)
    for (const [name, length] of this.#arrays)
      for (let i = 0; i < length; i++) this.#register(element(name, i))
    this.#result =
      context.bo === undefined ? undefined : this.#registers.push({ name: '%return', kind: 'errno' }) - 1
  }

  program(): Program {
    this.#body(this.#proc.body)
    this.#emit({ kind: 'return' })
    for (const { at, label, span } of this.#jumps) {
      const to = this.#labels.get(label)
      if (to === undefined)
        this.#say.error(
          'no-label',
          span,
          `there is no label \`${label}\``,
          ...Say.meant(label, this.#labels.keys()),
        )
      this.#code[at] = { ...this.#code[at]!, kind: 'jump', to: to ?? 0 }
    }
    const code = this.#code.map((i) => i ?? { kind: 'return' as const })
    const lost = this.#jumps.some((j) => !this.#labels.has(j.label))
    if (!lost && endless(code))
      this.#say.error(
        'endless-loop',
        this.#proc.span,
        `a loop of ${this.#proc.name} calls nothing: nobody could step in between`,
        'call an operation in it',
      )
    return {
      name: this.#proc.name,
      context: this.#context,
      ...(this.#proc.daemon ? { daemon: true } : {}),
      ...(this.#result === undefined ? {} : { result: this.#result }),
      registers: this.#registers,
      code,
    }
  }

  // --- statements ---

  #body(body: readonly Stmt[]): void {
    for (const s of body) this.#statement(s)
  }

  #statement(s: Stmt): void {
    const place = 'place' in s ? s.place : undefined
    this.#where = { statement: printStmt(s), ...(place === undefined ? {} : { place }) }
    switch (s.kind) {
      case 'expr': {
        const { expr } = s
        if (expr.kind !== 'call')
          this.#say.error(
            'no-effect',
            s.span,
            `\`${printExpr(expr)}\` does nothing`,
            'a statement calls or assigns',
          )
        else this.#call(expr, undefined)
        break
      }
      case 'assign':
        this.#assign(s.target, s.value, s.span)
        break
      case 'if': {
        const branch = this.#branch(s.cond)
        const where = this.#where
        this.#patch(branch.yes)
        this.#body(s.then)
        if (s.else.length > 0) {
          const over = this.#hole()
          this.#patch(branch.no)
          this.#body(s.else)
          this.#jumpHere(over)
        } else this.#patch(branch.no)
        this.#where = where
        break
      }
      case 'while': {
        const start = this.#code.length
        if (s.doFirst) {
          this.#body(s.body)
          this.#where = { statement: printStmt(s), ...(place === undefined ? {} : { place }) }
          const branch = this.#branch(s.cond)
          for (const hole of branch.yes) hole(start)
          this.#patch(branch.no)
        } else {
          const branch = this.#branch(s.cond)
          this.#patch(branch.yes)
          this.#body(s.body)
          this.#emit({ kind: 'jump', to: start })
          this.#patch(branch.no)
        }
        break
      }
      case 'goto':
        this.#jumps.push({ at: this.#hole(), label: s.label, span: s.span })
        break
      case 'label':
        if (this.#labels.has(s.label))
          this.#say.error('duplicate', s.span, `the label \`${s.label}\` is there twice`)
        this.#labels.set(s.label, this.#code.length)
        break
      case 'return':
        if (s.value !== undefined && this.#result === undefined)
          this.#say.error(
            'returns',
            s.span,
            'a process returns nothing',
            'keep it in a register, or declare a variable',
          )
        else if (s.value !== undefined)
          this.#emit({ kind: 'set', dst: this.#result!, value: this.#expr(s.value) })
        this.#emit({ kind: 'return' })
    }
    for (const t of this.#busy) this.#temps.get(t.kind)!.push(t.reg)
    this.#busy = []
  }

  #assign(target: Expr, value: Expr, span: Span | undefined): void {
    if (target.kind === 'deref') {
      this.#call(
        { kind: 'call', name: 'store', args: [target.of, value], ...(span ? { span } : {}) },
        undefined,
      )
      return
    }
    if (target.kind !== 'name' || target.proc !== undefined)
      return this.#say.error(
        'target',
        span,
        `\`${printExpr(target)}\` cannot be assigned to`,
        'assign to a register, a shared variable or user memory',
      )
    const thing = this.#declared.thing(target.name)
    if (thing?.kind === 'var') {
      const { kind } = this.#declared.vars[thing.id]!
      if (!this.#canBe(value, kind))
        this.#say.error(
          'two-kinds',
          value.span ?? span,
          `\`${printExpr(value)}\` is ${describeOwn(this.#kindOf(value))}, and \`${target.name}\` is a variable of kind ${kind}`,
        )
      this.#call(
        { kind: 'call', name: 'WRITE_ONCE', args: [target, value], ...(span ? { span } : {}) },
        undefined,
      )
      return
    }
    if (thing || this.#declared.isAddress(target.name) || target.name in constants)
      return this.#say.error(
        'target',
        target.span ?? span,
        `\`${target.name}\` is declared, and stays what it is`,
        'use another name for the register',
      )
    const dst = this.#register(target.name)
    if (value.kind === 'call') this.#call(value, dst)
    else if (value.kind === 'deref') this.#call(load(value), dst)
    else {
      const shared = this.#shared(value)
      if (shared) this.#call(shared, dst)
      else this.#emit({ kind: 'set', dst, value: this.#expr(value) })
    }
  }

  // --- expressions ---

  /** A value without calls in it: they have been taken out in front. */
  #expr(e: Expr): Expression {
    switch (e.kind) {
      case 'number':
        return { kind: 'const', value: e.value }
      case 'name': {
        const shared = this.#shared(e)
        return shared ? this.#callToTemp(shared) : this.#nameValue(e)
      }
      case 'address':
        this.#say.error('address', e.span, `\`&${e.name}\` is for results of operations only`)
        return zero
      case 'deref':
        return this.#callToTemp(load(e))
      case 'unary':
        return { kind: e.op === '!' ? 'not' : 'neg', of: this.#expr(e.of) }
      case 'call':
        return this.#callToTemp(e)
      case 'binary': {
        const op = e.op === '/\\' ? '&&' : e.op === '\\/' ? '||' : e.op
        if ((op === '&&' || op === '||') && hasCall(e.right, this.#declared)) return this.#viaBranch(e)
        return { kind: op, left: this.#expr(e.left), right: this.#expr(e.right) }
      }
    }
  }

  #nameValue(e: Extract<Expr, { kind: 'name' }>): Expression {
    if (e.proc === undefined && e.name in constants) return { kind: 'const', value: constants[e.name]! }
    const address = this.#declared.address(e.name, this.#mm, e.proc)
    if (address) return { kind: 'const', value: address.vpn }
    const reg = e.proc === undefined ? this.#byName.get(e.name) : undefined
    if (reg !== undefined || (e.proc === undefined && this.#kinds.has(e.name)))
      return { kind: 'reg', reg: this.#register(e.name) }
    this.#unknownName(e)
    return zero
  }

  #unknownName(e: Extract<Expr, { kind: 'name' }>): void {
    const name = printExpr(e)
    if (this.#declared.things.has(e.name))
      return this.#say.error(
        'no-value',
        e.span,
        `\`${name}\` is a thing, not a value`,
        'give it to an operation',
      )
    if (this.#declared.isAddress(e.name))
      return this.#say.error(
        'undeclared',
        e.span,
        `\`${name}\` is not an address of this process's mm`,
        `say whose it is: ${[...this.#declared.addresses.keys()].filter((k) => k.endsWith(`:${e.name}`)).join(' or ')}`,
      )
    const known = [
      ...this.#kinds.keys(),
      ...this.#declared.things.keys(),
      ...[...this.#declared.addresses.keys()].map((k) => k.slice(k.indexOf(':') + 1)),
      ...Object.keys(constants),
    ]
    this.#say.error(
      'undeclared',
      e.span,
      `\`${name}\` is not declared, and nothing assigns to it in ${this.#proc.name}`,
      ...Say.meant(e.name, known),
    )
  }

  /** A name that is a shared variable is read by an operation, as any access to shared memory. */
  #shared(e: Expr): Call | undefined {
    if (e.kind !== 'name' || e.proc !== undefined || this.#declared.thing(e.name)?.kind !== 'var')
      return undefined
    return { kind: 'call', name: 'READ_ONCE', args: [e], ...(e.span ? { span: e.span } : {}) }
  }

  #callToTemp(c: Call): Expression {
    const kind = this.#returns(c) ?? 'int'
    const reg = this.#temp(kind)
    this.#call(c, reg)
    return { kind: 'reg', reg }
  }

  /** `a && f()` as a value: 1 or 0, with f() called only if it comes to it. */
  #viaBranch(e: Expr): Expression {
    const reg = this.#temp('int')
    const branch = this.#branch(e)
    this.#patch(branch.yes)
    this.#emit({ kind: 'set', dst: reg, value: { kind: 'const', value: 1 } })
    const over = this.#hole()
    this.#patch(branch.no)
    this.#emit({ kind: 'set', dst: reg, value: zero })
    this.#jumpHere(over)
    return { kind: 'reg', reg }
  }

  /** Branches on a condition; the holes are to be filled with where it goes on when it is true and when not. */
  #branch(e: Expr): { yes: Hole[]; no: Hole[] } {
    if (e.kind === 'unary' && e.op === '!') {
      const { yes, no } = this.#branch(e.of)
      return { yes: no, no: yes }
    }
    const op = e.kind === 'binary' ? e.op : undefined
    if (e.kind === 'binary' && hasCall(e.right, this.#declared)) {
      if (op === '&&' || op === '/\\') {
        const left = this.#branch(e.left)
        this.#patch(left.yes)
        const right = this.#branch(e.right)
        return { yes: right.yes, no: [...left.no, ...right.no] }
      }
      if (op === '||' || op === '\\/') {
        const left = this.#branch(e.left)
        this.#patch(left.no)
        const right = this.#branch(e.right)
        return { yes: [...left.yes, ...right.yes], no: right.no }
      }
    }
    const cond = this.#expr(e)
    const at = this.#hole()
    const where = this.#where
    const targets = { ifTrue: 0, ifFalse: 0 }
    const fill = (side: keyof typeof targets) => (to: number) => {
      targets[side] = to
      this.#code[at] = { kind: 'branch', cond, ...targets, ...where }
    }
    return { yes: [fill('ifTrue')], no: [fill('ifFalse')] }
  }

  // --- calls ---

  #call(c: Call, dst: number | undefined): void {
    const op = ops.get(c.name)
    if (op === undefined || op.internal) {
      this.#say.error(
        'unknown-op',
        c.span,
        `there is no operation \`${c.name}\``,
        ...Say.meant(
          c.name,
          [...ops.values()].filter((o) => !o.internal).map((o) => o.name),
        ),
      )
      return
    }
    const absent = whyAbsent(op, this.#kernel)
    if (absent !== undefined)
      this.#say.error('not-in-this-kernel', c.span, `${absent}; this test runs on ${this.#kernel}`)
    if (dst !== undefined && op.returns === undefined)
      this.#say.error('no-result', c.span, `${op.name} returns nothing`, `it is called as ${signature(op)}`)
    const needsProcess = op.needs.includes('current mm')
    if (needsProcess && this.#mm === undefined)
      this.#say.error(
        'context',
        c.span,
        `${op.name} works on the memory of a process, and ${this.#proc.name} has none`,
        'call it in a process of an mm: `P0(mm A)`',
      )
    const args = this.#align(op, c)
    if (args === undefined) return
    this.#emit({ kind: 'call', op: op.name, args, ...(dst === undefined ? {} : { dst }) })
  }

  /**
   * Which argument of the call is which of the operation. One that may be left out is left out when what stands in its place
   * is not of its kind.
   */
  #align(op: Op, c: Call): (Operand | undefined)[] | undefined {
    const fits = (a: number, p: number): (Expr | undefined)[] | undefined => {
      if (p === op.args.length) return a === c.args.length ? [] : undefined
      const { kind } = op.args[p]!
      const given = c.args[a]
      if (given && this.#canBe(given, kind)) {
        const rest = fits(a + 1, p + 1)
        if (rest) return [given, ...rest]
      }
      if (!isOptional(kind)) return undefined
      const rest = fits(a, p + 1)
      return rest && [undefined, ...rest]
    }
    const found = fits(0, 0)
    const missing = op.either.length > 0 && !op.args.some((a, i) => found?.[i] && op.either.includes(a.name))
    if (found === undefined || missing) {
      this.#explainMismatch(op, c)
      return undefined
    }
    if (op.several !== undefined) this.#checkRoom(op, c, found)
    return found.map((e, i) => e && this.#operand(e, op.args[i]!.kind))
  }

  /** A call of GUP writes as many pages as it is asked for. */
  #checkRoom(op: Op, c: Call, given: readonly (Expr | undefined)[]): void {
    const nr = given[op.args.findIndex((a) => a.name === 'nr')]
    const to = given[op.args.findIndex((a) => a.out)]
    if (nr === undefined || to === undefined) return
    const room = to.kind === 'name' ? (this.#arrays.get(to.name) ?? 1) : 1
    const asked = fold(this.#expr(nr))
    if (asked !== undefined && asked <= room) return
    this.#say.error(
      'room',
      to.span ?? c.span,
      asked === undefined
        ? `how many pages ${op.name} is asked for is a number here, not \`${printExpr(nr)}\``
        : `${op.name} is asked for ${asked} pages, and \`${printExpr(to)}\` has room for ${room}`,
      `give it several: \`${op.name}(p, 2, FOLL_WRITE, pages)\`, then \`pages[0]\` and \`pages[1]\``,
    )
  }

  #explainMismatch(op: Op, c: Call): void {
    if (c.args.some((a) => a.kind === 'name' && this.#spoilt.has(a.name))) return
    const unknown = c.args.find((a) => a.kind === 'name' && this.#kindOf(a) === undefined)
    if (unknown?.kind === 'name') return this.#unknownName(unknown)
    const least = op.args.filter((a) => !isOptional(a.kind)).length
    const wrong =
      c.args.length < least || c.args.length > op.args.length
        ? undefined
        : c.args.findIndex((a, i) => !this.#canBe(a, op.args[i + op.args.length - c.args.length]!.kind))
    const bad = wrong === undefined || wrong < 0 ? undefined : c.args[wrong]
    const want = wrong === undefined ? undefined : op.args[wrong + op.args.length - c.args.length]
    const kind = bad && this.#kindOf(bad)
    const help = `it is ${signature(op)}: ${op.doc}`
    if (bad && want)
      this.#say.error(
        'argument',
        bad.span ?? c.span,
        `\`${printExpr(bad)}\` is ${describeOwn(kind)}; ${op.name} wants ${describeKind(want.kind)} as \`${want.name}\``,
        help,
      )
    else this.#say.error('argument', c.span, `these arguments do not fit ${op.name}`, help)
  }

  #canBe(e: Expr, want: ArgKind): boolean {
    const kind = baseKind(want)
    if (isOut(want) && e.kind === 'name')
      return this.#arrays.has(e.name) && compatible(this.#kinds.get(element(e.name, 0)), kind)
    if (isOut(want)) return e.kind === 'address' && compatible(this.#kinds.get(e.name), kind)
    if (e.kind === 'address') return false
    if (kind === 'var') return e.kind === 'name' && this.#declared.things.get(e.name)?.kind === 'var'
    if (e.kind === 'name' && e.name === 'NULL') return isThing(kind) || kind === 'any'
    const own = this.#kindOf(e)
    if (own === undefined) return false
    return compatible(own, kind)
  }

  /** The kind of an expression: that of the thing, the register, the shared variable, the result; numbers are `int`. */
  #kindOf(e: Expr): Kind | undefined {
    switch (e.kind) {
      case 'number':
      case 'unary':
      case 'deref':
        return 'int'
      case 'binary':
        return this.#kindOf(e.left) === 'addr' ? 'addr' : 'int'
      case 'address':
        return undefined
      case 'call':
        return this.#returns(e)
      case 'name': {
        if (e.proc === undefined) {
          const thing = this.#declared.things.get(e.name)
          if (thing) return thing.kind === 'var' ? this.#declared.vars[thing.id]!.kind : thing.kind
          if (e.name in constants) return 'int'
          if (this.#kinds.has(e.name)) return this.#kinds.get(e.name)
        }
        return this.#declared.address(e.name, this.#mm, e.proc) ? 'addr' : undefined
      }
    }
  }

  #returns(c: Call): Kind | undefined {
    if (c.name === 'READ_ONCE') {
      const [v] = c.args
      return v ? this.#kindOf(v) : undefined
    }
    return ops.get(c.name)?.returns
  }

  #operand(e: Expr, want: ArgKind): Operand {
    if (e.kind === 'name' && isOut(want)) return { kind: 'out', reg: this.#register(element(e.name, 0)) }
    if (e.kind === 'address') return { kind: 'out', reg: this.#register(e.name) }
    if (e.kind === 'name') {
      const thing = e.proc === undefined ? this.#declared.thing(e.name) : undefined
      if (thing && (thing.kind !== 'var' || baseKind(want) === 'var')) return { kind: 'thing', id: thing.id }
    }
    const value = this.#expr(e)
    if (value.kind === 'reg') return value
    const constant = fold(value)
    if (constant !== undefined) return { kind: 'const', value: constant }
    if (value.kind === '+' && value.left.kind === 'reg' && value.right.kind === 'const')
      return { kind: 'offset', reg: value.left.reg, by: value.right.value }
    const reg = this.#temp('int')
    this.#emit({ kind: 'set', dst: reg, value })
    return { kind: 'reg', reg }
  }

  // --- registers ---

  #register(name: string): number {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const reg = this.#registers.length
    this.#registers.push({ name, kind: this.#kinds.get(name) ?? 'int' })
    this.#byName.set(name, reg)
    return reg
  }

  #temp(kind: Kind): number {
    const free = this.#temps.get(kind) ?? []
    this.#temps.set(kind, free)
    const reg = free.pop() ?? this.#registers.push({ name: `%${this.#registers.length}`, kind }) - 1
    this.#busy.push({ kind, reg })
    return reg
  }

  /** What each register holds, from what is assigned to it; told once when it is two different things. */
  #inferKinds(): Map<string, Kind> {
    const kinds = new Map<string, Kind>(
      driverArgs(this.#context, this.#proc.name).map((a) => [a.name, a.kind]),
    )
    const copies: { to: string; from: string }[] = []
    const learn = (name: string, kind: Kind | undefined, span: Span | undefined): void => {
      if (kind === undefined || this.#declared.things.has(name)) return
      const known = kinds.get(name)
      if (known === undefined || known === kind) kinds.set(name, kind)
      else if (!isThing(known) && !isThing(kind))
        kinds.set(name, known === 'errno' || kind === 'errno' ? 'errno' : 'int')
      else
        this.#say.error(
          'two-kinds',
          span,
          `\`${name}\` is of kind ${known} elsewhere in ${this.#proc.name}, and of kind ${kind} here`,
          'use two registers',
        )
    }
    const assigned: { name: string; value: Expr; span: Span | undefined }[] = []
    const visitExpr = (e: Expr): void => {
      switch (e.kind) {
        case 'call': {
          const op = ops.get(e.name)
          const outs = op?.args.filter((a) => isOut(a.kind)) ?? []
          const given = e.args.filter((a) => a.kind === 'address')
          for (const [i, a] of given.entries()) {
            const slot = outs[i]
            if (slot) learn(a.name, baseKind(slot.kind), a.span)
          }
          // `pages`, to which several are written.
          const nr = e.args.find((a) => a.kind === 'number')
          const last = e.args.at(-1)
          const [to] = outs
          if (
            op?.several &&
            to &&
            last?.kind === 'name' &&
            nr?.kind === 'number' &&
            !this.#declared.things.has(last.name)
          ) {
            const length = Math.min(Math.max(nr.value, this.#arrays.get(last.name) ?? 1), mostPages)
            this.#arrays.set(last.name, length)
            for (let i = 0; i < length; i++) learn(element(last.name, i), baseKind(to.kind), last.span)
          }
          for (const a of e.args) visitExpr(a)
          return
        }
        case 'binary':
          visitExpr(e.left)
          return visitExpr(e.right)
        case 'unary':
        case 'deref':
          return visitExpr(e.of)
        default:
      }
    }
    const visit = (s: Stmt): void => {
      switch (s.kind) {
        case 'expr':
          return visitExpr(s.expr)
        case 'assign':
          visitExpr(s.target)
          visitExpr(s.value)
          if (s.target.kind === 'name') assigned.push({ name: s.target.name, value: s.value, span: s.span })
          return
        case 'if':
          visitExpr(s.cond)
          s.then.forEach(visit)
          return s.else.forEach(visit)
        case 'while':
          visitExpr(s.cond)
          return s.body.forEach(visit)
        case 'return':
          if (s.value) visitExpr(s.value)
          return
        default:
      }
    }
    this.#proc.body.forEach(visit)
    for (const { name, value, span } of assigned) {
      if (value.kind === 'call') {
        if (value.name === 'READ_ONCE' && value.args[0]?.kind === 'name')
          this.#copy(name, value.args[0].name, copies)
        else if (ops.has(value.name)) learn(name, ops.get(value.name)?.returns, span)
        else this.#spoilt.add(name)
      } else if (value.kind === 'name' && value.proc === undefined && !(value.name in constants))
        this.#copy(name, value.name, copies)
      else if (value.kind !== 'number' && value.kind !== 'name') learn(name, 'int', span)
    }
    for (let i = 0; i <= copies.length; i++)
      for (const { to, from } of copies) {
        const thing = this.#declared.things.get(from)
        const kind =
          thing?.kind === 'var'
            ? this.#declared.vars[thing.id]!.kind
            : (kinds.get(from) ?? (this.#declared.isAddress(from) ? 'addr' : undefined))
        if (kind !== undefined && !(kinds.has(to) && i > 0)) learn(to, kind, undefined)
      }
    // Only numbers, NULL or what nobody knows: an int.
    for (const { name } of assigned)
      if (!kinds.has(name) && !this.#declared.things.has(name)) kinds.set(name, 'int')
    return kinds
  }

  #copy(to: string, from: string, copies: { to: string; from: string }[]): void {
    copies.push({ to, from })
  }

  // --- code ---

  #emit(i: Bare<Instruction>): void {
    this.#code.push({ ...i, ...this.#where } as Instruction)
  }

  /** Room for an instruction that is known later. */
  #hole(): number {
    this.#code.push(undefined)
    const at = this.#code.length - 1
    this.#code[at] = { kind: 'jump', to: 0, ...this.#where }
    return at
  }

  #jumpHere(at: number): void {
    this.#code[at] = { ...this.#code[at]!, kind: 'jump', to: this.#code.length } as Instruction
  }

  #patch(holes: readonly Hole[]): void {
    for (const hole of holes) hole(this.#code.length)
  }
}

type Hole = (to: number) => void

const element = (array: string, i: number): string => `${array}[${i}]`

/** The most pages that a call of GUP can ask for in a test. */
const mostPages = 8

/** What a function of a driver is given: the mapping and, of a fault, where. */
function driverArgs(context: Program['context'], name: string): readonly { name: string; kind: Kind }[] {
  if (context.bo === undefined) return []
  return name === 'fault'
    ? [
        { name: 'vma', kind: 'vma' },
        { name: 'vmf_address', kind: 'addr' },
        { name: 'vmf_pgoff', kind: 'int' },
        { name: 'vm_start', kind: 'addr' },
      ]
    : [
        { name: 'vma', kind: 'vma' },
        { name: 'vma_pages', kind: 'int' },
        { name: 'vm_pgoff', kind: 'int' },
      ]
}

const zero: Expression = { kind: 'const', value: 0 }

const load = (e: Extract<Expr, { kind: 'deref' }>): Call => ({
  kind: 'call',
  name: 'load',
  args: [e.of],
  ...(e.span ? { span: e.span } : {}),
})

function hasCall(e: Expr, declared: Declared): boolean {
  switch (e.kind) {
    case 'call':
    case 'deref':
      return true
    case 'name':
      return e.proc === undefined && declared.things.get(e.name)?.kind === 'var'
    case 'unary':
      return hasCall(e.of, declared)
    case 'binary':
      return hasCall(e.left, declared) || hasCall(e.right, declared)
    default:
      return false
  }
}

/** What a constant expression comes to. */
function fold(e: Expression): number | undefined {
  switch (e.kind) {
    case 'const':
      return e.value
    case 'reg':
      return undefined
    case 'not':
    case 'neg': {
      const v = fold(e.of)
      return v === undefined ? undefined : e.kind === 'neg' ? -v : v === 0 ? 1 : 0
    }
    default: {
      const a = fold(e.left)
      const b = fold(e.right)
      if (a === undefined || b === undefined) return undefined
      return arithmetic[e.kind](a, b)
    }
  }
}

const compatible = (own: Kind | undefined, want: Kind): boolean => own !== undefined && accepts(want, own)

const describeOwn = (kind: Kind | undefined): string => (kind === undefined ? 'no value' : `of kind ${kind}`)

function describeKind(kind: ArgKind): string {
  const base = baseKind(kind)
  if (isOut(kind)) return `the address of a register (kind ${base})`
  return isThing(base) ? `a ${base}` : base === 'addr' ? 'an address' : `a number (${base})`
}

/** Whether some loop passes no call. */
function endless(code: readonly Instruction[]): boolean {
  const next = (at: number): readonly number[] => {
    const i = code[at]!
    switch (i.kind) {
      case 'branch':
        return [i.ifTrue, i.ifFalse]
      case 'jump':
        return [i.to]
      case 'set':
        return [at + 1]
      case 'call':
      case 'return':
        return []
      default:
        throw new Bug('an instruction of an unknown kind')
    }
  }
  const state = new Uint8Array(code.length)
  const loops = (at: number): boolean => {
    if (state[at] === 1) return true
    if (state[at] === 2 || at >= code.length) return false
    state[at] = 1
    const found = next(at).some(loops)
    state[at] = 2
    return found
  }
  return code.some((_, at) => loops(at))
}
