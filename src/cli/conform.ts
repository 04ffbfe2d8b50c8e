import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  cacheFolder,
  conform as runConform,
  type Difference,
  Machine,
  parseSequence,
  predictAlone,
  replay,
  SequenceError,
  showDifference,
  showSequence,
  shrinkDifference,
  accelerator,
  CommandError,
  fetchKernels,
  findImage,
  type Image,
  isKernelName,
  type KernelName,
  kernels,
  MissingError,
  qemuMissing,
  race,
  type Raced,
  VmError,
} from '../conform/index.ts'
import { Source } from '../base/index.ts'
import { parse } from '../litmus/index.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'

const known = kernels.map((k) => k.name).join(', ')

export const conform: Command = {
  name: 'conform',
  summary: 'run operations on real kernels and compare with the model',
  usage: `
usage: tenure conform --fetch [--kernel V]… [--mirror URL] [--cache DIR]
       tenure conform [--kernel V]… [--ops N] [--seed S] [--movable] [--save DIR]
       tenure conform [--kernel V]… --replay FILE…
       tenure conform [--kernel V]… --litmus [--runs N] FILE|DIRECTORY…

V is one of ${known}; all of them without it.

--fetch   gets Debian's kernels and a compiler into the cache, and builds
          what runs in the guest; asks nothing of the system but a mirror
--ops N   random operations on each kernel (default 20000)
--seed S  where the random sequences start (default 1)
--movable the memory of processes comes from ZONE_MOVABLE, out of which
          FOLL_LONGTERM has to move it
--replay  runs saved sequences instead
--litmus  runs litmus tests: their processes race on two CPUs, and what comes
          out must be among what the checker allows
--runs N  how often each is run (default 200)
--save    keeps the shortest sequence of each difference as a file
--most N  stop after N differences (default 1)
--counts  also says how often each operation was run

Exit codes: 0 no difference, 1 differences, 2 could not run.`,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        fetch: { type: 'boolean' },
        kernel: { type: 'string', multiple: true },
        mirror: { type: 'string' },
        cache: { type: 'string' },
        ops: { type: 'string' },
        seed: { type: 'string' },
        most: { type: 'string' },
        replay: { type: 'boolean' },
        litmus: { type: 'boolean' },
        runs: { type: 'string' },
        save: { type: 'string' },
        counts: { type: 'boolean' },
        movable: { type: 'boolean' },
      },
    })
    const names = (values.kernel?.flatMap((k) => k.split(',')) ?? kernels.map((k) => k.name)).map(
      (name): KernelName => {
        if (isKernelName(name)) return name
        throw new UsageError(`there is no image of a kernel '${name}'`, `it is one of ${known}`)
      },
    )
    const cache = cacheFolder(values.cache)
    if (positionals.length > 0 && !values.replay && !values.litmus)
      throw new UsageError(
        `'${positionals[0]}' is not expected here`,
        'files are given with --replay or --litmus',
      )
    try {
      if (values.fetch) {
        const images = await fetchKernels({
          cache,
          kernels: names,
          signal: io.signal,
          say: (line) => io.err(`${line}\n`),
          ...(values.mirror === undefined ? {} : { mirror: values.mirror }),
        })
        for (const image of images) io.out(`${image.kernel}: ${image.release}, version ${image.version}\n`)
        return exit.ok
      }
      const missing = qemuMissing()
      if (missing !== undefined) throw new MissingError(missing)
      const images = names.map((name): Image => {
        const image = findImage(cache, name)
        if (typeof image === 'string') throw new MissingError(image)
        return image
      })
      const accel = await accelerator(io.signal)
      let found = 0
      for (const image of images)
        found += values.litmus
          ? await raceFiles(image, accel, positionals, io, {
              runs: whole('runs', values.runs ?? '200'),
              seed: whole('seed', values.seed ?? '1'),
            })
          : values.replay
            ? await replayFiles(image, accel, positionals, io)
            : await randomRun(image, accel, io, {
                ops: whole('ops', values.ops ?? '20000'),
                seed: whole('seed', values.seed ?? '1'),
                most: whole('most', values.most ?? '1'),
                counts: values.counts === true,
                movable: values.movable === true,
                ...(values.save === undefined ? {} : { save: values.save }),
              })
      return found > 0 ? exit.found : exit.ok
    } catch (e) {
      if (io.signal.aborted) return exit.interrupted
      if (
        e instanceof MissingError ||
        e instanceof CommandError ||
        e instanceof VmError ||
        e instanceof SequenceError
      ) {
        io.err(`tenure conform: ${e.message}\n`)
        return exit.failed
      }
      throw e
    }
  },
}

function whole(name: string, text: string): number {
  const n = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(n) || n < 1) throw new UsageError(`--${name} ${text} is no whole number above 0`)
  return n
}

async function replayFiles(image: Image, accel: string, files: readonly string[], io: Io): Promise<number> {
  if (files.length === 0) throw new UsageError('--replay needs files')
  const machines = [false, true].map((movable) => new Machine(image, { accel, movable, signal: io.signal }))
  let found = 0
  try {
    for (const file of files) {
      let text: string
      try {
        text = readFileSync(file, 'utf8')
      } catch (e) {
        throw new UsageError(`${file} cannot be read: ${(e as Error).message}`)
      }
      const sequence = parseSequence(text, file)
      const machine = machines[sequence.movable === true ? 1 : 0]!
      const difference = await replay(machine, image.kernel, sequence)
      const left = sequence.ops.length - predictAlone(image.kernel, sequence).ops.length
      const also = left === 0 ? '' : `, ${left === 1 ? 'one operation' : `${left} operations`} left out`
      io.out(`${image.kernel} ${file}: ${difference === undefined ? 'no difference' : 'DIFFERS'}${also}\n`)
      if (difference !== undefined) {
        found++
        io.out(`${showDifference(difference)}\n`)
      }
    }
  } finally {
    for (const machine of machines) await machine.close()
  }
  return found
}

/** Litmus tests as races: what was seen of what is allowed, and what is not. */
async function raceFiles(
  image: Image,
  accel: string,
  names: readonly string[],
  io: Io,
  wanted: { runs: number; seed: number },
): Promise<number> {
  const files = litmusFiles(names)
  if (files.length === 0) throw new UsageError('--litmus needs files')
  const machine = new Machine(image, { accel, cpus: 2, signal: io.signal })
  let wrong = 0
  let ran = 0
  let seen = 0
  let allowed = 0
  try {
    for (const file of files) {
      const { value: test } = parse(new Source(file, readFileSync(file, 'utf8')))
      if (test === undefined) throw new UsageError(`${file} is no litmus test`, `tenure check ${file}`)
      const where = `${image.kernel} ${file}`
      let raced: Raced
      try {
        raced = await race(machine, image.kernel, test, wanted)
      } catch (e) {
        if (!(e instanceof VmError) || io.signal.aborted) throw e
        const why = e.message.split('\n')[0]!
        if (e.late) io.out(`${where}: not run: ${why}\n`)
        else {
          wrong++
          io.out(`${where}: THE GUEST DID NOT SURVIVE: ${why}\n`)
        }
        continue
      }
      if (raced.kind === 'not-run') {
        io.out(`${where}: not run: ${raced.why}\n`)
        continue
      }
      ran++
      const here = [...raced.allowed.values()].filter((n) => n > 0).length
      seen += here
      allowed += raced.allowed.size
      io.out(`${where}: ${here} of ${raced.allowed.size} allowed outcomes in ${raced.runs} runs\n`)
      if (raced.forbidden.size === 0) continue
      wrong++
      for (const [text, n] of raced.forbidden) io.out(`  NOT ALLOWED, ${n} times: ${text}\n`)
      for (const [text, n] of raced.allowed) io.out(`  allowed, ${n} times: ${text}\n`)
    }
  } finally {
    await machine.close()
  }
  io.out(
    `${image.kernel} (${image.release}): ${ran} of ${files.length} tests run, up to ${wanted.runs} times each, seed ${wanted.seed}: ` +
      `${seen} of ${allowed} allowed outcomes seen, ${wrong === 0 ? 'nothing else' : `${wrong} tests DIFFER`}\n`,
  )
  return wrong
}

/** The tests that are named, and those in directories. */
function litmusFiles(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name]
    return readdirSync(name, { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.litmus'))
      .sort()
      .map((f) => join(name, f))
  })
}

/** Whether a difference is there again: something in the guest may have held a reference for a moment. */
async function repeats(machine: Machine, image: Image, difference: Difference): Promise<boolean> {
  for (let i = 0; i < 3; i++)
    if ((await replay(machine, image.kernel, difference.sequence)) !== undefined) return true
  return false
}

async function randomRun(
  image: Image,
  accel: string,
  io: Io,
  wanted: { ops: number; seed: number; most: number; counts: boolean; movable: boolean; save?: string },
): Promise<number> {
  const progress = (ops: number, seconds: number, differences: number) => {
    if (!io.errIsTerminal) return
    const rate = Math.round(ops / Math.max(seconds, 0.001))
    io.err(`\r${image.kernel}: ${ops} operations, ${rate}/s, ${differences} differences `)
  }
  const result = await runConform(image, {
    accel,
    signal: io.signal,
    ops: wanted.ops,
    seed: wanted.seed,
    most: wanted.most,
    movable: wanted.movable,
    onProgress: progress,
  })
  if (io.errIsTerminal) io.err('\r\x1b[K')
  const rate = Math.round(result.ops / Math.max(result.seconds - result.bootSeconds, 0.001))
  io.out(
    `${image.kernel} (${image.release}): ${result.ops} operations in ${result.sequences} sequences, ` +
      `${result.seconds.toFixed(1)} s with ${result.bootSeconds.toFixed(1)} s of booting, ${rate} operations/s, ` +
      `seed ${wanted.seed}${wanted.movable ? ', movable' : ''}: ${result.differences.length === 0 ? 'no difference' : `${result.differences.length} differences`}\n`,
  )
  if (wanted.counts)
    for (const [op, count] of [...result.counts].sort((a, b) => b[1] - a[1]))
      io.out(`${String(count).padStart(9)} ${op.toLowerCase()}\n`)
  if (result.differences.length === 0) return 0
  const machine = new Machine(image, { accel, movable: wanted.movable, signal: io.signal })
  try {
    for (const [i, difference] of result.differences.slice(0, wanted.most).entries()) {
      const again = await repeats(machine, image, difference)
      const short = again ? await shrinkDifference(machine, image.kernel, difference) : difference
      const how = again ? 'shrunk' : 'which did not differ again in three runs'
      io.out(`\nsequence ${difference.seed}, ${how}:\n${showDifference(short)}\n`)
      if (wanted.save !== undefined) {
        mkdirSync(wanted.save, { recursive: true })
        const file = join(wanted.save, `${image.kernel}-${wanted.seed}-${i}.ops`)
        const upTo = { ...short.sequence, ops: short.sequence.ops.slice(0, short.at + 1) }
        writeFileSync(file, showSequence(upTo, [`kernel ${image.kernel}, seed ${difference.seed}`]))
        io.out(`saved: ${file}\nreplay: tenure conform --kernel ${image.kernel} --replay ${file}\n`)
      }
    }
  } finally {
    await machine.close()
  }
  return result.differences.length
}
