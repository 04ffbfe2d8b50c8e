/**
 * npm run bench peers -- [5 6 7 bug] [--peer-bench DIR]
 *
 * The model of DIR/share.pml by Spin (generate, compile, run) and by the checker (one process), in one run on one
 * machine. Both must find the same numbers; then it prints each side's time and memory and the quotients beside what
 * is promised. Sizes 5, 6 and 7 have about 10^5, 10^6 and 10^7 states; `bug` is a shortest counterexample. Exit code
 * 0: all promises kept, 1: not all, 2: Spin could not be run.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { check } from '../src/check/index.ts'
import { share } from '../src/check/testing/share.ts'

type Case = {
  readonly name: string
  readonly pages: number
  readonly frames: number
  readonly bug?: 1 | 2
  /** States, or steps of the counterexample. */
  readonly expected: number
  readonly pan: readonly string[]
  readonly rounds: number
  readonly time: number
  readonly memory?: number
}

const cases: Readonly<Record<string, readonly Case[]>> = {
  '5': [
    { name: '2,3,1', pages: 2, frames: 3, expected: 110_039, pan: ['-m20000', '-w20'], rounds: 3, time: 0.5 },
  ],
  '6': [
    { name: '3,3,1', pages: 3, frames: 3, expected: 939_527, pan: ['-m100000', '-w22'], rounds: 3, time: 1 },
  ],
  '7': [
    {
      name: '3,4,1',
      pages: 3,
      frames: 4,
      expected: 10_495_174,
      pan: ['-m1000000', '-w25'],
      rounds: 1,
      time: 1.5,
      memory: 0.6,
    },
  ],
  bug: ([1, 2] as const).map((bug) => ({
    name: `bug ${bug}`,
    pages: 2,
    frames: 3,
    bug,
    expected: bug === 1 ? 4 : 5,
    pan: ['-m100000', '-w20'],
    rounds: 3,
    time: 0.2,
  })),
}

type Figure = { readonly found: number; readonly seconds: number; readonly mebibytes: number }

const self = fileURLToPath(import.meta.url)

export default async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { 'peer-bench': { type: 'string' } },
    allowPositionals: true,
  })
  const wanted = positionals.length > 0 ? positionals : Object.keys(cases)
  for (const w of wanted)
    if (cases[w] === undefined) {
      console.error(`'${w}' is none of ${Object.keys(cases).join(', ')}`)
      return 2
    }
  const pml = resolve(
    values['peer-bench'] ?? process.env['TENURE_PEER_BENCH'] ?? '../shared/peer-bench',
    'share.pml',
  )
  const missing = [
    ...(existsSync(pml) ? [] : [`${pml} (name its folder with --peer-bench DIR or TENURE_PEER_BENCH)`]),
    ...['spin', 'gcc'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined),
  ]
  if (missing.length > 0) console.log(`Only our side is measured. Missing: ${missing.join('; ')}\n`)

  console.log('case     found        Spin              tenure            time (most)    memory (most)')
  let kept = true
  for (const one of wanted.flatMap((w) => cases[w]!)) {
    const spin: Figure[] = []
    const ours: Figure[] = []
    for (let round = 0; round < one.rounds; round++) {
      if (missing.length === 0) spin.push(await runSpin(one, pml))
      ours.push(await runOurs(one))
    }
    const wrong = [
      ...spin.map((f) => ['Spin', f] as const),
      ...ours.map((f) => ['tenure', f] as const),
    ].filter(([, f]) => f.found !== one.expected)
    for (const [who, f] of wrong)
      console.log(`${one.name}: ${who} found ${f.found}, ${one.expected} is right; nothing else counts`)
    if (wrong.length > 0) {
      kept = false
      continue
    }
    kept = print(one, best(spin), best(ours)!) && kept
  }
  return missing.length > 0 ? 2 : kept ? 0 : 1
}

/** The fastest of the rounds. */
const best = (figures: readonly Figure[]): Figure | undefined =>
  figures.toSorted((a, b) => a.seconds - b.seconds)[0]

function print(one: Case, spin: Figure | undefined, ours: Figure): boolean {
  const figure = (f: Figure): string =>
    `${f.seconds.toFixed(2)} s ${f.mebibytes > 0 ? `${f.mebibytes.toFixed(0)} MiB` : ''}`.padEnd(18)
  const found = one.expected.toLocaleString('en') + (one.bug ? ' steps' : '')
  if (spin === undefined) {
    console.log(`${one.name.padEnd(9)}${found.padEnd(13)}${'-'.padEnd(18)}${figure(ours)}`)
    return true
  }
  const judge = (quotient: number, most: number | undefined): [string, boolean] =>
    most === undefined
      ? [Number.isFinite(quotient) ? quotient.toFixed(2) : '-', true]
      : [`${quotient.toFixed(2)} (${most}${quotient <= most ? '' : ' MISSED'})`, quotient <= most]
  const [time, timeKept] = judge(ours.seconds / spin.seconds, one.time)
  const [memory, memoryKept] = judge(ours.mebibytes / spin.mebibytes, one.memory)
  console.log(
    `${one.name.padEnd(9)}${found.padEnd(13)}${figure(spin)}${figure(ours)}${time.padEnd(15)}${memory}`,
  )
  return timeKept && memoryKept
}

async function runSpin(one: Case, pml: string): Promise<Figure> {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-spin-'))
  try {
    const start = performance.now()
    const defines = [`-DNV=${one.pages}`, `-DNF=${one.frames}`, '-DNPIN=1', `-DMON=${one.bug ? 0 : 1}`]
    const bug = one.bug ? [`-DBUG=${one.bug}`, '-DPLAIN'] : []
    await run('spin', [...defines, ...bug, '-a', pml], dir)
    await run('gcc', ['-w', '-O2', '-DSAFETY', ...(one.bug ? ['-DBFS'] : []), '-o', 'pan', 'pan.c'], dir)
    const { text, mebibytes } = await run('./pan', one.pan, dir)
    const seconds = (performance.now() - start) / 1000
    const found = one.bug
      ? Number(/\(at depth (\d+)\)/.exec(text)?.[1]) + 1
      : Number(/(\d+) states, stored/.exec(text)?.[1])
    return { found, seconds, mebibytes }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function runOurs(one: Case): Promise<Figure> {
  const start = performance.now()
  const { text, mebibytes } = await run(
    process.execPath,
    [self, String(one.pages), String(one.frames), String(one.bug ?? 0)],
    '.',
  )
  const seconds = (performance.now() - start) / 1000
  return { found: Number(text), seconds, mebibytes }
}

/** Runs a program to its end; its memory is the high-water mark of its resident set, read while it runs. */
async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ text: string; mebibytes: number }> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data) => (text += String(data)))
  let kibibytes = 0
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      kibibytes = Math.max(kibibytes, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0))
    } catch {
      // It has ended already, or this is no Linux: its memory is not known.
    }
  }, 10)
  const code = await new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done))
  clearInterval(look)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  return { text, mebibytes: kibibytes / 1024 }
}

/** As a process of its own: prints the number of states, or the length of the counterexample. */
if (process.argv[1] === self) {
  const [pages, frames, bug] = process.argv.slice(2).map(Number) as [number, number, 0 | 1 | 2]
  const result = check(share({ pages, frames, pins: 1, bug }), { stopAtFirst: bug !== 0 })
  console.log(bug === 0 ? result.states : result.violations[0]!.trace.steps.length)
}
