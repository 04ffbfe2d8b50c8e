import {
  constants,
  firstDma,
  firstFd,
  isThing,
  type Kernel,
  type KernelRows,
  type Kind,
} from '../kernel/index.ts'
import type { Id } from '../state/index.ts'
import type { Bound } from './bind.ts'

/** A cell holds eight bits; read as signed they are errnos, too. */
export const signed = (v: number): number => (v << 24) >> 24

/** Errnos are negative; a signal is what a load gives that ends in it. */
const named = new Map(
  Object.entries(constants).flatMap(([n, v]) =>
    /^E[A-Z]+$/.test(n) ? [[-v, `-${n}`] as const] : /^SIG[A-Z]+$/.test(n) ? [[v, n] as const] : [],
  ),
)

/** A register's value as people read it: `-EINVAL`, `f0`, `NULL`, 3. Things are their id plus one; a pinned vector is negated. */
export function showValue(value: number, kind: Kind, k: Kernel): string {
  if (Number.isNaN(value)) return 'none'
  if (!isThing(kind)) return named.get(value) ?? String(value)
  if (value === 0) return 'NULL'
  const id = Math.abs(value) - 1
  switch (kind) {
    case 'pfn':
    case 'page':
    case 'frames':
      return `f${id}`
    case 'dma':
    case 'sgt':
      return `dma${id - firstDma}`
    case 'mm':
      return k.config.mms[id]?.name ?? `mm${id}`
    case 'bo':
    case 'file':
      return k.config.bos[id]?.name ?? `bo${id}`
    case 'dma_buf':
      return k.config.bos[id]?.exported?.name ?? `dma_buf${id}`
    case 'attachment':
      return k.config.attachments[id]?.name ?? `attach${id - k.config.attachments.length}`
    case 'object':
      return k.config.objects[id]?.name ?? `object${id}`
    case 'notifier':
      return k.config.notifiers[id]?.name ?? `notifier${id}`
    default:
      return `${kind}${id}`
  }
}

/**
 * Tells in words what a step changed, and how the pages stand. Only what a reader of the test knows is told: locks, mappings, page
 * tables, frames, notifiers, devices, registers; stacks and program counters are not.
 */
export class Words {
  readonly #k: Kernel
  readonly #bound: Bound
  readonly #before: { bytes: Uint8Array; rows: KernelRows }
  readonly #after: { bytes: Uint8Array; rows: KernelRows }

  constructor(k: Kernel, bound: Bound) {
    this.#k = k
    this.#bound = bound
    const open = () => {
      const bytes = new Uint8Array(k.layout.bytes)
      return { bytes, rows: k.layout.open(bytes) }
    }
    this.#before = open()
    this.#after = open()
  }

  /** `p`, `p+1` where it is declared in that mm, or the page number. */
  address(mm: number, vpn: number): string {
    for (const [key, a] of this.#bound.declared.addresses)
      if (a.mm === mm && vpn >= a.vpn && vpn < a.vpn + a.pages)
        return vpn === a.vpn ? key : `${key}+${vpn - a.vpn}`
    return `${this.#bound.declared.mms[mm]?.name ?? mm}:${vpn}`
  }

  /** What differs between two states, a line each. */
  changes(before: Uint8Array, after: Uint8Array): string[] {
    this.#before.bytes.set(before)
    this.#after.bytes.set(after)
    const a = this.#before.rows
    const b = this.#after.rows
    return [
      ...this.#mappings(a, b),
      ...this.#notifiers(a, b),
      ...this.#objects(a, b),
      ...this.#dmaBufs(a, b),
      ...this.#frames(a, b),
      ...this.#tables(a, b),
      ...this.#registers(a, b),
      ...this.#locks(a, b),
    ]
  }

  /** The frames that are somebody's or that somebody still names, and where each is mapped, in one line. */
  pages(state: Uint8Array): string {
    this.#after.bytes.set(state)
    const { rows } = this.#after
    const k = this.#k
    return k.pfns
      .flatMap((pfn) => {
        const page = rows.page(pfn)
        const mapped = this.#mappedAt(rows, pfn)
        if (pfn === k.zeroPage) return mapped.length > 0 ? [`f${pfn} zero page at ${mapped.join(' ')}`] : []
        if (page.owner === undefined && page.was === undefined && mapped.length === 0) return []
        const counts = [
          ...(page.refcount + page.pins > 0 ? [`ref ${page.refcount}`] : []),
          ...(page.mapcount > 0 ? [`map ${page.mapcount}`] : []),
          ...(page.pins > 0 ? [`pin ${page.pins}`] : []),
        ]
        const whose = page.owner === undefined ? 'free' : k.owners[page.owner]!
        return [
          `f${pfn} ${whose}${counts.length > 0 ? ` (${counts.join(' ')})` : ''}${mapped.length > 0 ? ` at ${mapped.join(' ')}` : ''}`,
        ]
      })
      .join('; ')
  }

  #mappedAt(rows: KernelRows, pfn: number): string[] {
    const out: string[] = []
    for (const mm of this.#k.mms)
      for (let v = 0; v < this.#bound.config.vpns; v++) {
        const pte = rows.pte(mm, v as Id<'vpn'>)
        if (pte.present && pte.pfn === pfn) out.push(this.address(mm, v))
      }
    for (const [n, { name }] of this.#bound.config.notifiers.entries())
      for (let v = 0; v < this.#bound.config.vpns; v++) {
        const spte = rows.secondary(n as Id<'notifier'>, v as Id<'vpn'>)
        if (spte.present && spte.pfn === pfn) out.push(`${name}'s tables`)
      }
    for (let d = 0; d < this.#bound.config.dmaSlots; d++) {
      const dma = rows.dma(d as Id<'dma'>)
      if (dma.active && dma.pfn === pfn) out.push(`dma${d}`)
    }
    return out
  }

  #locks(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    for (const [l, { name, kind }] of this.#k.locks.entries())
      for (let t = 0; t < this.#k.threads; t++) {
        const from = a.hold(l as Id<'lock'>, t as Id<'thread'>).mode
        const to = b.hold(l as Id<'lock'>, t as Id<'thread'>).mode
        if (from === to) continue
        const how = kind === 'rwsem' ? (to === 1 ? ' for reading' : ' for writing') : ''
        out.push(to === 0 ? `${this.#actor(t)} drops ${name}` : `${this.#actor(t)} holds ${name}${how}`)
      }
    return out
  }

  #registers(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    const told = (
      name: string,
      kind: Kind,
      from: { value: number; stale: boolean },
      to: { value: number; stale: boolean },
    ) => {
      if (name.startsWith('%')) return
      if (from.value !== to.value) out.push(`${name} = ${showValue(signed(to.value), kind, this.#k)}`)
      if (to.stale && !from.stale && to.value !== 0)
        out.push(
          kind === 'vma'
            ? `${name} may point to a VMA that is gone`
            : `${name} is stale: ${showValue(signed(to.value), kind, this.#k)} is not what was looked up`,
        )
    }
    for (const [t, program] of this.#bound.config.threads.entries())
      for (const [r, { name, kind }] of program.registers.entries()) {
        const thread = t as Id<'thread'>
        const reg = r as Id<'reg'>
        told(
          name.startsWith('%') ? name : `${program.name}:${name}`,
          kind,
          a.reg(thread, reg),
          b.reg(thread, reg),
        )
      }
    for (const [v, { name, kind }] of this.#bound.config.vars.entries())
      told(name, kind, a.var(v as Id<'var'>), b.var(v as Id<'var'>))
    return out
  }

  #mappings(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    for (const mm of this.#k.mms) {
      const { name } = this.#bound.config.mms[mm]!
      if (a.mm(mm).alive && !b.mm(mm).alive) out.push(`${name} is gone`)
      if (!a.mm(mm).alive && b.mm(mm).alive) out.push(`${name} is there`)
    }
    for (const vma of this.#k.vmas) {
      const from = a.vma(vma)
      const to = b.vma(vma)
      const range = (r: typeof from): string =>
        r.vm_end - r.vm_start === 1
          ? this.address(r.vm_mm!, r.vm_start)
          : `${this.address(r.vm_mm!, r.vm_start)} (${r.vm_end - r.vm_start} pages)`
      if (from.vm_mm !== undefined && to.vm_mm === undefined) out.push(`the VMA at ${range(from)} is gone`)
      else if (from.vm_mm === undefined && to.vm_mm !== undefined) out.push(`a VMA is at ${range(to)}`)
      else if (from.vm_mm !== undefined && to.vm_mm !== undefined) {
        if (from.vm_start !== to.vm_start || from.vm_end !== to.vm_end)
          out.push(`the VMA at ${range(from)} is now at ${range(to)}`)
      }
    }
    return out
  }

  #tables(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    type Entry = {
      present: boolean
      write: boolean
      pfn: number | undefined
      stale: boolean
      special?: boolean
    }
    const told = (name: string, from: Entry, to: Entry): void => {
      const show = (e: Entry): string =>
        e.present ? `f${e.pfn}${e.special ? ' special' : ''}${e.write ? '' : ' read-only'}` : 'none'
      if (show(from) !== show(to)) out.push(`${name}: ${show(from)} -> ${show(to)}`)
      if (to.present && to.stale && !from.stale) out.push(`${name} is stale: f${to.pfn} was freed`)
    }
    for (const mm of this.#k.mms)
      for (let v = 0; v < this.#bound.config.vpns; v++)
        told(`pte of ${this.address(mm, v)}`, a.pte(mm, v as Id<'vpn'>), b.pte(mm, v as Id<'vpn'>))
    for (const [n, { name, mm }] of this.#bound.config.notifiers.entries())
      for (let v = 0; v < this.#bound.config.vpns; v++)
        told(
          `${name}'s secondary pte of ${this.address(mm, v)}`,
          a.secondary(n as Id<'notifier'>, v as Id<'vpn'>),
          b.secondary(n as Id<'notifier'>, v as Id<'vpn'>),
        )
    for (let d = 0; d < this.#bound.config.dmaSlots; d++) {
      const from = a.dma(d as Id<'dma'>)
      const to = b.dma(d as Id<'dma'>)
      const entry = (e: typeof from): Entry => ({
        present: e.active,
        write: true,
        pfn: e.pfn,
        stale: e.stale,
      })
      told(`device mapping dma${d}`, entry(from), entry(to))
    }
    return out
  }

  #notifiers(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    for (const mm of this.#k.mms) {
      const from = a.mm(mm)
      const to = b.mm(mm)
      const { name } = this.#bound.config.mms[mm]!
      if (from.active_invalidate_ranges !== to.active_invalidate_ranges)
        out.push(
          from.active_invalidate_ranges < to.active_invalidate_ranges
            ? `an invalidation of ${name} begins`
            : `an invalidation of ${name} ends`,
        )
      if (from.invalidate_seq !== to.invalidate_seq)
        out.push(`${name}'s invalidate_seq: ${from.invalidate_seq} -> ${to.invalidate_seq}`)
    }
    for (const [n, { name }] of this.#bound.config.notifiers.entries()) {
      const from = a.notifier(n as Id<'notifier'>)
      const to = b.notifier(n as Id<'notifier'>)
      if (from.invalidate_seq !== to.invalidate_seq)
        out.push(`${name}.invalidate_seq: ${from.invalidate_seq} -> ${to.invalidate_seq}`)
      if (from.registered !== to.registered)
        out.push(to.registered ? `${name} is registered` : `${name} is removed`)
    }
    return out
  }

  #objects(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    for (const [i, { name, pages }] of this.#bound.config.bos.entries()) {
      const bo = i as Id<'bo'>
      const what = this.#bound.config.bos[i]!.fs === undefined ? 'bo ' : ''
      if (a.bo(bo).alive && !b.bo(bo).alive) out.push(`${what}${name} is freed`)
      if (a.bo(bo).size !== b.bo(bo).size)
        out.push(`${name} has ${b.bo(bo).size} pages, no longer ${a.bo(bo).size}`)
      if (a.bo(bo).vram !== b.bo(bo).vram)
        out.push(`bo ${name} is in ${b.bo(bo).vram ? 'vram' : 'system memory'}`)
      for (let p = 0; p < pages; p++) {
        const from = a.bo_page(bo, p as Id<'boPage'>).pfn
        const to = b.bo_page(bo, p as Id<'boPage'>).pfn
        const which = pages === 1 ? name : `${name}[${p}]`
        if (from !== to && to === undefined && this.#bound.config.bos[i]!.fs !== undefined)
          out.push(`${which} is no longer cached`)
        if (from !== to && to !== undefined)
          out.push(`${which} is f${to}${from === undefined ? '' : `, no longer f${from}`}`)
      }
    }
    const one = 0 as Id<'one'>
    if (!a.system(one).tainted && b.system(one).tainted) out.push('the kernel is tainted')
    return out
  }

  #dmaBufs(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    const { config } = this.#bound
    for (const [i, { exported }] of config.bos.entries()) {
      if (exported === undefined) continue
      const { name } = exported
      const from = a.dma_buf(i as Id<'dma_buf'>)
      const to = b.dma_buf(i as Id<'dma_buf'>)
      if (to.released && !from.released) out.push(`dma_buf ${name} is released`)
      else if (from.f_count !== to.f_count) out.push(`${name}: f_count ${from.f_count} -> ${to.f_count}`)
      for (const count of ['pin_count', 'fences'] as const)
        if (from[count] !== to[count]) out.push(`${name}: ${count} ${from[count]} -> ${to[count]}`)
      if (to.revoked && !from.revoked) out.push(`${name} is revoked`)
      if (to.owns && !from.owns) out.push(`${name} is the last to hold its memory`)
    }
    for (let i = 0; i < config.attachmentSlots; i++) {
      const from = a.attachment(i as Id<'attachment'>).dma_buf
      const to = b.attachment(i as Id<'attachment'>).dma_buf
      if (from === to) continue
      const buf = config.bos[(from ?? to)!]!.exported!.name
      const which = showValue(i + 1, 'attachment', this.#k)
      out.push(to === undefined ? `${which} is detached from ${buf}` : `${which} is attached to ${buf}`)
    }
    for (let i = 0; i < config.fdSlots; i++) {
      const from = a.fd(i as Id<'fd'>)
      const to = b.fd(i as Id<'fd'>)
      const name = `fd ${firstFd + i}`
      if (from.file !== to.file)
        out.push(
          to.file === undefined ? `${name} is closed` : `${name} is ${config.bos[to.file]!.exported!.name}`,
        )
      else if (from.object !== to.object)
        out.push(
          to.object === undefined ? `${name} is closed` : `${name} is ${config.objects[to.object]!.name}`,
        )
      else if (from.taken !== to.taken) out.push(`${name} is ${to.taken ? 'taken' : 'given back'}`)
    }
    for (const [i, { name }] of config.objects.entries()) {
      const from = a.object(i as Id<'object'>)
      const to = b.object(i as Id<'object'>)
      if (to.freed && !from.freed) out.push(`${name} is freed`)
      else if (from.refcount !== to.refcount) out.push(`${name}: refcount ${from.refcount} -> ${to.refcount}`)
    }
    return out
  }

  #frames(a: KernelRows, b: KernelRows): string[] {
    const out: string[] = []
    for (const pfn of this.#k.pfns) {
      const from = a.page(pfn)
      const to = b.page(pfn)
      const owner = (o: Id<'owner'> | undefined): string => (o === undefined ? '' : this.#k.owners[o]!)
      if (from.owner !== to.owner) {
        if (to.owner === undefined) {
          out.push(`f${pfn} is freed (it was ${owner(from.owner)})`)
          continue
        }
      }
      const counts = (['refcount', 'mapcount', 'pins'] as const).flatMap((c) =>
        from[c] === to[c] ? [] : [`${c} ${from[c]} -> ${to[c]}`],
      )
      const given = from.owner === to.owner ? [] : [`goes to ${owner(to.owner)}`]
      if (given.length + counts.length > 0)
        out.push(`f${pfn}${given.length > 0 ? '' : ':'} ${[...given, ...counts].join(', ')}`)
      if (from.data !== to.data && to.owner !== undefined)
        out.push(`f${pfn}: data ${from.data} -> ${to.data}`)
    }
    return out
  }

  #actor(thread: number): string {
    return this.#bound.config.threads[thread]!.name
  }
}
