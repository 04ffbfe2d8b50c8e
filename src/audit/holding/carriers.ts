import { type CFile, type CType, type Expr, type Func, stmtExprs, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { tagOf, typeOf } from './places.ts'
import * as words from './words.ts'

/**
 * Which places of a module the pages of one acquisition can be in: variables of functions, fields of structs by their tag, globals. Paths and
 * objects are not told apart; so it says where to look, and never that something does not happen.
 */
export type Carriers = {
  /** Whether an expression of a function may name the pages, or the memory in them. */
  carries(e: Expr, func: Func): false | 'page' | 'memory'
  /** Fields that keep them, as `struct.field`. */
  readonly fields: readonly string[]
}

/** A field, `f:struct.field`; a variable, `v:file:function:name`; what a function returns, `r:function`; a global, `g:name`. */
type Key = string
type Named = { readonly key: Key; readonly memory: boolean }
type Edge = Named & { readonly only?: 'up'; readonly down?: true }

/** Lists of pages that the core makes: what is in one of their fields is in them. */
const containers =
  /^(sg_table|scatterlist|sg_append_table|sg_page_iter|sg_dma_page_iter|sg_mapping_iter|bio_vec|frame_vector|pagevec|folio_batch)$/
const inside =
  /^(sg_page|sg_page_iter_page|sg_next|sg_virt|sg_last|frame_vector_pages|bvec_page|sg_page_iter_dma_address)$/
const loops = /^for_each_(sg|sgtable)\w*$/

export class Module {
  readonly files: readonly CFile[]
  readonly functions: readonly Func[]
  readonly #code: Code
  readonly #edges = new Map<Key, Edge[]>()
  readonly #byName = new Map<string, Func[]>()
  readonly #exprs = new Map<Func, readonly Expr[]>()

  constructor(code: Code, files: readonly CFile[]) {
    this.#code = code
    this.files = files
    this.functions = files.flatMap((f) => f.functions)
    for (const f of this.functions) {
      const same = this.#byName.get(f.name)
      if (same === undefined) this.#byName.set(f.name, [f])
      else same.push(f)
    }
    for (const f of this.functions) this.#connect(f)
  }

  /** The functions of the module that a call of this name may reach. */
  named(name: string, from: CFile): readonly Func[] {
    const all = this.#byName.get(name) ?? []
    const here = all.filter((f) => f.file === from)
    return here.length > 0 ? here : all.filter((f) => !f.static)
  }

  expressions(func: Func): readonly Expr[] {
    let found = this.#exprs.get(func)
    if (found === undefined) {
      found = func.body.stmts.flatMap((s) => stmtExprs(s))
      this.#exprs.set(func, found)
    }
    return found
  }

  /** Where what is in `start` may get to. */
  from(start: readonly { readonly e: Expr; readonly func: Func }[] | { readonly returned: Func }): Carriers {
    const seen = new Map<string, 'up' | 'down'>()
    const queue: (Named & { phase: 'up' | 'down' })[] = []
    const reach = (to: Named, phase: 'up' | 'down'): void => {
      const id = `${to.key}${to.memory ? ' m' : ''}`
      const before = seen.get(id)
      if (before === 'up' || before === phase) return
      seen.set(id, phase)
      // A field is found by everybody who has the object: up and down again.
      queue.push({ ...to, phase: to.key.startsWith('f:') || to.key.startsWith('g:') ? 'up' : phase })
    }
    if ('returned' in start) reach({ key: `r:${start.returned.name}`, memory: false }, 'up')
    else for (const { e, func } of start) for (const n of this.#names(e, func)) reach(n, 'up')
    for (let at = queue.pop(); at !== undefined; at = queue.pop())
      for (const e of this.#edges.get(at.key) ?? []) {
        if (e.only === 'up' && at.phase === 'down') continue
        reach({ key: e.key, memory: e.memory || at.memory }, e.down === true ? 'down' : at.phase)
      }
    return {
      carries: (e, func) => {
        let page = false
        for (const n of this.#names(e, func)) {
          if (seen.has(`${n.key} m`) || (n.memory && seen.has(n.key))) return 'memory'
          if (seen.has(n.key)) page = true
        }
        return page ? 'page' : false
      },
      fields: [
        ...new Set(
          [...seen.keys()].flatMap((k) => (k.startsWith('f:') ? [k.slice(2).replace(/ m$/, '')] : [])),
        ),
      ],
    }
  }

  #connect(func: Func): void {
    const edge = (from: Named, to: Named, more: Pick<Edge, 'only' | 'down'> = {}): void => {
      const list = this.#edges.get(from.key)
      const made: Edge = { key: to.key, memory: from.memory || to.memory, ...more }
      if (list === undefined) this.#edges.set(from.key, [made])
      else list.push(made)
    }
    const flow = (from: Expr, to: readonly Named[]): void => {
      for (const f of this.#names(from, func)) for (const t of to) if (f.key !== t.key) edge(f, t)
    }
    for (const l of func.body.locals)
      if (l.init !== undefined) flow(l.init, [{ key: local(func, l.name), memory: false }])
    for (const outer of this.expressions(func))
      visit(outer, (e) => {
        if (e.kind === 'assign' && (e.op === '=' || e.op === '+')) flow(e.value, this.#names(e.target, func))
        if (e.kind === 'init')
          for (const item of e.items) {
            const tag = e.type === undefined ? undefined : tagOf(e.type)
            const field = item.path.at(-1)?.replace(/^\./, '')
            if (tag !== undefined && field !== undefined)
              flow(item.value, [{ key: `f:${tag}.${field}`, memory: false }])
          }
        if (e.kind !== 'call' || e.callee.kind !== 'name') return
        const { name } = e.callee
        if (loops.test(name) && e.args[0] !== undefined && e.args[1] !== undefined)
          return flow(e.args[0], this.#names(e.args[1], func))
        const move = words.moves.get(name)
        if (move !== undefined) {
          const [from, to] = [e.args[move.from], e.args[move.to]]
          if (from !== undefined && to !== undefined) flow(from, this.#names(to, func))
          return
        }
        for (const callee of this.named(name, func.file))
          callee.params.forEach((p, i) => {
            const arg = e.args[i]
            if (arg === undefined) return
            const param: Named = { key: local(callee, p.name), memory: false }
            for (const n of this.#names(arg, func)) {
              edge(n, param, { down: true })
              if (p.type.pointer > 0) edge(param, n, { only: 'up' })
            }
          })
      })
    for (const s of returnsOf(func))
      for (const n of this.#names(s, func)) edge(n, { key: `r:${func.name}`, memory: false }, { only: 'up' })
  }

  /** The places that an expression names. */
  #names(e: Expr, func: Func): readonly Named[] {
    switch (e.kind) {
      case 'name':
        return [{ key: isLocal(func, e.name) ? local(func, e.name) : `g:${e.name}`, memory: false }]
      case 'member': {
        const tag = tagOf(typeOf(this.#code, func, e.base))
        if (tag === undefined) return []
        if (containers.test(tag)) return this.#names(e.base, func)
        return [{ key: `f:${tag}.${e.field}`, memory: false }]
      }
      case 'index':
        return this.#names(e.base, func)
      case 'cast':
        return this.#names(e.of, func)
      case 'unary':
        return e.op === '&' || e.op === '*' || e.op === '++' || e.op === '--' ? this.#names(e.of, func) : []
      case 'binary':
        return e.op === '+' || e.op === '-' || e.op === '<<' || e.op === '>>' || e.op === '|'
          ? this.#names(e.left, func)
          : []
      case 'ternary':
        return [...(e.then === undefined ? [] : this.#names(e.then, func)), ...this.#names(e.otherwise, func)]
      case 'call': {
        if (e.callee.kind !== 'name') return []
        const { name } = e.callee
        const arg = e.args[0]
        if (arg !== undefined && (words.alias.test(name) || inside.test(name) || words.keepsValue.test(name)))
          return this.#names(arg, func).map((n) => ({ key: n.key, memory: words.toMemory.test(name) }))
        return [{ key: `r:${name}`, memory: false }]
      }
      default:
        return []
    }
  }
}

const local = (func: Func, name: string): Key => `v:${func.file.path}:${func.name}:${name}`
const isLocal = (func: Func, name: string): boolean =>
  func.params.some((p) => p.name === name) || func.body.locals.some((l) => l.name === name)

function returnsOf(func: Func): Expr[] {
  const found: Expr[] = []
  const pointer = (t: CType): boolean =>
    t.pointer > 0 || /^(kvm_pfn_t|phys_addr_t|unsigned long|u64)$/.test(t.base)
  if (!pointer(func.returns)) return found
  const look = (stmts: readonly import('../../source/index.ts').Stmt[]): void => {
    for (const s of stmts) {
      if (s.kind === 'return' && s.value !== undefined) found.push(s.value)
      else if (s.kind === 'block') look(s.body)
      else if (s.kind === 'if') look([s.then, ...(s.otherwise === undefined ? [] : [s.otherwise])])
      else if (s.kind === 'arms') for (const a of s.arms) look(a.body)
      else if ('body' in s && !Array.isArray(s.body) && typeof s.body === 'object')
        look([s.body as import('../../source/index.ts').Stmt])
    }
  }
  look(func.body.stmts)
  return found
}
