import type { Span } from '../base/index.ts'
import {
  type AttachmentConfig,
  type BoConfig,
  constants,
  type Insertion,
  type Kind,
  type NotifierConfig,
  type ThingKind,
  type VmaConfig,
  type VmFlag,
  type Zone,
} from '../kernel/index.ts'
import type { Call, Declaration, Expr } from './ast.ts'
import { printExpr } from './print.ts'
import { Say } from './say.ts'

/** A declared thing: its id is its place among the things of its kind. */
export type Thing = { readonly kind: ThingKind; readonly id: number; readonly declaration: Declaration }
/** A declared address: `p` in mm `A`, page `vpn`, `pages` long. */
export type Address = {
  readonly mm: number
  readonly vpn: number
  readonly pages: number
  readonly declaration: Declaration
}

/** Everything that `{ … }` declares, by name, and as the kernel's configuration wants it. */
export class Declared {
  readonly things = new Map<string, Thing>()
  /** By `A:p`. */
  readonly addresses = new Map<string, Address>()
  readonly mms: { name: string; unborn?: boolean }[] = []
  readonly devices: { name: string; swiotlb?: boolean }[] = []
  readonly bos: (BoConfig & { exported?: NonNullable<BoConfig['exported']> })[] = []
  readonly objects: { name: string; refcount: number }[] = []
  /** `invalidate` by name: the callbacks are compiled later. */
  readonly attachments: (Omit<AttachmentConfig, 'callback'> & {
    readonly callback?: string
    readonly span?: Span
  })[] = []
  readonly vmas: VmaConfig[] = []
  readonly locks: { name: string; kind: 'mutex' | 'spinlock' | 'rwsem' }[] = []
  readonly vars: { name: string; kind: Kind }[] = []
  /** `invalidate` by name: the callbacks are compiled later. */
  readonly notifiers: (Omit<NotifierConfig, 'invalidate'> & {
    readonly callback?: string
    readonly span?: Span
  })[] = []
  spare: Partial<Record<Zone, number>> | undefined
  readonly used = new Set<string>()
  readonly #say: Say
  readonly #ends: number[] = []

  constructor(init: readonly Declaration[], say: Say) {
    this.#say = say
    for (const d of init) this.#declare(d)
  }

  /** The address `p`, as a process of mm `mm` sees it; elsewhere an address whose name only one mm has. */
  address(name: string, mm: number | undefined, scope?: string): Address | undefined {
    const own = scope ?? (mm === undefined ? undefined : this.mms[mm]?.name)
    const found =
      own === undefined
        ? [...this.addresses].filter(([key]) => key.endsWith(`:${name}`)).map(([, a]) => a)
        : [this.addresses.get(`${own}:${name}`)]
    const [only] = found
    if (found.length !== 1 || only === undefined) return undefined
    this.used.add(`${this.mms[only.mm]!.name}:${name}`)
    return only
  }

  /** Whether some mm has an address of this name. */
  isAddress(name: string): boolean {
    return [...this.addresses.keys()].some((key) => key.endsWith(`:${name}`))
  }

  thing(name: string): Thing | undefined {
    const t = this.things.get(name)
    if (t) this.used.add(name)
    return t
  }

  warnUnused(): void {
    for (const [name, t] of this.things)
      if (!this.used.has(name))
        this.#say.warning('unused', t.declaration.span, `\`${name}\` is declared and not used`)
    for (const [name, a] of this.addresses)
      if (!this.used.has(name))
        this.#say.warning('unused', a.declaration.span, `\`${name}\` is mapped and not used`)
  }

  #declare(d: Declaration): void {
    if (d.kind === 'address') return this.#map(d)
    const kind = declarable.find((k) => k === d.kind)
    if (kind === undefined)
      return this.#say.error(
        'unknown-kind',
        d.span,
        `\`${d.kind}\` is no kind of thing that can be declared`,
        ...Say.meant(d.kind, declarable),
      )
    if (kind === 'spare') return this.#spare(d)
    const before = this.things.get(d.name)
    if (before || d.name in constants)
      return this.#say.error(
        'duplicate',
        d.span,
        before ? `\`${d.name}\` is declared twice` : `\`${d.name}\` is a constant of the kernel`,
      )
    const add = <T>(list: T[], item: T): void => {
      this.things.set(d.name, { kind: kind as ThingKind, id: list.length, declaration: d })
      list.push(item)
    }
    const bare = (): void => {
      if (d.call)
        this.#say.error(
          'init',
          d.call.span,
          `a ${d.kind} is not made by a call`,
          `write \`${d.kind} ${d.name};\``,
        )
    }
    switch (kind) {
      case 'mm': {
        if (d.call && (d.call.name !== 'unborn' || d.call.args.length > 0))
          this.#say.error(
            'init',
            d.call.span,
            'an mm is there, or will be made by fork()',
            `write \`mm ${d.name} = unborn();\` for the child`,
          )
        add(this.mms, { name: d.name, ...(d.call ? { unborn: true } : {}) })
        this.#ends.push(0)
        return
      }
      case 'device': {
        const [word, ...more] = d.call?.args ?? []
        const swiotlb = word?.kind === 'name' && word.name === 'swiotlb'
        if (d.call && (d.call.name !== 'pci' || more.length > 0 || (word !== undefined && !swiotlb)))
          this.#say.error(
            'init',
            d.call.span,
            'a device is there, or works through bounce buffers',
            `write \`device ${d.name};\` or \`device ${d.name} = pci(swiotlb);\``,
          )
        return add(this.devices, { name: d.name, ...(swiotlb ? { swiotlb } : {}) })
      }
      case 'object': {
        if (!d.call) break
        if (d.call.name !== 'kref')
          return this.#say.error(
            'init',
            d.call.span,
            'an object has references at the start',
            `write \`object ${d.name} = kref(1);\``,
          )
        const refcount = this.#count(d.call.args[0], 1, 8, 'how many references it has')
        return refcount === undefined ? undefined : add(this.objects, { name: d.name, refcount })
      }
      case 'dma_buf':
        if (d.call) return this.#dmaBuf(d)
        break
      case 'attachment': {
        if (!d.call) break
        const a = this.#attachment(d)
        return a && add(this.attachments, a)
      }
      case 'mutex':
      case 'spinlock':
      case 'rwsem':
        bare()
        return add(this.locks, { name: d.name, kind })
      case 'bo': {
        const bo = this.#bo(d)
        return bo && add(this.bos, bo)
      }
      case 'file': {
        const file = this.#file(d)
        return file && add(this.bos, file)
      }
      case 'notifier': {
        const n = this.#notifier(d)
        return n && add(this.notifiers, n)
      }
      default:
    }
    bare()
    this.things.set(d.name, { kind: 'var', id: this.vars.length, declaration: d })
    this.vars.push({ name: d.name, kind: kind as Kind })
  }

  /**
   * `dma_buf D = dma_buf_export(B)`: of an object whose driver has a handle of its own; or `dma_buf D = gpu(1 page, vram)`, `heap(1 page)`: it is all
   * there is of the memory. Behind it `static`, `dynamic` or `revocable`, and `unpublished` or `unexported`.
   */
  #dmaBuf(d: Declaration): void {
    const call = d.call as Call
    const usage = `write \`dma_buf ${d.name} = dma_buf_export(B);\`, or \`dma_buf ${d.name} = heap(1 page);\` for memory that goes with it`
    const words: string[] = []
    const plain: Expr[] = []
    for (const arg of call.args) {
      const word = arg.kind === 'name' ? exportWords.find((x) => x === arg.name) : undefined
      if (word) words.push(word)
      else plain.push(arg)
    }
    let bo: number
    let usual: 'static' | 'dynamic' = 'dynamic'
    const owns = call.name !== 'dma_buf_export'
    if (!owns) {
      const of = plain[0]?.kind === 'name' ? this.thing(plain[0].name) : undefined
      if (of?.kind !== 'bo' || plain.length !== 1)
        return this.#say.error('argument', plain[0]?.span ?? call.span, 'what is exported is a bo', usage)
      bo = of.id
      if (this.bos[bo]!.exported)
        return this.#say.error('duplicate', d.span, `${this.bos[bo]!.name} is exported twice`)
    } else {
      const heap = call.name === 'heap'
      if (heap) usual = 'static'
      const [pages, ...rest] = plain
      const made = this.#bo({
        ...d,
        call: {
          ...call,
          args: [
            pages ?? { kind: 'number', value: 1 },
            ...(rest[0]?.kind === 'name' && (rest[0].name === 'vram' || rest[0].name === 'system')
              ? []
              : [{ kind: 'name', name: heap ? 'system' : 'vram' } as const]),
            ...rest,
          ],
        },
      })
      if (made === undefined) return
      bo = this.bos.length
      this.bos.push(made)
    }
    const exporter = words.find((x) => x === 'static' || x === 'dynamic' || x === 'revocable') ?? usual
    this.bos[bo] = {
      ...this.bos[bo]!,
      exported: {
        name: d.name,
        exporter: exporter as 'static' | 'dynamic' | 'revocable',
        ...(owns ? { owns } : {}),
        at: words.includes('unexported') ? 'none' : words.includes('unpublished') ? 'kernel' : 'fd',
      },
    }
    this.things.set(d.name, { kind: 'dma_buf', id: bo, declaration: d })
  }

  /** `attachment a = dma_buf_dynamic_attach(D, nic, invalidate)`; then `peer2peer`, `unattached`. */
  #attachment(d: Declaration): Declared['attachments'][number] | undefined {
    const usage = `write \`attachment ${d.name} = dma_buf_dynamic_attach(D, DEVICE, CALLBACK);\``
    const call = d.call as Call
    if (call.name !== 'dma_buf_dynamic_attach')
      return this.#say.error(
        'init',
        call.span,
        'an attachment that is declared is one whose driver can be told of moves; the others are made by dma_buf_attach()',
        usage,
      )
    const [of, device, ...rest] = call.args
    const thing = of?.kind === 'name' ? this.thing(of.name) : undefined
    if (thing?.kind !== 'dma_buf' && thing?.kind !== 'bo')
      return this.#say.error('argument', of?.span ?? call.span, 'it is attached to a dma_buf', usage)
    const to = device?.kind === 'name' ? this.thing(device.name) : undefined
    if (to?.kind !== 'device')
      return this.#say.error('argument', device?.span ?? call.span, 'a declared device is attached', usage)
    const bo = thing.id
    // An object that nothing else is said of is exported for the purpose.
    this.bos[bo] = {
      ...this.bos[bo]!,
      exported: this.bos[bo]!.exported ?? { name: this.bos[bo]!.name, exporter: 'dynamic', at: 'fd' },
    }
    let callback: string | undefined
    const words = new Set<string>()
    for (const arg of rest)
      if (arg.kind !== 'name')
        this.#say.error('argument', arg.span ?? call.span, 'the name of the callback is expected', usage)
      else if (arg.name === 'peer2peer' || arg.name === 'unattached') words.add(arg.name)
      else if (arg.name !== 'NULL') callback = arg.name
    return {
      name: d.name,
      bo,
      dynamic: true,
      ...(words.has('peer2peer') ? { peer2peer: true } : {}),
      ...(words.has('unattached') ? { unattached: true } : {}),
      ...(callback === undefined ? {} : { callback }),
      ...(call.span ? { span: call.span } : {}),
    }
  }

  /** `bo B = gpu(1 page, vram)`, and how the driver maps it: `, vmf_insert_mixed, VM_IO | VM_MIXEDMAP` */
  #bo(d: Declaration): BoConfig | undefined {
    const usage = `write \`bo ${d.name} = DEVICE(1 page, vram);\``
    if (!d.call) return this.#say.error('init', d.span, 'a bo belongs to a device', usage)
    // The system heap is nobody's device.
    const device = d.kind === 'dma_buf' && d.call.name === 'heap' ? undefined : this.thing(d.call.name)
    if (device?.kind !== 'device' && !(d.kind === 'dma_buf' && d.call.name === 'heap')) {
      const devices = this.devices.map((x) => x.name)
      const help = Say.meant(d.call.name, devices)
      return this.#say.error(
        'undeclared',
        d.call.span,
        `\`${d.call.name}\` is no declared device`,
        ...help,
        usage,
      )
    }
    const [pages, where, ...rest] = d.call.args
    const count = this.#count(pages, 1, 8, 'how many pages the bo has')
    const place =
      where?.kind === 'name' && (where.name === 'vram' || where.name === 'system') ? where.name : undefined
    if (place === undefined)
      return this.#say.error(
        'argument',
        where?.span ?? d.call.span,
        'a bo is in `vram` or in `system` memory',
        usage,
      )
    let insert: Insertion | undefined
    let flags: VmFlag[] | undefined
    let readonly = false
    let fixed = false
    let slab = false
    for (const arg of rest) {
      const names = orNames(arg)
      const found = insertions.find((i) => i === names?.[0])
      if (found && names?.length === 1) insert = found
      else if (names?.length === 1 && names[0] === 'O_RDONLY') readonly = true
      else if (names?.length === 1 && names[0] === 'const') fixed = true
      else if (names?.length === 1 && names[0] === 'slab' && place === 'system') slab = true
      else if (names?.every((n): n is VmFlag => (vmFlags as readonly string[]).includes(n))) flags = names
      else
        this.#say.error(
          'argument',
          arg.span ?? d.call.span,
          `\`${printExpr(arg)}\` says neither how the driver inserts its pages nor which VM_ flags it sets`,
          ...Say.meant(names?.[0] ?? '', [...insertions, ...vmFlags]),
        )
    }
    if (count === undefined) return undefined
    return {
      name: d.name,
      pages: count,
      where: place,
      ...(insert ? { insert } : {}),
      ...(flags ? { flags } : {}),
      ...(readonly ? { readonly } : {}),
      ...(fixed ? { const: true } : {}),
      ...(slab ? { slab: true } : {}),
    }
  }

  /** `file F = memfd(2 pages)`, or `ext4(…)`; then the zone of its pages, O_RDONLY, and what is in its first pages. */
  #file(d: Declaration): BoConfig | undefined {
    const usage = `write \`file ${d.name} = memfd(1 page);\``
    const fs = fileSystems.find((f) => f === d.call?.name)
    if (d.call === undefined || fs === undefined)
      return this.#say.error(
        'init',
        d.call?.span ?? d.span,
        `a file is made by ${Object.keys(fileSystemOf).join('() or ')}()`,
        ...Say.meant(d.call?.name ?? '', fileSystems),
        usage,
      )
    const [pages, ...rest] = d.call.args
    const count = this.#count(pages, 1, 8, 'how many pages the file has')
    const data: number[] = []
    let zone: Zone | undefined
    let readonly = false
    for (const arg of rest) {
      const named = arg.kind === 'name' ? zones.find((z) => z === arg.name && z !== 'vram') : undefined
      if (arg.kind === 'number' && data.length < (count ?? 0)) data.push(arg.value)
      else if (named) zone = named
      else if (arg.kind === 'name' && arg.name === 'O_RDONLY') readonly = true
      else
        this.#say.error(
          'argument',
          arg.span ?? d.call.span,
          `\`${printExpr(arg)}\` is neither the contents of a page, nor a zone, nor O_RDONLY`,
          usage,
        )
    }
    if (count === undefined) return undefined
    return {
      name: d.name,
      pages: count,
      where: 'system',
      fs: fileSystemOf[fs],
      ...(data.length > 0 ? { data } : {}),
      ...(zone ? { zone } : {}),
      ...(readonly ? { readonly } : {}),
    }
  }

  /**
   * `notifier n = mmu_interval_notifier(A:p, 1, invalidate)`, or `mmu_notifier(…)` in the same words; with `unregistered` the test
   * registers it itself. One that is told of everything and one that is told of a range differ in nothing where there is one range.
   */
  #notifier(d: Declaration): Declared['notifiers'][number] | undefined {
    const usage = `write \`notifier ${d.name} = mmu_interval_notifier(A:p, 1, invalidate);\``
    if (d.call?.name !== 'mmu_interval_notifier' && d.call?.name !== 'mmu_notifier')
      return this.#say.error('init', d.call?.span ?? d.span, 'a notifier watches a range of an mm', usage)
    const [at, length, ...rest] = d.call.args
    const found = at?.kind === 'name' ? this.address(at.name, undefined, at.proc) : undefined
    if (!found)
      return this.#say.error(
        'argument',
        at?.span ?? d.call.span,
        'the first argument is a mapped address',
        usage,
      )
    const pages =
      length?.kind === 'number' ? this.#count(length, 1, 64, 'how many pages it watches') : found.pages
    let callback: string | undefined
    let unregistered = false
    for (const arg of length?.kind === 'number' ? rest : [...(length ? [length] : []), ...rest])
      if (arg.kind !== 'name')
        this.#say.error('argument', arg.span ?? d.call.span, 'the name of the callback is expected', usage)
      else if (arg.name === 'unregistered') unregistered = true
      else if (arg.name !== 'NULL') callback = arg.name
    return {
      name: d.name,
      mm: found.mm,
      start: found.vpn,
      pages: pages ?? 1,
      ...(unregistered ? { unregistered } : {}),
      ...(callback === undefined ? {} : { callback }),
      ...(d.call.span ? { span: d.call.span } : {}),
    }
  }

  /** `spare movable = frames(2)`: so many free frames, instead of as many as the processes can take. */
  #spare(d: Declaration): void {
    const zone = zones.find((z) => z === d.name)
    if (d.call?.name !== 'frames' || zone === undefined)
      return this.#say.error(
        'init',
        d.span,
        'spare frames are in a zone',
        `write \`spare ${zone ?? 'normal'} = frames(2);\``,
        ...(zone === undefined ? Say.meant(d.name, zones) : []),
      )
    const count = this.#count(d.call.args[0], 0, 16, 'how many frames are free')
    if (count !== undefined) this.spare = { ...this.spare, [zone]: count }
  }

  /** `A:p = mmap(B, 1, PROT_READ | PROT_WRITE, MAP_SHARED, untouched)`; then a page offset, `movable` or `cma`. */
  #map(d: Declaration): void {
    const call = d.call as Call
    const usage = 'write `A:p = mmap(B, 1 page, PROT_READ | PROT_WRITE, MAP_SHARED, untouched);`'
    const mm = this.thing(d.scope ?? '')
    if (mm?.kind !== 'mm') {
      const mms = this.mms.map((m) => m.name)
      return this.#say.error(
        'undeclared',
        d.span,
        `\`${d.scope}\` is no declared mm`,
        ...Say.meant(d.scope ?? '', mms),
      )
    }
    if (call.name !== 'mmap') return this.#say.error('init', call.span, 'an address comes from mmap()', usage)
    const key = `${d.scope}:${d.name}`
    if (this.addresses.has(key)) return this.#say.error('duplicate', d.span, `\`${key}\` is mapped twice`)
    if (this.things.has(d.name) || d.name in constants)
      return this.#say.error('duplicate', d.span, `\`${d.name}\` is already something else`)
    const [object, length, protection, mapping, ...rest] = call.args
    const pages = this.#count(length, 1, 8, 'how many pages are mapped')
    const bo = object?.kind === 'name' && object.name !== 'NULL' ? this.thing(object.name) : undefined
    if (
      object?.kind !== 'name' ||
      (object.name !== 'NULL' && bo?.kind !== 'bo' && bo?.kind !== 'file' && bo?.kind !== 'dma_buf')
    )
      return this.#say.error(
        'argument',
        object?.span ?? call.span,
        'what is mapped is a bo, a file, or NULL for anonymous memory',
        usage,
      )
    const prot = this.#flags(protection, protFlags, 'PROT_READ, PROT_WRITE or PROT_NONE', call)
    const flags = this.#flags(mapping, mapFlags, 'MAP_SHARED or MAP_PRIVATE', call)
    if (pages === undefined || prot === undefined || flags === undefined) return
    // What a driver lends has been used already: it is in the page table, unless the test says otherwise.
    let populated = (flags & MAP_POPULATE) !== 0 || bo?.kind === 'bo' || bo?.kind === 'dma_buf'
    let pgoff = 0
    let zone: Zone | undefined
    for (const arg of rest) {
      const named = arg.kind === 'name' ? zones.find((z) => z === arg.name) : undefined
      if (arg.kind === 'number') pgoff = arg.value
      else if (arg.kind === 'name' && arg.name === 'untouched') populated = false
      else if (named && bo === undefined) zone = named
      else
        this.#say.error(
          'argument',
          arg.span ?? call.span,
          `\`${printExpr(arg)}\` is neither a page offset, \`untouched\`, nor a zone for anonymous memory`,
          ...(bo === undefined ? Say.meant(arg.kind === 'name' ? arg.name : '', zones) : []),
        )
    }
    const start = this.#ends[mm.id]!
    this.#ends[mm.id] = start + pages
    this.addresses.set(key, { mm: mm.id, vpn: start, pages, declaration: d })
    this.vmas.push({
      mm: mm.id,
      name: key,
      pages,
      start,
      ...(bo ? { bo: bo.id } : {}),
      ...(bo?.kind === 'dma_buf' ? { dma_buf: true } : {}),
      pgoff,
      prot,
      flags: flags & ~MAP_POPULATE,
      ...(populated ? { populated } : {}),
      ...(zone ? { zone } : {}),
    })
  }

  #count(e: Expr | undefined, least: number, most: number, what: string): number | undefined {
    if (e?.kind === 'number' && e.value >= least && e.value <= most) return e.value
    this.#say.error(
      'argument',
      e?.span,
      `${what} is a number from ${least} to ${most}`,
      'the model is small: so are tests',
    )
    return undefined
  }

  #flags(
    e: Expr | undefined,
    table: Readonly<Record<string, number>>,
    what: string,
    call: Call,
  ): number | undefined {
    const names = e ? orNames(e) : undefined
    const wrong = names?.find((n) => table[n] === undefined)
    if (names && wrong === undefined) return names.reduce((sum, n) => sum | table[n]!, 0)
    this.#say.error(
      'argument',
      e?.span ?? call.span,
      wrong === undefined ? `${what} is expected` : `\`${wrong}\` is not ${what}`,
      ...Say.meant(wrong ?? '', Object.keys(table)),
    )
    return undefined
  }
}

/** `A | B | C` as names; undefined when something else is in it. */
function orNames(e: Expr): string[] | undefined {
  if (e.kind === 'name') return [e.name]
  if (e.kind !== 'binary' || e.op !== '|') return undefined
  const left = orNames(e.left)
  const right = orNames(e.right)
  return left && right && [...left, ...right]
}

/** The words of a type as a list: one that is missing or none of it does not compile. */
const words = <W extends string>(all: Readonly<Record<W, true>>): readonly W[] => Object.keys(all) as W[]
const zones = words<Zone>({ normal: true, movable: true, cma: true, vram: true })
const insertions = words<Exclude<Insertion, 'filemap_fault'>>({
  vmf_insert_pfn: true,
  vmf_insert_mixed: true,
  vm_insert_page: true,
  finish_fault: true,
  remap_pfn_range: true,
})
/** By the call that makes such a file. */
const fileSystemOf = { memfd: 'shmem', ext4: 'ext4' } as const
const fileSystems = Object.keys(fileSystemOf) as (keyof typeof fileSystemOf)[]
const vmFlags = words<VmFlag>({
  VM_READ: true,
  VM_WRITE: true,
  VM_MAYWRITE: true,
  VM_SHARED: true,
  VM_MAYSHARE: true,
  VM_IO: true,
  VM_PFNMAP: true,
  VM_MIXEDMAP: true,
  VM_DONTEXPAND: true,
  VM_DONTCOPY: true,
})

/** Of a dma-buf, in its declaration. */
const exportWords = ['static', 'dynamic', 'revocable', 'unpublished', 'unexported'] as const

/** Only in declarations: the pages are there from the start. */
const MAP_POPULATE = 1 << 20
const pick = (...names: string[]): Record<string, number> =>
  Object.fromEntries(names.map((n) => [n, constants[n]!]))
const protFlags = pick('PROT_NONE', 'PROT_READ', 'PROT_WRITE')
const mapFlags = { ...pick('MAP_SHARED', 'MAP_PRIVATE', 'MAP_ANONYMOUS'), MAP_POPULATE }

/** Kinds of things, then kinds of shared variables. */
const declarable = [
  ...(['mm', 'device', 'bo', 'file', 'dma_buf', 'attachment', 'object', 'notifier'] as const),
  ...(['mutex', 'spinlock', 'rwsem', 'spare'] as const),
  ...(['int', 'errno', 'seq', 'pfn', 'page', 'frames', 'dma', 'sgt', 'vma'] as const),
] as const

/** The first word of a declaration, for an editor. */
export const declarationKinds: readonly string[] = declarable

/** What else a declaration is made of, for an editor: where memory is, how it is mapped, what an exporter does. */
export const declarationWords: readonly string[] = [
  ...zones,
  'system',
  'untouched',
  'unborn',
  ...exportWords,
  ...fileSystems,
  ...insertions,
  ...vmFlags,
  'MAP_POPULATE',
]
