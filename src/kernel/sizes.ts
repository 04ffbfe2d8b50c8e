import { Bug } from '../base/index.ts'
import type { FullConfig, Zone } from './config.ts'
import { firstDma } from './mm/access.ts'
import { locksOf } from './mm/locks.ts'
import { MAP_SHARED, PROT_WRITE } from './constants.ts'
import type { Op } from './op.ts'
import type { Program } from './program.ts'
import type { Sizes } from './schema.ts'

/**
 * How large the tables of a test must be: as small as its programs allow, for every byte is copied and compared in each state.
 * `zones` is the zone of each frame; `regBase` the first register of each callback, behind those of the thread that runs it.
 */
export function sizesOf(
  config: FullConfig,
  ops: ReadonlyMap<string, Op>,
): { sizes: Sizes; zones: Zone[]; regBase: number[] } {
  const zones: Zone[] = config.zeroPage ? ['normal'] : []
  for (const bo of config.bos) {
    zones.push(...bo.present.map(() => bo.zone))
    if (bo.driver !== undefined) zones.push(bo.zone) // what lies behind it
  }
  for (const vma of config.vmas)
    if (vma.populated && is_private_memory(config, vma))
      for (let i = 0; i < vma.pages; i++) zones.push(vma.zone)
  for (const zone of ['normal', 'movable', 'cma', 'vram'] as const)
    for (let i = 0; i < config.spare[zone]; i++) zones.push(zone)
  if (config.dmaSlots > 0 && zones.length > firstDma)
    throw new Bug(`${zones.length} frames: DMA handles begin at ${firstDma}`)

  const threadRegs = Math.max(0, ...config.threads.map((p) => p.registers.length))
  const regBase: number[] = []
  let reg = threadRegs
  for (const p of config.callbacks) {
    regBase.push(reg)
    reg += p.registers.length
  }

  const sizes: Sizes = {
    thread: config.threads.map((p) => p.name),
    stack: Math.max(1, ...config.threads.map((p) => longest(p, config, ops, 1, () => 1))),
    slot: Math.max(
      1,
      ...config.threads.map((p) => longest(p, config, ops, 0, (op) => op.args.length + op.locals.length)),
    ),
    ghost: Math.max(1, ...config.threads.map((p) => longest(p, config, ops, 0, (op) => op.ghosts))),
    reg,
    var: config.vars.map((v) => v.name),
    mm: config.mms.map((m) => m.name),
    vpn: config.vpns,
    vma: config.vmaSlots,
    pfn: zones.length,
    owner: ownersOf(config),
    bo: config.bos.map((b) => b.name),
    boPage: Math.max(0, ...config.bos.map((b) => b.pages + (b.driver === undefined ? 0 : 1))),
    krefBo: config.bos.some((b) => b.counted) ? config.bos.length : 0,
    lock: locksOf(config).map((l) => l.name),
    notifier: config.notifiers.map((n) => n.name),
    dma: config.dmaSlots,
    mapping: config.directed ? config.dmaSlots : 0,
    dma_buf: config.bos.some((b) => b.exported) ? config.bos.map((b) => b.exported?.name ?? b.name) : [],
    attachment: attachmentsOf(config),
    fd: config.fdSlots,
    object: config.objects.map((o) => o.name),
  }
  return { sizes, zones, regBase }
}

/** Whether the pages of a mapping that is populated are the process's own: anonymous memory, and copies of a file that it may write. */
export function is_private_memory(
  config: Pick<FullConfig, 'bos'>,
  vma: { readonly bo?: number; readonly prot: number; readonly flags: number },
): boolean {
  if (vma.bo === undefined) return true
  return (
    config.bos[vma.bo]!.fs !== undefined && (vma.flags & MAP_SHARED) === 0 && (vma.prot & PROT_WRITE) !== 0
  )
}

/** Those that are declared, and those that the programs can make. */
export function attachmentsOf(config: Pick<FullConfig, 'attachments' | 'attachmentSlots'>): string[] {
  return Array.from(
    { length: config.attachmentSlots },
    (_, i) => config.attachments[i]?.name ?? `attach${i - config.attachments.length}`,
  )
}

/** Whom a frame can belong to: whose memory it is. The mms come first, then the objects, then the kernel's own and everybody else. */
export function ownersOf(config: Pick<FullConfig, 'mms' | 'bos'>): string[] {
  return [
    ...config.mms.map((m) => `process ${m.name}`),
    ...config.bos.map((b) => b.name),
    'the kernel',
    'another process',
  ]
}

/** What an operation may call in this test. */
export const calleesOf = (op: Op, config: Pick<FullConfig, 'several'>): readonly Op[] =>
  op.several !== undefined && config.several ? [...op.calls(), ...op.several()] : op.calls()

/** The most that a program and what it calls can have on the stack at once: `own` for a program, `size` for an operation. */
function longest(
  program: Program,
  config: FullConfig,
  ops: ReadonlyMap<string, Op>,
  own: number,
  size: (op: Op) => number,
): number {
  const active = new Set<Op | Program>()
  const memo = new Map<Op | Program, number>()
  const once = (what: Op | Program, own: number, callees: () => number[]): number => {
    const known = memo.get(what)
    if (known !== undefined) return known
    if (active.has(what)) throw new Bug(`${what.name} runs inside itself`)
    active.add(what)
    const sum = own + Math.max(0, ...callees())
    active.delete(what)
    memo.set(what, sum)
    return sum
  }
  const ofOp = (op: Op): number =>
    once(op, size(op), () => [
      ...calleesOf(op, config).map(ofOp),
      ...(op.notifies ? config.callbacks.map(ofProgram) : []),
    ])
  const ofProgram = (p: Program): number =>
    once(p, own, () => p.code.flatMap((i) => (i.kind === 'call' ? [ofOp(ops.get(i.op)!)] : [])))
  return ofProgram(program)
}

/** A callback from which an operation runs that can run callbacks: not modelled, and a deadlock in most kernels. */
export function recursiveCallback(
  config: Pick<FullConfig, 'callbacks'>,
  ops: ReadonlyMap<string, Op>,
): { callback: string; op: string } | undefined {
  const notifies = (op: Op): boolean => op.notifies || op.calls().some(notifies)
  for (const callback of config.callbacks)
    for (const i of callback.code) {
      const op = i.kind === 'call' ? ops.get(i.op) : undefined
      if (op !== undefined && notifies(op)) return { callback: callback.name, op: op.name }
    }
  return undefined
}
