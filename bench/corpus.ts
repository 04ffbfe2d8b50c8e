/**
 * npm run bench corpus -- [--seconds N]
 *
 * The whole corpus, on every kernel and with every policy that its tests name, as `tenure check litmus` runs it: worker threads on all
 * processors, everything compared with what is expected. Prints the wall time, what the searches themselves took, and the longest of
 * them. Exit code 0: all as expected and within N seconds (60), 1: not.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { run } from '../src/cli/cli.ts'
import type { CheckReport } from '../src/report/check-json.ts'

const longestShown = 8

export default async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string', default: '60' } } })
  const most = Number(values.seconds)
  let out = ''
  const start = performance.now()
  const code = await run(['check', '--format', 'json', 'litmus'], {
    out: (text) => void (out += text),
    err: (text) => void process.stderr.write(text),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  const wall = (performance.now() - start) / 1000
  const { runs, summary } = JSON.parse(out) as CheckReport
  const sum = (of: (r: CheckReport['runs'][number]) => number): number => runs.reduce((n, r) => n + of(r), 0)
  const count = (n: number): string => n.toLocaleString('en')
  const states = sum((r) => r.counts.states)
  const searching = sum((r) => r.seconds)
  console.log(
    `${count(summary.files)} tests, ${count(summary.runs)} runs: ${count(summary.match)} as expected, ${count(summary.mismatch)} not, ${count(summary.unknown)} unknown`,
  )
  console.log(`${count(states)} states, ${count(sum((r) => r.counts.edges))} edges`)
  console.log(
    `${wall.toFixed(1)} s on ${availableParallelism()} processors (most ${most} s${wall <= most ? '' : ', MISSED'}); searches alone ${searching.toFixed(1)} s`,
  )
  console.log('the longest:')
  for (const r of runs.toSorted((a, b) => b.seconds - a.seconds).slice(0, longestShown)) {
    const policies = Object.entries(r.policies).map(([k, v]) => ` ${k}=${v}`)
    console.log(
      `  ${r.seconds.toFixed(3).padStart(7)} s ${count(r.counts.states).padStart(8)} states  ${r.file} on ${r.kernel}${policies.join('')}`,
    )
  }
  return code === 0 && wall <= most ? 0 : 1
}
