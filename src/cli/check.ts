import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { hasErrors, Source } from '../base/index.ts'
import { isVersion, kernels, policies as knownPolicies } from '../kernel/index.ts'
import { parse } from '../litmus/index.ts'
import { checkReport, type CheckRun, checkRun, renderCheckJson } from '../report/check-json.ts'
import {
  alike,
  renderBrief,
  renderCheck,
  renderTotals,
  type Run,
  setting,
  type Totals,
} from '../report/check-text.ts'
import { renderDiagnostic } from '../report/diagnostic.ts'
import { ansi, plain } from '../report/style.ts'
import { type Job, jobsOf, plainDiagnostic, type PlainDiagnostic } from './check-job.ts'
import type { Said } from './check-worker.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'
import { version } from './version.ts'

export const check: Command = {
  name: 'check',
  summary: 'explore every interleaving of litmus tests',
  usage: `
usage: tenure check [options] FILE|DIRECTORY...

  --kernel V           run on this kernel (5.9, 5.10, 6.1, 6.12, 7.2, or a
                       release between); may be given more than once
  --all-kernels        run on each of the five
  --policy NAME=VALUE  with this policy; may be given more than once
  --bounds B=N,...     stop at so many states, at runs of that depth, after
                       seconds, or at mb: --bounds states=100000,seconds=10
  --memory MB          the same as --bounds mb=MB
  --first              stop at the first broken invariant
  --reduce             do not permute steps that only let go of a lock: fewer
                       states, the same answers
  --compact            keep hashes of states: less memory, and what was not
                       found is unknown, with the probability of a miss
  --brief              one line a run
  --format text|json   json is documented in docs/litmus.md

Without --kernel and --policy a test runs as its Result lines ask: on each
kernel and with each policy that they name, and what is found is compared
with what they expect. A test without Result lines runs on 6.12.

Exit codes: 0 all as expected, 1 something is not, or could not be decided,
2 a test could not be read or run.`,
  run,
}

type Options = {
  readonly files: readonly string[]
  readonly kernels: readonly string[]
  readonly all: boolean
  readonly policies: Readonly<Record<string, string>> | undefined
  readonly bounds: Job['bounds']
  readonly brief: boolean
  readonly json: boolean
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(argv)
  const style = io.outIsTerminal && !options.json ? ansi : plain
  const errStyle = io.errIsTerminal ? ansi : plain
  const diagnostics: PlainDiagnostic[] = []
  let failed = false
  const jobs: Job[] = []
  const files = options.files.flatMap(litmusFiles)
  for (const file of files) {
    const text = read(file, io)
    if (text === undefined) {
      failed = true
      continue
    }
    const parsed = parse(new Source(file, text))
    for (const [i, d] of parsed.diagnostics.entries()) {
      diagnostics.push(plainDiagnostic(d))
      if (i < mostShown) io.err(`${renderDiagnostic(d, errStyle)}\n`)
    }
    if (parsed.diagnostics.length > mostShown)
      io.err(`${file}: ${parsed.diagnostics.length - mostShown} more like these; json has them all\n`)
    if (hasErrors(parsed.diagnostics)) failed = true
    else jobs.push(...jobsOf(file, text, options.bounds, options))
  }
  const runs: CheckRun[] = []
  const skipped: { file: string; kernel: string; why: string }[] = []
  const totals = { match: 0, mismatch: 0, unknown: 0 }
  const told = new Set<string>()
  // The runs of a test are held until its last one, so that those that gave the same are told together.
  let heldOf: string | undefined
  const held: Run[] = []
  const tell = (file: string | undefined): void => {
    if (file === heldOf) return
    for (const group of alike(held.splice(0))) io.out(`${renderCheck(group, style)}\n`)
    heldOf = file
  }
  const finished = await inOrder(jobs, io, (job, said) => {
    tell(job.file)
    if (said.absent && options.all) {
      const why = said.diagnostics.find((d) => d.severity === 'error')?.message ?? ''
      skipped.push({ file: job.file, kernel: job.kernel, why })
      if (!options.json)
        io.out(
          options.brief
            ? `-- ${job.file} ${setting(job)} skipped: ${why}\n`
            : `Skipped ${job.file} on ${setting(job)}: ${why}\n\n`,
        )
      return
    }
    for (const [i, d] of said.diagnostics.entries()) {
      const text = said.rendered[i]!
      if (told.has(text)) continue
      told.add(text)
      diagnostics.push(d)
      io.err(`${text}\n`)
    }
    const { result, judgement } = said
    if (result === undefined) {
      failed = true
      return
    }
    if (judgement) totals[judgement.verdict]++
    runs.push(checkRun(job.file, result, judgement))
    if (options.json) return
    if (options.brief) io.out(renderBrief(result, judgement, style))
    else held.push({ result, ...(judgement ? { judgement } : {}) })
  })
  tell(undefined)
  if (!finished) return exit.interrupted
  const summary: Totals = { files: files.length, runs: runs.length, ...totals }
  if (options.json)
    io.out(
      renderCheckJson(
        checkReport({ tool: { name: 'tenure', version }, runs, skipped, diagnostics, summary }),
      ),
    )
  else if (runs.length > 1) io.out(renderTotals(summary, style))
  if (failed) return exit.failed
  return totals.mismatch + totals.unknown > 0 ? exit.found : exit.ok
}

function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      kernel: { type: 'string', multiple: true, default: [] },
      'all-kernels': { type: 'boolean', default: false },
      policy: { type: 'string', multiple: true, default: [] },
      bounds: { type: 'string', multiple: true, default: [] },
      first: { type: 'boolean', default: false },
      memory: { type: 'string' },
      reduce: { type: 'boolean', default: false },
      compact: { type: 'boolean', default: false },
      brief: { type: 'boolean', default: false },
      format: { type: 'string', default: 'text' },
    },
  })
  if (positionals.length === 0)
    throw new UsageError('no test is given', `'tenure check litmus/' checks the corpus`)
  for (const k of values.kernel)
    if (!isVersion(k))
      throw new UsageError(
        `'${k}' is no kernel that is modelled`,
        `one of ${kernels.join(', ')}, or a release between`,
      )
  if (values.format !== 'text' && values.format !== 'json')
    throw new UsageError(`--format is text or json, not '${values.format}'`)
  const policies: Record<string, string> = {}
  for (const p of values.policy) {
    const [name = '', value = ''] = p.split('=')
    const policy = Object.values(knownPolicies).find((k) => k.name === name)
    if (policy === undefined || !(value in policy.values))
      throw new UsageError(
        `'${p}' is no policy`,
        Object.values(knownPolicies)
          .map((k) => `${k.name}=${Object.keys(k.values).join('|')}`)
          .join(', '),
      )
    policies[name] = value
  }
  return {
    files: positionals,
    kernels: values['all-kernels'] ? kernels : values.kernel,
    all: values['all-kernels'],
    policies: values.policy.length > 0 ? policies : undefined,
    bounds: {
      ...parseBounds([...values.bounds, ...(values.memory === undefined ? [] : [`mb=${values.memory}`])]),
      ...(values.first ? { stopAtFirst: true } : {}),
      ...(values.reduce ? { reduce: true } : {}),
      ...(values.compact ? { compact: true } : {}),
    },
    brief: values.brief,
    json: values.format === 'json',
  }
}

/** Of what is wrong with one file, so much is printed. */
const mostShown = 20

const boundNames = { states: 'maxStates', depth: 'maxDepth', seconds: 'maxSeconds', mb: 'maxBytes' } as const

function parseBounds(given: readonly string[]): Job['bounds'] {
  const out: Record<string, number> = {}
  for (const part of given.flatMap((g) => g.split(','))) {
    const [name = '', value = ''] = part.split('=')
    const key = (boundNames as Record<string, string>)[name]
    const n = Number(value)
    if (key === undefined || !(n > 0))
      throw new UsageError(`'${part}' is no bound`, `--bounds states=100000,depth=200,seconds=10,mb=500`)
    out[key] = name === 'mb' ? n * 1e6 : n
  }
  return out
}

/** A file is itself; a directory every *.litmus in it, in order. */
function litmusFiles(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path]
  const found = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && e.name.endsWith('.litmus'))
    .map((e) => join(e.parentPath, e.name))
    .sort()
  if (found.length === 0) throw new UsageError(`there is no *.litmus in ${path}`)
  return found
}

function read(file: string, io: Io): string | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.length <= 1_000_000) return text
    io.err(`tenure check: ${file} has ${text.length} characters; a litmus test is a page of text\n`)
  } catch (e) {
    io.err(`tenure check: ${file} cannot be read: ${(e as NodeJS.ErrnoException).code ?? String(e)}\n`)
  }
  return undefined
}

type Finished = Extract<Said, { kind: 'done' }>

/**
 * Runs jobs on as many workers as there are processors, and hands over what they give in the order of the jobs. Interrupted, it
 * ends the workers and says false.
 */
async function inOrder(
  jobs: readonly Job[],
  io: Io,
  take: (job: Job, said: Finished) => void,
): Promise<boolean> {
  const waiting = new Map<number, Finished>()
  const workers: Worker[] = []
  let next = 0
  let shown = 0
  const progress = (text: string): void => {
    if (io.errIsTerminal) io.err(`\r\u001b[K${text}`)
  }
  const colour = io.errIsTerminal
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (next >= jobs.length) return resolve()
      const worker = new Worker(new URL('./check-worker.js', import.meta.url))
      workers.push(worker)
      let at = 0
      const send = (): void => {
        if (next >= jobs.length || io.signal.aborted)
          return void worker.terminate().then(() => resolve(), reject)
        at = next++
        worker.postMessage({ job: jobs[at], colour })
      }
      worker.on('message', (said: Said) => {
        const job = jobs[at]!
        if (said.kind === 'progress')
          return progress(
            `${job.file} on ${setting(job)}: ${said.states.toLocaleString('en')} states, depth ${said.depth}`,
          )
        waiting.set(at, said)
        for (let done = waiting.get(shown); done !== undefined; done = waiting.get(shown)) {
          progress('')
          take(jobs[shown]!, done)
          waiting.delete(shown++)
        }
        send()
      })
      worker.on('error', reject)
      send()
    })
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (io.signal.aborted) return resolve('interrupted')
    io.signal.addEventListener('abort', () => resolve('interrupted'), { once: true })
  })
  // To start a worker takes as long as a few small tests.
  const count = Math.min(Math.ceil(jobs.length / 8), Math.max(1, availableParallelism()))
  const all = Promise.all(Array.from({ length: count }, work)).then(() => 'done' as const)
  const how = await Promise.race([all, interrupted]).finally(() =>
    Promise.all(workers.map((w) => w.terminate())),
  )
  progress('')
  return how === 'done'
}
