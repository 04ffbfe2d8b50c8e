import type { Source } from '../base/index.ts'

/**
 * What the front end says about a C file: plain data, no kernel API in it. Spans are UTF-16 offsets into the file's text
 * (`CFile.source.position(x.start)` is the line and column), also where macros were read as something else, so every node
 * can be pointed at. Both arms of an #ifdef are kept. Nothing here throws on broken C: what was not understood is an
 * `unknown` node with its text, and `Body.problems` says so.
 */

// ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────

type At = { readonly start: number; readonly end: number }

export type Expr =
  | Name
  | (At & { readonly kind: 'number'; readonly text: string; readonly value: number })
  | (At & { readonly kind: 'string'; readonly text: string })
  | Call
  | Member
  | (At & { readonly kind: 'index'; readonly base: Expr; readonly index: Expr })
  | Unary
  /** Never `=`, `,`, `&&` as text tricks: `&&` and `||` are binary here and become branches in the control flow graph. */
  | (At & { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr })
  /** `=`, or `op` with its binary operator: `x |= y` has op `|`. */
  | Assign
  /** `a ?: b` has no `then`. */
  | (At & { readonly kind: 'ternary'; readonly cond: Expr; readonly then?: Expr; readonly otherwise: Expr })
  | (At & { readonly kind: 'cast'; readonly type: CType; readonly of: Expr })
  /** `sizeof`, `typeof`, `alignof`, of an expression or of a type. */
  | (At & { readonly kind: 'sizeof'; readonly op: string; readonly of: Expr })
  | (At & { readonly kind: 'comma'; readonly items: readonly Expr[] })
  /** `{ … }` of an initialiser; with a type it is a compound literal. */
  | Init
  /** GNU `({ … })`; its value is that of its last statement. */
  | (At & { readonly kind: 'statements'; readonly body: readonly Stmt[] })
  /** A type where an expression stands: an argument of `container_of`, `va_arg`, `sizeof`. */
  | (At & { readonly kind: 'type'; readonly type: CType })
  | (At & { readonly kind: 'asm'; readonly text: string; readonly operands: readonly Expr[] })
  /** `&&label`. */
  | (At & { readonly kind: 'labelAddress'; readonly label: string })
  | (At & { readonly kind: 'unknown'; readonly text: string })

export type Name = At & { readonly kind: 'name'; readonly name: string }
/** `callee` is a name for `f(x)`, a member for `ops->mmap(x)`, a call for `guard(mutex)(&lock)`. */
export type Call = At & { readonly kind: 'call'; readonly callee: Expr; readonly args: readonly Expr[] }
export type Member = At & {
  readonly kind: 'member'
  readonly base: Expr
  readonly field: string
  readonly arrow: boolean
}
export type Unary = At & {
  readonly kind: 'unary'
  readonly op: '&' | '*' | '!' | '-' | '+' | '~' | '++' | '--' | '&&'
  /** `x++`. */
  readonly postfix: boolean
  readonly of: Expr
}
export type Assign = At & {
  readonly kind: 'assign'
  readonly op: string
  readonly target: Expr
  readonly value: Expr
}
export type Init = At & { readonly kind: 'init'; readonly type?: CType; readonly items: readonly InitItem[] }
/** `.a.b = v` has path `['.a', '.b']`; `[X] = v` has path `['[X]']`; a plain value has none. */
export type InitItem = At & { readonly path: readonly string[]; readonly value: Expr }

/** `const struct page **pages[4]`: base `struct page`, pointer 2, array true. Qualifiers and attributes are not in `base`. */
export type CType = {
  readonly text: string
  readonly base: string
  readonly pointer: number
  readonly array: boolean
  /** A pointer to a function, or a function. */
  readonly function: boolean
}

// ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────────

export type Stmt =
  | (At & { readonly kind: 'expr'; readonly expr: Expr })
  /** One per declarator. */
  | Local
  | (At & { readonly kind: 'block'; readonly body: readonly Stmt[] })
  | (At & { readonly kind: 'if'; readonly cond: Expr; readonly then: Stmt; readonly otherwise?: Stmt })
  | (At & { readonly kind: 'while'; readonly cond: Expr; readonly body: Stmt })
  | (At & { readonly kind: 'do'; readonly cond: Expr; readonly body: Stmt })
  | (At & {
      readonly kind: 'for'
      readonly init: readonly Stmt[]
      readonly cond?: Expr
      readonly step?: Expr
      readonly body: Stmt
    })
  /** A macro with a body: `list_for_each_entry(…) { }` (loop), `scoped_guard(…) { }` (scoped), anything else (block: 0 or 1 times). */
  | MacroBlock
  | (At & { readonly kind: 'switch'; readonly on: Expr; readonly body: Stmt })
  /** A label inside a switch: `case low ... high:`; without `low` it is `default:`. */
  | (At & { readonly kind: 'case'; readonly low?: Expr; readonly high?: Expr })
  | (At & { readonly kind: 'label'; readonly name: string })
  /** `goto *x` has no name. */
  | (At & { readonly kind: 'goto'; readonly label?: string })
  | (At & { readonly kind: 'break' | 'continue' | 'empty' })
  | (At & { readonly kind: 'return'; readonly value?: Expr })
  /** Arms of an #if inside a function: exactly one is compiled; `maybe` when there is no #else (none may be). */
  | (At & { readonly kind: 'arms'; readonly arms: readonly Arm[]; readonly maybe: boolean })
  | (At & { readonly kind: 'unknown'; readonly text: string })

export type Local = At & {
  readonly kind: 'local'
  readonly name: string
  readonly type: CType
  readonly init?: Expr
  readonly static: boolean
  /** `__free(kfree)`: `kfree`, called when the scope ends. */
  readonly cleanup?: string
}
export type MacroBlock = At & {
  readonly kind: 'macro'
  readonly call: Call
  readonly as: 'loop' | 'scoped' | 'block'
  readonly body: Stmt
}
/** `condition` as written: `CONFIG_MMU`, `!CONFIG_MMU` for the #else of #ifdef CONFIG_MMU. */
export type Arm = { readonly condition: string; readonly body: readonly Stmt[] }

// ── Functions and files ──────────────────────────────────────────────────────────────────────────────────────────────

export type Param = { readonly name: string; readonly type: CType }

export type Func = At & {
  readonly file: CFile
  /** As the linker sees it: `sys_mmap` for SYSCALL_DEFINE6(mmap, …). */
  readonly name: string
  /** The macro that defines it, when one does: `SYSCALL_DEFINE6`. */
  readonly macro?: string
  /** Where the name stands. */
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly static: boolean
  readonly inline: boolean
  /** `__init`, `asmlinkage`, `__must_hold(&x)`: as written. */
  readonly attributes: readonly string[]
  readonly returns: CType
  readonly params: readonly Param[]
  readonly variadic: boolean
  /** #if conditions around it, outermost first. */
  readonly conditions: readonly string[]
  /** Parsed when first asked for. */
  readonly body: Body
  /** Names that are called in it (`f(`, also through `->f(`), from tokens alone: cheap, without parsing the body. */
  readonly mentions: (name: string) => boolean
}

export type Body = {
  readonly stmts: readonly Stmt[]
  readonly locals: readonly Local[]
  /** Places that were not understood, each with the reason; empty for nearly every function. */
  readonly problems: readonly { readonly start: number; readonly reason: string }[]
}

/** `#define NAME(params) body`. `params` is absent for an object-like macro. The body is parsed when asked for. */
export type Macro = At & {
  readonly file: CFile
  readonly name: string
  readonly params?: readonly string[]
  readonly line: number
  readonly text: string
  /** An expression, statements (`do { } while (0)`), or neither (a fragment, an attribute, empty). */
  readonly body: MacroBody
}
export type MacroBody =
  | { readonly kind: 'expr'; readonly expr: Expr }
  | { readonly kind: 'stmts'; readonly stmts: readonly Stmt[] }
  | { readonly kind: 'other' }

/** A variable at file scope. An ops table is one with an `init` value of kind `init`. */
export type Global = At & {
  readonly file: CFile
  readonly name: string
  readonly line: number
  readonly type: CType
  readonly static: boolean
  /** `extern`, without a value: declared only. */
  readonly extern: boolean
  readonly value?: Expr
}

export type Struct = At & {
  readonly name: string
  readonly union: boolean
  readonly line: number
  /** Fields of unnamed inner structs and unions are listed as if they were its own, as in C. */
  readonly fields: readonly Param[]
}

/** A function that is declared and not defined here. */
export type Prototype = At & {
  readonly name: string
  readonly line: number
  readonly static: boolean
  readonly returns: CType
  readonly params: readonly Param[]
}

/** A macro used at file scope: `module_init(foo)`, `DEFINE_SIMPLE_ATTRIBUTE(fops, get, set, "%llu")`. */
export type Invocation = At & { readonly name: string; readonly line: number; readonly args: readonly Expr[] }

export type CFile = {
  /** Relative to the tree, with `/`. */
  readonly path: string
  readonly source: Source
  readonly functions: readonly Func[]
  readonly macros: readonly Macro[]
  readonly globals: readonly Global[]
  readonly structs: readonly Struct[]
  readonly prototypes: readonly Prototype[]
  readonly typedefs: ReadonlyMap<string, CType>
  readonly invocations: readonly Invocation[]
  /** EXPORT_SYMBOL and its kin. */
  readonly exports: ReadonlySet<string>
  /** `linux/mm.h`, `"local.h"` without its quotes. */
  readonly includes: readonly string[]
  readonly problems: readonly Problem[]
}

/** Something that could not be read or understood; the rest was done. */
export type Problem = { readonly file: string; readonly line?: number; readonly message: string }

/** A function put into a field of an ops table: `.mmap = foo_mmap` in `struct file_operations foo_fops`. */
export type OpsEntry = {
  readonly table: string
  readonly struct: string
  readonly field: string
  readonly func: string
  readonly file: CFile
  readonly line: number
}
