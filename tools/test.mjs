// Runs every compiled test with Node's own runner. `npm test -- PATTERN…` keeps the files whose path contains a pattern.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const walk = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? walk(join(dir, e.name)) : e.name.endsWith('.test.js') ? [join(dir, e.name)] : [],
  )
const wanted = process.argv.slice(2)
const files = walk('dist')
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
const child = spawn(
  process.execPath,
  ['--enable-source-maps', '--import', './tools/seed.mjs', '--test', '--test-reporter=spec', ...files],
  {
    stdio: 'inherit',
  },
)
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
