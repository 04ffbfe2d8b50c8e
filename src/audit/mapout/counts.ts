import {
  type Call,
  calleeName,
  type Expr,
  type Func,
  stmtExprs,
  stripCasts,
  visit,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import { ownerOf } from '../ways/types.ts'
import type { Place } from '../trace/event.ts'
import { frees, inModule, inSight } from './memory.ts'

/** A count that a function takes or drops, by what it is: a field of a struct, or the kind of object that has it. */
export type Count = {
  readonly what: string
  readonly takes: boolean
  /** In words: `kref_get()`, `mmap_count++`. */
  readonly by: string
  readonly at: Place
}
export type Counts = {
  readonly counts: readonly Count[]
  /** Memory that it frees, itself or by a function that it calls. */
  readonly frees: readonly { readonly by: string; readonly at: Place }[]
  /** Called with something, and not seen. */
  readonly unseen: readonly string[]
  /** It sets something, or allocates it. */
  readonly acts: boolean
}

const up =
  /^(atomic(64|_long)?_(inc|add|fetch_inc)\w*|local_inc|refcount_(inc|add)\w*|kref_get\w*|(atomic(64|_long)?|refcount)_set|kref_init|local_set|percpu_ref_(get|tryget)\w*)$/
const down =
  /^(atomic(64|_long)?_(dec|sub)(?!_if_positive)\w*|local_dec|refcount_(dec|sub)\w*|kref_put\w*|percpu_ref_put\w*)$/
/** References to objects of the core, whatever holds them. */
const objects: readonly (readonly [take: RegExp, drop: RegExp, what: string])[] = [
  [/^(try_module_get|__module_get)$/, /^module_put$/, 'module'],
  [/^get_file$/, /^fput$/, 'struct file'],
  [
    /^(get_device|kobject_get|pci_dev_get|usb_get_dev)$/,
    /^(put_device|kobject_put|pci_dev_put|usb_put_dev)$/,
    'device',
  ],
  [/^mmgrab$/, /^mmdrop$/, 'mm'],
  [/^mmget(_not_zero)?$/, /^mmput(_async)?$/, 'mm users'],
  [/^drm_gem_object_get$/, /^(__)?drm_gem_object_put(_unlocked)?$/, 'drm_gem_object'],
  [/^(get_dma_buf)$/, /^dma_buf_put$/, 'dma_buf'],
]
const harmless =
  /^(_*[A-Z][A-Z0-9_]*|(un)?likely|container_of|list_\w+|pr_\w+|dev_\w+|\w*_(dbg|debug|err|warn|info|msg)|printk|mutex_\w+|spin_\w+|down_\w+|up_\w+|k[vzcm]*alloc\w*|vm_\w+|pgprot_\w+|smp_\w+|trace_\w+|(set|clear|test)_bit|IS_ERR\w*|PTR_ERR|ERR_PTR|mem(cpy|set)|wake_up\w*|pm_runtime_\w+|copy_\w+_user|remap_\w+|io_remap_\w+|dma_mmap_\w+|virt_to_\w+|page_to_\w+|\w+_lock|\w+_unlock|READ_ONCE|WRITE_ONCE)$/

const most = { depth: 4, functions: 40 }

/** What a function, with those of its module that it calls, does to counts. */
export function countsOf(code: Code, func: Func): Counts {
  const counts: Count[] = []
  const freed: { by: string; at: Place }[] = []
  const unseen: string[] = []
  let acts = false
  const seen = new Set<Func>()
  const go = (f: Func, depth: number, given: ReadonlyMap<string, string>): void => {
    if (seen.has(f) || seen.size > most.functions) return
    seen.add(f)
    const at = (e: { readonly start: number }): Place => ({
      file: f.file.path,
      line: f.file.source.position(e.start).line,
      func: f.name,
    })
    const field = (e: Expr | undefined): string | undefined => {
      let x = e === undefined ? undefined : stripCasts(e)
      while (x?.kind === 'unary' && (x.op === '&' || x.op === '*')) x = stripCasts(x.of)
      if (x?.kind === 'index') x = stripCasts(x.base)
      if (x?.kind === 'member') {
        // A count within a struct within a struct: `&x->ref.kref`.
        const owner = ownerOf(code, f, x.base) ?? ''
        return `${owner}.${x.field}`
      }
      return x?.kind === 'name' ? (given.get(x.name) ?? x.name) : undefined
    }
    const add = (what: string | undefined, takes: boolean, by: string, e: Expr): void => {
      if (what !== undefined) counts.push({ what, takes, by, at: at(e) })
    }
    for (const outer of f.body.stmts.flatMap((s) => stmtExprs(s)))
      visit(outer, (e) => {
        acts ||= e.kind === 'assign' && stripCasts(e.target).kind !== 'name'
        acts ||= e.kind === 'call' && /alloc|^list_\w*add/.test(calleeName(e))
        if (e.kind === 'unary' && (e.op === '++' || e.op === '--') && e.of.kind !== 'name')
          add(field(e.of), e.op === '++', `${field(e.of)?.split('.').at(-1)}${e.op}`, e)
        else if (e.kind === 'assign' && (e.op === '+' || e.op === '-') && e.target.kind === 'member')
          add(field(e.target), e.op === '+', `${e.target.field} ${e.op}=`, e)
        else if (
          e.kind === 'assign' &&
          e.op === '=' &&
          e.target.kind === 'member' &&
          e.value.kind === 'number' &&
          e.value.value === 1
        )
          add(field(e.target), true, `${e.target.field} = 1`, e)
        else if (e.kind === 'call') call(e, f, depth, at(e), field, add)
      })
  }
  const call = (
    e: Call,
    f: Func,
    depth: number,
    place: Place,
    field: (e: Expr | undefined) => string | undefined,
    add: (what: string | undefined, takes: boolean, by: string, e: Expr) => void,
  ): void => {
    const name = calleeName(e)
    if (name === '') {
      if (e.callee.kind === 'member') unseen.push(`->${e.callee.field}`)
      return
    }
    if (up.test(name) || down.test(name)) {
      const of = /_(add|sub)/.test(name) && !name.startsWith('kref') ? 1 : 0
      add(field(e.args[of]), up.test(name), `${name}()`, e)
      if (name.startsWith('kref_put') && e.args[1]?.kind === 'name') {
        const last = inModule(code, f.file, e.args[1].name)
        // What the last reference does is not done by each close.
        if (last === undefined) unseen.push(e.args[1].name)
      }
      return
    }
    for (const [take, drop, what] of objects)
      if (take.test(name) || drop.test(name)) return add(what, take.test(name), `${name}()`, e)
    if (frees.has(name)) {
      freed.push({ by: `${name}()`, at: place })
      return
    }
    if (harmless.test(name)) return
    // By its name, and by what it does: not all of its kind need be in sight.
    const pair = /^_*([a-z]\w+)_(?:(get|ref|grab|hold)(?:_rcu|_unless_zero|_not_zero)?|put|unref|drop)$/.exec(
      name,
    )
    if (pair !== null && e.args.length > 0) add(pair[1], pair[2] !== undefined, `${name}()`, e)
    const callee = pair === null ? inModule(code, f.file, name) : inSight(code, f.file, name)
    if (callee !== undefined && depth < most.depth) return go(callee, depth + 1, handed(e, callee, field))
    if (callee !== undefined || e.args.length === 0 || pair !== null) return
    unseen.push(name)
  }
  /** Counts that it is told by their address. */
  const handed = (
    e: Call,
    callee: Func,
    field: (e: Expr | undefined) => string | undefined,
  ): ReadonlyMap<string, string> =>
    new Map(
      e.args.flatMap((a, i) => {
        const x = stripCasts(a)
        const what = x.kind === 'unary' && x.op === '&' ? field(x) : undefined
        const param = callee.params[i]
        return what === undefined || param === undefined ? [] : [[param.name, what] as const]
      }),
    )
  go(func, 0, new Map())
  return { counts, frees: freed, unseen, acts }
}
