import { posix } from 'node:path'
import { calleeName, effects, stmtExprs, visit } from './cfg.ts'
import type { Assign, Call, CFile, Expr, Func, InitItem, Macro, OpsEntry, Struct } from './ir.ts'
import { type Composite, composites } from './makefile.ts'
import { parseC } from './parse.ts'
import { Overlay } from './overlay.ts'
import { type Finder, scannerOf } from './scan.ts'
import type { Tree } from './tree.ts'

/** A place where a function's name stands. */
export type Reference =
  | { readonly kind: 'call'; readonly func: Func; readonly call: Call }
  /** Called in the body of a function-like macro. */
  | { readonly kind: 'macro'; readonly macro: Macro }
  /** `.mmap = name` in an initialiser at file scope or of a local. */
  | { readonly kind: 'ops'; readonly entry: OpsEntry }
  /** `x->callback = name` */
  | { readonly kind: 'assign'; readonly func: Func; readonly assign: Assign }
  /** `INIT_WORK(&x->work, name)`: argument `index` of `call`. */
  | { readonly kind: 'argument'; readonly func: Func; readonly call: Call; readonly index: number }
  /** An argument of a macro at file scope: `module_init(name)`. */
  | { readonly kind: 'invocation'; readonly file: CFile; readonly macro: string; readonly line: number }

export type Module = {
  readonly name: string
  /** .c files of the tree that are linked together, sorted. */
  readonly files: readonly string[]
  /** How that is known. */
  readonly by: 'makefile' | 'directory'
}

/**
 * A tree's functions across files. Files are found by the words in them, parsed when needed and kept (the least recently used
 * leave first), so what is asked of a few drivers never reads the others.
 */
export class Program {
  readonly tree: Tree
  readonly scanner: Finder
  /** Where sites are looked for; everything else is only read to understand them. */
  readonly scope: (path: string) => boolean
  readonly #below: Program | undefined
  #files = new Map<string, CFile | undefined>()
  #bytes = 0
  readonly #capacity: number
  #references = new Map<string, readonly Reference[]>()
  #definitions = new Map<string, readonly Func[]>()
  #modules = new Map<string, Module>()
  #makefiles = new Map<string, ReturnType<typeof composites> | undefined>()
  readonly #seen = new Map<string, number>()
  readonly #bodies = new Map<string, boolean>()
  readonly #present: ReadonlySet<string>

  /**
   * `keep`: how much text of parsed files is kept, in bytes. `below`: of an overlay the program of the lower tree, with which everything is
   * shared that is not covered.
   */
  constructor(
    tree: Tree,
    options: {
      readonly scanner?: Finder
      readonly keep?: number
      readonly scope?: (path: string) => boolean
      readonly below?: Program
    } = {},
  ) {
    this.tree = tree
    this.#below = options.below
    this.scanner = options.scanner ?? scannerOf(tree, options.below?.scanner)
    this.scope = options.scope ?? (() => true)
    this.#capacity = options.keep ?? 96 << 20
    this.#present = new Set(tree.files)
  }

  /** A parsed file; `undefined` when it cannot be read (the tree's problems say why). */
  file(path: string): CFile | undefined {
    if (this.#files.has(path)) {
      const file = this.#files.get(path)
      this.#files.delete(path)
      this.#files.set(path, file)
      return file
    }
    if (this.#below !== undefined && this.tree instanceof Overlay && this.tree.isBelow(path)) {
      const shared = this.#below.file(path)
      this.#seen.set(path, shared?.functions.length ?? 0)
      return shared
    }
    const text = this.tree.text(path)
    const file =
      text === undefined
        ? undefined
        : parseC(path, text, (f, whole) => void this.#bodies.set(funcKey(f), whole))
    this.#files.set(path, file)
    this.#seen.set(path, file?.functions.length ?? 0)
    this.#bytes += text?.length ?? 0
    for (const [old, f] of this.#files) {
      if (this.#bytes <= this.#capacity || old === path) break
      this.#files.delete(old)
      this.#bytes -= f?.source.text.length ?? 0
    }
    return file
  }

  /** A file's text, from what is kept if it has been parsed. */
  text(path: string): string | undefined {
    return this.#files.get(path)?.source.text ?? this.tree.text(path)
  }

  /** What has been read so far: how many functions are in each file. */
  get seen(): ReadonlyMap<string, number> {
    return this.#seen
  }

  /** The functions whose bodies have been read so far, by their keys, and whether they were understood to the end. */
  get bodies(): ReadonlyMap<string, boolean> {
    return this.#below === undefined ? this.#bodies : new Map([...this.#below.bodies, ...this.#bodies])
  }

  /** Reads the tree for the words in its files, in threads where that pays. Left out, the first question does it. */
  async ready(): Promise<void> {
    await this.scanner.ready()
  }

  /** The files that contain the word, in order. */
  filesWith(word: string): readonly string[] {
    return this.scanner.find(word).files
  }

  /** Those of some files that contain the word, in the order in which they are given. */
  among(paths: readonly string[], word: string): readonly string[] {
    return this.scanner.among(paths, word)
  }

  /** Parsed files, got in one go where they come from elsewhere; those that cannot be read are left out. */
  read(paths: readonly string[]): CFile[] {
    this.tree.fetch?.(paths.filter((p) => !this.#files.has(p)))
    return paths.flatMap((p) => this.file(p) ?? [])
  }

  /** Every function of that name that has a body, in order of file and line. */
  definitions(name: string): readonly Func[] {
    let found = this.#definitions.get(name)
    if (found === undefined) {
      found = this.#findDefinitions(name)
      this.#definitions.set(name, found)
    }
    return found
  }

  #findDefinitions(name: string): readonly Func[] {
    const places = [name, ...spelledInside(name)].map((word) => this.scanner.find(word))
    const among = (paths: readonly string[]): Func[] =>
      this.read([...new Set(paths)].sort()).flatMap((file) => file.functions.filter((f) => f.name === name))
    const found = among(places.flatMap((p) => p.outermost))
    if (found.length > 0) return found
    // Not written as the kernel writes it: look into all files, unless that is everything's name.
    const rest = places.flatMap((p) => p.files)
    return rest.length <= 64 ? among(rest) : []
  }

  /**
   * What a call of `name` in `from` may run: the file's own function, else a global one of the same module or directory, else an
   * unconditional one in a header it includes, else every global one (several when architectures or configurations have their own).
   */
  resolve(name: string, from: CFile): readonly Func[] {
    const own = from.functions.filter((f) => f.name === name)
    // What a header has under a condition is what is left of it where it is switched off.
    const stubs = from.path.endsWith('.h') && own.every((f) => f.inline && f.conditions.length > 0)
    if (own.length > 0 && !(stubs && this.#isReal(name))) return own
    const all = this.definitions(name).filter((f) => f.file.path !== from.path)
    const visible = all.filter((f) => !f.static || f.file.path.endsWith('.h'))
    if (visible.length <= 1) return visible
    const inHeader = visible.filter((f) => f.file.path.endsWith('.h'))
    const included = inHeader.filter((f) =>
      from.includes.some((i) => f.file.path.endsWith(`/${i}`) || f.file.path === i),
    )
    const real = visible.filter((f) => !f.file.path.endsWith('.h'))
    const module = this.module(from.path)
    for (const nearer of [
      real.filter((f) => module.files.includes(f.file.path)),
      real.filter((f) => posix.dirname(f.file.path) === posix.dirname(from.path)),
      included.filter((f) => f.conditions.length === 0),
      real.filter((f) => sameArch(f.file.path, from.path)),
    ])
      if (nearer.length > 0) return nearer
    // A stub in a header (`static inline … { return -EOPNOTSUPP; }`) stands for the same function switched off.
    return real.length > 0 ? real : visible
  }

  #isReal(name: string): boolean {
    return this.definitions(name).some((f) => !f.static && !f.file.path.endsWith('.h'))
  }

  /** Everywhere that a name of a function stands, apart from its definitions and declarations. */
  references(name: string): readonly Reference[] {
    let found = this.#references.get(name)
    if (found === undefined) {
      found = this.#findReferences(name)
      this.#references.set(name, found)
    }
    return found
  }

  #findReferences(name: string): readonly Reference[] {
    return this.read(this.filesWith(name)).flatMap((file) => referencesIn(file, name))
  }

  /** The calls of this very function: those of the same name that mean another one are left out. */
  callers(func: Func): readonly { readonly func: Func; readonly call: Call }[] {
    const sameFile = func.static && !func.file.path.endsWith('.h')
    const all = sameFile ? referencesIn(func.file, func.name) : this.references(func.name)
    const out: { func: Func; call: Call }[] = []
    for (const r of all) {
      if (r.kind !== 'call') continue
      if (!sameFile && r.func.file.path !== func.file.path) {
        const meant = this.resolve(func.name, r.func.file)
        if (!meant.some((m) => sameFunc(m, func))) continue
      }
      out.push({ func: r.func, call: r.call })
    }
    return out
  }

  /** The ops tables that a function stands in. */
  tables(func: Func): readonly OpsEntry[] {
    const all =
      func.static && !func.file.path.endsWith('.h')
        ? referencesIn(func.file, func.name)
        : this.references(func.name)
    return all.flatMap((r) => (r.kind === 'ops' ? [r.entry] : []))
  }

  /**
   * Who fills a field of an ops table: `implementations('file_operations', 'mmap')`; with `func`, where this function does. Only those
   * files are parsed that have all of these words, the field as one of an initialiser.
   */
  implementations(struct: string, field: string, func?: string): readonly OpsEntry[] {
    const both = this.among(this.filesWith(struct), field)
    const paths = func === undefined ? both : this.among(both, func)
    const written = designated(field)
    this.tree.fetch?.(paths.filter((p) => !this.#files.has(p)))
    const likely = paths.filter((p) => this.#files.has(p) || written.test(this.tree.text(p) ?? ''))
    return this.read(likely).flatMap((file) =>
      opsOf(file).filter(
        (e) => e.struct === struct && e.field === field && (func === undefined || e.func === func),
      ),
    )
  }

  /** A macro by name: the file's own, one of a header it includes, or of another header. */
  macro(name: string, from: CFile): Macro | undefined {
    const own = from.macros.findLast((m) => m.name === name)
    if (own) return own
    const candidates: Macro[] = []
    for (const path of this.scanner.find(name).defines)
      if (path.endsWith('.h'))
        candidates.push(...(this.file(path)?.macros.filter((m) => m.name === name) ?? []))
    return (
      candidates.find((m) => from.includes.some((i) => m.file.path.endsWith(i))) ??
      candidates.find((m) => m.file.path.startsWith('include/')) ??
      candidates.find((m) => sameArch(m.file.path, from.path)) ??
      candidates[0]
    )
  }

  /** A struct or union by its tag: of the file, of its directory, of a header that it includes, of any header. */
  struct(tag: string, from: CFile): Struct | undefined {
    const own = from.structs.find((s) => s.name === tag)
    if (own) return own
    const { outermost, braced } = this.scanner.find(tag)
    const near = posix.dirname(from.path)
    const rank = (path: string): number =>
      posix.dirname(path) === near
        ? 0
        : from.includes.some((i) => path.endsWith(`/${i}`))
          ? 1
          : path.startsWith('include/')
            ? 2
            : 3
    const order = [...(braced.length > 0 ? braced : outermost)]
      .filter((p) => rank(p) === 0 || p.endsWith('.h'))
      .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    const written = new RegExp(`\\b(struct|union)\\s+${tag}\\s[^;(=]*\\{`)
    for (const path of order) {
      // Most files only declare it: look before reading.
      if (!this.#files.has(path) && !written.test(this.tree.text(path) ?? '')) continue
      const found = this.file(path)?.structs.find((s) => s.name === tag)
      if (found) return found
    }
    return undefined
  }

  /** The files that are linked together with this one. */
  module(path: string): Module {
    const known = this.#modules.get(path)
    if (known) return known
    const module = this.#findModule(path)
    for (const f of module.files) this.#modules.set(f, module)
    this.#modules.set(path, module)
    return module
  }

  #findModule(path: string): Module {
    const directory = posix.dirname(path)
    const object = path.replace(/\.c$/, '.o')
    let at = directory === '.' ? '' : directory
    for (let up = 0; up < 6; up++) {
      const made = this.#makefile(at)
      if (made) {
        const full = (o: string): string => posix.normalize(posix.join(at, o))
        const mine = made.modules.filter((m) => m.objects.some((o) => full(o) === object)).sort(bySize)[0]
        if (mine) {
          const files = mine.objects
            .map((o) => full(o).replace(/\.o$/, '.c'))
            .filter((f) => this.#present.has(f))
          return { name: mine.name, files: [...new Set(files)].sort(), by: 'makefile' }
        }
        if (made.single.some((o) => full(o) === object))
          return { name: posix.basename(path, '.c'), files: [path], by: 'makefile' }
      }
      if (at === '') break
      at = posix.dirname(at) === '.' ? '' : posix.dirname(at)
    }
    const files = this.tree.files.filter((f) => f.endsWith('.c') && posix.dirname(f) === directory)
    return { name: posix.basename(directory), files, by: 'directory' }
  }

  #makefile(directory: string): ReturnType<typeof composites> | undefined {
    if (!this.#makefiles.has(directory)) {
      const text = this.tree.makefile(directory)
      this.#makefiles.set(directory, text === undefined ? undefined : composites(text))
    }
    return this.#makefiles.get(directory)
  }

  async close(): Promise<void> {
    await this.scanner.close()
  }
}

/** The larger module first: a file in several is most tightly bound there. */
const bySize = (a: Composite, b: Composite): number => b.objects.length - a.objects.length

/** One function, also if its file was parsed twice. */
export const sameFunc = (a: Func, b: Func): boolean =>
  a.name === b.name && a.file.path === b.file.path && a.start === b.start

/** A name for maps and messages: `drivers/vfio/vfio.c:vfio_pin@812`. */
export const funcKey = (f: Func): string => `${f.file.path}:${f.name}@${f.line}`

/** How a macro may spell the name: `sys_mmap` is SYSCALL_DEFINE6(mmap, …). */
const spelledInside = (name: string): string[] => {
  const m = /^(?:compat_)?sys_(\w+)$/.exec(name)
  return m ? [m[1]!] : []
}

/** Not in two different architectures. */
function sameArch(a: string, b: string): boolean {
  const arch = /^arch\/([^/]+)\//
  const x = arch.exec(a)?.[1]
  const y = arch.exec(b)?.[1]
  return x === y && x !== undefined
}

/** The references to a name in one file. */
export function referencesIn(file: CFile, name: string): Reference[] {
  const out: Reference[] = []
  for (const func of file.functions) {
    if (!func.mentions(name)) continue
    for (const s of func.body.stmts)
      for (const top of stmtExprs(s))
        visit(top, (e) => {
          if (e.kind === 'call') {
            if (calleeName(e) === name) out.push({ kind: 'call', func, call: e })
            e.args.forEach((a, index) => {
              if (isNamed(a, name)) out.push({ kind: 'argument', func, call: e, index })
            })
          } else if (e.kind === 'assign' && isNamed(e.value, name))
            out.push({ kind: 'assign', func, assign: e })
        })
    for (const l of func.body.locals)
      if (l.init?.kind === 'init')
        for (const e of entries(l.init.items, l.name, l.type.base, file))
          if (e.func === name) out.push({ kind: 'ops', entry: e })
  }
  for (const entry of opsOf(file)) if (entry.func === name) out.push({ kind: 'ops', entry })
  for (const macro of file.macros) {
    if (!new RegExp(`\\b${name}\\b`).test(macro.text)) continue
    const body = macro.body
    const tops =
      body.kind === 'expr'
        ? [body.expr]
        : body.kind === 'stmts'
          ? body.stmts.flatMap((s) => stmtExprs(s))
          : []
    if (tops.some((t) => effects(t).some((f) => f.kind === 'call' && calleeName(f.expr as Call) === name)))
      out.push({ kind: 'macro', macro })
  }
  for (const i of file.invocations)
    if (!file.exports.has(name) || !/EXPORT/.test(i.name))
      if (i.args.some((a) => isNamed(a, name)))
        out.push({ kind: 'invocation', file, macro: i.name, line: i.line })
  return out
}

/** Every function in an ops table of the file. */
export function opsOf(file: CFile): readonly OpsEntry[] {
  let found = opsCache.get(file)
  if (found === undefined) {
    found = file.globals.flatMap((g) =>
      g.value?.kind === 'init' ? entries(g.value.items, g.name, g.type.base, file) : [],
    )
    opsCache.set(file, found)
  }
  return found
}
const opsCache = new WeakMap<CFile, readonly OpsEntry[]>()

function entries(
  items: readonly InitItem[],
  table: string,
  base: string,
  file: CFile,
  prefix = '',
): OpsEntry[] {
  const struct = base.replace(/^(struct|union) /, '')
  return items.flatMap((item) => {
    const field = prefix + item.path.join('')
    if (item.value.kind === 'init')
      return entries(item.value.items, table, item.value.type?.base ?? base, file, field)
    const func = functionName(item.value)
    if (func === undefined) return []
    return [
      {
        table,
        struct,
        field: field.replace(/\[[^\]]*\]/g, '').replace(/^\./, ''),
        func,
        file,
        line: file.source.position(item.value.start).line,
      },
    ]
  })
}

/** A field as one of an initialiser: `.mmap`, or `mmap:` as it was written once, whatever blanks and comments are in between. */
const designated = (field: string): RegExp => new RegExp(`\\.${blank}${field}\\b|\\b${field}${blank}:`)
const blank = String.raw`(?:\s|\\|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//.*(?:\n|$))*`

/** `f`, `&f`, `(type)f`. */
function functionName(e: Expr): string | undefined {
  if (e.kind === 'name') return e.name
  if (e.kind === 'unary' && e.op === '&') return functionName(e.of)
  if (e.kind === 'cast') return functionName(e.of)
  return undefined
}
const isNamed = (e: Expr, name: string): boolean => functionName(e) === name
