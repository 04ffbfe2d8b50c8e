import {
  type Call,
  type CFile,
  calleeName,
  type Expr,
  type Func,
  stmtExprs,
  stripCasts,
  visit,
} from '../../source/index.ts'
import type { Code } from '../code.ts'
import { ownerOf, tagOf, typeOf } from '../ways/types.ts'
import type { Place } from '../trace/event.ts'

/** Calls that give memory, which may be mapped, back to an allocator, and the argument that says which. */
export const frees: ReadonlyMap<string, number> = new Map([
  ['kfree', 0],
  ['kvfree', 0],
  ['kfree_sensitive', 0],
  ['vfree', 0],
  ['free_page', 0],
  ['free_pages', 0],
  ['__free_page', 0],
  ['__free_pages', 0],
  ['free_pages_exact', 0],
  ['dma_free_coherent', 2],
  ['dma_free_attrs', 2],
  ['dma_free_wc', 2],
  ['dma_free_writecombine', 2],
  ['dma_free_noncoherent', 2],
  ['dma_free_pages', 2],
  ['dma_pool_free', 1],
  ['pci_free_consistent', 2],
  ['gen_pool_free', 1],
  ['snd_dma_free_pages', 0],
])
/** Calls that give memory of the kernel's own, and the argument that also gets its address for the device. */
const makes: readonly (readonly [name: RegExp, also?: number])[] = [
  [/^(k[vzmc]*alloc\w*|kv?calloc\w*|v[zm]alloc\w*|__vmalloc\w*)$/],
  [/^(__get_free_pages?|get_zeroed_page\w*|alloc_pages?(_exact|_node|_exact_nid)?|folio_alloc\w*)$/],
  [/^(dma_alloc_(coherent|attrs|wc|writecombine|noncoherent)|pci_(z)?alloc_consistent)$/, 2],
  [/^dma_alloc_pages$/, 2],
  [/^dma_pool_z?alloc$/, 2],
  [/^gen_pool_(dma_)?z?alloc\w*$/, 2],
]
/** As before, and it goes when the driver is unbound. */
const managed = /^(dmam_alloc_\w+|devm_(k[vzmc]*alloc\w*|kcalloc|get_free_pages))$/
/** Memory of a device, which nobody gets when the driver goes. */
const ofDevice =
  /\b(pci_resource_(start|len)|platform_get_resource\w*|of_(iomap|address_to_resource)|d?evm?_?ioremap\w*|pcim?_iomap\w*|memremap|devm_memremap|request_mem_region|phys_base|__iomem|resource_size|of_reserved_mem\w*|reserved_mem|IORESOURCE_MEM|MK_IOSPACE_PFN)\b|\bres(ource)?(\[\w+\])?\s*(->|\.)\s*start\b/

export const makesMemory = (name: string): boolean => makes.some(([m]) => m.test(name)) || managed.test(name)

/** A name that the driver keeps memory under: a field of a struct, or a variable of the file (`in` is empty). */
export type Kept = { readonly in: string; readonly field: string; readonly file: CFile }
export type Origins = {
  readonly kept: readonly Kept[]
  readonly device: boolean
  /** It is allocated right there, and kept nowhere that is seen. */
  readonly made: boolean
  readonly managed: boolean
  /** It is not what a process may see whole pages of: part of a page of the slab allocator, or a frame that `virt_to_phys()` makes up. */
  readonly wrong?: { readonly is: 'slab' | 'elsewhere'; readonly at: Place }
  /** All of it comes from the slab allocator, a page or less, and its page is asked for. */
  readonly slab?: Place
  readonly unseen?: string
}

/** The same memory by another name. */
const views = new Map<string, number>([
  ['virt_to_phys', 0],
  ['__pa', 0],
  ['__pa_symbol', 0],
  ['virt_to_page', 0],
  ['virt_to_pfn', 0],
  ['page_to_pfn', 0],
  ['page_to_phys', 0],
  ['page_to_virt', 0],
  ['page_address', 0],
  ['pfn_to_page', 0],
  ['pfn_to_kaddr', 0],
  ['vmalloc_to_pfn', 0],
  ['vmalloc_to_page', 0],
  ['phys_to_virt', 0],
  ['__va', 0],
  ['PHYS_PFN', 0],
  ['PFN_PHYS', 0],
  ['PFN_DOWN', 0],
  ['__phys_to_pfn', 0],
  ['__pfn_to_phys', 0],
  ['phys_to_pfn_t', 0],
  ['pfn_to_pfn_t', 0],
  ['page_to_pfn_t', 0],
  ['__pfn_to_pfn_t', 0],
  ['dma_to_phys', 1],
  ['nth_page', 0],
  ['lower_32_bits', 0],
  ['PAGE_ALIGN', 0],
  ['READ_ONCE', 0],
  ['rcu_dereference', 0],
  ['folio_page', 0],
  ['sg_page', 0],
  ['sg_virt', 0],
  ['dma_to_pfn', 1],
])

const most = { depth: 7, names: 40, callers: 4 }

/** What memory an expression names, as far as it is followed: through variables, parameters and fields that are made of others. */
export function originsOf(code: Code, func: Func, expr: Expr): Origins {
  const kept = new Map<string, Kept>()
  const seen = new Set<string>()
  let device = false
  let made = false
  let unbound = false
  let unseen: string | undefined
  let wrong: Origins['wrong']
  let slab: Place | undefined
  let pages = false
  let others = 0
  // The address is taken for one of the linear mapping.
  let linear = false
  const miss = (why: string): void => void (unseen ??= why)

  const go = (f: Func, e: Expr, depth: number): void => {
    const x = stripCasts(e)
    if (depth > most.depth) return miss('it is passed on too often')
    switch (x.kind) {
      case 'unary':
        return go(f, x.of, depth)
      case 'index':
        return go(f, x.base, depth)
      case 'binary': {
        // A base and an offset: of `x->phys + off` the first one that names memory.
        const before = kept.size
        const was = { device, made }
        go(f, x.left, depth)
        if (x.op === '+' && kept.size === before && device === was.device && made === was.made)
          go(f, x.right, depth)
        return
      }
      case 'ternary':
        if (x.then !== undefined) go(f, x.then, depth)
        return go(f, x.otherwise, depth)
      case 'comma':
        return go(f, x.items.at(-1)!, depth)
      case 'assign':
        return go(f, x.value, depth)
      case 'number':
        return
      case 'call':
        return called(f, x, depth)
      case 'name':
        return named(f, x.name, depth)
      case 'member':
        return member(f, x, depth)
      default:
        return miss('it is not understood')
    }
  }

  const called = (f: Func, x: Call, depth: number): void => {
    const name = calleeName(x)
    const view = views.get(name)
    if (view !== undefined && x.args[view] !== undefined) {
      linear ||= /^(virt_to_(phys|page|pfn)|__pa)$/.test(name)
      return go(f, x.args[view], depth)
    }
    if (/^(ERR_PTR|ERR_CAST|likely|unlikely)$/.test(name)) return
    if (managed.test(name)) {
      made = true
      unbound = true
      return
    }
    if (makesMemory(name)) {
      made = true
      const at = { file: f.file.path, line: f.file.source.position(x.start).line, func: f.name }
      const size = x.args.map((a) => f.file.source.text.slice(a.start, a.end)).join(' ')
      const small =
        /^k[zm]alloc/.test(name) &&
        (/_objs?$/.test(name) || size.includes('sizeof')) &&
        !/\bPAGE_|order|SZ_\d+K/.test(size)
      // More than two pages are whole pages.
      const first = x.args[0] === undefined ? '' : f.file.source.text.slice(x.args[0].start, x.args[0].end)
      if (
        linear &&
        /^k[zm]alloc(_node|_obj)?$/.test(name) &&
        /^(PAGE_SIZE|\*\w+|sizeof\b[^*]*(\(\*[^*]*)?)$/.test(first)
      )
        slab ??= at
      else pages = true
      if (linear && /^v[zm]alloc/.test(name)) wrong ??= { is: 'elsewhere', at }
      else if (small) wrong ??= { is: 'slab', at }
      else others++
      return
    }
    if (ofDevice.test(name)) {
      device = true
      return
    }
    const callee = name === '' ? undefined : inSight(code, f.file, name)
    if (callee === undefined)
      return miss(`what ${name === '' ? 'a function pointer' : `${name}()`} gives is not seen`)
    const key = `call ${callee.file.path} ${name}`
    if (seen.has(key)) return
    seen.add(key)
    for (const s of callee.body.stmts) for (const r of returns(s)) go(callee, r, depth + 1)
  }

  const named = (f: Func, name: string, depth: number): void => {
    const key = `${f.file.path} ${f.name} ${name}`
    if (seen.has(key) || seen.size > most.names) return
    seen.add(key)
    if (/^(NULL|PAGE_SHIFT|PAGE_SIZE|[A-Z_0-9]+)$/.test(name)) return
    const param = f.params.findIndex((p) => p.name === name)
    const local = f.body.locals.some((l) => l.name === name)
    if (param < 0 && !local) {
      const file = code.global(name, f.file) === undefined ? definedIn(code, name) : f.file
      if (file === undefined) return miss(`${name} is not seen`)
      kept.set(`. ${name}`, { in: '', field: name, file })
      return
    }
    let any = false
    const before = made
    for (const v of valuesOf(f, name)) {
      any = true
      if (v.by !== undefined) {
        if (v.by === 'made') made = true
        else miss(`what ${v.by}() puts into ${name} is not seen`)
      } else go(f, v.value!, depth + 1)
    }
    // What was allocated here is put somewhere.
    if (made && !before)
      for (const s of f.body.stmts)
        for (const outer of stmtExprs(s))
          visit(outer, (a) => {
            const to = a.kind === 'assign' && a.op === '=' ? stripCasts(a.target) : undefined
            const v = a.kind === 'assign' ? stripCasts(a.value) : undefined
            if (to?.kind === 'member' && v?.kind === 'name' && v.name === name) member(f, to, depth + 1)
          })
    if (param >= 0) {
      if (/^struct (vm_area_struct|vm_fault|vm_area_desc)$/.test(f.params[param]!.type.base)) return
      const callers = code.callers(f)
      if (callers.length > most.callers || callers.length === 0)
        return any ? undefined : miss(`whoever calls ${f.name}() says what`)
      for (const c of callers)
        for (const x of callsTo(c, f.name)) if (x.args[param] !== undefined) go(c, x.args[param], depth + 1)
    } else if (!any) miss(`${name} is set in a way that is not seen`)
  }

  const member = (f: Func, x: Expr & { kind: 'member' }, depth: number): void => {
    const type = tagOf(typeOf(code, f, x.base))
    if (type === 'resource') {
      device = true
      return
    }
    if (type === 'vm_area_struct' || type === 'vm_fault' || type === 'vm_area_desc') {
      if (x.field !== 'vm_private_data') return
      const key = `private ${f.file.path}`
      if (seen.has(key)) return
      seen.add(key)
      for (const g of f.file.functions)
        if (/vm_private_data\s*=[^=]/.test(g.file.source.text.slice(g.start, g.end)))
          for (const a of assignsTo(g, 'vm_private_data')) go(g, a.value, depth + 1)
      return
    }
    const owner = ownerOf(code, f, x.base)
    // Whatever a driver keeps there.
    if (/^(priv|private|private_data|driver_data|i_private)$/.test(x.field))
      return miss(`what is behind ${x.field} is not seen`)
    const key = `${owner ?? ''}.${x.field}`
    if (kept.has(key)) return
    kept.set(key, { in: owner ?? '', field: x.field, file: f.file })
    if (owner === undefined) return miss(`what ${x.field} is a field of is not seen`)
    // Made of another one: `x->phys = virt_to_phys(x->buf)`.
    for (const file of filesWith(code, { in: owner, field: x.field, file: f.file }))
      for (const g of file.functions) {
        if (!mentionsWord(g, x.field)) continue
        for (const a of assignsTo(g, x.field)) {
          if (
            a.op !== '=' ||
            ownerOf(code, g, (stripCasts(a.target) as Expr & { kind: 'member' }).base) !== owner
          )
            continue
          const text = g.file.source.text.slice(a.value.start, a.value.end)
          if (ofDevice.test(text)) device = true
          else {
            const before = unseen
            go(g, a.value, depth + 1)
            // That one value is not understood does not make the name worse.
            unseen = before
          }
        }
      }
  }

  go(func, expr, 0)
  return {
    kept: [...kept.values()],
    device,
    made,
    managed: unbound,
    // Where it may come from several allocators the code may know which.
    ...(wrong !== undefined && others === 0 && !askedFor(func) && { wrong }),
    ...(slab !== undefined && !pages && !device && { slab }),
    ...(unseen !== undefined && { unseen }),
  }
}

/** It tells them apart. */
const askedFor = (func: Func): boolean =>
  /\bis_vmalloc_(or_module_)?addr\b/.test(func.file.source.text.slice(func.start, func.end))

/** Where memory that is kept is given to an allocator, where it is taken from one, and in which functions. */
export type Uses = {
  readonly frees: readonly {
    readonly func: Func
    readonly call: Call
    readonly by: string
    readonly at: Place
  }[]
  readonly makes: readonly { readonly func: Func; readonly expr: Expr }[]
  /** It goes by itself when the driver is unbound. */
  readonly managed?: Place
}

export function usesOf(code: Code, kept: Kept): Uses {
  const found: { func: Func; call: Call; by: string; at: Place }[] = []
  const made: { func: Func; expr: Expr }[] = []
  let unbound: Place | undefined
  // `struct page **pages`: who frees the array frees no page.
  const type =
    kept.in === ''
      ? code.global(kept.field, kept.file)?.type
      : code.struct(kept.in, kept.file)?.fields.find((f) => f.name === kept.field)?.type
  const array = type?.base === 'struct page' && (type.pointer === 2 || (type.pointer === 1 && type.array))
  const files = filesWith(code, kept)
  for (const file of files)
    for (const func of file.functions) {
      if (!mentionsWord(func, kept.field)) continue
      const isIt = (e: Expr | undefined): boolean => e !== undefined && names(code, func, e, kept)
      for (const outer of func.body.stmts.flatMap((s) => stmtExprs(s)))
        visit(outer, (e) => {
          if (e.kind === 'assign' && e.op === '=' && isIt(e.target)) {
            const v = stripCasts(e.value)
            if (!(v.kind === 'name' && v.name === 'NULL') && v.kind !== 'number') made.push({ func, expr: e })
            if (v.kind === 'call' && managed.test(calleeName(v)))
              unbound ??= { file: file.path, line: file.source.position(e.start).line, func: func.name }
            return
          }
          if (e.kind !== 'call') return
          const name = calleeName(e)
          const at = { file: file.path, line: file.source.position(e.start).line, func: func.name }
          const which = frees.get(name)
          if (which !== undefined) {
            if (array && /^(kv?|v)free/.test(name)) return
            if (isIt(e.args[which]) || (name.startsWith('dma_free') && isIt(e.args[which + 1])))
              found.push({ func, call: e, by: name, at })
            return
          }
          for (const [i, a] of e.args.entries()) {
            const x = stripCasts(a)
            if (x.kind === 'unary' && x.op === '&' && isIt(x.of) && makesMemory(name))
              made.push({ func, expr: e })
            else if (isIt(a) && name !== '' && !makesMemory(name)) {
              const freed = freesParam(code, func.file, name, i)
              if (freed !== undefined) found.push({ func, call: e, by: `${name}(), ${freed}`, at })
            }
          }
        })
    }
  return { frees: found, makes: made, ...(unbound && { managed: unbound }) }
}

/** A struct that a .c file declares is nobody else's, and so is a static variable. */
function filesWith(code: Code, { in: owner, field, file }: Kept): readonly CFile[] {
  const tag = owner.split('.')[0]!
  if (tag === '')
    return file.globals.some((g) => g.name === field && g.static) ? [file] : code.moduleWith(file, field)
  if (file.path.endsWith('.c') && file.structs.some((s) => s.name === tag)) return [file]
  return code.moduleWith(file, field, tag)
}

/** `kfree(x->f)`, `kfree(x->f[i])`, `p = x->f; kfree(p)`, `free_pages((unsigned long)x->f, …)`. */
function names(code: Code, func: Func, e: Expr, kept: Kept, depth = 0): boolean {
  const x = stripCasts(e)
  switch (x.kind) {
    case 'index':
      return names(code, func, x.base, kept, depth)
    case 'unary':
      return x.op === '*' && names(code, func, x.of, kept, depth)
    case 'binary':
      return x.op === '+' && names(code, func, x.left, kept, depth)
    case 'call': {
      const view = views.get(calleeName(x))
      return view !== undefined && x.args[view] !== undefined && names(code, func, x.args[view], kept, depth)
    }
    case 'member':
      return kept.in !== '' && x.field === kept.field && ownerOf(code, func, x.base) === kept.in
    case 'name':
      if (kept.in === '' && x.name === kept.field)
        return !func.params.some((p) => p.name === x.name) && !func.body.locals.some((l) => l.name === x.name)
      return (
        depth < 2 &&
        func.body.locals.some((l) => l.name === x.name) &&
        valuesOf(func, x.name).some(
          (v) => v.value !== undefined && names(code, func, v.value, kept, depth + 1),
        )
      )
    default:
      return false
  }
}

/** A function of the module that frees what it is given as this argument. */
function freesParam(code: Code, file: CFile, name: string, arg: number): string | undefined {
  const callee = inModule(code, file, name)
  const param = callee?.params[arg]
  if (callee === undefined || param === undefined || param.type.base.startsWith('struct ')) return undefined
  for (const s of callee.body.stmts)
    for (const outer of stmtExprs(s)) {
      let by: string | undefined
      visit(outer, (e) => {
        const which = e.kind === 'call' ? frees.get(calleeName(e)) : undefined
        if (which === undefined) return
        const a = (e as Call).args[which]
        const x = a && stripCasts(a)
        if (x?.kind === 'name' && x.name === param.name) by = calleeName(e as Call)
      })
      if (by !== undefined) return by
    }
  return undefined
}

export const inModule = (code: Code, file: CFile, name: string): Func | undefined =>
  code.resolveHere(name, file) ??
  code
    .moduleWith(file, name)
    .flatMap((f) => f.functions.filter((x) => x.name === name))
    .sort((a, b) => b.end - b.start - (a.end - a.start))[0]

/** The file of another module that defines a variable. */
const definedIn = (code: Code, name: string): CFile | undefined =>
  code
    .mentioning(name)
    .find((file) => file.path.endsWith('.c') && file.globals.some((g) => g.name === name && !g.static))

/** In the module, or in a header. */
export function inSight(code: Code, file: CFile, name: string): Func | undefined {
  const near = inModule(code, file, name)
  if (near !== undefined) return near
  const found = code.resolve(name, file)
  return found?.file.path.endsWith('.h') ? found : undefined
}

const mentionsWord = (func: Func, word: string): boolean =>
  func.file.source.text.slice(func.start, func.end).includes(word)

function assignsTo(func: Func, field: string): (Expr & { kind: 'assign' })[] {
  const found: (Expr & { kind: 'assign' })[] = []
  for (const s of func.body.stmts)
    for (const outer of stmtExprs(s))
      visit(outer, (e) => {
        if (
          e.kind === 'assign' &&
          stripCasts(e.target).kind === 'member' &&
          (stripCasts(e.target) as { field: string }).field === field
        )
          found.push(e)
      })
  return found
}

/** What a variable of a function is set to; `by`: somebody is given its address. */
function valuesOf(func: Func, name: string): { readonly value?: Expr; readonly by?: string }[] {
  const found: { value?: Expr; by?: string }[] = []
  for (const l of func.body.locals) if (l.name === name && l.init !== undefined) found.push({ value: l.init })
  for (const s of func.body.stmts)
    for (const outer of stmtExprs(s))
      visit(outer, (e) => {
        if (e.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && e.target.name === name)
          found.push({ value: e.value })
        if (e.kind === 'call')
          for (const [i, a] of e.args.entries()) {
            const x = stripCasts(a)
            if (x.kind === 'unary' && x.op === '&' && x.of.kind === 'name' && x.of.name === name) {
              const callee = calleeName(e)
              const also = makes.find(([m]) => m.test(callee))?.[1]
              if (also === i || managed.test(callee)) found.push({ by: 'made' })
              else if (callee !== '') found.push({ by: callee })
            }
          }
      })
  return found
}

export function callsTo(func: Func, name: string): Call[] {
  const found: Call[] = []
  for (const s of func.body.stmts)
    for (const outer of stmtExprs(s))
      visit(outer, (e) => {
        if (e.kind === 'call' && calleeName(e) === name) found.push(e)
      })
  return found
}

function returns(s: import('../../source/index.ts').Stmt): Expr[] {
  switch (s.kind) {
    case 'return':
      return s.value === undefined ? [] : [s.value]
    case 'block':
      return s.body.flatMap(returns)
    case 'if':
      return [...returns(s.then), ...(s.otherwise === undefined ? [] : returns(s.otherwise))]
    case 'while':
    case 'do':
    case 'for':
    case 'switch':
    case 'macro':
      return returns(s.body)
    case 'arms':
      return s.arms.flatMap((a) => a.body.flatMap(returns))
    default:
      return []
  }
}
