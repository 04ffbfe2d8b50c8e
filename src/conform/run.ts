import type { Image } from './cache.ts'
import { ModelMachine, modelledObject, room } from './model.ts'
import { Answers, encode, type Op, opSize, opsSize } from './protocol.ts'
import { Generator, Random, randomNotifiers, randomObjects } from './random.ts'
import { agrees, differences, KernelEyes, type Seen } from './seen.ts'
import { prelude, type Sequence, showOp } from './sequence.ts'
import { shrink } from './shrink.ts'
import { Vm, VmError, type VmOptions } from './vm.ts'

/** Where model and kernel part: the operation, what each saw, and the sequence up to there. */
export type Difference = {
  readonly sequence: Sequence
  /** Which of its operations; -1 is the start. */
  readonly at: number
  readonly what: readonly string[]
  readonly seed?: string
}

export type Run = {
  readonly kernel: string
  readonly release: string
  readonly ops: number
  readonly sequences: number
  readonly seconds: number
  readonly bootSeconds: number
  readonly counts: ReadonlyMap<string, number>
  readonly differences: readonly Difference[]
}

type Predicted = { readonly sequence: Sequence; readonly seens: readonly Seen[]; readonly seed?: string }

/** Operations of a random sequence. Long enough for memory to have a history, and for births and deaths to be paid; short enough to be shrunk. */
const sequenceLength = 400
/** Sequences that share a model: making one costs more than running one. */
const groupSize = 30
const batchOps = 6000

const setupOps = (s: Sequence) => 1 + s.objects.length

/** Runs a sequence on the model. Operations that cannot be run where they stand are left out. */
export function predict(machine: ModelMachine, sequence: Sequence): Predicted {
  const seens = [machine.reset()]
  const ops: Op[] = []
  for (const op of sequence.ops) {
    const seen = machine.perform(op)
    if (seen === undefined) continue
    ops.push(op)
    seens.push(seen)
  }
  return { sequence: { ...sequence, ops }, seens }
}

/** What of a sequence the model can run. */
export const predictAlone = (version: string, sequence: Sequence): Sequence =>
  predict(modelFor(version, sequence), sequence).sequence

const modelFor = (version: string, { objects, notifiers, movable }: Sequence): ModelMachine =>
  new ModelMachine(version, objects, notifiers, movable)

/** Makes up a sequence while the model runs it. */
function invent(
  machine: ModelMachine,
  generator: Generator,
  setup: Sequence,
  length: number,
  seed: string,
): Predicted {
  let seen = machine.reset()
  const seens = [seen]
  const ops: Op[] = []
  for (let tries = 0; ops.length < length && tries < length * 4; tries++) {
    const op = generator.next(seen, machine.held)
    if (op === undefined) continue
    const next = machine.perform(op)
    if (next === undefined) continue
    seen = next
    seens.push(next)
    ops.push(op)
  }
  return { sequence: { ...setup, ops }, seens, seed }
}

/** Random sequences without end, from a seed. Group and number name one of them: `42/3/17`. */
export function* inventions(version: string, seed: number, movable = false): Generator_<Predicted> {
  for (let group = 0; ; group++) {
    const random = new Random(Math.imul(seed, 2654435761) ^ Math.imul(group + 1, 40503))
    const objects = randomObjects(random, modelledObject)
    const notifiers = randomNotifiers(random, room.procs, room.pages, room.notifiers)
    const setup: Sequence = { objects, notifiers, ops: [], ...(movable ? { movable } : {}) }
    const machine = modelFor(version, setup)
    const generator = new Generator(random, {
      ...room,
      objects,
      notifiers,
      has: (op) => machine.has(op),
    })
    for (let i = 0; i < groupSize; i++)
      yield invent(machine, generator, setup, sequenceLength, `${seed}/${group}/${i}`)
  }
}
type Generator_<T> = globalThis.Generator<T, never, void>

/** Warnings of kernels that are none of ours: what they warn of is compared, that they warn is not. */
export const knownWarnings: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /arch\/x86\/mm\/pat\/memtype\.c/,
    why: 'before 6.16 x86 warns once when a remap_pfn_range() mapping is unmapped whose first entry the driver has zapped',
  },
  {
    pattern: /mm\/memory\.c:\d+ (at )?(do_wp_page|wp_page_copy|__wp_page_copy_user|cow_user_page)/,
    why: 'a forced write to a PFN in a PROT_NONE mapping is copied through an entry that cannot be read; the copy is zeroes',
  },
]

/** A kernel that answers. It is booted again when it has died. */
export class Machine {
  readonly #image: Image
  readonly #options: VmOptions
  #vm: Vm | undefined
  bootSeconds = 0

  constructor(image: Image, options: VmOptions) {
    this.#image = image
    this.#options = options
  }

  /** A guest that is late is asked again, and given longer: only what hangs each time is a finding. */
  async answers(ops: readonly Op[]): Promise<Answers> {
    for (let patience = 1; ; patience *= 3)
      try {
        return await this.#answers(ops, patience)
      } catch (e) {
        if (!(e instanceof VmError) || !e.late || patience > 3 || this.#options.signal?.aborted) throw e
      }
  }

  async #answers(ops: readonly Op[], patience: number): Promise<Answers> {
    if (this.#vm === undefined) {
      this.#vm = await Vm.boot(this.#image, {
        ...this.#options,
        bootSeconds: patience * (this.#options.bootSeconds ?? 90),
        batchSeconds: patience * (this.#options.batchSeconds ?? 120),
      })
      this.bootSeconds = this.#vm.bootSeconds
    }
    try {
      const { answers, taint } = await this.#vm.batch(encode(ops))
      // D: it has died; B: a bad page; W: it has warned, which is looked at. Out-of-tree modules taint as well: that is ours.
      const warned = this.#vm.warnings().filter((w) => !knownWarnings.some((k) => k.pattern.test(w)))
      if (taint & ((1 << 7) | (1 << 5)) || warned.length > 0)
        throw new VmError(
          `the kernel complains (taint ${taint}) ${warned.join('; ')}\nconsole:\n${this.#vm.console()}`,
        )
      return new Answers(answers)
    } catch (e) {
      await this.close()
      throw e
    }
  }

  async close(): Promise<void> {
    const vm = this.#vm
    this.#vm = undefined
    await vm?.close()
  }
}

function encodeBatch(batch: readonly Predicted[]): Op[] {
  return batch.flatMap((p) => [...prelude(p.sequence), ...p.sequence.ops])
}

/** Reads the answers of a batch and compares; the first difference of each sequence. */
function compareBatch(
  machine: ModelMachine['compared'],
  batch: readonly Predicted[],
  answers: Answers,
): Difference[] {
  const found: Difference[] = []
  for (const { sequence, seens, seed } of batch) {
    const eyes = new KernelEyes(machine, sequence.notifiers)
    let parted = false
    const setup = setupOps(sequence)
    for (let i = 0; i < setup + sequence.ops.length; i++) {
      const answer = answers.next()
      const at = i - setup
      if (parted || at < -1) continue
      const op = sequence.ops[at]
      const kernel = eyes.see(answer, op?.op ?? 'RESET', op?.args[0])
      const model = seens[at + 1]!
      if (at < 0) kernel.ret = 0
      if (!answer.overflow && agrees(model, kernel)) continue
      parted = true
      const what = answer.overflow ? ['the guest had more to show than fits'] : differences(model, kernel)
      found.push({ sequence, at, what, ...(seed === undefined ? {} : { seed }) })
    }
  }
  return found
}

export type ConformOptions = VmOptions & {
  readonly ops: number
  readonly seed: number
  /** Stop after so many differences. */
  readonly most?: number
  readonly onProgress?: (ops: number, seconds: number, differences: number) => void
}

/** Random sequences on a kernel, each compared with the model after every operation. */
export async function conform(image: Image, options: ConformOptions): Promise<Run> {
  const machine = new Machine(image, options)
  const source = inventions(image.kernel, options.seed, options.movable)
  const compared = new ModelMachine(image.kernel, [], []).compared
  const counts = new Map<string, number>()
  const found: Difference[] = []
  const started = Date.now()
  let planned = 0
  let ops = 0
  let sequences = 0
  const nextBatch = (): Predicted[] => {
    const batch: Predicted[] = []
    for (let n = 0; n < batchOps && planned < options.ops; ) {
      const p = source.next().value
      batch.push(p)
      n += p.sequence.ops.length
      planned += p.sequence.ops.length
    }
    return batch
  }
  try {
    let batch = nextBatch()
    while (batch.length > 0 && found.length < (options.most ?? 1)) {
      if (options.signal?.aborted) break
      const all = encodeBatch(batch)
      if (all.length * opSize > opsSize) throw new RangeError('a batch is too large')
      const pending = machine.answers(all)
      pending.catch(() => {})
      const current = batch
      // While the guest works on one batch, the model makes the next.
      batch = nextBatch()
      try {
        found.push(...compareBatch(compared, current, await pending))
      } catch (e) {
        if (!(e instanceof VmError)) throw e
        // Interrupted: what was compared before counts.
        if (options.signal?.aborted) break
        found.push(await culprit(machine, current, e))
      }
      for (const p of current) {
        sequences++
        ops += p.sequence.ops.length
        for (const op of p.sequence.ops) counts.set(op.op, (counts.get(op.op) ?? 0) + 1)
      }
      options.onProgress?.(ops, (Date.now() - started) / 1000, found.length)
    }
  } finally {
    await machine.close()
  }
  return {
    kernel: image.kernel,
    release: image.release,
    ops,
    sequences,
    seconds: (Date.now() - started) / 1000,
    bootSeconds: machine.bootSeconds,
    counts,
    differences: found,
  }
}

/** Which sequence of a batch it was that the guest did not survive. */
async function culprit(machine: Machine, batch: readonly Predicted[], error: VmError): Promise<Difference> {
  let suspects = batch
  let last = error
  while (suspects.length > 1) {
    const half = suspects.slice(0, Math.ceil(suspects.length / 2))
    try {
      await machine.answers(encodeBatch(half))
      suspects = suspects.slice(half.length)
    } catch (e) {
      if (!(e instanceof VmError)) throw e
      last = e
      suspects = half
    }
  }
  const p = suspects[0]!
  return {
    sequence: p.sequence,
    at: p.sequence.ops.length - 1,
    what: [`the guest did not survive: ${last.message}`],
    ...(p.seed === undefined ? {} : { seed: p.seed }),
  }
}

/** One sequence, on model and kernel. */
export async function replay(
  machine: Machine,
  version: string,
  sequence: Sequence,
): Promise<Difference | undefined> {
  const model = modelFor(version, sequence)
  const predicted = predict(model, sequence)
  try {
    const answers = await machine.answers(encodeBatch([predicted]))
    return compareBatch(model.compared, [predicted], answers)[0]
  } catch (e) {
    if (!(e instanceof VmError)) throw e
    return { sequence: predicted.sequence, at: -1, what: [`the guest did not survive: ${e.message}`] }
  }
}

/** The shortest sequence, as far as taking out operations goes, that still shows a difference in its last operation. */
export async function shrinkDifference(
  machine: Machine,
  version: string,
  difference: Difference,
): Promise<Difference> {
  let best = difference
  const upTo =
    difference.at < 0 ? difference.sequence.ops : difference.sequence.ops.slice(0, difference.at + 1)
  await shrink(upTo, async (ops) => {
    const found = await replay(machine, version, { ...difference.sequence, ops })
    if (found === undefined) return false
    const cut = found.at < 0 ? found.sequence.ops : found.sequence.ops.slice(0, found.at + 1)
    if (cut.length > best.sequence.ops.length && best !== difference) return true
    best = {
      ...found,
      sequence: { ...found.sequence, ops: cut },
      ...(difference.seed === undefined ? {} : { seed: difference.seed }),
    }
    return true
  })
  return best
}

/** A difference as a person reads it: the operations, and below them what each side has after the last. */
export function showDifference(d: Difference): string {
  const ops = d.at < 0 ? d.sequence.ops : d.sequence.ops.slice(0, d.at + 1)
  return [...ops.map((op, i) => `${i === ops.length - 1 ? '>' : ' '} ${showOp(op)}`), ...d.what].join('\n')
}
