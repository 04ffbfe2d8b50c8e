import { type Kernel, type KernelRows, type Kind, namesFrame } from '../kernel/index.ts'
import type { Id } from '../state/index.ts'
import type { Bound } from './bind.ts'
import { showValue, signed } from './words.ts'

/**
 * Something that a reader of the test knows: an mm, a VMA, a page-table entry, a frame, a buffer object, a register that names a frame.
 * It is told by facts in the kernel's words, stands within another, and may name a frame.
 */
export type Thing = {
  /** The same from step to step. */
  readonly id: string
  /**
   * `mm`, `vma`, `pte`, `frame`, `object`, `object page`, `notifier`, `secondary`, `attachment`, `fd`, `dma`, `actor`, `register`,
   * `variable`, `system`.
   */
  readonly kind: string
  /** The id of the thing that it stands in. */
  readonly within?: string
  readonly title: string
  /** `{ refcount: '1' }`. A fact without a name needs none. */
  readonly facts: Readonly<Record<string, string>>
  /** Flags that are set, `VM_IO`. */
  readonly flags?: readonly string[]
  /** The frame that it names, by its id, and whether that is no longer what was looked up or mapped. */
  readonly names?: { readonly id: string; readonly stale: boolean }
  /** It is there and not in use: a free frame, an mm after exit. */
  readonly idle?: boolean
}

const vmFlags = [
  'VM_READ',
  'VM_WRITE',
  'VM_SHARED',
  'VM_IO',
  'VM_PFNMAP',
  'VM_MIXEDMAP',
  'VM_DONTEXPAND',
  'VM_DONTCOPY',
  'VM_WIPEONFORK',
  'VM_LOCKED',
] as const

/** DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE */
const directions = ['both ways', 'to device', 'from device'] as const

/** A state as the things in it, in a stable order. Free frames that nothing names are left out. */
export function memoryOf(
  k: Kernel,
  { config }: Bound,
  rows: KernelRows,
  address: (mm: number, vpn: number) => string,
): Thing[] {
  const things: Thing[] = []
  const named = new Set<number>()
  const names = (pfn: number, stale: boolean): NonNullable<Thing['names']> => {
    named.add(pfn)
    return { id: `f${pfn}`, stale }
  }
  const entry = (
    id: string,
    kind: string,
    within: string,
    title: string,
    e: { present: boolean; write: boolean; pfn: number | undefined; stale: boolean; special?: boolean },
  ): Thing => ({
    id,
    kind,
    within,
    title,
    facts: { '': e.present ? `f${e.pfn}` : 'none' },
    ...(e.present
      ? {
          flags: [...(e.write ? ['write'] : []), ...(e.special === true ? ['special'] : [])],
          names: names(e.pfn!, e.stale),
        }
      : { idle: true }),
  })

  for (const mm of k.mms) {
    const row = rows.mm(mm)
    const { name } = config.mms[mm]!
    if (!row.born) continue
    things.push({
      id: `mm ${name}`,
      kind: 'mm',
      title: `mm ${name}`,
      facts: {
        ...(row.alive ? {} : { '': 'exited' }),
        ...(row.has_pinned ? { has_pinned: '1' } : {}),
        ...(config.notifiers.some((n) => n.mm === mm)
          ? { invalidate_seq: String(row.invalidate_seq), invalidating: String(row.active_invalidate_ranges) }
          : {}),
      },
      ...(row.alive ? {} : { idle: true }),
    })
    const pteOf = (vpn: number, within: string): Thing =>
      entry(`pte ${name} ${vpn}`, 'pte', within, address(mm, vpn), rows.pte(mm, vpn as Id<'vpn'>))
    const covered = new Set<number>()
    for (const vma of k.vmas) {
      const v = rows.vma(vma)
      if (v.vm_mm !== mm) continue
      const id = `vma ${vma}`
      const pages = v.vm_end - v.vm_start
      things.push({
        id,
        kind: 'vma',
        within: `mm ${name}`,
        title: `vma ${address(mm, v.vm_start)}${pages === 1 ? '' : `, ${pages} pages`}`,
        facts: {
          '': v.vm_file === undefined ? 'anonymous' : `maps ${config.bos[v.vm_file]!.name}`,
          ...(v.vm_file !== undefined && v.vm_pgoff > 0 ? { pgoff: String(v.vm_pgoff) } : {}),
        },
        flags: vmFlags.filter((f) => v[f]),
      })
      for (let vpn = v.vm_start; vpn < v.vm_end; vpn++) {
        covered.add(vpn)
        things.push(pteOf(vpn, id))
      }
    }
    for (let vpn = 0; vpn < config.vpns; vpn++)
      if (!covered.has(vpn) && rows.pte(mm, vpn as Id<'vpn'>).present) things.push(pteOf(vpn, `mm ${name}`))
  }

  for (const [i, { name, pages }] of config.bos.entries()) {
    const bo = i as Id<'bo'>
    const row = rows.bo(bo)
    const file = config.bos[i]!.fs !== undefined
    things.push({
      id: `bo ${name}`,
      kind: 'object',
      title: file ? `file ${name}` : `bo ${name}`,
      facts: {
        '': !row.alive
          ? 'freed'
          : file
            ? `${row.size} page${row.size === 1 ? '' : 's'} long`
            : row.vram
              ? 'in vram'
              : 'in system memory',
        ...(row.alive && config.bos[i]!.counted === true
          ? { refcount: String(rows.bo_kref(i as Id<'krefBo'>).refcount) }
          : {}),
      },
      ...(row.alive ? {} : { idle: true }),
    })
    for (let p = 0; p < pages; p++) {
      const { pfn, disk } = rows.bo_page(bo, p as Id<'boPage'>)
      // A page of the page cache, and what would be read from the disk if it were not there.
      const backed = file && row.alive && config.bos[i]!.fs !== 'shmem'
      things.push({
        id: `bo ${name} ${p}`,
        kind: 'object page',
        within: `bo ${name}`,
        title: `page ${p}`,
        facts: {
          '': pfn !== undefined ? `f${pfn}` : file ? 'not cached' : 'none',
          ...(backed ? { disk: String(signed(disk)) } : {}),
        },
        ...(pfn === undefined ? { idle: true } : { names: names(pfn, false) }),
      })
    }
  }

  for (const [i, { name, mm, start, pages }] of config.notifiers.entries()) {
    const n = i as Id<'notifier'>
    const row = rows.notifier(n)
    things.push({
      id: `notifier ${name}`,
      kind: 'notifier',
      title: `notifier ${name}`,
      facts: {
        ...(row.registered ? {} : { '': 'not registered' }),
        invalidate_seq: String(row.invalidate_seq),
      },
      ...(row.registered ? {} : { idle: true }),
    })
    for (let vpn = start; vpn < start + pages; vpn++)
      things.push(
        entry(
          `secondary ${name} ${vpn}`,
          'secondary',
          `notifier ${name}`,
          address(mm, vpn),
          rows.secondary(n, vpn as Id<'vpn'>),
        ),
      )
  }

  for (const [i, { exported }] of config.bos.entries()) {
    if (exported === undefined) continue
    const row = rows.dma_buf(i as Id<'dma_buf'>)
    if (!row.exported) continue
    things.push({
      id: `dma_buf ${exported.name}`,
      kind: 'object',
      title: `dma_buf ${exported.name}`,
      facts: {
        '': row.released ? 'released' : row.revoked ? 'revoked' : exported.exporter,
        ...(row.released ? {} : { f_count: String(row.f_count) }),
        ...(row.pin_count > 0 ? { pin_count: String(row.pin_count) } : {}),
        ...(row.fences > 0 ? { fences: String(row.fences) } : {}),
      },
      ...(row.released ? { idle: true } : {}),
    })
  }
  for (let i = 0; i < config.attachmentSlots; i++) {
    const { dma_buf: buf, detached, sgt, pins } = rows.attachment(i as Id<'attachment'>)
    if (buf === undefined) continue
    const name = showValue(i + 1, 'attachment', k)
    things.push({
      id: `attachment ${name}`,
      kind: 'attachment',
      within: `dma_buf ${config.bos[buf]!.exported!.name}`,
      title: `attachment ${name}`,
      facts: {
        ...(detached ? { '': 'detached' } : {}),
        ...(sgt === undefined ? {} : { sgt: `dma${sgt}` }),
        ...(pins > 0 ? { pins: String(pins) } : {}),
      },
      ...(detached ? { idle: true } : {}),
    })
  }
  // One table for all processes: a number is taken, and then the file is there.
  for (let i = 0; i < config.fdSlots; i++) {
    const { taken, file, object } = rows.fd(i as Id<'fd'>)
    if (!taken) continue
    things.push({
      id: `fd ${i}`,
      kind: 'fd',
      title: `fd ${i}`,
      facts: {
        '':
          file !== undefined
            ? config.bos[file]!.exported!.name
            : object !== undefined
              ? config.objects[object]!.name
              : 'taken, no file yet',
      },
    })
  }
  for (const [i, { name }] of config.objects.entries()) {
    const row = rows.object(i as Id<'object'>)
    things.push({
      id: `object ${name}`,
      kind: 'object',
      title: name,
      facts: row.freed ? { '': 'freed' } : { refcount: String(row.refcount) },
      ...(row.freed ? { idle: true } : {}),
    })
  }

  const directed = k.layout.sets.mapping.size > 0
  for (let d = 0; d < config.dmaSlots; d++) {
    const dma = rows.dma(d as Id<'dma'>)
    if (!dma.active || dma.pfn === undefined) continue
    const mapping = directed ? rows.mapping(d as Id<'mapping'>) : undefined
    things.push({
      id: `dma ${d}`,
      kind: 'dma',
      title: `dma${d}`,
      facts: {
        '': `f${dma.pfn}`,
        ...(mapping === undefined ? {} : { dir: directions[mapping.dir]! }),
        ...(mapping?.attachment === undefined
          ? {}
          : { of: showValue(mapping.attachment + 1, 'attachment', k) }),
        ...(mapping?.bounced === true ? { bounce: String(signed(mapping.bounce)) } : {}),
      },
      ...(dma.readonly ? { flags: ['readonly'] } : {}),
      names: names(dma.pfn, dma.stale),
    })
  }

  // What has ended holds nothing any more, but for a name that it used when it was no longer true.
  const cell = (
    id: string,
    kind: string,
    within: string | undefined,
    title: string,
    of: Kind,
    { value, stale }: { value: number; stale: boolean },
    ended = false,
  ): Thing => {
    const v = signed(value)
    const frame =
      (!ended || stale) && (of === 'pfn' || of === 'page' || of === 'frames' || namesFrame(of)) && v !== 0
    return {
      id,
      kind,
      ...(within === undefined ? {} : { within }),
      title,
      facts: { '': showValue(v, of, k) },
      ...(frame ? { names: names(Math.abs(v) - 1, stale) } : {}),
    }
  }
  for (const [v, { name, kind }] of config.vars.entries())
    things.push(cell(`var ${name}`, 'variable', undefined, name, kind, rows.var(v as Id<'var'>)))
  for (const [t, program] of config.threads.entries()) {
    const thread = t as Id<'thread'>
    const held = k.locks.flatMap(({ name, kind }, l) => {
      const { mode } = rows.hold(l as Id<'lock'>, thread)
      return mode === 0 ? [] : [kind !== 'rwsem' ? name : `${name} (${mode === 1 ? 'read' : 'write'})`]
    })
    const ended = rows.thread(thread).depth === 0
    const cells = program.registers.flatMap(({ name, kind }, r) => {
      const row = rows.reg(thread, r as Id<'reg'>)
      return name.startsWith('%') || row.value === 0
        ? []
        : [cell(`reg ${program.name} ${name}`, 'register', `actor ${program.name}`, name, kind, row, ended)]
    })
    things.push(
      {
        id: `actor ${program.name}`,
        kind: 'actor',
        title: program.name,
        // One fact for each lock: the names differ by the spaces that nobody sees.
        facts: Object.fromEntries(held.map((h, i) => ['holds'.padEnd(5 + i), h])),
        ...(ended ? { idle: true } : {}),
      },
      ...cells,
    )
  }
  if (rows.system(0 as Id<'one'>).tainted)
    things.push({ id: 'system', kind: 'system', title: 'kernel', facts: { '': 'tainted' } })

  for (const pfn of k.pfns) {
    const page = rows.page(pfn)
    if (page.owner === undefined && page.was === undefined && !named.has(pfn)) continue
    things.push({
      id: `f${pfn}`,
      kind: 'frame',
      title: `f${pfn}`,
      facts: {
        '': page.owner === undefined ? 'free' : k.owners[page.owner]!,
        ...(page.owner === undefined && page.was !== undefined ? { was: k.owners[page.was]! } : {}),
        ...(page.owner === undefined ? {} : { data: String(page.data) }),
        ...(page.owner === undefined && page.refcount === 0 ? {} : { refcount: String(page.refcount) }),
        ...(page.mapcount > 0 ? { mapcount: String(page.mapcount) } : {}),
        ...(page.pins > 0
          ? { pins: page.longterm > 0 ? `${page.pins} (longterm ${page.longterm})` : String(page.pins) }
          : {}),
      },
      flags: [
        k.zone[pfn]!,
        ...(page.owner !== undefined && page.exclusive ? ['exclusive'] : []),
        ...(page.owner !== undefined && page.dirty ? ['dirty'] : []),
      ],
      ...(page.owner === undefined ? { idle: true } : {}),
    })
  }
  return things
}
