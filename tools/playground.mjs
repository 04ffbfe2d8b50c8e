// `npm run playground` and `npm run playground:build`: sees that the playground's own packages are there, then builds or serves it, with the
// documentation beside it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const run = (command, args) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
if (!existsSync('playground/node_modules/esbuild')) run('npm', ['--prefix', 'playground', 'ci'])
run(process.execPath, ['tools/docs.mjs'])
run(process.execPath, [`playground/${process.argv[2] === 'build' ? 'build' : 'serve'}.mjs`])
