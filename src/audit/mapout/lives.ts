import {
  type Call,
  calleeName,
  callsOf,
  type Cfg,
  cfgOf,
  type CfgNode,
  dominators,
  type Expr,
  type Func,
  reachable,
  stmtExprs,
  stripCasts,
  visit,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import { Entries, type Entry } from '../holding/entries.ts'
import type { Place } from '../trace/event.ts'
import { countsOf } from './counts.ts'
import { callsTo, inModule, type Kept, type Origins, originsOf, usesOf } from './memory.ts'

/** Calls that take mappings away. */
export const revokers: readonly string[] = [
  'unmap_mapping_range',
  'unmap_mapping_pages',
  'zap_vma_ptes',
  'zap_special_vma_range',
  'zap_page_range_single',
  'zap_page_range',
  'zap_vma_range',
  'drm_vma_node_unmap',
  'ttm_bo_unmap_virtual',
  'drm_dev_unplug',
  'rdma_user_mmap_disassociate',
]

/** How control comes to where memory is freed, and what is asked on the way. */
export type Route = {
  readonly entry: Entry
  readonly at: Place
  readonly api: string
  /** From the entry down. */
  readonly through: readonly string[]
  /** Mappings are taken away first. */
  readonly zaps?: Place
  /** It asks for the mappings that there are. */
  readonly asks: boolean
  /** It is the last reference to something: of this field. */
  readonly ref?: string
  readonly waits: boolean
  /** Taken by one of the functions on the way, by their fields. */
  readonly locks: readonly string[]
}

/** What becomes of memory while it is mapped. */
export type Life = {
  readonly memory: readonly Kept[]
  readonly device: boolean
  /** It is seen to be allocated. */
  readonly made: boolean
  readonly wrong?: Origins['wrong']
  readonly slab?: Origins['slab']
  readonly routes: readonly Route[]
  readonly unseen?: string
}

/** Not for a time only. */
const waits = /^(wait_event|wait_for_completion|wait_on_)(?!\w*timeout)\w*$/
const waitsIn = /\b(wait_event|wait_for_completion|wait_on_)(?!\w*timeout)\w*\s*\(/
const most = { depth: 6, routes: 24, functions: 80 }

export class Lives {
  readonly #code: Code
  readonly #entries: Entries
  readonly #routes = new Map<string, { readonly routes: readonly Route[]; readonly cut: boolean }>()

  constructor(code: Code) {
    this.#code = code
    this.#entries = new Entries(code)
  }

  /** `counted`: fields that open and close of its mappings count. */
  of(func: Func, what: Expr, counted: ReadonlySet<string>): Life {
    const origins = originsOf(this.#code, func, what)
    const routes: Route[] = []
    let { unseen } = origins
    if (origins.made && origins.kept.length === 0)
      unseen ??= 'what is allocated for it is kept nowhere that is seen'
    for (const kept of origins.kept) {
      const found = this.#freed(kept, counted)
      routes.push(...found.routes)
      if (found.cut) unseen ??= `not every way to where ${kept.field} is freed is followed`
    }
    return {
      memory: origins.kept,
      device: origins.device,
      made: origins.made,
      ...(origins.wrong !== undefined && { wrong: origins.wrong }),
      ...(origins.slab !== undefined && { slab: origins.slab }),
      routes,
      ...(unseen !== undefined && { unseen }),
    }
  }

  #freed(
    kept: Kept,
    counted: ReadonlySet<string>,
  ): { readonly routes: readonly Route[]; readonly cut: boolean } {
    const key = `${kept.file.path} ${kept.in}.${kept.field} ${[...counted].join()}`
    const known = this.#routes.get(key)
    if (known !== undefined) return known
    const uses = usesOf(this.#code, kept)
    const makers = this.#makers(uses.makes.map((m) => m.func))
    const routes: Route[] = []
    let cut = false
    for (const f of uses.frees) {
      const up = new Up(this.#code, this.#entries, uses.makes, makers, counted)
      up.from(f.func, f.call, { at: f.at, api: f.by })
      routes.push(...up.routes)
      cut ||= up.cut
    }
    if (uses.managed !== undefined)
      routes.push({
        entry: { by: 'removal', text: 'the driver is unbound' },
        at: uses.managed,
        api: 'devres',
        through: [],
        asks: false,
        waits: false,
        locks: [],
      })
    const found = { routes, cut }
    this.#routes.set(key, found)
    return found
  }

  /** Functions of the module that make it, themselves or by those that they call. */
  #makers(funcs: readonly Func[]): ReadonlySet<string> {
    const names = new Set(funcs.map((f) => f.name))
    let level = [...new Set(funcs)]
    for (let depth = 0; depth < 4 && level.length > 0 && names.size < most.functions; depth++) {
      const next: Func[] = []
      for (const f of level) {
        const module = this.#code.moduleFiles(f.file)
        for (const c of this.#code.callers(f))
          if ((c.file === f.file || module.includes(c.file.path)) && !names.has(c.name)) {
            names.add(c.name)
            next.push(c)
          }
      }
      level = next
    }
    return names
  }
}

type Below = {
  readonly at: Place
  readonly api: string
  readonly zaps?: Place
  readonly asks?: boolean
  readonly ref?: string | undefined
  readonly waits?: boolean
  readonly locks?: readonly string[]
  readonly through?: readonly string[]
}

/** Goes from a call that frees up to whoever gets there. */
class Up {
  readonly routes: Route[] = []
  cut = false
  readonly #seen = new Set<string>()
  readonly #code: Code
  readonly #entries: Entries
  readonly #makes: readonly { readonly func: Func; readonly expr: Expr }[]
  readonly #makers: ReadonlySet<string>
  readonly #counted: ReadonlySet<string>

  constructor(
    code: Code,
    entries: Entries,
    makes: readonly { readonly func: Func; readonly expr: Expr }[],
    makers: ReadonlySet<string>,
    counted: ReadonlySet<string>,
  ) {
    this.#code = code
    this.#entries = entries
    this.#makes = makes
    this.#makers = makers
    this.#counted = counted
  }

  from(func: Func, call: Expr, below: Below, depth = 0): void {
    const here = this.#within(func, call, below)
    if (here === undefined) return
    const key = `${func.file.path} ${func.name} ${here.zaps === undefined} ${here.asks} ${here.ref}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    if (depth > most.depth || this.#seen.size > most.functions) {
      this.cut = true
      return
    }
    const through = [func.name, ...(here.through ?? [])]
    const locks = [...new Set([...(here.locks ?? []), ...locksOf(this.#code, func, 0)])]
    const up = { ...here, through, locks }
    if (here.asks === true || (here.ref !== undefined && this.#counted.has(here.ref))) {
      // Whoever comes here, what is mapped is not freed.
      this.#route({ by: 'other', text: 'whoever drops it' }, up)
      return
    }
    const uses = this.#entries.uses(func)
    for (const m of uses) {
      if (m.calls !== undefined) {
        // `kref_put(&x->ref, it)`: on the spot, if it is the last one.
        for (const put of handing(m.calls, func.name))
          this.from(m.calls, put, { ...up, ref: up.ref ?? fieldOf(put.args[0]) }, depth + 1)
        continue
      }
      this.#route({ by: m.by, text: m.text }, up)
    }
    const module = this.#code.moduleFiles(func.file)
    for (const c of this.#code.callers(func)) {
      if (c.file !== func.file && !module.includes(c.file.path)) {
        this.cut = true
        continue
      }
      for (const x of callsTo(c, func.name)) this.from(c, x, up, depth + 1)
    }
  }

  #route(entry: Entry, { at, api, through = [], zaps, asks, ref, waits, locks = [] }: Below): void {
    this.routes.push({
      entry,
      at,
      api,
      through,
      ...(zaps !== undefined && { zaps }),
      asks: asks === true,
      ...(ref !== undefined && { ref }),
      waits: waits === true,
      locks,
    })
  }

  /** What a function asks and does before it comes to a call; undefined: what would be freed there has just been made. */
  #within(func: Func, call: Expr, below: Below): Below | undefined {
    const cfg = cfgOf(func)
    const node = nodeOf(cfg, call)
    if (node === undefined) return below
    const making = new Set(
      cfg.nodes
        .filter((n) => n !== node && exprsOf(n).some((e) => this.#makesHere(func, e)))
        .map((n) => n.id),
    )
    if (making.size > 0 && !reaches(cfg, node.id, making)) return undefined
    if (isFresh(func, call)) return undefined
    const before = [...reachable(cfg, node.id, true)].map((i) => cfg.nodes[i]!)
    const dom = dominators(cfg)
    let { zaps, asks, ref } = below
    let waiting = below.waits === true
    for (const n of before) {
      if (n === node) continue
      for (const e of exprsOf(n))
        visit(e, (x) => {
          if (x.kind !== 'call') return
          const name = calleeName(x)
          if (revokes(this.#code, func, name)) zaps ??= placeOf(func, x)
          if (waits.test(name)) waiting = true
          const callee = inModule(this.#code, func.file, name)
          if (callee !== undefined && waitsIn.test(textOf(callee))) waiting = true
          // `if (atomic_cmpxchg(&x->users, 0, -1) > 0) return`.
          if (/^(atomic(64|_long)?_(read|cmpxchg\w*)|refcount_read|kref_read)$/.test(name))
            ref ??= fieldOf(x.args[0])
        })
      if (n.kind !== 'branch' || n.expr === undefined) continue
      const { expr } = n
      if (!dom.dominates(n.id, node.id)) {
        // `for (i = 0; i < n; i++) if (x->users[i]) return -EBUSY`: each of them is asked.
        if (n.succ.some((e) => e.to !== node.id && !reachable(cfg, e.to).has(node.id)))
          visit(expr, (x) => {
            if (x.kind === 'member' && this.#counted.has(x.field)) asks = true
          })
        continue
      }
      visit(expr, (x) => {
        if (x.kind === 'member' && this.#counted.has(x.field)) asks = true
        if (x.kind === 'call') {
          const name = calleeName(x)
          if (/(_dec|_sub)_and_|refcount_dec|_dec_return|_put$/.test(name)) ref ??= fieldOf(x.args[0]) ?? name
          const callee = inModule(this.#code, func.file, name)
          if (callee !== undefined && [...this.#counted].some((f) => wordIn(callee, f))) asks = true
        }
        if (x.kind === 'unary' && x.op === '--') ref ??= fieldOf(x.of)
      })
    }
    // `x->users--; if (!x->users) free(x)`.
    const ends = before.filter(
      (n) => n.kind === 'branch' && n.expr !== undefined && dom.dominates(n.id, node.id),
    )
    for (const n of ends)
      visit(n.expr!, (x) => {
        if (
          x.kind === 'member' &&
          new RegExp(`(->|\\.)${x.field}\\s*--|--[\\w>.-]*(->|\\.)${x.field}\\b`).test(textOf(func))
        )
          ref ??= x.field
      })
    return {
      ...below,
      ...(zaps && { zaps }),
      asks: asks === true,
      ...(ref !== undefined && { ref }),
      waits: waiting,
    }
  }

  #makesHere(func: Func, e: Expr): boolean {
    let found = false
    visit(e, (x) => {
      if (this.#makes.some((m) => m.func === func && m.expr === x)) found = true
      if (x.kind === 'call' && this.#makers.has(calleeName(x))) found = true
    })
    return found
  }
}

/** A call that takes mappings away, by itself or in a function of the module. */
function revokes(code: Code, func: Func, name: string, depth = 0): boolean {
  if (revokers.includes(name)) return true
  if (name === '' || depth > 2) return false
  const callee = inModule(code, func.file, name)
  if (callee === undefined) return false
  if (revokers.some((r) => callee.mentions(r))) return true
  return false
}

/** What the call is given has been made by the same function: `x = foo_alloc(…); … foo_free(x)`. */
function isFresh(func: Func, call: Expr): boolean {
  if (call.kind !== 'call') return false
  const given = new Set<string>()
  for (const a of call.args)
    visit(a, (x) => {
      if (x.kind === 'name') given.add(x.name)
    })
  let fresh = false
  const creates = (value: Expr): boolean => {
    const x = stripCasts(value)
    return x.kind === 'call' && /alloc|create|_new\b|_new_|^new_/.test(calleeName(x))
  }
  for (const l of func.body.locals)
    if (given.has(l.name) && l.init !== undefined && creates(l.init)) fresh = true
  for (const s of func.body.stmts)
    for (const outer of stmtExprs(s))
      visit(outer, (e) => {
        if (e.kind === 'assign' && e.target.kind === 'name' && given.has(e.target.name) && creates(e.value))
          fresh = true
      })
  return fresh
}

/** `kref_put(&x->ref, release)`. */
function handing(func: Func, name: string): Call[] {
  const found: Call[] = []
  const cfg = cfgOf(func)
  for (const n of cfg.nodes)
    for (const e of exprsOf(n))
      visit(e, (x) => {
        if (x.kind === 'call' && x.args.some((a) => a.kind === 'name' && a.name === name)) found.push(x)
      })
  return found
}

function reaches(cfg: Cfg, to: number, without: ReadonlySet<number>): boolean {
  const seen = new Set([cfg.entry])
  const stack = [cfg.entry]
  while (stack.length > 0) {
    const n = stack.pop()!
    if (n === to) return true
    if (without.has(n)) continue
    for (const e of cfg.nodes[n]!.succ)
      if (!seen.has(e.to)) {
        seen.add(e.to)
        stack.push(e.to)
      }
  }
  return false
}

const exprsOf = (n: CfgNode): Expr[] => [
  ...(n.expr === undefined ? [] : [n.expr]),
  ...(n.local?.init === undefined || n.local.init === n.expr ? [] : [n.local.init]),
]
const nodeOf = (cfg: Cfg, e: Expr): CfgNode | undefined =>
  cfg.nodes.find((n) => exprsOf(n).some((x) => x.start <= e.start && e.end <= x.end))
const textOf = (f: Func): string => f.file.source.text.slice(f.start, f.end)
const wordIn = (f: Func, w: string): boolean => new RegExp(`(->|\\.)${w}\\b`).test(textOf(f))
const placeOf = (func: Func, e: { readonly start: number }): Place => ({
  file: func.file.path,
  line: func.file.source.position(e.start).line,
  func: func.name,
})
function fieldOf(e: Expr | undefined): string | undefined {
  if (e === undefined) return undefined
  if (e.kind === 'unary' || e.kind === 'cast') return fieldOf(e.of)
  return e.kind === 'member' ? e.field : e.kind === 'name' ? e.name : undefined
}

/** Fields that open, close and mmap of a mapping count. */
export function countedBy(code: Code, funcs: readonly (Func | undefined)[]): ReadonlySet<string> {
  const fields = new Set<string>()
  for (const f of funcs)
    if (f !== undefined) for (const c of countsOf(code, f).counts) fields.add(c.what.split('.').at(-1)!)
  return fields
}

/** What the way of a handler has to be afraid of. */
export type Fate =
  /** Freed, and nothing is asked before; or the mappings are taken away first. */
  | { readonly is: 'freed' | 'zapped'; readonly by: 'user' | 'removal'; readonly route: Route }
  | { readonly is: 'wrong'; readonly how: 'slab' | 'elsewhere'; readonly at: Place }
  | { readonly is: 'kept'; readonly why: string; readonly counted?: Route }
  /** Of the device: nobody gets it when the driver goes. `unallocated`: taken for that, since it was followed to where nobody allocates it. */
  | { readonly is: 'device'; readonly unallocated?: string }
  | { readonly is: 'unseen'; readonly why: string }

/** Tables whose core keeps what is mapped, or takes it away, until its mappings are gone. */
const keepers =
  /^(dma_buf_ops|drm_gem_object_funcs|vb2_mem_ops|snd_\w+|videobuf_qtype_ops|bin_attribute|vfio_device_ops|vfio_pci_regops|ib_device_ops|uio_info)$/
/** What runs when nothing is mapped any more: the mapping holds the file, or the object. */
const lasts =
  /^(drm_gem_object_funcs\.free|drm_driver\.(postclose|lastclose|gem_free_object\w*|release)|ib_device_ops\.dealloc_ucontext|fb_ops\.(fb_release|fb_destroy)|dma_buf_ops\.release|vb2_mem_ops\.put|snd_\w+\.(hw_free|close|pcm_destruct\w*|free)|vm_operations_struct\.close)$/
/** Before anybody can have mapped it. */
const starts = /\.(probe\w*|bind|init|attach|add\w*)$|of (\w*initcall\w*|module_init)$/
const bound = /^(file_operations|fb_ops|v4l2_file_operations)$/

export function fateOf(
  life: Life,
  tables: readonly { readonly table: string; readonly struct: string }[],
  counted: ReadonlySet<string>,
  isRelease: (func: string, table: string) => boolean,
  stays: boolean,
): Fate {
  if (life.wrong !== undefined) return { is: 'wrong', how: life.wrong.is, at: life.wrong.at }
  const struct = tables[0]?.struct ?? ''
  let zapped: Fate | undefined
  let removal: Fate | undefined
  let unsure: string | undefined
  let last: string | undefined
  let by: Route | undefined
  // The file has a reference of its own, which its release drops: other references do not matter to a mapping.
  const byFile = new Set(
    life.routes.flatMap((r) =>
      r.ref !== undefined &&
      r.entry.text.endsWith('file_operations.release') &&
      tables.some((t) => isRelease(r.through[0] ?? '', t.table))
        ? [`${r.at.file}:${r.at.line} ${r.ref}`]
        : [],
    ),
  )
  for (const r of life.routes) {
    const [of = ''] = /[\w>-]+\.\w+$/.exec(r.entry.text) ?? []
    const say = `${r.api.replace(/^(\w+)$/, '$1()')} in ${r.at.func}()`
    if (starts.test(r.entry.text)) continue
    if (r.asks || (r.ref !== undefined && counted.has(r.ref))) {
      last ??= 'it is freed when its count says that nothing is mapped'
      by ??= r
      continue
    }
    if (
      lasts.test(of) ||
      (/^\w*file_operations\.release$/.test(of) && tables.some((t) => isRelease(r.through[0] ?? '', t.table)))
    ) {
      last ??= `it is freed by ${r.through[0]}(), when the file or the object is gone that a mapping holds`
      continue
    }
    if (r.entry.by === 'removal') {
      if (/module_exit/.test(r.entry.text)) continue
      if (r.zaps !== undefined) zapped ??= { is: 'zapped', by: 'removal', route: r }
      else if (r.waits || r.ref !== undefined || !bound.test(struct)) {
        if (!keepers.test(struct)) unsure ??= `${say} may wait for the last mapping`
      } else if (!stays) removal ??= { is: 'freed', by: 'removal', route: r }
      continue
    }
    if (r.ref !== undefined && byFile.has(`${r.at.file}:${r.at.line} ${r.ref}`)) {
      last ??= 'it is freed with the last reference, and the file that a mapping holds has one'
      continue
    }
    if (r.ref !== undefined) {
      unsure ??= `${say} is for the last reference, and whether a mapping has one is not seen`
      continue
    }
    if (r.entry.by !== 'user' || /^\w*file_operations\.release$/.test(of)) {
      unsure ??= `when ${r.through[0]}() frees it is not seen`
      continue
    }
    if (r.zaps !== undefined) {
      zapped ??= { is: 'zapped', by: 'user', route: r }
      continue
    }
    return { is: 'freed', by: 'user', route: r }
  }
  if (removal !== undefined) return removal
  if (unsure !== undefined) return { is: 'unseen', why: unsure }
  if (zapped !== undefined) return zapped
  if (life.unseen !== undefined && !life.device) return { is: 'unseen', why: life.unseen }
  if (last !== undefined) return { is: 'kept', why: last, ...(by && { counted: by }) }
  if (life.device) return { is: 'device' }
  if (life.made) return { is: 'kept', why: 'it is never given back' }
  return { is: 'device', unallocated: life.memory[0]?.field ?? 'it' }
}

const locking =
  /\b(mutex_lock\w*|down_(read|write)\w*|spin_lock\w*|read_lock\w*|write_lock\w*|dma_resv_lock\w*|(scoped_)?guard\(\w+\))\s*\(\s*&?\s*([\w\s>.()[\]-]*?)(\w+)\s*[,)]/g

/** Locks that a function takes, also in `depth` functions that it calls. */
export function locksOf(code: Code, func: Func, depth: number): readonly string[] {
  const found = new Set([...textOf(func).matchAll(locking)].map((m) => m.at(-1)!))
  if (depth > 0)
    for (const c of callsOf(func)) {
      const callee = inModule(code, func.file, calleeName(c))
      if (callee !== undefined) for (const l of locksOf(code, callee, depth - 1)) found.add(l)
    }
  return [...found]
}
