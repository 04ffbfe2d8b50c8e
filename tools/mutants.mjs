// npm run mutants -- [PATTERN…] [--every N [--offset N]] [--jobs N] [--tests PATTERN] [--only FILE:LINE:KIND]…
//
// Breaks the model on purpose, one line at a time, in a copy of what was compiled, and says which test of the corpus notices. Patterns keep
// the files of src/kernel/ops and src/kernel/mm whose path contains one; --every takes each Nth mutant, --offset says from which on; --tests runs those tests of the corpus
// alone, to see quickly which mutants are worth all. Survivors are listed with the place
// in the compiled file; test/mutants-survive.json says of those that are known why they are not noticed. Exit code 1: others survive.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { kinds, mutantsOf } from '../dist/test/mutate.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    every: { type: 'string', default: '1' },
    offset: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    tests: { type: 'string', default: '' },
    only: { type: 'string', multiple: true },
  },
})
/** How long a broken model may take: set by the unbroken one, for the machine may be busy. */
let tooLong = 600_000
const files = ['ops', 'mm'].flatMap((dir) =>
  readdirSync(join('dist/src/kernel', dir))
    .filter((f) => f.endsWith('.js') && !f.endsWith('.test.js') && f !== 'index.js')
    .map((f) => join('src/kernel', dir, f)),
)
const every = Number(values.every)
const offset = Number(values.offset)
const mutants = files
  .filter((f) => positionals.length === 0 || positionals.some((p) => f.includes(p)))
  .flatMap((f) => [...mutantsOf(f, readFileSync(join('dist', f), 'utf8'))])
  .filter((m, i) =>
    values.only ? values.only.includes(`${m.file}:${m.line}:${m.what}`) : i % every === offset % every,
  )
const known = JSON.parse(readFileSync('test/mutants-survive.json', 'utf8'))

/** A copy of what was compiled, for one job at a time. */
function copy() {
  const root = mkdtempSync(join(tmpdir(), 'tenure-mutant-'))
  cpSync('dist/src', join(root, 'dist/src'), { recursive: true })
  cpSync('dist/test/mutant-run.js', join(root, 'dist/test/mutant-run.js'))
  cpSync('package.json', join(root, 'package.json'))
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'))
  return root
}

const run = (root, word) =>
  new Promise((done) => {
    let out = ''
    const child = spawn(process.execPath, [join(root, 'dist/test/mutant-run.js'), word, values.tests], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (d) => (out += d))
    let err = ''
    child.stderr.on('data', (d) => (err += d))
    const timer = setTimeout(() => child.kill('SIGKILL'), tooLong)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal) done('it does not come to an end')
      else if (code !== 0) done(err.split('\n').find((l) => /Error/.test(l)) ?? `exit code ${code}`)
      else done(out.trim())
    })
  })

const place = (m) => `${m.file.replace('src/kernel/', '').replace('.js', '')} ${m.what} ${m.was}`
const survivors = []
const tally = {}
let next = 0
const began = Date.now()
const whole = copy()
try {
  const unbroken = await run(whole, '')
  if (unbroken !== '') throw new Error(`the corpus is not as expected, unbroken: ${unbroken}`)
} finally {
  rmSync(whole, { recursive: true })
}
tooLong = Math.max(60_000, 6 * (Date.now() - began))
const work = async () => {
  const root = copy()
  try {
    while (next < mutants.length) {
      const m = mutants[next++]
      const path = join(root, 'dist', m.file)
      const whole = readFileSync(path)
      writeFileSync(path, m.text)
      const by = await run(root, basename(m.file, '.js'))
      writeFileSync(path, whole)
      const t = (tally[m.what] ??= { tried: 0, noticed: 0 })
      t.tried++
      if (by !== '') t.noticed++
      else survivors.push(m)
      console.log(
        `${by === '' ? 'SURVIVES' : 'noticed '} ${m.file}:${m.line} ${m.what}: ${m.was}\n         ${by}`,
      )
    }
  } finally {
    rmSync(root, { recursive: true })
  }
}
await Promise.all(Array.from({ length: Math.min(Number(values.jobs), mutants.length) }, work))

console.log('')
for (const [what, { tried, noticed }] of Object.entries(tally))
  console.log(`${what}: ${noticed} of ${tried} noticed (${kinds[what]})`)
const others = survivors.filter((m) => known[place(m)] === undefined)
console.log(
  `${mutants.length} mutants, ${mutants.length - survivors.length} noticed, ${survivors.length} survive, ${others.length} of them without a reason`,
)
for (const m of others) console.log(`  ${JSON.stringify(place(m))}`)
process.exitCode = others.length > 0 ? 1 : 0
