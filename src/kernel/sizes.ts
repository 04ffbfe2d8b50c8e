import { Bug } from '../base/index.ts'
import type { FullConfig, Zone } from './config.ts'
import { locksOf } from './mm/locks.ts'
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
  for (const bo of config.bos)
    for (let i = 0; i < bo.pages; i++) zones.push(bo.where === 'vram' ? 'vram' : 'normal')
  for (const vma of config.vmas)
    if (vma.bo === undefined && vma.populated) for (let i = 0; i < vma.pages; i++) zones.push(vma.zone)
  for (const zone of ['normal', 'movable', 'cma', 'vram'] as const)
    for (let i = 0; i < config.spare[zone]; i++) zones.push(zone)

  const threadRegs = Math.max(0, ...config.threads.map((p) => p.registers.length))
  const regBase: number[] = []
  let reg = threadRegs
  for (const p of config.callbacks) {
    regBase.push(reg)
    reg += p.registers.length
  }

  const reached = reachable(config, ops)
  const sizes: Sizes = {
    thread: config.threads.map((p) => p.name),
    stack: Math.max(1, ...config.threads.map((p) => depthOf(p, config, ops))),
    slot: Math.max(1, ...reached.map((op) => op.args.length + op.locals.length)),
    reg,
    var: config.vars.map((v) => v.name),
    mm: config.mms.map((m) => m.name),
    vpn: config.vpns,
    vma: config.vmaSlots,
    pfn: zones.length,
    owner: ownersOf(config),
    bo: config.bos.map((b) => b.name),
    boPage: Math.max(0, ...config.bos.map((b) => b.pages)),
    lock: locksOf(config).map((l) => l.name),
    notifier: config.notifiers.map((n) => n.name),
    dma: config.dmaSlots,
  }
  return { sizes, zones, regBase }
}

/** Whom a frame can belong to. The mms come first, then the objects, then the kernel's own and everybody else. */
export function ownersOf(config: Pick<FullConfig, 'mms' | 'bos'>): string[] {
  return [
    ...config.mms.map((m) => `anonymous memory of ${m.name}`),
    ...config.bos.map((b) => b.name),
    'the kernel',
    'another process',
  ]
}

function reachable(config: FullConfig, ops: ReadonlyMap<string, Op>): Op[] {
  const seen = new Set<Op>()
  const visit = (op: Op): void => {
    if (seen.has(op)) return
    seen.add(op)
    for (const callee of op.calls()) visit(callee)
  }
  for (const program of [...config.threads, ...config.callbacks])
    for (const i of program.code) if (i.kind === 'call') visit(ops.get(i.op)!)
  return [...seen]
}

/** Stack frames that a program needs: itself, what it calls, and the callbacks that run from there. */
export function depthOf(program: Program, config: FullConfig, ops: ReadonlyMap<string, Op>): number {
  const active = new Set<Op | Program>()
  const memo = new Map<Op | Program, number>()
  const once = (what: Op | Program, compute: () => number): number => {
    const known = memo.get(what)
    if (known !== undefined) return known
    if (active.has(what)) throw new Bug(`${what.name} runs inside itself`)
    active.add(what)
    const depth = 1 + compute()
    active.delete(what)
    memo.set(what, depth)
    return depth
  }
  const ofOp = (op: Op): number =>
    once(op, () =>
      Math.max(0, ...op.calls().map(ofOp), ...(op.notifies ? config.callbacks.map(ofProgram) : [])),
    )
  const ofProgram = (p: Program): number =>
    once(p, () => Math.max(0, ...p.code.flatMap((i) => (i.kind === 'call' ? [ofOp(ops.get(i.op)!)] : []))))
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
