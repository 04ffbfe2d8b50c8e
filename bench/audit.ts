/**
 * npm run bench audit -- --tree DIR [--rounds N]
 *
 * The audit of a tree's PFN look-ups, as a process, against what it is held to: ripgrep with two threads for the same names, plus the parsing
 * of the files that match. All sides in one run on one machine, the best of N rounds (3) each; the calls found are compared first.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseC } from '../src/source/index.ts'

const names = [
  'follow_pfn',
  'follow_pte',
  'follow_phys',
  'follow_pfnmap_start',
  'get_vaddr_frames',
  'fixup_user_fault',
  'hmm_range_fault',
]
const pattern = `\\b(${names.join('|')})\\b`

type Timed = { readonly ms: number; readonly out: string; readonly status: number | null }

function run(command: string, args: readonly string[]): Timed {
  const start = performance.now()
  const { stdout, status, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (error) throw error
  return { ms: performance.now() - start, out: stdout, status }
}

const best = (rounds: number, once: () => Timed): Timed =>
  Array.from({ length: rounds }, once).reduce((a, b) => (b.ms < a.ms ? b : a))

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

export default function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { tree: { type: 'string' }, rounds: { type: 'string', default: '3' } },
  })
  const { tree } = values
  if (tree === undefined) {
    console.error('usage: npm run bench audit -- --tree DIR')
    return Promise.resolve(2)
  }
  if (spawnSync('rg', ['--version']).error) {
    console.error('ripgrep is not installed: apt-get install ripgrep')
    return Promise.resolve(2)
  }
  const rounds = Number(values.rounds)
  const rg = best(rounds, () => run('rg', ['-j2', '-l', '-g', '*.[ch]', pattern, tree]))
  const files = rg.out.split('\n').filter((f) => f !== '')
  const parse = best(rounds, () => {
    const start = performance.now()
    for (const f of files) for (const x of parseC(f, readFileSync(f, 'utf8')).functions) void x.body.stmts
    return { ms: performance.now() - start, out: '', status: 0 }
  })
  const main = join(import.meta.dirname, '../src/cli/main.js')
  const audit = best(rounds, () =>
    run(process.execPath, [
      main,
      'audit',
      '--protocol',
      'pfn-lookup',
      '--no-cache',
      '--format',
      'json',
      tree,
    ]),
  )
  const { sites } = JSON.parse(audit.out) as { sites: { file: string; line: number }[] }
  const missed = new Set(sites.map((s) => s.file).filter((f) => !files.some((g) => g.endsWith(f))))
  console.log(`ripgrep -j2, ${files.length} files           ${seconds(rg.ms)}`)
  console.log(`parsing those files                  ${seconds(parse.ms)}`)
  console.log(`tenure audit, ${sites.length} sites            ${seconds(audit.ms)}`)
  const bar = 4 * rg.ms + parse.ms
  console.log(`audit / (4 × ripgrep + parsing)      ${(audit.ms / bar).toFixed(2)} (at most 1.00 is asked)`)
  if (missed.size > 0) console.log(`sites in files that ripgrep does not name: ${[...missed].join(', ')}`)
  return Promise.resolve(missed.size === 0 ? 0 : 1)
}
