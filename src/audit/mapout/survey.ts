import type { Program } from '../../source/index.ts'
import { Judge } from '../judge.ts'
import { Knowledge } from '../knowledge.ts'
import type { AuditOptions } from '../protocol.ts'
import { Mappings, type Surveyed } from './audit.ts'
import { handsOn, mapsDmaBuf } from './helpers.ts'
import { type MapSite, mapSites } from './sites.ts'

/** The mappings of a tree, as one handler makes them on one way through it: docs/flags.md. Plain data. */
export type MapRow = {
  readonly file: string
  readonly line: number
  readonly function: string
  /** The ops table that it stands in: `file_operations`, `dma_buf_ops`, …; empty when it is not seen. */
  readonly table: string
  /** In effect at the end, its own and those of its helpers; with a minus those that are taken away. */
  readonly flags: readonly string[]
  readonly by: readonly string[]
  readonly checked: 'helper' | 'dispatcher' | 'handler' | 'fault' | 'no' | 'not seen'
  readonly private: 'refused' | 'accepted' | 'not seen'
  readonly vmOps: string
  readonly has: readonly string[]
  readonly revokedBy: readonly string[]
  /** What `open` and `close` do to a count of the object. */
  readonly counts: 'open and close' | 'close only' | 'no'
  /** What becomes of the memory while it is mapped. */
  readonly lives: Lives
  /** Why the combination is odd. */
  readonly odd: readonly string[]
  readonly contract?: string
  /** The mapping is finished by somebody else, who is a row himself. */
  readonly handsOn?: true
  /** What is not known, and why. */
  readonly unknown?: string
}
export type Lives =
  | 'by references to its pages'
  | 'with file, object or count'
  | 'zapped before it is freed'
  | 'freed for a user'
  | 'freed with the driver'
  | 'as the device'
  | 'not seen'
  | ''
export type MapSurvey = {
  readonly schema: 1
  readonly tree: { readonly path: string; readonly kernel: string }
  readonly handlers: number
  readonly rows: readonly MapRow[]
  /**
   * With the policy dma_buf_mmap=pfnmap: exporters whose mappings are not VM_PFNMAP, those of which it is not known, and those that leave it
   * to a GEM object. Objects with an `mmap` of their own are among the others; the rest is made VM_PFNMAP (drivers/gpu/drm/drm_gem.c:drm_gem_mmap_obj).
   */
  readonly notPfnmap?: {
    readonly no: readonly MapRow[]
    readonly unknown: readonly MapRow[]
    readonly objects: readonly MapRow[]
    readonly yes: number
  }
}

/** Which flags each mmap handler of a tree ends with, and what is odd about them. */
export async function mapSurvey(
  program: Program,
  options: AuditOptions,
  pfnmap: boolean,
): Promise<MapSurvey> {
  await program.ready()
  const code = new Knowledge(program)
  const context = { program, code, judge: new Judge(), options }
  const sites = mapSites(program, options.signal)
  const mappings = new Mappings(context, sites)
  const rows: MapRow[] = []
  const handlers = sites.filter((s) => s.role === 'mmap' || s.role === 'hands-on')
  for (const site of handlers) {
    options.signal?.throwIfAborted()
    rows.push(...rowsOf(site, mappings.survey(site)))
  }
  rows.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
  return {
    schema: 1,
    tree: { path: options.path, kernel: options.kernel ?? options.treeKernel ?? '' },
    handlers: handlers.length,
    rows,
    ...(pfnmap && { notPfnmap: notPfnmap(rows) }),
  }
}

function notPfnmap(rows: readonly MapRow[]): NonNullable<MapSurvey['notPfnmap']> {
  const answer = (r: MapRow): 'no' | 'unknown' | 'objects' | 'yes' => {
    if (r.flags.includes('VM_PFNMAP')) return 'yes'
    if (r.unknown !== undefined) return 'unknown'
    if (r.handsOn && r.by.every((b) => /^(drm_gem_(prime_mmap|mmap_obj)|->gem_prime_mmap)$/.test(b))) {
      // What it takes away before, the object has to set again: drm_gem_mmap_obj() does not.
      return r.flags.includes('-VM_PFNMAP') ? 'no' : 'objects'
    }
    return r.handsOn ? 'unknown' : 'no'
  }
  const made = rows.filter((r) => mapsDmaBuf.has(r.table))
  const those = (a: ReturnType<typeof answer>): MapRow[] => made.filter((r) => answer(r) === a)
  return { no: those('no'), unknown: those('unknown'), objects: those('objects'), yes: those('yes').length }
}

function rowsOf({ func }: MapSite, found: Surveyed): MapRow[] {
  const { line } = func
  const base = {
    file: func.file.path,
    line,
    function: func.name,
    table: found.struct,
    revokedBy: found.revokes,
  }
  const nothing = {
    by: [],
    vmOps: '',
    has: [],
    odd: [],
    flags: [],
    counts: 'no',
    lives: 'not seen',
    checked: 'not seen',
    private: 'not seen',
  } as const
  if (found.reason !== undefined) return [{ ...base, ...nothing, unknown: found.reason }]
  const rows = new Map<string, MapRow>()
  for (const w of found.ways) {
    if (w.plan.refuses) continue
    const flags = [...w.plan.sets, ...w.plan.clears.map((f) => `-${f}`)]
    const handed = w.inserted.some((i) => handsOn(i.helper))
    const row: MapRow = {
      ...base,
      flags,
      by: [...new Set(w.inserted.map((i) => i.api))],
      checked: checkedBy(w),
      private: w.plan.refusesPrivate ? 'refused' : handed ? 'not seen' : 'accepted',
      vmOps: w.ops,
      has: w.has,
      counts: w.copies === undefined ? 'no' : w.copies.opens ? 'open and close' : 'close only',
      lives: handed ? '' : livesOf(w),
      odd: handed ? [] : oddOf(w, found.struct),
      ...(w.contract !== undefined && { contract: w.contract }),
      ...(handed && { handsOn: true as const }),
      ...(w.reason !== undefined && { unknown: w.reason }),
    }
    // Ways that differ in nothing that is shown are one.
    const key = JSON.stringify({ ...row, vmOps: '', has: [] })
    const before = rows.get(key)
    if (before === undefined || before.vmOps === '') rows.set(key, row)
  }
  return [...rows.values()]
}

function checkedBy(w: Surveyed['ways'][number]): MapRow['checked'] {
  if (w.inserted.some((i) => i.helper.checks === 'full')) return 'helper'
  if (w.inserted.some((i) => i.size || i.offset || i.fault)) return w.plan.checksSize ? 'dispatcher' : 'no'
  if (w.plan.faults !== undefined && !w.plan.checksSize) return w.plan.faults.checks ? 'fault' : 'no'
  return w.plan.checksSize ? 'handler' : 'not seen'
}

function livesOf({ fate, inserted }: Surveyed['ways'][number]): Lives {
  if (inserted.length > 0 && inserted.every((i) => i.helper.counts)) return 'by references to its pages'
  switch (fate?.is) {
    case undefined:
      return ''
    case 'kept':
      return 'with file, object or count'
    case 'zapped':
      return 'zapped before it is freed'
    case 'freed':
      return fate.by === 'user' ? 'freed for a user' : 'freed with the driver'
    case 'device':
      return 'as the device'
    case 'wrong':
    case 'unseen':
      return 'not seen'
  }
}

/** Combinations that mean something else than who chose them may think. */
function oddOf(w: Surveyed['ways'][number], table: string): string[] {
  const has = (f: string): boolean => w.plan.sets.includes(f)
  const bare = w.inserted.some((i) => i.helper.inserts === 'pfn')
  const counted = w.inserted.some((i) => i.helper.counts)
  const pfnmap = has('VM_PFNMAP')
  const odd: string[] = []
  if (has('VM_IO') && !pfnmap && counted)
    odd.push('VM_IO without VM_PFNMAP: the pages are counted, and GUP-fast, which sees no VMA, can pin them')
  if (pfnmap && has('VM_MIXEDMAP'))
    odd.push(
      'VM_PFNMAP and VM_MIXEDMAP at once: vmf_insert_pfn() takes that for a bug, and only one can be meant',
    )
  if (pfnmap && counted && !w.inserted.some((i) => i.helper.inserts === 'either'))
    odd.push('VM_PFNMAP with counted pages: nothing that walks the mapping sees their references')
  if (bare && !pfnmap && !has('VM_MIXEDMAP'))
    odd.push('bare PFNs without VM_PFNMAP or VM_MIXEDMAP: a BUG at the first fault')
  if (bare && w.plan.faults !== undefined && pfnmap && !w.plan.refusesPrivate)
    odd.push('private mappings are accepted: vmf_insert_pfn() is a BUG there')
  if (w.plan.faults !== undefined && !w.plan.faults.checks && !pfnmap && !has('VM_DONTEXPAND'))
    odd.push('it can be grown past its object: no VM_DONTEXPAND, and the fault handler compares nothing')
  if (table === 'dma_buf_ops' && !pfnmap && w.inserted.length > 0)
    odd.push('a dma-buf without VM_PFNMAP: its pages can be pinned through the mapping')
  if (w.copies !== undefined && !w.copies.opens)
    odd.push('close gives up what open does not take: a copy of the mapping is not counted')
  if (w.fate?.is === 'freed')
    odd.push(
      `freed while it is mapped: ${w.fate.route.api} at ${w.fate.route.at.file}:${w.fate.route.at.line}`,
    )
  if (w.fate?.is === 'wrong')
    odd.push(
      w.fate.how === 'slab'
        ? `part of a page of the slab allocator: ${w.fate.at.file}:${w.fate.at.line}`
        : `virt_to_phys() of vmalloc() memory: ${w.fate.at.file}:${w.fate.at.line}`,
    )
  return odd
}
