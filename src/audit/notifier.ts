import type { CFile, Expr, Func, Stmt } from '../source/index.ts'
import { meaningOf } from './api.ts'
import { eachExpr, eachStmt } from './each.ts'
import type { Code } from './code.ts'
import type { CallbackStep } from './lift/plan.ts'
import type { Place } from './trace/event.ts'

/** What a module does about invalidation: the callback, in the order of its code, and how the fault path asks about it. */
export type Notifier = {
  /** `interval`: mmu_interval_notifier with its own sequence. `classic`: mmu_notifier, and a sequence that the module counts. */
  readonly kind: 'interval' | 'classic'
  readonly callback: Func
  readonly registered: Place
  /** The lock around setting the sequence, by its field. */
  readonly lock: string | undefined
  readonly steps: readonly CallbackStep[]
  /** How it takes the translation away, in words. */
  readonly drops: string | undefined
  /** Nothing is seen to be taken away, but this is called, whose body is not there. */
  readonly unseen: string | undefined
  /** Fields that the callback counts up. */
  readonly fields: ReadonlySet<string>
  /** A function that compares them with a snapshot: what whoever installs has to ask. */
  readonly retry: { readonly func: string; readonly file: string; readonly line: number } | undefined
}

const interval = { struct: 'mmu_interval_notifier_ops', fields: ['invalidate'] }
const classic = {
  struct: 'mmu_notifier_ops',
  fields: ['invalidate_range_start', 'invalidate_range_end', 'invalidate_range'],
}

/** The notifiers that a file's module registers; where it has none, those of modules that work through it, found by their lock. */
export function notifiersOf(code: Code, file: CFile, lockHints: ReadonlySet<string>): Notifier[] {
  const own = [interval.struct, classic.struct]
    .flatMap((s) => code.moduleWith(file, s))
    .filter((f, i, all) => all.indexOf(f) === i)
    .flatMap((f) => inFile(code, f))
  if (own.length > 0) return own
  if (lockHints.size === 0) return []
  return code
    .mentioning(interval.struct)
    .flatMap((f) => inFile(code, f))
    .filter((n) => n.lock !== undefined && lockHints.has(n.lock))
}

function inFile(code: Code, file: CFile): Notifier[] {
  const found: Notifier[] = []
  for (const g of file.globals) {
    const tag = g.type.base.replace(/^struct /, '')
    const which = tag === interval.struct ? interval : tag === classic.struct ? classic : undefined
    if (which === undefined || g.value?.kind !== 'init') continue
    const funcs: Func[] = []
    for (const item of g.value.items) {
      const field = item.path[0]?.replace(/^\./, '')
      if (field === undefined || !which.fields.includes(field) || item.value.kind !== 'name') continue
      const func = code.resolve(item.value.name, file)
      if (func !== undefined) funcs.push(func)
    }
    if (funcs.length > 0)
      found.push(
        readCallbacks(code, which === interval ? 'interval' : 'classic', funcs, {
          file: file.path,
          line: g.line,
          func: g.name,
        }),
      )
  }
  return found
}

/** What callbacks do, those that take translations away. */
export function readCallbacks(
  code: Code,
  kind: Notifier['kind'],
  callbacks: readonly Func[],
  registered: Place,
): Notifier {
  const scan = new Scan(code)
  const callback = callbacks[0]!
  for (const c of callbacks) scan.func(c, 0)
  // Nothing is dropped, or no sequence set, in its own file: it calls somebody who does.
  if (
    !scan.steps.some((s) => s.do === 'drop') ||
    (kind === 'interval' && !scan.steps.some((s) => s.do === 'set-seq'))
  ) {
    scan.again(true)
    for (const c of callbacks) scan.func(c, 0)
  }
  const set = scan.steps.findIndex((s) => s.do === 'set-seq')
  // The lock that is held where the sequence is set; for a sequence of its own, where it is counted.
  let lock: string | undefined
  const held: string[] = []
  for (const [i, s] of scan.steps.entries()) {
    if (s.do === 'lock') held.push(s.note!)
    if (s.do === 'unlock') held.splice(held.lastIndexOf(s.note!), 1)
    if (i === set) lock = held.at(-1)
  }
  if (set < 0) lock = scan.steps.find((s) => s.do === 'lock')?.note
  const steps = scan.steps.filter((s) => (s.do !== 'lock' && s.do !== 'unlock') || s.note === lock)
  const drop = steps.find((s) => s.do === 'drop')
  return {
    kind,
    callback,
    registered,
    lock,
    steps: firstOfEach(steps),
    drops: drop?.note,
    unseen: drop === undefined ? scan.unseen : undefined,
    fields: scan.fields,
    retry: kind === 'classic' ? asker(code, callback.file, scan.fields) : intervalAsker(code, callback.file),
  }
}

/** One lock, one set, one drop, one unlock, in the order in which they stand. */
function firstOfEach(steps: readonly CallbackStep[]): CallbackStep[] {
  const out: CallbackStep[] = []
  let held = false
  for (const s of steps) {
    if (s.do === 'lock') {
      if (held) continue
      held = true
      out.push(s)
    } else if (s.do === 'unlock') {
      if (!held) continue
      held = false
      out.push(s)
    } else if (!out.some((o) => o.do === s.do)) out.push(s)
  }
  if (held) out.push({ do: 'unlock', at: out.at(-1)!.at! })
  // Rounds in which nothing happens.
  return out.filter(
    (s, i) =>
      !(s.do === 'lock' && out[i + 1]?.do === 'unlock') && !(s.do === 'unlock' && out[i - 1]?.do === 'lock'),
  )
}

/** A function that compares one of the fields with something: `if (kvm->seq != seq) return true`. */
function asker(code: Code, file: CFile, fields: ReadonlySet<string>): Notifier['retry'] {
  for (const field of [...fields].sort()) {
    const compares = new RegExp(
      `(->|\\.)${field}\\s*[!=]=\\s*\\w|\\w\\s*[!=]=\\s*[\\w>.-]*(->|\\.)${field}\\b`,
    )
    const asks = (func: Func): boolean =>
      func.params.length > 1 && compares.test(func.file.source.text.slice(func.start, func.end))
    let found = file.functions.find(asks)
    if (found === undefined)
      for (const f of code.mentioningLike(field, compares)) if ((found = f.functions.find(asks))) break
    if (found !== undefined) return { func: found.name, file: found.file.path, line: found.line }
  }
  return undefined
}

function intervalAsker(code: Code, file: CFile): Notifier['retry'] {
  for (const f of code.moduleWith(file, 'mmu_interval_read_retry'))
    for (const func of f.functions)
      if (func.mentions('mmu_interval_read_retry')) return { func: func.name, file: f.path, line: func.line }
  return undefined
}

/** Reads a callback from top to bottom, and the functions that it calls: which lock, when the sequence, what is dropped. */
class Scan {
  readonly steps: CallbackStep[] = []
  readonly fields = new Set<string>()
  unseen: string | undefined
  readonly #code: Code
  readonly #seen = new Set<Func>()
  #abroad = false

  constructor(code: Code) {
    this.#code = code
  }

  /** Starts over; `abroad`: also into functions of other files. */
  again(abroad: boolean): void {
    this.#abroad = abroad
    this.steps.length = 0
    this.#seen.clear()
  }

  func(func: Func, depth: number): void {
    if (this.#seen.has(func) || this.#seen.size > 60) return
    this.#seen.add(func)
    const at = (e: { readonly start: number }): Place => ({
      file: func.file.path,
      line: func.file.source.position(e.start).line,
      func: func.name,
    })
    const visit = (e: Expr): void => {
      eachExpr(e, (x) => {
        if (x.kind === 'call') this.#call(x, func, depth, at(x))
        else if (x.kind === 'unary' && x.op === '++' && x.of.kind === 'member') this.fields.add(x.of.field)
        else if (x.kind === 'assign' && x.target.kind === 'member' && x.op === '+')
          this.fields.add(x.target.field)
        else if (x.kind === 'assign' && this.#clears(x))
          this.steps.push({ do: 'drop', at: at(x), note: func.file.source.text.slice(x.start, x.end) })
        else if (x.kind === 'name') this.#handed(x.name, func, depth)
        else if (x.kind === 'asm') this.steps.push({ do: 'drop', at: at(x), note: 'an instruction' })
      })
    }
    this.#body(func.body.stmts, visit)
  }

  /** A branch that leaves the function gives its lock back and is not what the rest of the function sees. */
  #body(stmts: readonly Stmt[], visit: (e: Expr) => void): void {
    for (const s of stmts) {
      if (s.kind === 'block') this.#body(s.body, visit)
      else if (s.kind === 'if') {
        visit(s.cond)
        for (const arm of [s.then, s.otherwise]) {
          if (arm === undefined) continue
          const before = this.steps.length
          this.#body([arm], visit)
          if (!leaves(arm)) continue
          const kept = this.steps.splice(before).filter((x) => x.do !== 'lock' && x.do !== 'unlock')
          this.steps.push(...kept)
        }
      } else eachStmt([s], visit)
    }
  }

  /** A function of the module that is handed on, to be called under the lock: `.on_lock = begin`. */
  #handed(name: string, func: Func, depth: number): void {
    const callee = func.file.functions.find((f) => f.name === name)
    if (callee !== undefined && depth < 4) this.func(callee, depth + 1)
  }

  /** `x->entry = 0`: something that outlives the call is cleared or marked. */
  #clears(x: Expr & { kind: 'assign' }): boolean {
    if (x.op !== '=' || !(x.target.kind === 'member' || x.target.kind === 'index')) return false
    if (x.target.kind === 'member' && !x.target.arrow) return false
    const v = x.value
    return v.kind === 'number' || (v.kind === 'name' && /^(NULL|true|false)$/.test(v.name))
  }

  #call(x: Expr & { kind: 'call' }, func: Func, depth: number, at: Place): void {
    if (x.callee.kind === 'member') {
      // Through an ops table: whoever is behind it does the work.
      this.steps.push({ do: 'drop', at, note: `->${x.callee.field}()` })
      return
    }
    if (x.callee.kind !== 'name') return
    const name = x.callee.name
    const m = meaningOf(name)
    if (m !== undefined) {
      if (m.does === 'lock' || m.does === 'unlock' || m.does === 'try-lock') {
        const arg = x.args[m.arg]
        const lock = arg === undefined ? undefined : lockField(arg)
        // The second way to take it, for callers that cannot sleep, is the same lock.
        if (lock !== undefined)
          this.steps.push({ do: m.does === 'unlock' ? 'unlock' : 'lock', at, note: lock })
      } else if (m.does === 'seq-set') this.steps.push({ do: 'set-seq', at })
      else if (m.does === 'revoke' || m.does === 'access')
        this.steps.push({ do: 'drop', at, note: `${name}()` })
      return
    }
    if (drops.test(name)) {
      this.steps.push({ do: 'drop', at, note: `${name}()` })
      return
    }
    const here = this.#code.resolveHere(name, func.file)
    const ownMacro = here === undefined ? this.#code.macroHere(name, func.file) : undefined
    const abroad =
      this.#abroad && depth < 2 && here === undefined && ownMacro === undefined && !harmless.test(name)
    const macro = ownMacro ?? (abroad ? this.#code.macro(name, func.file) : undefined)
    if (macro?.params !== undefined) {
      if (macro.body.kind === 'expr')
        eachExpr(macro.body.expr, (y) => {
          if (y.kind === 'call') this.#call(y, func, depth, at)
        })
      return
    }
    if (here === undefined && ownMacro === undefined && !harmless.test(name)) this.unseen ??= name
    const callee = here ?? (abroad ? this.#code.resolve(name, func.file) : undefined)
    if (callee !== undefined && depth < 4) this.func(callee, depth + 1)
  }
}

/** Core functions that take a translation away, or wait until nobody uses it. */
const drops =
  /^(xa_erase|xa_store|__xa_erase|radix_tree_delete|rb_erase|interval_tree_remove|list_del(_init)?|list_move(_tail)?|dma_resv_wait_timeout|dma_fence_wait(_timeout)?|zap_\w+|flush_tlb_\w+|kvm_flush_remote_tlbs\w*|unmap_mapping_\w+|iommu_iotlb_\w+|__iommu_\w+|iommufd_\w+)$/

/** Helpers that touch no translation: not worth looking for in other files. */
const harmless =
  /^(_*[A-Z][A-Z0-9_]*|(un)?likely|container_of|atomic\w*|refcount_\w+|kref_\w+|list_\w+|bitmap_\w+|(set|clear|test)_bit|mmu_notifier_\w+|mmu_interval_\w+|for(_each)?\w*|to_\w+|k[vzcm]*alloc\w*|k?v?free\w*|\w+_(dbg|debug|err|warn|info|assert\w*)|queue_\w+|schedule_\w+|smp_\w+|s?rcu\w*|min|max)$/

function leaves(s: Stmt): boolean {
  if (s.kind === 'block') return s.body.length > 0 && leaves(s.body.at(-1)!)
  return s.kind === 'return' || s.kind === 'goto' || s.kind === 'break' || s.kind === 'continue'
}

function lockField(e: Expr): string | undefined {
  if (e.kind === 'unary' || e.kind === 'cast') return lockField(e.of)
  return e.kind === 'member' ? e.field : e.kind === 'name' ? e.name : undefined
}
