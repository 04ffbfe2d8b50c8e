import { constants, type Kernel, type Kind, type Program } from '../kernel/index.ts'
import type { Id } from '../state/index.ts'
import { arithmetic } from './arithmetic.ts'
import type { Expr, LitmusTest } from './ast.ts'
import type { Declared } from './declare.ts'
import { printExpr } from './print.ts'
import { Say } from './say.ts'
import { showValue, signed } from './words.ts'

/** Something of a final state that is looked at: `0:r0`, `A:*p`, a shared variable, `page_count(B)`, `tainted()`. */
export type Observed =
  | {
      readonly kind: 'register'
      readonly text: string
      readonly thread: number
      readonly reg: number
      readonly of: Kind
    }
  | { readonly kind: 'memory'; readonly text: string; readonly mm: number; readonly vpn: number }
  | { readonly kind: 'var'; readonly text: string; readonly id: number; readonly of: Kind }
  | {
      readonly kind: 'page'
      readonly text: string
      readonly what: 'refcount' | 'mapcount' | 'pins'
      readonly at: PageAt
    }
  | { readonly kind: 'tainted'; readonly text: string }

/** A page: of a bo, or what an mm maps. */
type PageAt = { readonly bo: number; readonly page: number } | { readonly mm: number; readonly vpn: number }

/** Names after the kernel's: references, mappings, and pins of a page. */
const pageQuestions = { page_count: 'refcount', page_mapcount: 'mapcount', page_pincount: 'pins' } as const

export type BoundCondition = {
  readonly quantifier: 'exists' | '~exists' | 'forall'
  readonly text: string
  readonly observed: readonly Observed[]
  /** Whether the state that the kernel is in satisfies it. */
  readonly holds: (k: Kernel) => boolean
}

export function bindCondition(
  condition: NonNullable<LitmusTest['condition']>,
  declared: Declared,
  programs: readonly Program[],
  say: Say,
): BoundCondition {
  const observed = new Map<string, Observed>()
  const atom = (o: Observed): Value => {
    observed.set(o.text, o)
    return (k) => observe(o, k)
  }
  const compile = (e: Expr): Value => {
    switch (e.kind) {
      case 'number':
        return () => e.value
      case 'unary': {
        const of = compile(e.of)
        return e.op === '-' ? (k) => -of(k) : (k) => Number(of(k) === 0)
      }
      case 'binary': {
        const left = compile(e.left)
        const right = compile(e.right)
        const f = arithmetic[e.op]
        return (k) => f(left(k), right(k))
      }
      default: {
        const o = bindAtom(e, declared, programs)
        if (typeof o === 'number') return () => o
        if (o) return atom(o)
        explain(e, declared, programs, say)
        return () => 0
      }
    }
  }
  const value = compile(condition.expr)
  return {
    quantifier: condition.quantifier,
    text: `${condition.quantifier} (${printExpr(condition.expr, true)})`,
    observed: [...observed.values()],
    holds: (k) => value(k) !== 0,
  }
}

type Value = (k: Kernel) => number

function bindAtom(e: Expr, declared: Declared, programs: readonly Program[]): Observed | number | undefined {
  const text = printExpr(e, true)
  if (e.kind === 'name' && e.proc !== undefined) {
    const thread = programs.findIndex((p) => p.name === e.proc)
    const reg = programs[thread]?.registers.findIndex((r) => r.name === e.name) ?? -1
    if (reg >= 0) return { kind: 'register', text, thread, reg, of: programs[thread]!.registers[reg]!.kind }
    return undefined
  }
  if (e.kind === 'name') {
    const thing = declared.thing(e.name)
    if (thing?.kind === 'var') return { kind: 'var', text, id: thing.id, of: declared.vars[thing.id]!.kind }
    return thing ? undefined : constants[e.name]
  }
  if (e.kind === 'deref') {
    const at = address(e.of, declared)
    return at && { kind: 'memory', text, ...at }
  }
  if (e.kind !== 'call') return undefined
  if (e.name === 'tainted' && e.args.length === 0) return { kind: 'tainted', text }
  const what = (pageQuestions as Record<string, (typeof pageQuestions)[keyof typeof pageQuestions]>)[e.name]
  const [of, page] = e.args
  if (what === undefined || of === undefined || e.args.length > 2) return undefined
  const bo = of.kind === 'name' && of.proc === undefined ? declared.thing(of.name) : undefined
  const index = page === undefined ? 0 : page.kind === 'number' ? page.value : undefined
  if (
    (bo?.kind === 'bo' || bo?.kind === 'file' || bo?.kind === 'dma_buf') &&
    index !== undefined &&
    index < declared.bos[bo.id]!.pages
  )
    return { kind: 'page', text, what, at: { bo: bo.id, page: index } }
  const at = page === undefined ? address(of, declared) : undefined
  return at && { kind: 'page', text, what, at }
}

function address(e: Expr, declared: Declared): { mm: number; vpn: number } | undefined {
  if (e.kind === 'binary' && e.op === '+' && e.right.kind === 'number') {
    const at = address(e.left, declared)
    return at && { mm: at.mm, vpn: at.vpn + e.right.value }
  }
  const found = e.kind === 'name' ? declared.address(e.name, undefined, e.proc) : undefined
  return found && { mm: found.mm, vpn: found.vpn }
}

function explain(e: Expr, declared: Declared, programs: readonly Program[], say: Say): void {
  const program = e.kind === 'name' ? programs.find((p) => p.name === e.proc) : undefined
  const named = program?.registers.filter((r) => !r.name.startsWith('%')).map((r) => r.name) ?? []
  const help =
    e.kind === 'name' && program
      ? Say.meant(e.name, named)
      : [
          '`0:r0` is a register of P0, `A:*p` what A has at p, a name a shared variable; page_count(B), page_mapcount(B), page_pincount(B) and tainted() ask the model',
        ]
  if (e.kind === 'name' && e.proc !== undefined && !program && !declared.things.has(e.proc))
    help.unshift(
      ...Say.meant(
        e.proc,
        programs.map((p) => p.name),
      ),
    )
  say.error('condition', e.span, `\`${printExpr(e, true)}\` is nothing that a final state has`, ...help)
}

/** The value of what is observed; not a number where there is nothing to read. */
export function observe(o: Observed, k: Kernel): number {
  switch (o.kind) {
    case 'register':
      return k.register(o.thread, o.reg)
    case 'var':
      return signed(k.var(o.id as Id<'var'>).value)
    case 'tainted':
      return Number(k.system.tainted)
    case 'memory': {
      const pte = k.pte(o.mm as Id<'mm'>, o.vpn as Id<'vpn'>)
      return pte.present && pte.pfn !== undefined ? k.page(pte.pfn).data : NaN
    }
    case 'page': {
      const pfn = pageAt(o.at, k)
      return pfn === undefined ? NaN : k.page(pfn)[o.what]
    }
  }
}

function pageAt(at: PageAt, k: Kernel): Id<'pfn'> | undefined {
  if ('bo' in at)
    return k.bo(at.bo as Id<'bo'>).alive
      ? k.bo_page(at.bo as Id<'bo'>, at.page as Id<'boPage'>).pfn
      : undefined
  const pte = k.pte(at.mm as Id<'mm'>, at.vpn as Id<'vpn'>)
  return pte.present ? pte.pfn : undefined
}

/** `0:r0=-EINVAL;` as a line of the outcome table has it. */
export function showObserved(o: Observed, k: Kernel): string {
  const value = observe(o, k)
  const of = o.kind === 'register' || o.kind === 'var' ? o.of : 'int'
  return `${o.text}=${showValue(value, of, k)};`
}
