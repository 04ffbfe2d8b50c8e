// `npm start` audits examples/; `npm start -- PATH` audits PATH. Findings are what it is for, so exit code 1 is not an npm error here.
import { spawnSync } from 'node:child_process'

const build = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' })
if (build.status !== 0) process.exit(2)
const args = process.argv.slice(2)
const hasPath = args.some((a) => !a.startsWith('-'))
const run = spawnSync(
  process.execPath,
  ['dist/src/cli/main.js', 'audit', ...(hasPath ? args : ['examples', ...args])],
  { stdio: 'inherit' },
)
process.exit(run.status === 1 ? 0 : (run.status ?? 2))
