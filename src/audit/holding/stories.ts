import { type Expr, type Func, type Stmt, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachCall, insideOf, isCallOf } from '../each.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'
import { ownerOf } from '../ways/types.ts'
import { Entries } from './entries.ts'
import type { HoldingSite, StructField } from './event.ts'
import { sameCall, worst } from './same-call.ts'
import type { SameCall, Story, StoryRelease } from './story.ts'
import * as words from './words.ts'

const most = { depth: 3, callers: 4, rounds: 3, functions: 200 }

/** The stories of sites, each told once. */
export class Stories {
  readonly #code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #entries: Entries
  readonly #known = new Map<HoldingSite['call'], Story>()

  constructor(code: Code, apis: ReadonlyMap<string, ReferenceApi>) {
    this.#code = code
    this.#apis = apis
    this.#entries = new Entries(code)
  }

  entered(func: Func): string | undefined {
    return this.#entries.entered(func)
  }

  /** It is put into a table, or handed to somebody who calls it. */
  given(func: Func): boolean {
    return this.#entries.uses(func).length > 0
  }

  of(site: HoldingSite): Story {
    let story = this.#known.get(site.call)
    if (story === undefined) {
      story = new Telling(this.#code, this.#apis, this.#entries, site).story()
      this.#known.set(site.call, story)
    }
    return story
  }
}

type Seeds = { readonly pages: ReadonlySet<string>; readonly memory: ReadonlySet<string> }
type Field = StructField & { readonly memory: boolean }

/** One site's. Pages are followed by name: through locals, own functions and fields. */
class Telling {
  readonly #code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #entries: Entries
  readonly #site: HoldingSite
  readonly #fields: Field[] = []
  readonly #releases = new Map<string, StoryRelease>()
  readonly #writes = new Map<string, Story['writes'][number]>()
  readonly #seen = new Set<string>()
  /** Names that the pages have where they are taken. */
  #own: ReadonlySet<string> = new Set()
  #dirtied = false
  readonly #sleepers: { readonly func: Func; readonly call: Expr; readonly name: string }[] = []
  #reads = false
  #mixed = false
  /** References are added to them somewhere, which put_page() drops again. */
  #extra = false
  #alone = false

  constructor(code: Code, apis: ReadonlyMap<string, ReferenceApi>, entries: Entries, site: HoldingSite) {
    this.#code = code
    this.#apis = apis
    this.#entries = entries
    this.#site = site
  }

  story(): Story {
    const { func, call, api } = this.#site
    const out = typeof api.out === 'number' ? call.args[api.out] : undefined
    const seeds = out === undefined ? new Set<string>() : new Set(this.#start(func, out))
    // `pages = all + done`: what is filled is a part of what stands there.
    for (const l of func.body.locals)
      if (seeds.has(l.name) && l.init?.kind === 'binary')
        for (const n of this.#start(func, l.init)) seeds.add(n)
    this.#own = seeds
    this.#look(func, { pages: seeds, memory: new Set() }, 0)
    this.#upwards(func, seeds, 0)
    for (let i = 0, known = -1; i < most.rounds && this.#fields.length > known; i++) {
      known = this.#fields.length
      this.#everywhere()
    }
    const own = func.file.path.endsWith('.h')
    if (this.#fields.length === 0 && api.takes === 'pin') this.#only()
    const releases = [...this.#releases.values()].filter(
      (r) => !(this.#extra && r.as === 'get' && api.takes === 'pin'),
    )
    const later = releases.filter((r) => r.func !== func)
    const ends = own ? [] : [...new Set(later.map((r) => r.func))].flatMap((f) => this.#entries.of(f))
    return {
      fields: this.#fields.filter((f) => !f.memory),
      releases: later,
      dirtied: this.#dirtied || later.some((r) => r.dirties),
      writes: [...this.#writes.values()],
      onlyRead: this.#reads && this.#writes.size === 0,
      ends,
      sameCall: this.#together(
        later.map((r) => sameCall(this.#code, this.#entries, func, call.start, r.func, 0)),
      ),
      notifier: this.#notifier(),
      mixed: this.#mixed,
      alone: this.#alone,
      sleeps: this.#sleeps(),
    }
  }

  /** A process that takes them in one call and in none that gives them back in it decides how long they are kept. */
  #together(all: readonly (readonly { is: SameCall; by: Func }[])[]): SameCall {
    const ways = all.flat()
    const one = worst(ways.map((w) => w.is))
    const stays = ways.some(
      ({ by }) =>
        this.#entries.entered(by) !== undefined &&
        this.#entries.of(by).every((e) => e.by === 'user') &&
        all.every((of) => of.filter((w) => w.by === by).some((w) => w.is === 'no')),
    )
    return stays ? 'no' : one
  }

  #sleeps(): Story['sleeps'] {
    for (const { func, call, name } of this.#sleepers) {
      const atomic = heldAtomic(func, call.start) ?? this.#entries.atomic(func)
      if (atomic !== undefined) return { at: this.#place(func, call), text: `${name}()`, atomic }
    }
    return undefined
  }

  /** It is kept as a number, or in no field that is seen. Where nothing else in the module pins, what is unpinned there is this. */
  #only(): void {
    const { file } = this.#site.func
    const calls = (
      names: Iterable<string>,
      see: (func: Func, e: Expr & { kind: 'call' }, name: string) => void,
    ): void => {
      for (const name of names)
        for (const f of this.#code.moduleWith(file, name))
          for (const func of f.functions)
            if (func.mentions(name))
              eachCall(func, (e) => {
                if (isCallOf(e, name)) see(func, e, name)
              })
    }
    let others = 0
    const pins = [...this.#apis.values()].filter((a) => a.takes === 'pin').map((a) => a.name)
    calls(pins, (_, e) => {
      if (e !== this.#site.call) others++
    })
    if (others > 0) return
    const pinned = [...words.releases].filter(([, r]) => r.as === 'pin').map(([name]) => name)
    calls(pinned, (func, e, name) => {
      const at = this.#place(func, e)
      const { dirties } = words.releases.get(name)!
      this.#releases.set(`${at.file}:${at.line}`, {
        api: name,
        as: 'pin',
        dirties: typeof dirties === 'number' && !isFalse(e.args[dirties]),
        at,
        func,
      })
    })
    const dirtied = ['set_page_dirty', 'set_page_dirty_lock', 'folio_mark_dirty', 'folio_mark_dirty_lock']
    calls(dirtied, () => {
      this.#dirtied = true
    })
    this.#alone = this.#releases.size > 0
  }

  #notifier(): boolean {
    const { file } = this.#site.func
    const structs = [...new Set(this.#fields.map((f) => f.struct.split('.')[0]!))]
    return ['mmu_notifier_ops', 'mmu_interval_notifier_ops'].some((w) =>
      structs.length === 0
        ? this.#code.moduleWith(file, w).length > 0
        : structs.some((s) => this.#code.moduleWith(file, w, s).length > 0),
    )
  }

  /** `pages`, `&page`, `x->pages + n`: the local, or the field. */
  #start(func: Func, e: Expr): string[] {
    let x = e
    for (;;) {
      if (x.kind === 'cast' || (x.kind === 'unary' && (x.op === '&' || x.op === '*'))) x = x.of
      else if (x.kind === 'index') x = x.base
      else if (x.kind === 'binary') x = x.left
      else break
    }
    if (x.kind === 'name') return [x.name]
    if (x.kind === 'member') this.#field(func, x, false)
    return []
  }

  #field(func: Func, e: Expr, memory: boolean): void {
    let x = e
    for (;;) {
      if (x.kind === 'cast' || (x.kind === 'unary' && (x.op === '&' || x.op === '*'))) x = x.of
      else if (x.kind === 'index') x = x.base
      else if (
        x.kind === 'member' &&
        (x.field === 'sgl' || x.field === 'orig_nents' || (x.field === 'sgt' && x.base.kind === 'member'))
      )
        x = x.base
      else break
    }
    if (x.kind !== 'member') return
    const struct = ownerOf(this.#code, func, x.base)
    if (struct === undefined || /^(page|folio|scatterlist|sg_table)$/.test(struct)) return
    const add = (s: string, field: string): void => {
      if (!this.#fields.some((f) => f.struct === s && f.field === field && f.memory === memory))
        this.#fields.push({ struct: s, field, memory })
    }
    add(struct, x.field)
    // What an exporter hands over is what its dma-buf has from then on.
    if (struct === 'dma_buf_export_info' && x.field === 'priv') add('dma_buf', 'priv')
  }

  /** What the function hands to its callers: by return, or through a parameter. */
  #upwards(func: Func, names: ReadonlySet<string>, depth: number): void {
    if (depth >= most.depth) return
    const through = func.params.map((p) => names.has(p.name) && p.type.pointer > 0)
    const text = func.file.source.text.slice(func.start, func.end)
    const returned = [...names].some((n) => new RegExp(`\\breturn\\s+${n}\\s*;`).test(text))
    if (!returned && !through.some(Boolean)) return
    const callers = this.#code.callers(func)
    if (callers.length > most.callers) {
      this.#mixed = true
      return
    }
    for (const c of callers) {
      const seeds = new Set<string>()
      for (const outer of c.body.stmts.flatMap((s) => stmtExprs(s)))
        visit(outer, (e) => {
          if (e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === func.name)
            for (const [i, a] of e.args.entries())
              if (through[i] === true) for (const n of this.#start(c, a)) seeds.add(n)
          if (returned && e.kind === 'assign' && isCallOf(e.value, func.name)) {
            if (e.target.kind === 'name') seeds.add(e.target.name)
            else this.#field(c, e.target, false)
          }
        })
      if (returned)
        for (const l of c.body.locals)
          if (l.init !== undefined && isCallOf(l.init, func.name)) seeds.add(l.name)
      if (seeds.size === 0) continue
      this.#look(c, { pages: seeds, memory: new Set() }, 1)
      this.#upwards(c, seeds, depth + 1)
    }
  }

  /** Every function of the module that mentions a field. */
  #everywhere(): void {
    // More may be found on the way: those come in the next round.
    const known = this.#fields.slice()
    for (const field of known) {
      const { file } = this.#site.func
      const [tag] = field.struct.split('.')
      const own = file.path.endsWith('.c') && file.structs.some((s) => s.name === tag)
      for (const f of own ? [file] : this.#code.moduleWith(file, field.field))
        for (const func of f.functions)
          if (new RegExp(`${field.field}|\\b${tag}_\\w+\\(`).test(f.source.text.slice(func.start, func.end)))
            this.#look(
              func,
              { pages: func === this.#site.func ? this.#own : new Set(), memory: new Set() },
              0,
            )
    }
  }

  /** What one function does with them. */
  #look(func: Func, given: Seeds, depth: number): void {
    const key = `${func.file.path} ${func.name} ${[...given.pages].join()} ${[...given.memory].join()} ${this.#fields.length}`
    if (this.#seen.has(key) || this.#seen.size > most.functions) return
    this.#seen.add(key)
    const pages = new Set(given.pages)
    const memory = new Set(given.memory)
    const all: Expr[] = []
    const loops: (Expr & { kind: 'call' })[] = []
    const collect = (stmts: readonly Stmt[]): void => {
      for (const s of stmts) {
        if (s.kind === 'macro') loops.push(s.call)
        collect(insideOf(s))
      }
    }
    collect(func.body.stmts)
    for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
      visit(outer, (e) => {
        all.push(e)
      })
    const is = (e: Expr): 'page' | 'memory' | undefined => this.#is(func, e, pages, memory)
    const put = (to: Expr, what: 'page' | 'memory'): void => {
      if (to.kind === 'name') (what === 'page' ? pages : memory).add(to.name)
      else if (to.kind === 'index' && to.base.kind === 'name')
        (what === 'page' ? pages : memory).add(to.base.name)
      else if (to.kind === 'unary' && to.op === '*' && to.of.kind === 'name') pages.add(to.of.name)
      else this.#field(func, to, what === 'memory')
    }
    for (let size = -1; size < pages.size + memory.size; ) {
      size = pages.size + memory.size
      for (const l of func.body.locals) {
        const what = l.init === undefined ? undefined : is(l.init)
        if (what !== undefined) (what === 'page' ? pages : memory).add(l.name)
      }
      for (const e of all) {
        if (e.kind === 'assign' && e.op === '=') {
          const what = is(e.value)
          if (what !== undefined) put(e.target, what)
        }
        if (e.kind !== 'call' || e.callee.kind !== 'name') continue
        const move = words.moves.get(e.callee.name)
        const from = move === undefined ? undefined : e.args[move.from]
        const to = move === undefined ? undefined : e.args[move.to]
        if (from !== undefined && to !== undefined && is(from) === 'page') {
          const names = this.#start(func, to)
          for (const n of names) pages.add(n)
          if (names.length === 0) this.#field(func, to, false)
        }
      }
      // `for_each_sg(sgl, sg, …)`, `for_each_sgtable_page(sgt, &iter, 0)`.
      for (const c of loops)
        if (c.callee.kind === 'name' && c.callee.name.startsWith('for_each_sg')) {
          const [from, to] = c.args
          if (from !== undefined && to !== undefined && is(from) === 'page')
            for (const n of this.#start(func, to)) pages.add(n)
        }
    }
    for (const e of all) {
      if (e.kind === 'assign') this.#stored(func, e, is)
      if (e.kind === 'call' && e.callee.kind === 'name') this.#called(func, e, e.callee.name, is, depth)
    }
  }

  #is(
    func: Func,
    e: Expr,
    pages: ReadonlySet<string>,
    memory: ReadonlySet<string>,
  ): 'page' | 'memory' | undefined {
    const same = (x: Expr | undefined): 'page' | 'memory' | undefined =>
      x === undefined ? undefined : this.#is(func, x, pages, memory)
    switch (e.kind) {
      case 'name':
        return pages.has(e.name) ? 'page' : memory.has(e.name) ? 'memory' : undefined
      case 'cast':
        return same(e.of)
      case 'unary':
        return e.op === '&' || e.op === '*' ? same(e.of) : undefined
      case 'index':
        return same(e.base)
      case 'binary':
        return /^(\+|-|<<|>>|\||&)$/.test(e.op) ? same(e.left) : undefined
      case 'call': {
        if (e.callee.kind !== 'name') return undefined
        const { name } = e.callee
        if (name === 'sg_page_iter_page') return same(e.args[0])
        if (!words.alias.test(name)) {
          // `frame_vector_pages(vec)`: what a field holds, by a small function of its struct.
          if (!this.#fields.some((f) => name.startsWith(f.struct))) return undefined
          const small = this.#code.resolve(name, func.file)
          if (small === undefined || small === func || small.end - small.start > 600) return undefined
          for (const n of this.#code.graph(small).nodes)
            if (n.kind === 'return' && n.value !== undefined) {
              const found = this.#is(small, n.value, new Set(), new Set())
              if (found !== undefined) return found
            }
          return undefined
        }
        const what = same(e.args[0])
        return what === 'page' && words.toMemory.test(name) ? 'memory' : what
      }
      case 'member': {
        if (/^(sgl|sgt|page)$/.test(e.field) && same(e.base) !== undefined) return same(e.base)
        const named = this.#fields.filter((f) => f.field === e.field)
        if (named.length === 0) return undefined
        const struct = ownerOf(this.#code, func, e.base)
        const field = named.find((f) => f.struct === struct)
        return field === undefined ? undefined : field.memory ? 'memory' : 'page'
      }
      default:
        return undefined
    }
  }

  #place(func: Func, e: Expr): Place {
    return { file: func.file.path, line: func.file.source.position(e.start).line, func: func.name }
  }

  /** `*c->flag = 1` writes to the memory; `x->pages[i] = other` puts other pages there. */
  #stored(func: Func, e: Expr & { kind: 'assign' }, is: (e: Expr) => 'page' | 'memory' | undefined): void {
    const { target } = e
    const through =
      (target.kind === 'unary' && target.op === '*' && is(target.of) === 'memory') ||
      (target.kind === 'index' && is(target.base) === 'memory') ||
      (target.kind === 'member' && target.arrow && is(target.base) === 'memory')
    if (through) {
      const at = this.#place(func, e)
      const text = func.file.source.text.slice(e.start, e.end).replace(/\s+/g, ' ')
      this.#writes.set(`${at.file}:${at.line}`, { by: 'cpu', at, text })
    } else if (
      target.kind === 'index' &&
      target.base.kind === 'member' &&
      is(target.base) === 'page' &&
      is(e.value) === undefined &&
      !(e.value.kind === 'name' && e.value.name === 'NULL')
    )
      this.#mixed = true
  }

  #called(
    func: Func,
    e: Expr & { kind: 'call' },
    name: string,
    is: (e: Expr) => 'page' | 'memory' | undefined,
    depth: number,
  ): void {
    const api = this.#apis.get(name)
    if (api !== undefined) {
      const out = typeof api.out === 'number' ? e.args[api.out] : undefined
      if (
        e !== this.#site.call &&
        out !== undefined &&
        api.takes !== this.#site.api.takes &&
        is(out) === 'page'
      )
        this.#mixed = true
      return
    }
    const release = words.releases.get(name)
    const at = this.#place(func, e)
    if (release !== undefined) {
      const arg = e.args[release.arg]
      if (arg === undefined || is(arg) === undefined) return
      const flag = typeof release.dirties === 'number' ? e.args[release.dirties] : undefined
      const dirties = typeof release.dirties === 'number' && !isFalse(flag)
      this.#releases.set(`${at.file}:${at.line}`, { api: name, as: release.as, dirties, at, func })
      // What is not written there as true may be false whenever sleeping is forbidden.
      if (dirties && flag !== undefined && isTrue(flag)) this.#sleepers.push({ func, call: e, name })
      return
    }
    if (words.addsReference.test(name)) {
      if (e.args[0] !== undefined && is(e.args[0]) === 'page') this.#extra = true
      return
    }
    if (words.dirties.test(name)) {
      if (e.args[0] === undefined || is(e.args[0]) === undefined) return
      this.#dirtied = true
      if (words.dirtiesLocked.test(name)) this.#sleepers.push({ func, call: e, name })
      return
    }
    const map = words.maps.get(name)
    if (map !== undefined) {
      const arg = e.args[map.arg]
      if (arg === undefined || is(arg) === undefined) return
      const direction = e.args[map.direction]
      const text = direction === undefined ? '' : func.file.source.text.slice(direction.start, direction.end)
      if (/\b(DMA_TO_DEVICE|PCI_DMA_TODEVICE)\b/.test(text) && !/FROM|BIDI/.test(text)) this.#reads = true
      else this.#writes.set(`${at.file}:${at.line}`, { by: 'device', at, text: `${name}(…, ${text})` })
      return
    }
    if (words.writes.test(name)) {
      if (e.args[0] !== undefined && is(e.args[0]) === 'memory')
        this.#writes.set(`${at.file}:${at.line}`, { by: 'cpu', at, text: `${name}()` })
      return
    }
    if (depth >= most.depth) return
    const given = e.args.map((a) => is(a))
    if (!given.some((g) => g !== undefined)) return
    const callee = this.#code.resolveHere(name, func.file) ?? this.#inModule(name, func)
    if (callee === undefined || callee === func) return
    const pages = new Set<string>()
    const memory = new Set<string>()
    callee.params.forEach((p, i) => {
      if (given[i] === 'page') pages.add(p.name)
      if (given[i] === 'memory') memory.add(p.name)
    })
    this.#look(callee, { pages, memory }, depth + 1)
  }

  #inModule(name: string, func: Func): Func | undefined {
    if (words.harmless.test(name) || words.frees.test(name) || words.publishes.test(name)) return undefined
    for (const f of this.#code.moduleWith(func.file, name)) {
      const found = this.#code.resolveHere(name, f)
      if (found !== undefined) return found
    }
    return undefined
  }
}

const isTrue = (e: Expr): boolean =>
  (e.kind === 'number' && e.value !== 0) || (e.kind === 'name' && /^(true|TRUE)$/.test(e.name))

/** What was taken before a place in a function and forbids to sleep, by the order of the text. */
function heldAtomic(func: Func, at: number): string | undefined {
  const text = func.file.source.text.slice(func.start, at)
  const held: string[] = []
  for (const m of text.matchAll(/\b(\w+)\s*\(/g)) {
    const name = m[1]!
    if (words.atomicTaken.test(name)) held.push(name)
    else if (words.atomicDropped.test(name)) {
      const behind = text.slice(m.index).replace(/^[^;]*;/, '')
      if (!/^\s*(return|goto|continue|break)\b[^;]*;/.test(behind)) held.pop()
    }
  }
  return held.at(-1) === undefined ? undefined : `${held.at(-1)}()`
}
const isFalse = (e: Expr | undefined): boolean =>
  e === undefined ||
  (e.kind === 'number' && e.value === 0) ||
  (e.kind === 'name' && (e.name === 'false' || e.name === 'FALSE'))
