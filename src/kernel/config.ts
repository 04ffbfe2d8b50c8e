import { type Diagnostic, hasErrors, type Outcome, suggest } from '../base/index.ts'
import { isOptional, type Kind, needsProcess, type Op } from './op.ts'
import { MAP_SHARED } from './constants.ts'
import { defaultPolicies, policies, type Policy, type PolicyValues } from './policies/index.ts'
import type { Instruction, Operand, Program } from './program.ts'
import { recursiveCallback } from './sizes.ts'
import { compareVersions, hasChange, isVersion, kernels } from './versions.ts'

export type Zone = 'normal' | 'movable' | 'cma' | 'vram'
export type VmFlag =
  | 'VM_READ'
  | 'VM_WRITE'
  | 'VM_MAYWRITE'
  | 'VM_SHARED'
  | 'VM_MAYSHARE'
  | 'VM_IO'
  | 'VM_PFNMAP'
  | 'VM_MIXEDMAP'
  | 'VM_DONTEXPAND'
  | 'VM_DONTCOPY'

/**
 * How a driver puts its pages into a mapping: by ->fault with one of the insertion functions, or as the page that it gives (vmf->page), which
 * finish_fault() maps; or all at mmap by remap_pfn_range().
 */
export type Insertion =
  | 'vmf_insert_pfn'
  | 'vmf_insert_mixed'
  | 'vm_insert_page'
  | 'finish_fault'
  | 'remap_pfn_range'
  /** Files: ->fault gives a page of the page cache. */
  | 'filemap_fault'

/** A file's file system: shmem (memfd, shared anonymous memory), or one with a disk, which must be told of every write (ext4). */
export type FileSystem = 'shmem' | 'ext4'

/**
 * The initial state of a test, as plain data. Things are named by their place in these lists (an id); the litmus binder makes it from
 * declarations, a test by hand. `configure` checks it and fills in what is left out.
 */
export type KernelConfig = {
  /** `5.9`, `5.10`, … */
  readonly version: string
  readonly policies?: Readonly<Record<string, string>>
  /** `unborn`: the child that fork() will make. */
  readonly mms?: readonly { readonly name: string; readonly unborn?: boolean }[]
  /** `swiotlb`: what it reaches by the DMA API goes through bounce buffers. */
  readonly devices?: readonly { readonly name: string; readonly swiotlb?: boolean }[]
  readonly bos?: readonly BoConfig[]
  readonly vmas?: readonly VmaConfig[]
  readonly locks?: readonly { readonly name: string; readonly kind: 'mutex' | 'spinlock' | 'rwsem' }[]
  readonly notifiers?: readonly NotifierConfig[]
  readonly attachments?: readonly AttachmentConfig[]
  /** Objects that kernel code allocates and counts, with their references at the start. */
  readonly objects?: readonly { readonly name: string; readonly refcount: number }[]
  readonly vars?: readonly { readonly name: string; readonly kind: Kind; readonly value?: number }[]
  readonly threads: readonly Program[]
  readonly callbacks?: readonly Program[]
  /** Free frames at the start. Left out: as many normal ones (and vram) as the programs can take. */
  readonly spare?: Partial<Readonly<Record<Zone, number>>>
}

export type BoConfig = {
  readonly name: string
  readonly pages: number
  readonly where: 'vram' | 'system'
  /** Left out: as the GPU drivers of that kernel do (TTM). */
  readonly insert?: Insertion
  /** Flags that the driver's mmap sets beside those that the insertion needs. Left out: as the insertion's usual users do. */
  readonly flags?: readonly VmFlag[]
  /** What is in each page at first. Of a file, only these pages are in the page cache at first. */
  readonly data?: readonly number[]
  /** A file: memory that is found by its place, in the page cache, and goes when the file is truncated. */
  readonly fs?: FileSystem
  /** The zone of a file's pages that are there at first. */
  readonly zone?: Zone
  /** It was opened for reading only. */
  readonly readonly?: boolean
  /** The file behind shared anonymous memory: made by mmap(), gone with its last mapping. */
  readonly anonymous?: boolean
  /** It is exported as a dma-buf, or a program does that. */
  readonly exported?: ExportConfig
  /** Its driver maps it out by functions of its own. */
  readonly driver?: DriverConfig
  /** The driver means it not to be written by those who map it. */
  readonly const?: boolean
  /** Its memory is from the slab allocator: others' objects lie on the same pages. */
  readonly slab?: boolean
  /** Its driver counts references; at first there is one, a handle's. */
  readonly counted?: boolean
}

/** The functions of a driver, of `callbacks`; `open` and `close` by how much they change its count. */
export type DriverConfig = {
  readonly mmap?: number
  readonly fault?: number
  readonly open?: number
  readonly close?: number
}

/**
 * How an object is exported. `static` exporters have no ->pin: their memory never moves. `dynamic` ones pin for importers that cannot be
 * told of moves; `revocable` ones refuse those, and take the memory away at will.
 */
export type ExportConfig = {
  readonly name: string
  readonly exporter: 'static' | 'dynamic' | 'revocable'
  /** The memory goes with the dma-buf; otherwise the driver has a handle of its own. */
  readonly owns?: boolean
  /** Where it is at the start. `fd`: a process has it as a file descriptor; `kernel`: whoever made it has not published it yet; `none`: it is not made yet. */
  readonly at: 'fd' | 'kernel' | 'none'
}

export type AttachmentConfig = {
  readonly name: string
  /** The object whose dma-buf it is. */
  readonly bo: number
  /** The importer has a callback for moves, of `callbacks`; a dynamic importer without one does nothing in it. */
  readonly callback?: number
  readonly dynamic?: boolean
  /** The importer can reach the exporter's own memory (allow_peer2peer). */
  readonly peer2peer?: boolean
  /** Not yet attached: a program does that. */
  readonly unattached?: boolean
}

export type VmaConfig = {
  readonly mm: number
  readonly name?: string
  readonly pages: number
  /** First page. Left out: behind the mapping before it. */
  readonly start?: number
  /** The object it maps; left out, it is anonymous memory. */
  readonly bo?: number
  readonly pgoff?: number
  /** PROT_… */
  readonly prot: number
  /** MAP_SHARED or MAP_PRIVATE */
  readonly flags: number
  /** Its pages are there from the start. remap_pfn_range always populates. */
  readonly populated?: boolean
  /** It maps the dma-buf of the object, whose file it then holds. */
  readonly dma_buf?: boolean
  /** The zone of its anonymous pages. */
  readonly zone?: Zone
}

export type NotifierConfig = {
  readonly name: string
  readonly mm: number
  readonly start: number
  readonly pages: number
  /** The callback that ->invalidate is, of `callbacks`. */
  readonly invalidate?: number
  /** Not yet inserted: mmu_interval_notifier_insert does it. */
  readonly unregistered?: boolean
}

/** A configuration in which nothing is left out. */
export type FullConfig = Required<Omit<KernelConfig, 'policies' | 'spare' | 'vmas' | 'bos'>> & {
  readonly policies: PolicyValues
  readonly bos: readonly (Required<Omit<BoConfig, 'flags' | 'fs' | 'exported' | 'driver'>> & {
    readonly driver?: DriverConfig
    readonly flags: ReadonlySet<VmFlag>
    readonly fs: FileSystem | undefined
    /** The pages that are there at first. */
    readonly present: readonly number[]
    readonly exported?: ExportConfig
  })[]
  readonly vmas: readonly (VmaConfig & {
    readonly start: number
    readonly pgoff: number
    readonly zone: Zone
  })[]
  readonly spare: Readonly<Record<Zone, number>>
  /** Pages of an address space; VMA slots; device mappings; all for the largest that the programs can make. */
  readonly vpns: number
  readonly vmaSlots: number
  readonly dmaSlots: number
  readonly attachmentSlots: number
  readonly fdSlots: number
  /** There are DMA mappings with a direction. */
  readonly directed: boolean
  /** Some call of GUP asks for several pages. */
  readonly several: boolean
  /** There is anonymous memory, and so the zero page: frame 0. */
  readonly zeroPage: boolean
}

const problem = (code: string, message: string, ...hints: string[]): Diagnostic => ({
  code: `kernel/${code}`,
  severity: 'error',
  message,
  hints: hints.map((text) => ({ text })),
})

/** Why a kernel does not have an operation, or undefined when it has it. */
export function whyAbsent(op: Op, version: string): string | undefined {
  if (op.since !== undefined && compareVersions(version, op.since) < 0)
    return `${op.name} is in kernels since ${op.since}`
  if (op.until !== undefined && compareVersions(version, op.until) >= 0)
    return `${op.name} is in kernels before ${op.until}`
  return undefined
}

/** Checks a configuration against the operations there are, and fills it in. Several problems are told at once. */
export function configure(config: KernelConfig, ops: ReadonlyMap<string, Op>): Outcome<FullConfig> {
  const diagnostics: Diagnostic[] = []
  const { version } = config
  if (!isVersion(version))
    diagnostics.push(
      problem(
        'version',
        `kernel ${version} is not one that is modelled`,
        `one of ${kernels.join(', ')}, or a release between`,
      ),
    )

  const values: Record<string, string> = { ...defaultPolicies }
  for (const [name, value] of Object.entries(config.policies ?? {})) {
    const policy = (policies as Readonly<Record<string, Policy>>)[name]
    if (policy === undefined) {
      diagnostics.push(
        problem('policy', `there is no policy ${name}`, ...suggest(name, Object.keys(policies))),
      )
    } else if (!(value in policy.values)) {
      const words = Object.keys(policy.values)
      diagnostics.push(problem('policy', `${name} cannot be ${value}`, `it can be ${words.join(', ')}`))
    } else {
      const why = isVersion(version) ? policy.unavailable?.(version, value) : undefined
      if (why === undefined) values[name] = value
      else diagnostics.push(problem('policy', `${name} cannot be ${value}: ${why}`))
    }
  }

  const mms = config.mms ?? []
  const devices = config.devices ?? []
  const locks = config.locks ?? []
  const vars = config.vars ?? []
  const callbacks = config.callbacks ?? []
  const notifiers = (config.notifiers ?? []).map((n) => ({ ...n }))
  const attachments = config.attachments ?? []
  const counted = config.objects ?? []

  // Shared anonymous memory is a file of shmem's: one for each mapping, and for each call of mmap() that may make one.
  const given = config.vmas ?? []
  const shared = given.filter((v) => v.bo === undefined && (v.flags & MAP_SHARED) !== 0)
  const calls = [...config.threads, ...callbacks].flatMap((p) => p.code.filter(mapsSharedMemory))
  const anonymous = (name: string, pages: number): BoConfig => ({
    name,
    pages,
    where: 'system',
    fs: 'shmem',
    anonymous: true,
  })
  const objects: BoConfig[] = [
    ...(config.bos ?? []),
    ...shared.map((v, i) => anonymous(`shmem of ${v.name ?? i}`, v.pages)),
    ...calls.map((c, i) => anonymous(`shmem ${i}`, constant(c.kind === 'call' ? c.args[1] : undefined, 1))),
  ]
  const firstShared = config.bos?.length ?? 0
  const asFile = given.map(
    (v): VmaConfig => (shared.includes(v) ? { ...v, bo: firstShared + shared.indexOf(v) } : v),
  )

  const bos = objects.map((b, i) => {
    const insert: Insertion =
      b.insert ??
      (b.fs !== undefined
        ? 'filemap_fault'
        : b.driver !== undefined
          ? 'vm_insert_page'
          : isVersion(version) && hasChange(version, 'ttm-pfnmap')
            ? 'vmf_insert_pfn'
            : 'vmf_insert_mixed')
    const data = b.data ?? []
    const populated = asFile.filter((v) => v.bo === i && v.populated === true)
    const pages = Array.from({ length: b.pages }, (_, p) => p)
    return {
      ...b,
      insert,
      flags: new Set(
        b.driver !== undefined
          ? []
          : b.flags === undefined
            ? usualFlags[insert]
            : [...neededFlags[insert], ...b.flags],
      ),
      data,
      fs: b.fs,
      zone: b.where === 'vram' ? ('vram' as const) : (b.zone ?? 'normal'),
      readonly: b.readonly ?? false,
      const: b.const ?? false,
      slab: b.slab ?? false,
      counted: b.counted ?? false,
      anonymous: b.anonymous ?? false,
      present:
        b.fs === undefined
          ? pages
          : pages.filter(
              (p) =>
                p < data.length || populated.some((v) => (v.pgoff ?? 0) <= p && p < (v.pgoff ?? 0) + v.pages),
            ),
    }
  })

  const ends = mms.map(() => 0)
  const vmas = asFile.map((v) => {
    const start = v.start ?? ends[v.mm] ?? 0
    ends[v.mm] = Math.max(ends[v.mm] ?? 0, start + v.pages)
    if (mms[v.mm] === undefined) diagnostics.push(problem('mapping', `mapping ${v.name ?? ''} is in no mm`))
    if (v.pages < 1) diagnostics.push(problem('mapping', `mapping ${v.name ?? ''} has no pages`))
    const bo = v.bo === undefined ? undefined : bos[v.bo]
    if (bo?.driver !== undefined)
      diagnostics.push(
        problem(
          'mapping',
          `mapping ${v.name ?? ''} is of ${bo.name}, whose driver maps it by a function of its own`,
          'call mmap() in a process',
        ),
      )
    if (bo !== undefined && bo.fs === undefined && (v.pgoff ?? 0) + v.pages > bo.pages)
      diagnostics.push(
        problem('mapping', `mapping ${v.name ?? ''} is longer than ${bo.name}, which has ${bo.pages} pages`),
      )
    return { ...v, start, pgoff: v.pgoff ?? 0, zone: v.zone ?? ('normal' as Zone) }
  })
  for (const [i, v] of vmas.entries())
    for (const w of vmas.slice(i + 1))
      if (v.mm === w.mm && v.start < w.start + w.pages && w.start < v.start + v.pages)
        diagnostics.push(problem('mapping', `mappings ${v.name ?? ''} and ${w.name ?? ''} overlap`))

  let vmaSlots = vmas.length
  let dmaSlots = 0
  let attachmentSlots = attachments.length
  let fdSlots = bos.filter((b) => b.exported?.at === 'fd').length
  let directed = false
  let several = false
  let imports = false
  let mmapped = 0
  let farthest = 0
  const spare: Record<Zone, number> = { normal: 0, movable: 0, cma: 0, vram: 0 }
  const programs = [...config.threads, ...callbacks]
  for (const program of programs)
    for (const instruction of program.code) {
      if (instruction.kind !== 'call') continue
      const op = ops.get(instruction.op)
      if (op === undefined) {
        diagnostics.push(
          problem(
            'unknown-op',
            `there is no operation ${instruction.op}`,
            ...suggest(instruction.op, ops.keys()),
          ),
        )
        continue
      }
      const absent = whyAbsent(op, version)
      if (absent !== undefined)
        diagnostics.push(problem('not-in-this-kernel', `${absent}; this is ${version}`))
      const missing = op.args.filter((a, i) => !isOptional(a.kind) && instruction.args[i] === undefined)
      for (const a of missing) diagnostics.push(problem('argument', `${op.name} needs ${a.name}`))
      const given = (i: number): boolean => instruction.args[i] !== undefined
      if (program.context.mm === undefined && !callbacks.includes(program) && needsProcess(op, given))
        diagnostics.push(problem('context', `${op.name} needs a process: ${program.name} has no mm`))
      vmaSlots += op.takes.vma ?? 0
      dmaSlots += op.takes.dma ?? 0
      attachmentSlots += op.takes.attachment ?? 0
      fdSlots += op.takes.fd ?? 0
      if (op.takes.mapping !== undefined) directed = true
      if (
        op.takes.mapping !== undefined &&
        op.args.some((a) => a.base === 'attachment' || a.base === 'dma_buf')
      )
        imports = true
      const pages =
        op.several === undefined
          ? 1
          : constant(instruction.args[op.args.findIndex((a) => a.name === 'nr')], 1)
      if (pages > 1) several = true
      spare.normal += (op.takes.pfn ?? 0) * pages
      if (op.name === 'mmap' || op.name === 'dma_buf_mmap') {
        const pages = instruction.args[op.args.findIndex((a) => a.name === 'pages')]
        mmapped += pages?.kind === 'const' ? pages.value : 1
      }
      if (op.takes.each !== undefined)
        spare.normal +=
          op.takes.each * constant(instruction.args[op.args.findIndex((a) => a.name === 'pages')], 1)
      if (op.name === 'mremap') {
        const grown = constant(instruction.args[2], 2)
        mmapped += grown
        farthest = Math.max(farthest, constant(instruction.args[4], 0) + grown)
      }
      const bo = instruction.args[op.args.findIndex((a) => a.kind === 'bo')]
      if (op.name === 'dma_buf_export' && bo?.kind === 'thing' && bos[bo.id] !== undefined)
        bos[bo.id] = {
          ...bos[bo.id]!,
          exported: bos[bo.id]!.exported ?? { name: bos[bo.id]!.name, exporter: 'dynamic', at: 'none' },
        }
      if (op.takes.pfn !== undefined && bo?.kind === 'thing') {
        spare.normal += bos[bo.id]?.pages ?? 0
        spare.vram += bos[bo.id]?.pages ?? 0
      }
      if (op.name === 'fork') {
        vmaSlots += vmas.length
        spare.normal += vmas.reduce((n, v) => n + v.pages, 0)
      }
    }
  // An importer that does no peer to peer has the memory brought to the system's.
  if (imports) for (const b of bos) if (b.exported && b.where === 'vram') spare.normal += b.pages
  const recursive = recursiveCallback({ callbacks }, ops)
  if (recursive !== undefined)
    diagnostics.push(
      problem(
        'recursive-callback',
        `${recursive.callback} calls ${recursive.op}, which may run notifier callbacks itself`,
        'a callback may take locks, set the sequence and drop its own mappings',
      ),
    )
  const vpns = Math.max(farthest, Math.max(0, ...ends) + mmapped)
  for (const b of bos) spare.normal += b.pages - b.present.length

  const value: FullConfig = {
    version,
    policies: values as PolicyValues,
    mms,
    devices,
    bos,
    vmas,
    locks,
    notifiers,
    attachments,
    objects: counted,
    vars,
    threads: config.threads,
    callbacks,
    spare: { ...spare, ...config.spare },
    vpns,
    vmaSlots,
    dmaSlots,
    attachmentSlots,
    fdSlots,
    directed,
    several,
    zeroPage: mmapped > 0 || vmas.some((v) => v.bo === undefined),
  }
  return hasErrors(diagnostics) ? { diagnostics } : { value, diagnostics }
}

/** Whether a call may make shared anonymous memory. */
function mapsSharedMemory(i: Instruction): boolean {
  if (i.kind !== 'call' || i.op !== 'mmap' || i.args[0] !== undefined) return false
  const flags = i.args[3]
  return flags?.kind !== 'const' || (flags.value & MAP_SHARED) !== 0
}

const constant = (o: Operand | undefined, otherwise: number): number =>
  o?.kind === 'const' ? o.value : otherwise

/** What the insertion functions insist on. */
const neededFlags: Readonly<Record<Insertion, readonly VmFlag[]>> = {
  vmf_insert_pfn: [],
  vmf_insert_mixed: [],
  vm_insert_page: [],
  finish_fault: [],
  remap_pfn_range: ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND'],
  filemap_fault: [],
}

/** What drivers set that use them: TTM for the first two. */
const usualFlags: Readonly<Record<Insertion, readonly VmFlag[]>> = {
  vmf_insert_pfn: ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND'],
  vmf_insert_mixed: ['VM_IO', 'VM_MIXEDMAP', 'VM_DONTEXPAND'],
  vm_insert_page: ['VM_MIXEDMAP'],
  finish_fault: [],
  remap_pfn_range: ['VM_IO', 'VM_PFNMAP', 'VM_DONTEXPAND'],
  filemap_fault: [],
}
