import type { Span } from '../base/index.ts'

/**
 * A litmus test, as parsed, as lifted by the auditor, and as printed. Everything is data; spans are absent in lifted tests.
 * The grammar is in docs/litmus.md. parse(print(t)) equals t but for spans.
 */
export type LitmusTest = {
  readonly name: string
  /** The text between (* and *), without a star at the line starts; the Result lines are taken out of it. */
  readonly comment: string
  readonly expect: readonly Expect[]
  readonly init: readonly Declaration[]
  readonly procs: readonly Proc[]
  /** `exists (…)`, `~exists (…)`, `forall (…)`; without one only the invariants are judged. */
  readonly condition?: {
    readonly quantifier: 'exists' | '~exists' | 'forall'
    readonly expr: Expr
    readonly span?: Span
  }
}

/** `Result: 5.9 Sometimes use-after-free; 6.1 Never; 5.9 with follow_pfn=strict Never` */
export type Expect = {
  /** Kernel versions (`5.9`) or `*`. */
  readonly kernels: readonly string[]
  readonly policies: Readonly<Record<string, string>>
  readonly outcome?: 'Always' | 'Sometimes' | 'Never'
  /** Codes of the invariants that break, exactly these; empty is none. */
  readonly broken: readonly string[]
  readonly span?: Span
}

/** `device gpu;`  `bo B = gpu(1 page, vram);`  `mm A;`  `A:p = mmap(B, 1, PROT_READ | PROT_WRITE, MAP_SHARED);` … */
export type Declaration = {
  readonly kind: string
  readonly name: string
  /** The mm that an address belongs to, `A` in `A:p`. */
  readonly scope?: string
  readonly call?: Call
  readonly place?: string
  readonly span?: Span
}

export type Proc = {
  /** `P0`, or the name of a callback (`invalidate`). */
  readonly name: string
  /** `mm A`, `device gpu`, `notifier n`, … */
  readonly context: { readonly kind: string; readonly name: string }
  /** A daemon may stop anywhere. Written `P2(device gpu) daemon`. */
  readonly daemon: boolean
  readonly body: readonly Stmt[]
  /** What the process is, in the reader's words: the comment behind its head. */
  readonly comment?: string
  readonly span?: Span
}

export type Stmt =
  | { readonly kind: 'expr'; readonly expr: Expr; readonly place?: string; readonly span?: Span }
  /** `r0 = call(…)`, `r0 = *p`, `*p = 1`, `r0 = r1` */
  | {
      readonly kind: 'assign'
      readonly target: Expr
      readonly value: Expr
      readonly place?: string
      readonly span?: Span
    }
  | {
      readonly kind: 'if'
      readonly cond: Expr
      readonly then: readonly Stmt[]
      readonly else: readonly Stmt[]
      readonly place?: string
      readonly span?: Span
    }
  | {
      readonly kind: 'while'
      readonly cond: Expr
      readonly body: readonly Stmt[]
      readonly doFirst: boolean
      readonly place?: string
      readonly span?: Span
    }
  | { readonly kind: 'goto'; readonly label: string; readonly place?: string; readonly span?: Span }
  | { readonly kind: 'label'; readonly label: string; readonly span?: Span }
  /** Only the functions of a driver return something. */
  | { readonly kind: 'return'; readonly value?: Expr; readonly place?: string; readonly span?: Span }

export type Expr =
  | { readonly kind: 'number'; readonly value: number; readonly span?: Span }
  /** A register, a declared thing, a constant of the kernel (`FOLL_PIN`). In the condition `0:r0` has proc `P0`. */
  | { readonly kind: 'name'; readonly name: string; readonly proc?: string; readonly span?: Span }
  /** `&pfn`: where an operation puts a result. */
  | { readonly kind: 'address'; readonly name: string; readonly span?: Span }
  /** `*p`: user memory at p, of the process's mm. */
  | { readonly kind: 'deref'; readonly of: Expr; readonly span?: Span }
  | { readonly kind: 'unary'; readonly op: '!' | '-'; readonly of: Expr; readonly span?: Span }
  | {
      readonly kind: 'binary'
      readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' | '&&' | '||' | '+' | '-' | '|' | '/\\' | '\\/'
      readonly left: Expr
      readonly right: Expr
      readonly span?: Span
    }
  | Call

/** `place` of a statement is the `// file:line` comment that ends its line: where it was lifted from. */
export type Call = {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Expr[]
  readonly span?: Span
}
