import { Bug } from '../base/index.ts'
import type { Id } from '../state/index.ts'
import { configure, type KernelConfig } from './config.ts'
import { Kernel } from './kernel.ts'
import type { ArgKind } from './op.ts'
import { baseKind, isOptional, isOut, isThing } from './op.ts'
import { ops } from './ops/index.ts'
import type { Instruction, Operand, Program, Register } from './program.ts'

/** For tests: a kernel from a configuration that must be right. A write that its column cannot hold is a `Bug`. */
export function kernel(config: KernelConfig): Kernel {
  const { value, diagnostics } = configure(config, ops)
  if (value === undefined) throw new Bug(diagnostics.map((d) => d.message).join('; '))
  return new Kernel(value, (layout, state) => layout.open(state, { checked: true }))
}

/** For tests: a process A that runs `lines` alone; what its registers hold in the end, by name (things are their id plus one). */
export function registers(
  config: Omit<KernelConfig, 'threads'>,
  lines: readonly string[],
): Record<string, number> & { readonly broken: readonly string[] } {
  const p = program('P0', { mm: 0 }, lines)
  const k = kernel({ mms: [{ name: 'A' }], ...config, threads: [p] })
  k.init()
  const { broken } = run(k)
  const values = p.registers.map((r, i) => [r.name, k.register(0, i)] as const)
  return { ...Object.fromEntries(values), broken } as Record<string, number> & { broken: readonly string[] }
}

/** For tests: what must hold of counts in every state, whatever the programs do; the first thing that does not. */
export function inconsistency(k: Kernel): string | undefined {
  const mapped = new Map<number, number>()
  for (const mm of k.mms)
    for (let v = 0; v < k.config.vpns; v++) {
      const pte = k.pte(mm, v as Id<'vpn'>)
      if (!pte.present) {
        if (pte.write || pte.special || pte.pfn !== undefined || pte.stale)
          return `pte ${mm}:${v} is not clean`
      } else if (!pte.special && !pte.stale) mapped.set(pte.pfn!, (mapped.get(pte.pfn!) ?? 0) + 1)
    }
  for (const pfn of k.pfns) {
    const page = k.page(pfn)
    if (page.mapcount !== (mapped.get(pfn) ?? 0)) return `f${pfn}: mapcount ${page.mapcount}`
    if (page.owner === undefined && (page.refcount !== 0 || page.pins !== 0))
      return `f${pfn} is free and counted`
    if (page.refcount + page.pins < page.mapcount + page.gets) return `f${pfn}: refcount ${page.refcount}`
    if (page.longterm > page.pins) return `f${pfn}: longterm ${page.longterm}`
  }
  return undefined
}

export type Explored = {
  readonly states: number
  /** Codes of what broke, sorted. */
  readonly broken: readonly string[]
  readonly details: readonly string[]
  /** What `observe` said in the final states, sorted. */
  readonly outcomes: readonly string[]
  /** States in which nobody can move and somebody has not ended. */
  readonly deadlocks: number
}

/** For tests: every interleaving, depth first. A state that breaks something is not gone on from, unless asked to. */
export function explore(
  k: Kernel,
  observe: (k: Kernel) => string = () => '',
  { behind = false } = {},
): Explored {
  const seen = new Set<string>()
  const broken = new Map<string, string>()
  const outcomes = new Set<string>()
  let deadlocks = 0
  let bad = false
  const violate = (v: { code: string; detail: string }): void => {
    bad = true
    if (!broken.has(v.code)) broken.set(v.code, v.detail)
  }
  k.init()
  const stack = [k.state.slice()]
  seen.add(keyOf(k.state))
  while (stack.length > 0) {
    const from = stack.pop()!
    let moved = false
    let allEnded = true
    for (let actor = 0; actor < k.actors.length; actor++) {
      for (let answers: number[] | undefined = []; answers !== undefined; ) {
        k.state.set(from)
        bad = false
        const asked: number[] = []
        const choice = [...answers]
        const result = k.step(
          actor,
          (n) => {
            asked.push(n)
            if (choice.length < asked.length) choice.push(0)
            return choice[asked.length - 1]!
          },
          violate,
        )
        answers = next(choice, asked)
        if (result === 'ended') break
        if (!k.actors[actor]!.daemon) allEnded = false
        if (result === 'blocked') continue
        moved = true
        const key = keyOf(k.state)
        if (seen.has(key)) continue
        seen.add(key)
        k.check(violate)
        if (behind) bad = false
        else if (!bad) {
          const wrong = inconsistency(k)
          if (wrong !== undefined) throw new Bug(wrong)
        }
        if (!bad) stack.push(k.state.slice())
      }
    }
    k.state.set(from)
    if (allEnded) outcomes.add(observe(k))
    else if (!moved) deadlocks++
  }
  return {
    states: seen.size,
    broken: [...broken.keys()].sort(),
    details: [...broken.values()],
    outcomes: [...outcomes].sort(),
    deadlocks,
  }
}

const keyOf = (state: Uint8Array): string => Buffer.from(state).toString('latin1')

/** The next list of answers, as an odometer counts; undefined after the last. */
function next(choice: number[], asked: readonly number[]): number[] | undefined {
  for (let i = asked.length - 1; i >= 0; i--)
    if (choice[i]! + 1 < asked[i]!) return [...choice.slice(0, i), choice[i]! + 1]
  return undefined
}

/** For tests: one thread alone, first choices, to its end. */
export function run(k: Kernel, actor = 0): { readonly broken: readonly string[] } {
  const broken: string[] = []
  const violate = (v: { code: string }): void => void broken.push(v.code)
  for (let i = 0; i < 1000; i++) {
    const result = k.step(actor, () => 0, violate)
    if (result === 'ended') return { broken }
    if (result === 'blocked') throw new Bug(`${k.actors[actor]!.name} is blocked at ${k.label(actor).name}`)
    k.check(violate)
    const wrong = broken.length === 0 ? inconsistency(k) : undefined
    if (wrong !== undefined) throw new Bug(wrong)
  }
  throw new Bug(`${k.actors[actor]!.name} does not end`)
}

/**
 * For tests: a program from lines as `r0 = follow_pfn(_, 0, &pfn)`. An argument is a number (a thing's id where the operation wants one), a
 * register, `&` and a register, or `_` for what is left out. `if r0 < 0 return` and `if r0 != 0 goto out` go on at the line behind `out:`, or at line 3 for `goto 3`. Registers have the
 * kind in which they are first used.
 */
export function program(name: string, context: Program['context'], text: readonly string[]): Program {
  const labels = new Map<string, number>()
  const lines = text.filter((line, at) => {
    const label = /^(\w+):$/.exec(line)
    if (label !== null) labels.set(label[1]!, at - labels.size)
    return label === null
  })
  const target = (to: string): number => labels.get(to) ?? Number(to)
  const registers: Register[] = []
  const reg = (text: string, kind: ArgKind): number => {
    const at = registers.findIndex((r) => r.name === text)
    if (at >= 0) return at
    registers.push({ name: text, kind: baseKind(kind) })
    return registers.length - 1
  }
  const code = lines.map((line, at): Instruction => {
    const branch = /^if (\w+) ([!=<>]+) (-?\w+) (?:return|goto (\w+))$/.exec(line)
    if (branch !== null) {
      const [, left, op, right, to] = branch
      const side = (t: string) =>
        /^-?\d+$/.test(t)
          ? ({ kind: 'const', value: Number(t) } as const)
          : ({ kind: 'reg', reg: reg(t, 'int') } as const)
      return {
        kind: 'branch',
        cond: { kind: op as '<', left: side(left!), right: side(right!) },
        ifTrue: to === undefined ? lines.length : target(to),
        ifFalse: at + 1,
      }
    }
    const jump = /^goto (\w+)$/.exec(line)
    if (jump !== null) return { kind: 'jump', to: target(jump[1]!) }
    const call = /^(?:(\w+) = )?(\w+)\((.*)\)$/.exec(line)
    if (call === null) throw new Bug(`cannot read: ${line}`)
    const op = ops.get(call[2]!)
    if (op === undefined) throw new Bug(`no operation ${call[2]}`)
    const dst = call[1] === undefined ? undefined : reg(call[1], op.returns ?? 'int')
    const texts = call[3]!.trim() === '' ? [] : call[3]!.split(/\s*,\s*/)
    const args = op.args.map((arg, i): Operand | undefined => {
      const text = texts[i]
      if (text === undefined || text === '_') {
        if (!isOptional(arg.kind)) throw new Bug(`${op.name} needs ${arg.name}`)
        return undefined
      }
      if (isOut(arg.kind)) return { kind: 'out', reg: reg(text.replace('&', ''), arg.kind) }
      if (/^-?\d+$/.test(text))
        return isThing(baseKind(arg.kind))
          ? { kind: 'thing', id: Number(text) }
          : { kind: 'const', value: Number(text) }
      return { kind: 'reg', reg: reg(text, arg.kind) }
    })
    return { kind: 'call', op: op.name, args, statement: `${line};`, ...(dst === undefined ? {} : { dst }) }
  })
  return { name, context, registers, code }
}
