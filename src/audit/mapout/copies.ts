import { type Expr, type Func, stmtExprs, stripCasts, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Place } from '../trace/event.ts'
import { type Count, type Counts, countsOf } from './counts.ts'

/** What mmap, open and close of a mapping do to the count of what it shows. */
export type Copies = {
  /** In words: `kref_put()` of `rxe_mmap_info.ref`. */
  readonly what: string
  readonly by: string
  readonly mmap: boolean
  /** What close frees, mmap has made for it alone. */
  readonly own: boolean
  readonly open?: Place
  readonly opens: boolean
  readonly close: Place
  readonly drops: Place
  /** How one mapping becomes two: copied by fork, or split where it is not copied; `no`: neither can be. */
  readonly how: 'fork' | 'split'
}

/**
 * Compares what ->close gives up with what ->open takes. Undefined: close gives nothing up. A string: it cannot be told whether they
 * match.
 */
export function copiesOf(
  code: Code,
  handler: Func,
  {
    open,
    close,
    mapped: hook,
  }: { readonly open?: Func | undefined; readonly close: Func; readonly mapped?: Func | undefined },
  vm: { readonly dontcopy: boolean; readonly maySplit: boolean },
): Copies | string | undefined {
  // Neither copied nor split, there is one mapping and one close.
  const how = !vm.dontcopy ? 'fork' : vm.maySplit || onePage(handler) ? undefined : 'split'
  if (how === undefined) return undefined
  // Those of a helper of the core are a pair.
  const module = code.moduleFiles(handler.file)
  if (
    ![close, ...(open === undefined ? [] : [open])].some(
      (f) => f.file === handler.file || module.includes(f.file.path),
    )
  )
    return undefined
  const closed = countsOf(code, close)
  const opened: Counts =
    open === undefined ? { counts: [], frees: [], unseen: [], acts: false } : countsOf(code, open)
  const mapped = countsOf(code, handler).counts.concat(hook === undefined ? [] : countsOf(code, hook).counts)
  const takes = (counts: readonly Count[], what: string): Count | undefined =>
    counts.find((x) => x.takes && same(x.what, what))
  const drops = closed.counts.filter(
    (c) => !c.takes && takes(closed.counts, c.what) === undefined && decides(code, close, c),
  )
  const place = (f: Func): Place => ({ file: f.file.path, line: f.line, func: f.name })
  const callsOpen = open !== undefined && (handler.mentions(open.name) || handler.mentions('open'))
  const found = (
    what: string,
    by: string,
    at: Place,
    opens: boolean,
    known = false,
    own = false,
  ): Copies => ({
    what,
    by,
    own,
    mmap: known || callsOpen || takes(mapped, what) !== undefined,
    ...(open !== undefined && { open: place(open) }),
    opens,
    close: place(close),
    drops: at,
    how,
  })
  const alone = drops.find((d) => takes(opened.counts, d.what) === undefined)
  const pairs = drops.filter((d) => takes(opened.counts, d.what) !== undefined)
  const both = pairs.find((d) => takes(mapped, d.what) !== undefined) ?? pairs[0]
  // What else goes with the last mapping is not given up by each.
  if (both !== undefined) {
    const copies = found(both.what, both.by, both.at, true)
    if (!copies.mmap && opened.acts) return undefined
    return copies.mmap ? copies : `what ${handler.name}() takes of what ${close.name}() gives up is not seen`
  }
  if (alone === undefined) {
    const free = closed.frees[0]
    // A copy may have something of its own, or be counted in a way that is not seen.
    if (free === undefined || opened.acts || opened.counts.length > 0 || opened.unseen.length > 0)
      return undefined
    // What was freed is forgotten, where every copy of the mapping would look for it: that is done once.
    if (forgets(close)) return undefined
    return found('', free.by, free.at, false, true, true)
  }
  if (opened.acts) return undefined
  // A half of it is given up for its length; and there are no copies.
  if (measured(close)) return vm.dontcopy ? undefined : `${close.name}() counts by length, not by mapping`
  if (opened.unseen.length > 0) return `what ${opened.unseen[0]}() takes in ${open!.name}() is not seen`
  // It is given up once for each mapping: what mmap took, by itself or by looking the object up.
  return found(alone.what, alone.by, alone.at, false, true)
}

/** `foo.count` and `.count`: of the same field, where the struct is not known of one. */
function same(a: string, b: string): boolean {
  if (a === b) return true
  const [x, y] = [a, b].map((w) => /^(.*)\.(\w+)$/.exec(w))
  return x != null && y != null && x[2] === y[2] && (x[1] === '' || y[1] === '')
}

/** A count on which something depends: the drop itself asks for it, or somebody reads the field. */
function decides(code: Code, func: Func, c: Count): boolean {
  if (!/^(\w*dec|\w+--)/.test(c.by.replace(/^atomic(64|_long)?_/, '')) || /_and_|_return/.test(c.by))
    return true
  const field = c.what.split('.').at(-1)!
  const reads = new RegExp(`\\b(if|while|return|wait_event\\w*)\\b[^;{]*(->|\\.)${field}\\b`)
  return code.moduleWith(func.file, field).some((f) => reads.test(f.source.text))
}

/** `cb->mmap_size - (vma->vm_end - vma->vm_start)`: what is left of it. */
function measured(close: Func): boolean {
  const { text } = close.file.source
  let found = false
  each(close, (e) => {
    if (
      e.kind === 'binary' &&
      e.op === '-' &&
      stripCasts(e.left).kind === 'member' &&
      !/\bvm_(end|start)\b/.test(text.slice(e.left.start, e.left.end)) &&
      /\bvm_end\b/.test(text.slice(e.right.start, e.right.end))
    )
      found = true
  })
  return found
}

/** It sets something to NULL that is not of the mapping alone. */
function forgets(close: Func): boolean {
  const vma = close.params.find((p) => p.type.base === 'struct vm_area_struct')?.name
  let found = false
  each(close, (e) => {
    if (e.kind !== 'assign' || e.op !== '=') return
    const to = stripCasts(e.target)
    const base =
      to.kind === 'member' ? stripCasts(to.base) : to.kind === 'index' ? stripCasts(to.base) : undefined
    if (base === undefined || (base.kind === 'name' && base.name === vma)) return
    if (e.value.kind === 'name' && e.value.name === 'NULL') found = true
  })
  return found
}

/** It takes mappings of one page only: there is nothing to split. */
function onePage(handler: Func): boolean {
  const text = handler.file.source.text.slice(handler.start, handler.end)
  return /(vm_start|vma_pages\([^)]*\)|\b(size|len|length|vsize|nr_pages))\)*\s*(>|!=)\s*(PAGE_SIZE|1)\b/.test(
    text,
  )
}

function each(func: Func, enter: (e: Expr) => void): void {
  for (const s of func.body.stmts) for (const e of stmtExprs(s)) visit(e, enter)
}
