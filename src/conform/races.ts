import { hasErrors } from '../base/index.ts'
import { check } from '../check/index.ts'
import { constants, errnoName, type Kernel } from '../kernel/index.ts'
import {
  bind,
  type Bound,
  defaultBounds,
  type LitmusTest,
  modelOf,
  type Observed,
  observe,
} from '../litmus/index.ts'
import type { Id } from '../state/index.ts'
import { type Answer, frameBits, nobody, type Op, pteBits, refKinds } from './protocol.ts'
import type { Machine } from './run.ts'
import { type Race, translate } from './translate.ts'

/** What a litmus test did on a real kernel, against what the checker allows. */
export type Raced =
  | { readonly kind: 'not-run'; readonly why: string }
  | {
      readonly kind: 'run'
      readonly runs: number
      /** Final states that the model allows, each with how often it was seen. */
      readonly allowed: ReadonlyMap<string, number>
      /** Final states that were seen and that it does not allow. */
      readonly forbidden: ReadonlyMap<string, number>
    }

/** Broken promises that leave the guest alive, and whose traces mean the same on both sides. */
const harmless: ReadonlySet<string> = new Set(['fork-isolation', 'pinned-diverges', 'refcount-balance'])

/** Runs of one batch: the guest has room for the answers of more. */
const runsPerBatch = 100

/** Runs a test many times on a kernel. Its processes start together, on two CPUs, and dawdle at random. */
export async function race(
  machine: Machine,
  kernel: string,
  test: LitmusTest,
  options: { readonly runs: number; readonly seed: number; readonly maxSeconds?: number },
): Promise<Raced> {
  const { value: bound, diagnostics } = bind(test, kernel)
  if (bound === undefined || hasErrors(diagnostics))
    return notRun(diagnostics[0]?.message ?? 'it is not understood')
  const translated = translate(bound)
  if (typeof translated === 'string') return notRun(translated)
  const model = modelOf(bound)
  const found = check(
    {
      ...model,
      observe: () =>
        show(
          bound.observed,
          bound.observed.map((o) => plain(o, observe(o, model.kernel))),
        ),
    },
    { ...defaultBounds, maxSeconds: options.maxSeconds ?? 20 },
  )
  const broken = found.violations.find((v) => !harmless.has(v.code))
  if (broken !== undefined) return notRun(`it breaks ${broken.code}`)
  if (found.deadlock !== undefined) return notRun('it can deadlock')
  if (!found.complete) return notRun('its outcomes are too many to be told')
  const allowed = new Map(found.outcomes.map((o) => [o.text, 0]))
  const forbidden = new Map<string, number>()
  model.kernel.init()
  const start = startOf(bound, model.kernel)
  // One process alone does the same each time.
  const runs = bound.config.threads.length === 1 ? Math.min(options.runs, 5) : options.runs
  for (let done = 0; done < runs; ) {
    const count = Math.min(runsPerBatch, runs - done)
    const one = (i: number) => opsOf(bound, translated, options.seed + 7919 * (done + i))
    const batch = Array.from({ length: count }, (_, i) => one(i)).flat()
    const answers = await machine.answers(batch)
    for (let i = 0; i < count; i++) {
      let ready: Answer | undefined
      for (const op of translated.setup) {
        ready = answers.next()
        if (ready.ret !== (op.op === 'PWRITE' ? 1 : 0))
          return notRun(
            `it cannot be set up: ${op.op.toLowerCase()} gives ${errnoName(-ready.ret) ?? ready.ret}`,
          )
      }
      const different = differsFrom(start, ready!)
      if (different !== undefined) return notRun(`it cannot be set up: ${different}`)
      const end = answers.next()
      const values = new Map<string, number>()
      for (const o of bound.observed)
        if (o.kind === 'register' || o.kind === 'var') values.set(o.text, answers.next().data | 0)
      const seen = show(
        bound.observed,
        bound.observed.map((o) => plain(o, values.get(o.text) ?? look(o, end))),
      )
      const where = allowed.has(seen) ? allowed : forbidden
      where.set(seen, (where.get(seen) ?? 0) + 1)
    }
    done += count
  }
  return { kind: 'run', runs, allowed, forbidden }
}

const notRun = (why: string): Raced => ({ kind: 'not-run', why })

const exact = (bound: Bound): boolean => bound.observed.some((o) => o.kind === 'page')

/** One run: the start, the race, and what is to be looked at. */
function opsOf(bound: Bound, { setup, programs }: Race, seed: number): Op[] {
  const by = (op: Op['op'], ...args: number[]): Op => ({ op, proc: nobody, args })
  return [
    ...setup,
    by('RACE', programs.length, seed, constants['SIGBUS']!, constants['SIGSEGV']!, Number(exact(bound))),
    ...programs.flatMap(({ proc, code }): Op[] => [
      { op: 'RACE_THREAD', proc, args: [code.length] },
      ...code,
    ]),
    ...bound.observed.flatMap((o): Op[] =>
      o.kind === 'register'
        ? [by('RACE_REG', o.thread, o.reg)]
        : o.kind === 'var'
          ? [by('RACE_VAR', o.id)]
          : [],
    ),
  ]
}

/** Of a page, a PFN or a VMA only whether there is one. */
function plain(o: Observed, value: number): number {
  const things = o.kind === 'register' || o.kind === 'var' ? o.of : 'int'
  return /^(page|pfn|vma|frame|frames)$/.test(things) ? Number(value !== 0) : value
}

function show(observed: readonly Observed[], values: readonly number[]): string {
  return observed
    .map((o, i) => {
      const v = values[i]!
      const name = v < 0 ? errnoName(-v) : undefined
      return `${o.text}=${Number.isNaN(v) ? 'nothing' : name === undefined ? v : `-${name.replace(/^-/, '')}`};`
    })
    .join(' ')
}

/** What memory and counts are in the end, from the dump. */
function look(o: Observed, end: Answer): number {
  if (o.kind === 'memory') {
    const frame = mapped(end, o.mm, o.vpn)
    return frame === undefined ? Number.NaN : end.frames[frame]!.data | 0
  }
  if (o.kind !== 'page') return 0
  const { at } = o
  const frame =
    'bo' in at
      ? end.refs.find((r) => r.kind === refKinds.OBJ && r.id === at.bo && r.index === at.page)?.frame
      : mapped(end, at.mm, at.vpn)
  if (frame === undefined) return Number.NaN
  const f = end.frames[frame]!
  if (o.what === 'mapcount') return f.mapcount
  return o.what === 'pins' ? Math.floor(f.refcount / 1024) : f.refcount % 1024
}

const mapped = (answer: Answer, mm: number, page: number): number | undefined =>
  answer.ptes.find((p) => p.proc === mm && p.page === page && (p.bits & pteBits.PRESENT) !== 0)?.frame

/** What is mapped at the start, and how: the guest must be where the model is. */
type Start = ReadonlyMap<string, string>

function startOf(bound: Bound, k: Kernel): Start {
  const start = new Map<string, string>()
  for (const mm of bound.config.mms.keys())
    for (let page = 0; page < bound.config.vpns; page++) {
      const pte = k.pte(mm as Id<'mm'>, page as Id<'vpn'>)
      if (!pte.present) continue
      const f = k.page(pte.pfn!)
      const vram = k.zone[pte.pfn!] === 'vram'
      start.set(
        `P${mm}:${page}`,
        `${pte.write ? 'writable' : 'readable'} ${f.data} ${vram ? '' : `${f.refcount}/${f.mapcount}`}`,
      )
    }
  return start
}

function differsFrom(start: Start, ready: Answer): string | undefined {
  const there = new Map<string, string>(
    ready.ptes
      .filter((p) => p.bits & pteBits.PRESENT)
      .map((p) => {
        const f = ready.frames[p.frame]!
        const counts = f.flags & frameBits.VRAM ? '' : `${f.refcount}/${f.mapcount}`
        const write = p.bits & pteBits.WRITE ? 'writable' : 'readable'
        return [`P${p.proc}:${p.page}`, `${write} ${f.data} ${counts}`] as const
      }),
  )
  for (const [where, what] of start)
    if (there.get(where) !== what)
      return `at ${where} the model has ${what}, the kernel ${there.get(where) ?? 'nothing'}`
  for (const where of there.keys()) if (!start.has(where)) return `the kernel has something at ${where}`
  return undefined
}
