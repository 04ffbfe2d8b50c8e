import { type CFile, type Expr, type Func, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Place } from '../trace/event.ts'
import { type Carriers, Module } from './carriers.ts'
import { type By, entriesOf } from './entries.ts'
import { leavesAlone } from './effects.ts'
import type { HoldingSite } from './event.ts'
import * as words from './words.ts'

/** What the module does with the pages of one acquisition, wherever it does it. */
export type Story = {
  readonly fields: readonly string[]
  readonly releases: readonly Release[]
  readonly writes: readonly { readonly by: 'cpu' | 'device'; readonly at: Place; readonly text: string }[]
  readonly dirties: readonly Place[]
  /** The same places also hold pages that were taken in the other way. */
  readonly mixed: boolean
  /** Functions that are handed them and were not seen. */
  readonly unseen: readonly string[]
  /** Who makes the release run, all together. */
  readonly by: ReadonlySet<By>
  /** A release can be reached from where the pages are taken, in the same call into the kernel. */
  readonly sameCall: boolean
}

export type Release = {
  readonly api: string
  readonly as: 'pin' | 'get'
  readonly dirties: boolean
  readonly at: Place
  readonly func: Func
}

/** Tells stories about the sites of a tree, module by module. */
export class Stories {
  readonly #code: Code
  readonly #apis: ReadonlyMap<string, ReferenceApi>
  readonly #modules = new Map<string, Module>()

  constructor(code: Code, apis: ReadonlyMap<string, ReferenceApi>) {
    this.#code = code
    this.#apis = apis
  }

  /** Undefined: something was not there yet. */
  of(site: HoldingSite): Story | undefined {
    const before = this.#code.missing
    const module = this.#module(site.func.file)
    const out = typeof site.api.out === 'number' ? site.call.args[site.api.out] : undefined
    const carriers = module.from(out === undefined ? { returned: site.func } : [{ e: out, func: site.func }])
    const story = this.#tell(site, module, carriers)
    return this.#code.missing === before ? story : undefined
  }

  #module(file: CFile): Module {
    const known = this.#modules.get(file.path)
    if (known !== undefined) return known
    const before = this.#code.missing
    const files = new Set([file])
    // A struct that only this file knows is nobody else's; otherwise whoever gives pages back is of interest.
    for (const word of [...words.releases.keys(), ...words.dirtying])
      for (const f of this.#code.moduleWith(file, word)) if (files.size < 40) files.add(f)
    const made = new Module(this.#code, [...files])
    if (this.#code.missing === before) this.#modules.set(file.path, made)
    return made
  }

  #tell(site: HoldingSite, module: Module, carriers: Carriers): Story {
    const releases: Release[] = []
    const writes: Story['writes'][number][] = []
    const dirties: Place[] = []
    const unseen = new Set<string>()
    let mixed = false
    for (const func of module.functions) {
      const { source, path } = func.file
      const at = (e: Expr): Place => ({ file: path, line: source.position(e.start).line, func: func.name })
      const text = (e: Expr): string => source.text.slice(e.start, e.end).replace(/\s+/g, ' ')
      for (const outer of module.expressions(func))
        visit(outer, (e) => {
          if (
            e.kind === 'assign' &&
            writesMemory(e.target, func, carriers) &&
            !carriers.carries(e.value, func)
          )
            writes.push({ by: 'cpu', at: at(e), text: text(e) })
          if (e.kind !== 'call' || e.callee.kind !== 'name') return
          const { name } = e.callee
          const arg = (i: number): Expr | undefined => e.args[i]
          const carried = (i: number): boolean =>
            arg(i) !== undefined && carriers.carries(arg(i)!, func) !== false
          const api = this.#apis.get(name)
          if (api !== undefined) {
            if (api.takes !== site.api.takes && typeof api.out === 'number' && carried(api.out)) mixed = true
            return
          }
          const release = words.releases.get(name)
          if (release !== undefined) {
            if (carried(release.arg))
              releases.push({
                api: name,
                as: release.as,
                dirties: dirtiesBy(e, release.dirties),
                at: at(e),
                func,
              })
            return
          }
          if (words.dirties.test(name)) {
            if (carried(0)) dirties.push(at(e))
            return
          }
          const map = words.maps.get(name)
          if (map !== undefined) {
            const dir = arg(map.direction)
            if (
              carried(map.arg) &&
              dir?.kind === 'name' &&
              /^DMA_(FROM_DEVICE|BIDIRECTIONAL)$/.test(dir.name)
            )
              writes.push({ by: 'device', at: at(e), text: text(e) })
            return
          }
          if (
            words.writes.test(name) &&
            arg(0) !== undefined &&
            carriers.carries(arg(0)!, func) === 'memory'
          ) {
            writes.push({ by: 'cpu', at: at(e), text: text(e) })
            return
          }
          if (
            words.harmless.test(name) ||
            words.alias.test(name) ||
            words.pure.test(name) ||
            words.moves.has(name) ||
            words.transparent.test(name) ||
            words.frees.test(name) ||
            words.writes.test(name) ||
            module.named(name, func.file).length > 0
          )
            return
          const given = e.args.flatMap((a, i) => (carriers.carries(a, func) !== false ? [i] : []))
          if (given.length === 0) return
          const callee = this.#code.resolve(name, func.file)
          if (callee === undefined || !given.every((i) => leavesAlone(this.#code, callee, i)))
            unseen.add(name)
        })
    }
    const by = new Set<By>()
    const roots = new Set<Func>()
    for (const f of new Set(releases.map((r) => r.func))) {
      const found = entriesOf(this.#code, module, f)
      for (const b of found.by) by.add(b)
      for (const r of found.roots) roots.add(r)
    }
    const own = entriesOf(this.#code, module, site.func).roots
    return {
      fields: carriers.fields,
      releases,
      writes,
      dirties,
      mixed,
      unseen: [...unseen].sort(),
      by,
      sameCall: [...own].some((f) => roots.has(f)),
    }
  }
}

/** `*x = …`, `x[i] = …`, `x->f = …`, where x is the memory in a page. */
function writesMemory(e: Expr, func: Func, carriers: Carriers): boolean {
  const through =
    e.kind === 'unary' && e.op === '*'
      ? e.of
      : e.kind === 'index' || (e.kind === 'member' && e.arrow)
        ? e.base
        : undefined
  return through !== undefined && carriers.carries(through, func) === 'memory'
}

/** `true`, `1`, or something that is not known to be false. */
function dirtiesBy(call: Expr & { kind: 'call' }, which: number | true | undefined): boolean {
  if (which === undefined) return false
  if (which === true) return true
  const arg = call.args[which]
  if (arg === undefined) return false
  if (arg.kind === 'number') return arg.value !== 0
  return !(arg.kind === 'name' && arg.name === 'false')
}
